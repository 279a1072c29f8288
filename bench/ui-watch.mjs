// A browser that is watched from outside: frames, processor time and memory of all its processes.
import { readFileSync, readdirSync } from 'node:fs';
import { chromium } from '../ui/node_modules/playwright-core/index.mjs';

/** In every page: when a mark was set, counted to the frame after the next; and the distances of frames. */
const INSIDE = () => {
  window.benchMarks = {};
  new PerformanceObserver((list) => {
    for (const { name } of list.getEntries()) requestAnimationFrame(() => requestAnimationFrame(() => (window.benchMarks[name] ??= performance.now())));
  }).observe({ type: 'mark', buffered: true });
  let on = false;
  let last = 0;
  let found = [];
  let done = null;
  const frame = (now) => {
    if (last) found.push(now - last);
    last = now;
    if (on) requestAnimationFrame(frame);
    else done?.(found);
  };
  window.benchFrames = {
    start() {
      [on, last, found] = [true, 0, []];
      requestAnimationFrame(frame);
    },
    stop: () =>
      new Promise((resolve) => {
        on = false;
        done = resolve;
      }),
  };
};

/** Children of a process, and theirs. */
function family(root) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      parents.set(Number(name), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const all = [root];
  for (let i = 0; i < all.length; i++) for (const [pid, { parent }] of parents) if (parent === all[i]) all.push(pid);
  return all.filter((pid) => parents.has(pid)).map((pid) => ({ pid, ticks: parents.get(pid).ticks }));
}

/** Ticks of a second, as Linux tells processor time on every machine that runs a browser. */
const TICKS = 100;

export class Watched {
  static async open(path, viewport) {
    // Software GL makes 2D canvases slow where there is no GPU, so it goes without, as the tests of the page do.
    const server = await chromium.launchServer({ executablePath: path, args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb', '--enable-precise-memory-info'] });
    const watched = new Watched();
    watched.server = server;
    watched.browser = await chromium.connect(server.wsEndpoint());
    const context = await watched.browser.newContext({ viewport, locale: 'en-GB', timezoneId: 'UTC' });
    watched.page = await context.newPage();
    watched.page.on('pageerror', (e) => process.stderr.write(`page: ${e.message}\n`));
    await watched.page.addInitScript(INSIDE);
    watched.cdp = await context.newCDPSession(watched.page);
    await watched.cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    return watched;
  }

  send(method, params) {
    return this.cdp.send(method, params);
  }

  /** Goes to a page if one is given; says when it set a mark. */
  async first(url, mark, patience) {
    if (url) await this.page.goto(url, { waitUntil: 'commit', timeout: patience });
    const handle = await this.page.waitForFunction((m) => window.benchMarks?.[m], mark, { timeout: patience, polling: 50 });
    return handle.jsonValue();
  }

  /** Milliseconds that the page's main thread and all processes have worked. */
  async cpu() {
    const { metrics } = await this.cdp.send('Performance.getMetrics');
    const main = metrics.find((m) => m.name === 'TaskDuration').value * 1000;
    const all = family(this.server.process().pid).reduce((sum, p) => sum + p.ticks, 0) * (1000 / TICKS);
    return { main, all };
  }

  /** Bytes of all processes, what they share counted once. */
  memory() {
    let sum = 0;
    for (const { pid } of family(this.server.process().pid)) {
      try {
        sum += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1]) * 1024;
      } catch {
        // It has ended meanwhile.
      }
    }
    return sum;
  }

  /** Bytes in the page's heap after a collection. */
  async heap() {
    await this.cdp.send('HeapProfiler.collectGarbage');
    const { metrics } = await this.cdp.send('Performance.getMetrics');
    return metrics.find((m) => m.name === 'JSHeapUsedSize').value;
  }

  async close() {
    await this.browser.close().catch(() => {});
    await this.server.close().catch(() => this.server.kill());
  }
}
