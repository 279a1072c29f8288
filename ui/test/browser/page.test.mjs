// The page in a real browser, over the real binary and a real record. Run by tests/page, which records the project.
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { browser, freePort, open, project, run, serve } from './house.mjs';

let b;
let server;
let port;

before(async () => {
  port = await freePort();
  server = await serve(port);
  b = await browser();
});
after(async () => {
  await b?.close();
  await server?.stop();
});

/** Opens a page, does something, and looks whether anything happened that must not. */
async function visit(what, options) {
  const v = await open(b, server.base, options);
  try {
    await what(v, v.page);
    assert.deepEqual(await v.calm(), []);
  } finally {
    await v.context.close();
  }
}
const tree = (page) => page.locator('canvas[role=application]');

/** The exported picture of the tree that is shown. */
async function exported(page) {
  await page.getByRole('button', { name: /^Share/ }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download SVG' }).click()]);
  return readFile(await file.path(), 'utf8');
}

describe('from the home page', () => {
  it('a model leads to its tree, and its tree to the raw file, in three clicks', () =>
    visit(async (v, page) => {
      await v.go('/');
      await page.getByRole('link', { name: 'delay', exact: true }).click();
      await tree(page).waitFor();
      assert.match(await tree(page).getAttribute('aria-label'), /Family tree of delay: \d+ things, \d+ runs/);
      await page.getByRole('button', { name: /List/ }).click();
      await page.getByRole('treeitem').filter({ hasText: 'daily' }).first().getByRole('link').click();
      await page.getByRole('heading', { name: /daily/ }).waitFor();
    }));

  it('what is stale is said, with what happened to it', () =>
    visit(async (v, page) => {
      await v.go('/');
      const card = page.locator('section').filter({ has: page.getByRole('heading', { name: 'Needs a look' }) });
      await card.getByText('features/holdout.csv').first().waitFor();
      assert.match(await card.innerText(), /features\/holdout\.csv\s+is stale\s+was changed after it was made/);
    }));

  it('search finds a model by a part of its name', () =>
    visit(async (v, page) => {
      await v.go('/');
      await page.keyboard.press('/');
      await page.keyboard.type('dela');
      await page.getByRole('option').first().waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await tree(page).waitFor();
    }));
});

describe('questions', () => {
  it('a raw file leads to the models that it touches', () =>
    visit(async (v, page) => {
      await v.go('/path/features/train.csv');
      await page.getByRole('link', { name: 'Impact' }).first().click();
      await page.getByRole('link', { name: /model:delay@v2/ }).first().waitFor();
      assert.match(await page.getByRole("group", { name: "Show only" }).innerText(), /\d\s*model/);
    }));

  it('why names the planted cause first: the evaluation data was replaced', () =>
    visit(async (v, page) => {
      await v.go('/model:delay', 'nav');
      await page.getByRole('link', { name: 'Why it changed' }).click();
      await page.getByText('The measure changed, and the model changed.').waitFor();
      const first = page.getByRole('list', { name: 'Causes' }).getByRole('listitem').first();
      assert.match(await first.innerText(), /Evaluation data[\s\S]*features\/holdout\.csv/);
      assert.match(await page.locator('#cause-1').innerText(), /values of late flipped/);
    }));

  it('why draws how the column of the cause was spread, and is', () =>
    visit(async (v, page) => {
      await v.go('/why/model:delay@v1...model:delay@v2', '#cause-1');
      const plot = page.locator('#cause-1').getByRole('img', { name: /^late, how the values lie between 0 and 1\./ });
      await plot.waitFor();
      const titles = await plot.locator('title').allTextContents();
      assert.deepEqual(titles.map((title) => title.replace(/: .*/, '')), ['0', '1']);
      const shares = (side) => titles.map((title) => Number(title.match(/([\d.]+) % → ([\d.]+) %/)[side])).reduce((a, b) => a + b);
      for (const side of [1, 2]) assert.ok(Math.abs(shares(side) - 100) <= 1, titles.join(', '));
    }));

  it('versions are told with their numbers, and how they moved', () =>
    visit(async (v, page) => {
      const { metrics, versions } = await fetch(`${server.base}/api/v1/things/model:delay/versions`).then((r) => r.json());
      assert.ok(metrics.length > 0);
      await v.go('/model:delay/versions', 'main table');
      for (const name of metrics) await page.getByRole('columnheader', { name, exact: true }).waitFor();
      const rows = page.locator('main tbody tr');
      assert.equal(await rows.count(), versions.length);
      const moved = versions[0].metrics[metrics[0]] - versions[1].metrics[metrics[0]];
      assert.match(await rows.first().innerText(), moved > 0 ? /▲/ : moved < 0 ? /▼/ : /=/);
      assert.doesNotMatch(await rows.last().innerText(), /[▲▼]/);
    }));

  it('why is said in Japanese wholly, what the server found out included', () =>
    visit(
      async (v, page) => {
        await v.go('/why/model:delay@v1...model:delay@v2', '#cause-1');
        const said = (await page.locator('main :is(ol, .verdict, .detail, .said, .body, .because)').allInnerTexts()).join('\n');
        for (const word of ['評価データ', '入れ替わりました', 'コマンドライン', '両方で同じ']) assert.ok(said.includes(word), word);
        // What is left of Latin letters are names and numbers.
        assert.doesNotMatch(said, /\b(flipped|changed|before|became|is new|on the|inferred|observed|lines|rows|only)\b/);
      },
      { locale: 'ja-JP' },
    ));

  it('a folder that several runs filled is one thing among the data', () =>
    visit(async (v, page) => {
      for (const month of [1, 2]) {
        await run('python3', '-c', `import os; os.makedirs("days", exist_ok=True); [open(f"days/${month}-{d}.csv", "w").write(f"a\\n{d}\\n") for d in range(40)]`);
      }
      await v.go('/data');
      const row = page.locator('.line').filter({ has: page.getByRole('link', { name: 'days/', exact: true }) });
      await row.waitFor();
      assert.equal(await row.count(), 1);
      assert.match(await row.innerText(), /2 runs/);
    }));

  it('a run says what it read, made, and did', () =>
    visit(async (v, page) => {
      await v.go('/runs');
      await page.getByRole('row').filter({ hasText: 'train.py --l2 0.3' }).getByRole('link').first().click();
      await page.getByRole('heading', { name: 'Inputs' }).waitFor();
      const main = await page.locator('main').innerText();
      for (const word of ['features/train.csv', 'config.yaml', 'model:delay@v2', 'Processes', 'learn.py']) assert.ok(main.includes(word), word);
    }));

  it('the record is verified, entry by entry', () =>
    visit(async (v, page) => {
      await v.go('/record');
      await page.getByRole('button', { name: 'Verify now' }).click();
      await page.getByText(/The record is what was signed/).waitFor({ timeout: 30_000 });
      await v.go('/record/3', 'main h2');
      await page.getByRole('heading', { name: 'Entry 3' }).waitFor();
      await page.getByText('Proof that it is in the log').waitFor();
    }));

  it('what does not exist is answered with what is near', () =>
    visit(async (v, page) => {
      v.expect(/404/);
      await v.go('/model:delya');
      await page.getByRole('heading', { name: /Nothing is called/ }).waitFor();
    }));
});

describe('the tree', () => {
  it('as of the first version is the tree of then, and its link shows the same bytes elsewhere', () =>
    visit(async (v, page) => {
      await v.go('/model:delay@v1', 'canvas[role=application]');
      const now = await tree(page).getAttribute('aria-label');
      const slider = page.getByRole('slider', { name: 'Moment of the tree' });
      await slider.focus();
      await page.keyboard.press('Home');
      await page.getByText(/This is how it was then/).waitFor();
      await page.waitForFunction((was) => document.querySelector('canvas[role=application]')?.getAttribute('aria-label') !== was, now);
      const then = await tree(page).getAttribute('aria-label');
      const count = (s) => Number(s.match(/(\d+) things/)[1]);
      assert.ok(count(then) < count(now), `${then} / ${now}`);
      const bytes = await exported(page);
      const other = await open(b, server.base);
      await other.page.goto(page.url());
      await tree(other.page).waitFor();
      assert.equal(await exported(other.page), bytes);
      await other.context.close();
    }));

  it('has two clocks: what had happened, and what the record said', () =>
    visit(async (v, page) => {
      await v.go('/model:delay@v1', 'canvas[role=application]');
      await page.getByRole('slider', { name: 'Moment of the tree' }).focus();
      await page.keyboard.press('Home');
      await page.getByText(/This is how it was then/).waitFor();
      await page.getByRole('button', { name: 'as recorded' }).click();
      await page.waitForURL(/known=1/);
      await page.getByText(/This is what the record said then/).waitFor();
      await tree(page).waitFor();
      await page.getByRole('button', { name: 'Back to now' }).first().click();
      await page.waitForURL((url) => !/known|as_of/.test(url.search));
    }));

  it('shows what is stale, and where it began, until the file is as it was', () =>
    visit(async (v, page) => {
      const raw = join(project, 'daily/2013-01-03.csv');
      const was = await readFile(raw);
      /** The signs on the card with this name, in the picture that is saved. */
      const signs = (svg, name) => svg.split('<g><title>').filter((g) => g.startsWith(`${name} · `)).map((g) => g.match(/>([△≠])</)?.[1] ?? '');
      const legend = page.getByRole('group', { name: 'Lines' });
      await v.go('/model:delay', 'canvas[role=application]');
      await legend.getByText('changed since: 1').waitFor();
      const before = await exported(page);
      assert.deepEqual([signs(before, 'delay'), signs(before, 'daily/'), signs(before, 'holdout.csv')], [[''], [''], ['≠']]);
      await page.keyboard.press('Escape');
      try {
        await writeFile(raw, `${was}0.1,0.2,1\n`);
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        await legend.getByText('changed since: 2').waitFor();
        const svg = await exported(page);
        assert.deepEqual([signs(svg, 'delay'), signs(svg, 'daily/'), signs(svg, 'train.csv')], [['△'], ['≠'], ['△']]);
        await page.keyboard.press('Escape');
        // In words: the panel, the line for screen readers, the list.
        const cause = /stale[\s\S]*daily\/2013-01-03\.csv changed/;
        await page.locator('aside').filter({ hasText: cause }).waitFor();
        await page.locator('[aria-live=polite]').filter({ hasText: /delay, .*stale \(daily\/2013-01-03\.csv changed\)/ }).waitFor({ state: 'attached' });
        await tree(page).focus();
        await page.keyboard.press('l');
        await page.getByRole('treeitem').filter({ hasText: cause }).first().waitFor();
        await page.getByRole('treeitem').filter({ hasText: /daily\/[\s\S]*changed since/ }).first().waitFor();
        // A picture of then says nothing of now.
        await page.getByRole('slider', { name: 'Moment of the tree' }).focus();
        await page.keyboard.press('Home');
        await page.getByText(/This is how it was then/).waitFor();
        await legend.getByText(/stale/).waitFor({ state: 'detached' });
      } finally {
        await writeFile(raw, was);
      }
      await v.go('/model:delay', 'canvas[role=application]');
      await legend.getByText('changed since: 1').waitFor();
      assert.deepEqual(signs(await exported(page), 'delay'), ['']);
    }));

  it('goes to paper as picture and list', () =>
    visit(async (v, page) => {
      await v.go('/model:delay', 'canvas[role=application]');
      await page.evaluate(() =>
        addEventListener('beforeprint', () => {
          const sheets = [...document.querySelectorAll('.paper canvas')].map((c) => {
            const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
            return new Set(new Uint32Array(data.buffer)).size;
          });
          window.__paper = { sheets, list: document.querySelector('.paper [role=tree]').innerText };
        }),
      );
      await page.pdf({ preferCSSPageSize: true });
      const paper = await page.evaluate(() => window.__paper);
      assert.equal(paper.sheets.length, 1);
      assert.ok(paper.sheets[0] > 50, String(paper.sheets));
      assert.match(paper.list, /train\.csv/);
      assert.equal(await page.locator('.paper').count(), 0);
    }));

  it('as a list holds only what is in view when it is long, and keys reach its end', () =>
    visit(async (v, page) => {
      const many = 900;
      await page.route('**/api/v1/graph?*', async (route) => {
        const answer = await (await route.fetch()).json();
        const { nodes, edges, focus } = answer;
        // The tree of the record, and a crowd of files beside it that the model's run read.
        const made = edges.to.findIndex((to) => to === focus);
        for (let i = 0; i < many; i++) {
          for (const [field, list] of Object.entries(nodes)) list.push(field === 'id' ? `n${i}` : field === 'name' ? `crowd-${i}.csv` : field === 'thing' || field === 'path' || field === 't' ? null : field === 'y' ? 9000 + 46 * i : field === 'sub' ? ['none'] : field === 'group' ? -1 : field === 'kind' ? 0 : 0);
          for (const [field, list] of Object.entries(edges)) list.push(field === 'from' ? nodes.id.length - 1 : field === 'to' ? edges.from[made] : field === 'by' ? 0 : field === 'role' ? edges.role[made] : []);
        }
        await route.fulfill({ json: answer });
      });
      await v.go('/model:delay?list=1', '[role=tree]');
      const rows = page.getByRole('treeitem');
      assert.ok((await rows.count()) < 200, String(await rows.count()));
      await page.locator('[role=treeitem][tabindex="0"]').focus();
      await page.keyboard.press('End');
      const last = await page.evaluate(() => document.activeElement?.getAttribute('role'));
      assert.equal(last, 'treeitem');
      for (let i = 0; i < 60; i++) await page.keyboard.press('ArrowUp');
      assert.match(await page.evaluate(() => document.activeElement?.textContent ?? ''), /crowd-\d+\.csv/);
      assert.ok((await rows.count()) < 200);
    }));

  it('a click selects and does not lead away; Enter opens', () =>
    visit(async (v, page) => {
      await v.go('/model:delay', 'canvas[role=application]');
      await tree(page).focus();
      await page.keyboard.press('ArrowLeft');
      await page.waitForURL(/sel=/);
      assert.match(await page.locator('aside h2').innerText(), /train/);
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/b3:|\/path\//);
    }));

  it('is wholly usable by keys', () =>
    visit(async (v, page) => {
      await v.go('/model:delay', 'canvas[role=application]');
      await tree(page).focus();
      const live = page.locator('[aria-live=polite]').filter({ hasText: /delay/ }).first();
      await live.waitFor({ state: 'attached' });
      await page.keyboard.press('ArrowLeft');
      await page.locator('[aria-live=polite]').filter({ hasText: /train, .*from/ }).first().waitFor({ state: 'attached' });
      await page.keyboard.press('l');
      await page.getByRole('tree').waitFor();
      await page.locator('[role=treeitem][tabindex="0"]').focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('l');
      await tree(page).waitFor();
      await tree(page).focus();
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await tree(page).focus();
      await page.keyboard.press('[');
      await page.waitForURL(/up=\d/);
      await page.keyboard.press('w');
      await page.getByRole('heading', { name: /Why did delay change/ }).waitFor();
    }));

  it('filters by who says so, and says it in the address', () =>
    visit(async (v, page) => {
      await v.go('/model:delay?by=observed', 'canvas[role=application]');
      await page.getByRole('button', { name: /Said by 1 of 5/ }).waitFor();
      await page.goBack().catch(() => {});
    }));

  it('draws what it shows: the canvas holds more than paper', () =>
    visit(async (v, page) => {
      await v.go('/model:delay', 'canvas[role=application]');
      await page.waitForTimeout(500);
      const colours = await tree(page).evaluate((c) => {
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        const seen = new Set();
        for (let i = 0; i < d.length; i += 4) seen.add((d[i] << 16) | (d[i + 1] << 8) | d[i + 2]);
        return seen.size;
      });
      assert.ok(colours > 50, String(colours));
    }));
});

describe('the whole tour by keys alone', () => {
  /** Presses Tab until what is looked for has the focus. */
  async function tabTo(page, wanted) {
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      if (await wanted.evaluate((el) => el === document.activeElement).catch(() => false)) return;
    }
    assert.fail(`Tab never came to ${wanted}`);
  }

  it('from the home page to the raw file, from there to the model, to the reason, and back in time', () =>
    visit(async (v, page) => {
      await v.go('/');
      await tabTo(page, page.getByRole('link', { name: 'delay', exact: true }));
      await page.keyboard.press('Enter');
      await tree(page).waitFor();
      await tabTo(page, tree(page));
      await page.keyboard.press('l');
      await page.getByRole('tree').waitFor();
      await tabTo(page, page.locator('[role=treeitem][tabindex="0"]'));
      for (let i = 0; i < 60; i++) {
        if (/daily/.test(await page.evaluate(() => document.activeElement?.textContent ?? ''))) break;
        await page.keyboard.press('ArrowDown');
      }
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: /daily/, level: 1 }).waitFor();
      await tabTo(page, page.getByRole('link', { name: 'Impact' }).first());
      await page.keyboard.press('Enter');
      const model = page.getByRole('link', { name: 'model:delay@v2' }).first();
      await model.waitFor();
      await tabTo(page, model);
      await page.keyboard.press('Enter');
      await tree(page).waitFor();
      await tabTo(page, tree(page));
      await page.keyboard.press('w');
      await page.getByRole('heading', { name: /Why did delay change/ }).waitFor();
      await page.goBack();
      await tree(page).waitFor();
      await tabTo(page, page.getByRole('slider', { name: 'Moment of the tree' }));
      await page.keyboard.press('Home');
      await page.getByText(/This is how it was then/).waitFor();
      await tabTo(page, page.getByRole('button', { name: 'as recorded' }));
      await page.keyboard.press('Enter');
      await page.getByText(/This is what the record said then/).waitFor();
    }));
});

describe('while something runs', () => {
  it('a run that was started in a shell appears, and then what it made', () =>
    visit(async (v, page) => {
      await v.go('/');
      const name = `made-${Date.now()}.csv`;
      const done = run('python3', '-c', `import time; time.sleep(4); open("${name}","w").write("a,b\\n1,2\\n")`);
      await page.getByText(name).first().waitFor({ timeout: 15_000 });
      await done;
      await v.go('/runs');
      await page.getByRole('link', { name, exact: true }).waitFor({ timeout: 15_000 });
    }));

  it('the tree shows a run while it goes on: what it reads, how much it has touched', () =>
    visit(async (v, page) => {
      await mkdir(join(project, 'slow'), { recursive: true });
      await rm(join(project, 'slow/go'), { force: true });
      await writeFile(
        join(project, 'slow/train.py'),
        'import os, time\nopen("features/train.csv").read()\nopen("slow/made.txt", "w").write("x")\nwhile not os.path.exists("slow/go"):\n    time.sleep(0.05)\n',
      );
      await v.go('/model:delay', 'canvas[role=application]');
      const knot = page.locator('.knot');
      const said = page.locator('.banner').filter({ hasText: 'A step of this tree runs now' });
      const done = run('python3', 'slow/train.py');
      try {
        await knot.filter({ hasText: /train[\s\S]*[1-9]\d* read[\s\S]*[1-9]\d* written/ }).waitFor();
        assert.equal(await knot.count(), 1);
        assert.equal(await page.locator('path.line').count(), 1, 'a line from train.csv');
        await said.filter({ hasText: /reads train\.csv.* writes made\.txt/ }).waitFor();
        assert.match(await said.getByRole('status').innerText(), /python3 slow\/train\.py/);
        await tree(page).focus();
        await page.keyboard.press('l');
        await page.getByRole('tree').waitFor();
        assert.ok(await said.isVisible());
        await page.locator('[role=treeitem][tabindex="0"]').focus();
        await page.keyboard.press('l');
        // It follows the picture, and is reached by the pointer alone: its link stands above the picture.
        const before = await knot.boundingBox();
        await tree(page).focus();
        await page.keyboard.press('Shift+ArrowDown');
        await page.waitForFunction((y) => document.querySelector('.knot')?.getBoundingClientRect().y !== y, before.y);
        assert.equal(await knot.getAttribute('tabindex'), '-1');
      } finally {
        await writeFile(join(project, 'slow/go'), '');
        await done;
      }
      await knot.waitFor({ state: 'detached' });
      await said.waitFor({ state: 'detached' });
    }));

  it('a server that ends and comes back is noticed, and what was shown stays', () =>
    visit(async (v, page) => {
      v.expect(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_NETWORK|ERR_EMPTY|ERR_CONNECTION_RESET|503|Failed to fetch/);
      await v.go('/');
      await server.stop();
      await page.getByText('The server does not answer.').first().waitFor({ timeout: 20_000 });
      assert.ok(await page.getByRole('link', { name: 'delay', exact: true }).isVisible());
      server = await serve(port);
      await page.getByText('The server does not answer.').first().waitFor({ state: 'detached', timeout: 20_000 });
    }));
});

describe('on a narrow screen', () => {
  it('nothing is wider than 320 px, and the list comes first', () =>
    visit(
      async (v, page) => {
        for (const path of ['/', '/model:delay', '/runs', '/record', '/why/model:delay@v1...model:delay@v2', '/path/features/train.csv', '/impact/features/train.csv']) {
          await v.go(path, 'main :is(h1, [role=tree])');
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(over <= 0, `${path} is ${over} px too wide`);
        }
        await v.go('/model:delay', '[role=tree]');
        assert.equal(await tree(page).count(), 0);
        await page.getByRole('button', { name: 'Picture' }).click();
        await tree(page).waitFor();
      },
      { viewport: { width: 320, height: 640 } },
    ));
});
