// What the browser tests stand on: a server of the real binary over a recorded project, and Debian's Chromium.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { chromium } from 'playwright-core';

export const project = process.env.PAGE_PROJECT;
export const binary = process.env.KEIZU_BIN;
const CHROMIUM = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((p) => p && existsSync(p));

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const s = createServer();
    s.on('error', reject);
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

if (!project || !binary) throw new Error('PAGE_PROJECT (a recorded project) and KEIZU_BIN must be set: see tests/page');

/** Starts `keizu serve`; answers when the page is there. */
export async function serve(port) {
  const child = spawn(binary, ['serve', '--listen', `127.0.0.1:${port}`], { cwd: project, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (d) => (said = (said + d).slice(-4000)));
  for (let i = 0; i < 600; i++) {
    if (child.exitCode !== null) throw new Error(`keizu serve ended: ${said}`);
    const ok = await fetch(`http://127.0.0.1:${port}/readyz`).then((r) => r.ok, () => false);
    if (ok) return { child, base: `http://127.0.0.1:${port}`, stop: () => stop(child) };
    await new Promise((r) => setTimeout(r, 50));
  }
  child.kill();
  throw new Error(`keizu serve did not become ready: ${said}`);
}

function stop(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null) return resolve();
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });
}

/** Runs a command under `keizu run` in the project. */
export function run(...argv) {
  return new Promise((resolve, reject) => {
    const child = spawn(binary, ['run', '-q', '--', ...argv], { cwd: project, stdio: 'ignore' });
    child.on('error', reject);
    child.on('exit', resolve);
  });
}

/** A browser. Software GL makes 2D canvases slow where there is no GPU, so it goes without. */
export function browser() {
  if (!CHROMIUM) throw new Error('chromium is missing: apt-get install chromium, or set CHROMIUM');
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb'] });
}

/** A page that writes down whatever must not happen: errors, reports of the content policy, requests to elsewhere. */
export async function open(b, base, options = {}) {
  const context = await b.newContext({
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    acceptDownloads: true,
    ...options,
  });
  const page = await context.newPage();
  const wrong = [];
  const expected = [];
  page.on('pageerror', (e) => wrong.push(`error: ${e.message}`));
  page.on('console', (m) => {
    const text = `${m.text()} ${m.location().url}`;
    if (m.type() === 'error' && !expected.some((e) => e.test(text))) wrong.push(`console: ${text}`);
  });
  page.on('request', (r) => {
    const url = r.url();
    if (!url.startsWith(base) && !url.startsWith('data:') && !url.startsWith('blob:')) wrong.push(`elsewhere: ${url}`);
  });
  await page.addInitScript(() => {
    window.__policy = [];
    document.addEventListener('securitypolicyviolation', (e) => window.__policy.push(`${e.violatedDirective}: ${e.blockedURI} ${e.sample}`));
  });
  return {
    page,
    context,
    expect: (pattern) => expected.push(pattern),
    async calm() {
      const policy = await page.evaluate(() => window.__policy ?? []);
      return [...wrong, ...policy.map((p) => `policy: ${p}`)];
    },
    async go(path, ready = 'main h1') {
      await page.goto(base + path);
      await page.locator(ready).first().waitFor({ timeout: 20_000 });
    },
  };
}
