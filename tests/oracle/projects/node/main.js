// Synchronous and asynchronous file access, streams, a worker thread and a child process.
const fs = require('node:fs');
const path = require('node:path');
const { pipeline } = require('node:stream/promises');
const { createGzip } = require('node:zlib');
const { Worker } = require('node:worker_threads');
const { execFileSync } = require('node:child_process');
const { total } = require('./lib/total');

async function main() {
  fs.mkdirSync('out');
  const items = fs.readdirSync('items').sort().map((name) => JSON.parse(fs.readFileSync(path.join('items', name), 'utf8')));
  fs.writeFileSync('out/total.json', JSON.stringify({ total: total(items) }));
  await fs.promises.writeFile('out/new.tmp', 'atomic\n');
  await fs.promises.rename('out/new.tmp', 'out/atomic.txt');
  await fs.promises.copyFile('main.js', 'out/copy.js');
  await fs.promises.appendFile('notes.txt', 'appended\n');
  await pipeline(fs.createReadStream('main.js'), createGzip(), fs.createWriteStream('out/main.js.gz'));
  await new Promise((resolve, reject) => {
    const worker = new Worker('./lib/worker.js', { workerData: 'items/0.json' });
    worker.on('exit', resolve);
    worker.on('error', reject);
  });
  console.log(execFileSync('wc', ['-c', 'out/total.json']).toString().trim());
  console.log(fs.readdirSync('out').sort().join(' '));
  process.exitCode = 4;
}

main();
