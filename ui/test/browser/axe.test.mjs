// axe-core on every view, light and dark, in both languages: nothing may be found.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { browser, freePort, open, serve } from './house.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const VIEWS = [
  ['/', 'main h1'],
  ['/model:delay', 'canvas[role=application]'],
  ['/model:delay?list=1', '[role=tree]'],
  ['/model:delay/versions', 'main table'],
  ['/model:delay/facts', 'main dl'],
  ['/path/features/train.csv', 'main dl'],
  ['/why/model:delay@v1...model:delay@v2', '#cause-1'],
  ['/impact/features/train.csv', 'main h1'],
  ['/runs', 'main table'],
  ['RUN', 'main ol'],
  ['/data', 'main h1'],
  ['/live', 'main h1'],
  ['/record/3', 'main h2'],
  ['/search?q=delay', 'main section'],
  ['/nowhere', 'main h1'],
];

let b;
let server;
before(async () => {
  server = await serve(await freePort());
  b = await browser();
});
after(async () => {
  await b?.close();
  await server?.stop();
});

for (const colorScheme of ['light', 'dark']) {
  for (const locale of ['en-GB', 'ja-JP']) {
    describe(`${colorScheme}, ${locale}`, () => {
      it('has no fault that axe can find', async () => {
        const v = await open(b, server.base, { colorScheme, locale });
        const newest = (await fetch(`${server.base}/api/v1/runs?limit=1`).then((r) => r.json())).runs[0].id;
        const found = [];
        for (const [path, ready] of VIEWS) {
          const to = path === 'RUN' ? `/${newest}` : path;
          const shown = await v.go(to, ready).then(() => true, () => false);
          if (!shown) {
            found.push(`${to}: was not shown`);
            continue;
          }
          await v.page.waitForTimeout(150);
          await v.page.evaluate(axe);
          const result = await v.page.evaluate(() =>
            window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }),
          );
          for (const f of result.violations) {
            for (const n of f.nodes) found.push(`${to}: ${f.id}: ${n.html.slice(0, 160)} ${n.any.map((a) => a.message).join('; ').slice(0, 200)}`);
          }
        }
        await v.context.close();
        assert.deepEqual(found, []);
      });
    });
  }
}
