const fs = require('node:fs');
const { workerData } = require('node:worker_threads');
fs.writeFileSync('out/worker.txt', fs.readFileSync(workerData, 'utf8').toUpperCase());
