// Makes a picture of every view: node scripts/shots.mjs http://127.0.0.1:4760 FOLDER [MODEL]
// At 1440 and 390 px, light and dark, English and Japanese; they are to be looked at before a change of the page is done.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { browser } from '../test/browser/house.mjs';

const [base, folder, asked] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const ask = (path) => fetch(`${base}/api/v1/${path}`).then((r) => r.json());
const home = await ask('home');
const model = asked || (home.models[0]?.thing.replace(/@.*/, '') ?? null);
const run = (await ask('runs?limit=1')).runs[0]?.id;
const trace = model ? await ask(`graph?focus=${encodeURIComponent(model)}`) : null;
const raw = trace ? trace.nodes.thing[trace.main[0]] : null;
const views = [
  ['home', '/'],
  ['runs', '/runs'],
  ['data', '/data'],
  ['live', '/live'],
  ['record', '/record'],
  ['entry', '/record/3'],
  ['missing', '/model:no-such-model'],
  ...(run ? [['run', `/${run}`]] : []),
  ...(model
    ? [
        ['tree', `/${model}`],
        ['tree-list', `/${model}?list=1`],
        ['versions', `/${model}/versions`],
        ['facts', `/${model}/facts`],
        ['why', `/why/${model}`],
        ['impact', `/impact/${raw ?? model}`],
        ['search', `/search?q=${model.replace(/^model:/, '').slice(0, 3)}`],
      ]
    : []),
  ...(raw ? [['raw', `/${raw}`]] : []),
];
const b = await browser();
for (const width of [1440, 390]) {
  for (const colorScheme of ['light', 'dark']) {
    for (const locale of ['en-GB', 'ja-JP']) {
      const context = await b.newContext({ viewport: { width, height: width === 390 ? 844 : 900 }, colorScheme, locale, deviceScaleFactor: width === 390 ? 2 : 1, reducedMotion: 'reduce' });
      const page = await context.newPage();
      for (const [name, path] of views) {
        await page.goto(base + path);
        await page.locator('main :is(h1, h2, canvas, [role=tree])').first().waitFor({ timeout: 20_000 }).catch(() => {});
        await page.waitForTimeout(700);
        await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}-${locale.slice(0, 2)}.png`), fullPage: !name.startsWith('tree') || width === 390 });
      }
      await context.close();
    }
  }
}
await b.close();
