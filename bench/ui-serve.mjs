// The servers of bench/ui.mjs: the real binary over a store, and the pages of the others with the answer put aside.
import { spawn } from 'node:child_process';
import { createReadStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

/** Starts `keizu serve` in a folder. */
export async function serve(binary, folder) {
  const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--log', 'off'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const base = await new Promise((resolve, reject) => {
    let said = '';
    child.stdout.on('data', (d) => {
      said += d;
      if (said.includes('\n')) resolve(said.split('\n')[0].trim().replace(/\/$/, ''));
    });
    child.once('exit', (code) => reject(new Error(`keizu serve ended with ${code}`)));
  });
  for (let n = 0; n < 600; n++) {
    if (await fetch(`${base}/readyz`).then((r) => r.ok, () => false)) break;
    await new Promise((r) => setTimeout(r, 50));
  }
  return {
    base,
    memory: () => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8'))[1]) * 1024,
    /** Milliseconds of processor time so far. */
    cpu: () => {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) * 10;
    },
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', resolve);
        child.kill('SIGTERM');
      }),
  };
}

/** Asks for the graph a few times, puts it aside as one piece, and says how large it is and how long it took. */
export async function answerOf({ base, cpu }, path) {
  const times = [];
  const works = [];
  let text = '';
  let whole = null;
  // A busy machine may be too slow once.
  for (let n = 0; n < 6 && times.length < 3; n++) {
    const began = performance.now();
    const worked = cpu();
    const response = await fetch(`${base}/api/v1/graph?focus=model:wide&fold=none&down=2`);
    if (response.status === 503) continue;
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    text = await response.text();
    times.push(performance.now() - began);
    works.push(cpu() - worked);
  }
  for (const line of text.split('\n').filter(Boolean)) {
    const part = JSON.parse(line);
    if (!whole) {
      whole = part;
      continue;
    }
    for (const group of ['nodes', 'edges']) {
      const into = (whole[group] ??= {});
      for (const [k, all] of Object.entries(part[group] ?? {})) into[k] = (into[k] ?? []).concat(all);
    }
  }
  if (!whole) throw new Error('the machine is too busy to answer');
  whole.nodes.name ??= whole.nodes.id.map(() => '');
  writeFileSync(path, JSON.stringify(whole));
  for (const all of [times, works]) all.sort((a, b) => a - b);
  return { nodes: whole.nodes.id.length, edges: whole.edges.from.length, layers: whole.layers.length, height: whole.size.h, bytes: text.length, ms: times[1], cpu: works[1] };
}

const KINDS = { '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json' };

/** Serves the pages of the others, and what was put aside. */
export async function pagesOf(dist, work) {
  const server = createServer((request, response) => {
    const name = normalize(new URL(request.url, 'http://x').pathname);
    if (name.endsWith('.html')) {
      const renderer = name.slice(1, -5);
      const style = existsSync(join(dist, `${renderer}.css`)) ? `<link rel="stylesheet" href="/${renderer}.css" />` : '';
      const page = readFileSync(join(dist, '../page.html'), 'utf8').replace('</head>', `${style}<script type="module" src="/${renderer}.js"></script></head>`);
      response.writeHead(200, { 'content-type': 'text/html' }).end(page);
      return;
    }
    const path = [join(dist, name), join(work, name)].find((p) => existsSync(p));
    if (!path || !KINDS[extname(name)]) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': KINDS[extname(name)] });
    createReadStream(path).pipe(response);
  });
  await new Promise((r) => server.listen(0, '127.0.0.1', r));
  return { base: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}
