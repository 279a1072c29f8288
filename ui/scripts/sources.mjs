// Lists every file of this folder with its BLAKE3, so that a test without node can tell whether the built page is of these sources.
// node scripts/sources.mjs FILE
import { blake3 } from '@noble/hashes/blake3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const SKIPPED = new Set(['node_modules', '.vite', '.svelte-kit']);

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path) : [path];
  });
}

const lines = files(root)
  .map((path) => [relative(root, path).replaceAll('\\', '/'), path])
  .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  .map(([name, path]) => `${bytesToHex(blake3(readFileSync(path)))}  ${name}\n`);
writeFileSync(process.argv[2], lines.join(''));
