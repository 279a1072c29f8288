// Measures the page of the tree, and the same graph in other renderers, in Debian's Chromium. Told by bench/ui.py what to measure; prints what was measured.
// node ui.mjs CONFIG.json
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answerOf, pagesOf, serve } from './ui-serve.mjs';
import { Watched } from './ui-watch.mjs';

const config = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const VIEW = { width: 1600, height: 900 };
const RENDERERS = ['keizu', ...config.peers];
/** A peer that took so long is not asked again. */
const SLOW_MS = 12_000;
const GESTURE_MS = 2000;
const MEMORY_MAX = 6e9;

const say = (text) => process.stderr.write(`${text}\n`);
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const median = (all) => {
  const sorted = all.filter((v) => v !== null && v !== undefined).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
};

/** Where the pointer is at a moment of a drag: three quarters of a circle, as fast as a hand. */
function drag(box, t) {
  const a = (t / GESTURE_MS) * 1.5 * Math.PI;
  return { x: box.x + box.w / 2 + Math.sin(a) * 180, y: box.y + box.h / 2 + (1 - Math.cos(a)) * 90 };
}

/** Sends sixty real events a second, whether the page keeps up or not. */
async function gesture(watched, box, kind) {
  const began = performance.now();
  const pending = [];
  const send = (event) => pending.push(watched.send('Input.dispatchMouseEvent', event).catch(() => {}));
  const middle = { x: box.x + box.w / 2, y: box.y + box.h / 2 };
  if (kind === 'pan') {
    send({ type: 'mouseMoved', ...middle });
    send({ type: 'mousePressed', button: 'left', buttons: 1, clickCount: 1, ...middle });
  }
  for (let n = 1; ; n++) {
    const t = n * (1000 / 60);
    if (t >= GESTURE_MS) break;
    await sleep(began + t - performance.now());
    if (kind === 'pan') send({ type: 'mouseMoved', button: 'left', buttons: 1, ...drag(box, t) });
    else send({ type: 'mouseWheel', ...middle, deltaX: 0, deltaY: t < GESTURE_MS * 0.6 ? -40 : 40 });
  }
  if (kind === 'pan') send({ type: 'mouseReleased', button: 'left', clickCount: 1, ...drag(box, GESTURE_MS) });
  return Promise.all(pending);
}

/** Where the picture stands: the others say it, of ours the pixels tell. */
function place(watched) {
  return watched.page.evaluate(() => window.bench?.where() ?? document.querySelector('canvas[role=application]').toDataURL('image/webp', 0.1));
}

async function measured(watched, box, kind, shot) {
  const where = await place(watched);
  await watched.page.evaluate(() => window.benchFrames.start());
  const before = await watched.cpu();
  await gesture(watched, box, kind);
  const frames = await watched.page.evaluate(() => window.benchFrames.stop());
  const after = await watched.cpu();
  if (shot) await watched.page.screenshot({ path: shot });
  // What did not move was not measured.
  if ((await place(watched)) === where) return null;
  const sorted = frames.slice().sort((a, b) => a - b);
  const at = (q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
  return { frames: frames.length, p50: at(0.5), p95: at(0.95), cpu: (after.all - before.all) / frames.length, main: (after.main - before.main) / frames.length };
}

/** Makes the middle of the picture as large as it is read: ours by its wheel, the others by their own door. */
async function near(watched, renderer, box, height) {
  if (renderer === 'keizu') {
    await watched.page.locator('canvas[role=application]').focus();
    await watched.page.keyboard.press('f');
    await sleep(500);
    // From the scale that shows everything; each event of the wheel is a factor of exp(0.064).
    const steps = Math.ceil(Math.log(0.8 / Math.min(0.279, (box.h - 86) / height)) / 0.064);
    await watched.page.mouse.move(box.x + box.w / 2, box.y + box.h / 2);
    for (let n = 0; n < steps; n++) await watched.page.mouse.wheel(0, -40);
  } else {
    // Where the wheel has not come to rest, it would go on afterwards.
    await sleep(1000);
    await watched.page.evaluate(() => window.bench.near());
  }
  await sleep(1500);
}

async function sample(renderer, url, height, shots) {
  const watched = await Watched.open(config.chromium, VIEW);
  const found = { first: null };
  // Whoever takes all memory is stopped before others are.
  const guard = { full: null };
  const full = new Promise((_, reject) => (guard.full = setInterval(() => watched.memory() > MEMORY_MAX && reject(new Error(`over ${MEMORY_MAX / 1e9} GB`)), 1000)));
  full.catch(() => {});
  const patience = (what) => {
    const late = sleep(config.patience_ms).then(() => Promise.reject(new Error(`over ${config.patience_ms / 1000} s`)));
    late.catch(() => {});
    return Promise.race([what, late, full]);
  };
  try {
    found.first = await patience(watched.first(url, 'tree-drawn', config.patience_ms));
    found.first_cpu = (await watched.cpu()).main;
    found.whole = await patience(watched.first(null, 'tree-whole', config.patience_ms));
    found.heard = await watched.page.evaluate(() => performance.getEntriesByType('resource').findLast((r) => /\/graph\?|\.json/.test(r.name) && r.responseEnd)?.responseEnd ?? null);
    const box = await watched.page.evaluate((own) => {
      const r = document.querySelector(own ? 'canvas[role=application]' : '#view').getBoundingClientRect();
      return { x: r.x, y: r.y, w: r.width, h: r.height };
    }, renderer === 'keizu');
    found.view = [Math.round(box.w), Math.round(box.h)];
    await sleep(700);
    const shot = (name) => (shots ? join(shots, `${renderer}-${name}.png`) : null);
    if (shots) await watched.page.screenshot({ path: shot('first') });
    found.memory = watched.memory();
    found.heap = await watched.heap();
    found.pan = await patience(measured(watched, box, 'pan', shot('pan')));
    await sleep(700);
    found.zoom = await patience(measured(watched, box, 'zoom', shot('zoom')));
    await sleep(700);
    await patience(near(watched, renderer, box, height));
    if (shots) await watched.page.screenshot({ path: shot('near') });
    found.near = await patience(measured(watched, box, 'pan', shot('near-pan')));
  } catch (error) {
    found.over = String(error.message ?? error).split('\n')[0];
  } finally {
    clearInterval(guard.full);
    await watched.close();
  }
  return found;
}

const results = [];
const pages = await pagesOf(config.pages, config.work);
for (const { nodes, folder } of config.sizes) {
  const server = await serve(config.keizu, folder);
  try {
    const answer = await answerOf(server, join(config.work, `answer-${nodes}.json`));
    say(`${nodes}: ${JSON.stringify(answer)}`);
    const samples = Object.fromEntries(RENDERERS.map((r) => [r, []]));
    let view = null;
    for (let round = 0; round < config.runs; round++) {
      for (const renderer of RENDERERS) {
        const known = samples[renderer];
        if (known.some((s) => s.over || s.first > SLOW_MS) && renderer !== 'keizu') continue;
        const url = renderer === 'keizu' ? `${server.base}/model:wide?open=all` : `${pages.base}/${renderer}.html?graph=/answer-${nodes}.json&w=${view[0]}&h=${view[1]}`;
        const shots = config.shots && round === 0 ? config.shots : null;
        const one = await sample(renderer, url, answer.height, shots && join(shots, String(nodes)));
        view = one.view ?? view ?? [1204, 620];
        say(`${nodes} ${renderer}: ${JSON.stringify(one)}`);
        known.push(one);
      }
    }
    results.push({ nodes, answer, server_memory: server.memory(), renderers: Object.fromEntries(RENDERERS.map((r) => [r, middle(samples[r])])) });
    writeFileSync(config.out, JSON.stringify(results, null, 1));
  } finally {
    await server.stop();
  }
}
await pages.stop();

/** Medians of what was measured several times. */
function middle(samples) {
  const over = samples.find((s) => s.over)?.over ?? null;
  const pick = (f) => median(samples.map(f));
  const of = (kind) => (samples.some((s) => s[kind]) ? Object.fromEntries(['p50', 'p95', 'cpu', 'main', 'frames'].map((k) => [k, pick((s) => s[kind]?.[k])])) : null);
  return {
    n: samples.length,
    over,
    first: pick((s) => s.first),
    firsts: samples.map((s) => s.first),
    first_cpu: pick((s) => s.first_cpu),
    heard: pick((s) => s.heard),
    whole: pick((s) => s.whole),
    memory: pick((s) => s.memory),
    heap: pick((s) => s.heap),
    pan: of('pan'),
    zoom: of('zoom'),
    near: of('near'),
    view: samples.find((s) => s.view)?.view ?? null,
  };
}
