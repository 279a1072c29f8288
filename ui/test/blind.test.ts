import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { enSaid } from '../src/words/en-said';

// The page is about an address.
vi.stubGlobal('location', { pathname: '/', search: '' });
vi.stubGlobal('document', { documentElement: {} });
const { app } = await import('../src/state/app.svelte');
const { blindSaid } = await import('../src/state/blind');

const capture = join(import.meta.dirname, '../../crates/capture/src/observe');
const source = readdirSync(capture)
  .filter((name) => name.endsWith('.rs'))
  .map((name) => readFileSync(join(capture, name), 'utf8'))
  .join('\n');
const DETAILS = [
  'data/a.csv, as it was read: changed before it could be read',
  'out/b: c.bin, as it was written: may not be read',
  '/p/a.csv could not be kept: disk full',
  '/usr/bin/jq could not be watched: static',
  'and 12 more files',
  '3 events were lost',
  '/bin/sleep (77) outlived the command (2 times)',
  '/p/in.csv was open when the command started',
  '/bin/x was killed: libraries that came late may not have been seen',
  '/bin/x used io_uring: what went through the ring was not seen',
  'a path was too long to be recorded: /very/long',
  'the code version at the start was not seen',
  'data/a.csv: changed while it was read',
];

describe('blind spots in words', () => {
  it('says in English what was recorded', () => {
    for (const detail of DETAILS) expect(blindSaid(detail)).toBe(detail);
    expect(blindSaid('something new happened')).toBe('something new happened');
  });

  it('leaves no English sentence on the Japanese page', async () => {
    await app.setLang('ja', false);
    try {
      for (const detail of DETAILS.filter((d) => !d.includes('disk full'))) expect(blindSaid(detail), detail).not.toMatch(/ (was|be|as|were|the|while|that) /);
    } finally {
      await app.setLang('en', false);
    }
  });

  it('words reasons as the record does', () => {
    const reasons = Object.keys(enSaid).filter((key) => key.startsWith('unseen.'));
    expect(reasons.length).toBeGreaterThan(20);
    for (const key of reasons) expect(source, key).toContain(`"${key.slice('unseen.'.length)}"`);
  });
});
