import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fill, placeholders } from '../src/words';
import { en } from '../src/words/en';
import { ja } from '../src/words/ja';

const src = join(import.meta.dirname ?? __dirname, '../src');
function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? sources(join(folder, e.name)) : /\.(ts|svelte)$/.test(e.name) ? [join(folder, e.name)] : []));
}

describe('the words', () => {
  it('are the same in both languages, with the same gaps', () => {
    expect(Object.keys(ja)).toEqual(expect.arrayContaining(Object.keys(en)));
    expect(Object.keys(ja).length).toBe(Object.keys(en).length);
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      expect(ja[key], key).not.toBe('');
      const [a, b] = [placeholders(en[key]), placeholders(ja[key])];
      // What stands only for a plural in English has no word in Japanese.
      expect(b.filter((p) => !a.includes(p)), key).toEqual([]);
      expect(a.filter((p) => !b.includes(p)), key).toEqual([]);
    }
  });
  it('are filled', () => {
    expect(fill('{n} {n?file:files}', { n: 1 })).toBe('1 file');
    expect(fill('{n} {n?file:files}', { n: 2 })).toBe('2 files');
    expect(fill('{a} {b}', { a: 'x' })).toBe('x {b}');
  });
  it('say everything that the server says as a code, and nothing that it does not', () => {
    const rust = join(src, '../../crates/ledger/src');
    const text = readdirSync(rust, { recursive: true, encoding: 'utf8' })
      .filter((f) => f.endsWith('.rs') && !f.endsWith('said.rs'))
      .map((f) => readFileSync(join(rust, f), 'utf8'))
      .join('\n');
    const made = new Set([...text.matchAll(/\bsaid!\(\s*"(\w+)"/g), ...text.matchAll(/\bSentence::new\(\s*"(\w+)"/g)].map((m) => m[1]));
    made.delete('data');
    expect(made.size).toBeGreaterThan(50);
    expect([...made].filter((code) => !(`said.${code}` in en))).toEqual([]);
    const known = Object.keys(en).filter((k) => k.startsWith('said.')).map((k) => k.slice(5));
    const inLedger = new Set([...text.matchAll(/"(\w+)"/g)].map((m) => m[1]));
    const shared = ['became', 'is_new', 'is_gone', 'changed'];
    expect(known.filter((code) => !inLedger.has(code) && !shared.includes(code))).toEqual([]);
  });
  it('that are asked for by name exist', () => {
    const missing = new Set<string>();
    for (const file of sources(src)) {
      for (const [, key] of readFileSync(file, 'utf8').matchAll(/\bt\('([a-zA-Z_.]+)'/g)) if (!(key in en)) missing.add(key);
    }
    expect([...missing]).toEqual([]);
  });
});

describe('the sources', () => {
  it('put no markup into the page, and no style into an attribute', () => {
    const bad: string[] = [];
    for (const file of sources(src)) {
      const text = readFileSync(file, 'utf8');
      if (/\{@html|innerHTML|insertAdjacentHTML|document\.write|\beval\(/.test(text)) bad.push(`${file}: markup`);
      if (file.endsWith('.svelte') && /\sstyle=["{]/.test(text)) bad.push(`${file}: style attribute`);
      if (/https?:\/\/(?!www\.w3\.org)/.test(text)) bad.push(`${file}: an address elsewhere`);
    }
    expect(bad).toEqual([]);
  });
  it('keep to their rooms: the tree knows no Svelte, only api.ts and the sign-in ask the server', () => {
    const bad: string[] = [];
    for (const file of sources(src)) {
      const text = readFileSync(file, 'utf8');
      if (file.includes('/tree/') && /from 'svelte|\.svelte'/.test(text)) bad.push(`${file}: svelte`);
      if (/\bfetch\(/.test(text) && !/(api\.ts|SignIn\.svelte)$/.test(file)) bad.push(`${file}: fetch`);
      if (file.includes('/views/') && /<canvas/.test(text)) bad.push(`${file}: canvas`);
      if (text.split('\n').length > 600) bad.push(`${file}: too long`);
    }
    expect(bad).toEqual([]);
  });
});
