import { describe, expect, it } from 'vitest';
import { tableWidth } from '../src/tree/pen';
import { cut, safe } from '../src/tree/text';
import { Format, brief, command, runName } from '../src/words/format';

const width = (s: string) => tableWidth(s, 13);

describe('cutting names', () => {
  it('keeps what fits, and the end of what does not', () => {
    expect(cut('train.parquet', 200, width)).toBe('train.parquet');
    const short = cut('flights_2026-11-20_clean_final.parquet', 120, width);
    expect(short).toContain('…');
    expect(short.endsWith('.parquet')).toBe(true);
    expect(width(short)).toBeLessThanOrEqual(120);
  });
  it('never cuts through a character', () => {
    for (const name of ['気象データ二〇二六年十一月分の清書.csv', '👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦.csv', 'e\u0301'.repeat(60)]) {
      const short = cut(name, 80, width);
      expect(width(short)).toBeLessThanOrEqual(80);
      const parts = short.split('…');
      expect(name.startsWith(parts[0])).toBe(true);
      expect(name.endsWith(parts[1])).toBe(true);
      expect(short).not.toMatch(/^\u0301|…\u0301|\u200d…/);
    }
  });
  it('says something in no room at all', () => {
    expect(cut('train.parquet', 1, width)).toBe('…');
  });
});

describe('hostile names', () => {
  it('shows controls and directions as marks', () => {
    expect(safe('a\nb\u202ecod.exe\u0000')).toBe('a␊b␀cod.exe␀');
    expect(safe('普通の名前.csv')).toBe('普通の名前.csv');
  });
});

describe('numbers and times', () => {
  const en = new Format('en', () => Date.parse('2026-11-24T00:00:00Z'), 'UTC');
  const ja = new Format('ja', () => Date.parse('2026-11-24T00:00:00Z'), 'UTC');
  it('are written as people write them', () => {
    expect(en.bytes(999)).toBe('999 B');
    expect(en.bytes(4_318_555)).toBe('4.3 MB');
    expect(en.bytes(999_999)).toBe('1.0 MB');
    expect(en.number(12_480)).toBe('12,480');
    expect(en.number(0.87134)).toBe('0.8713');
    expect(en.number(0.0000123)).toBe('0.0000123');
    expect(en.number(1348.6)).toBe('1,349');
    expect(en.number(-43)).toBe('−43');
    expect(en.pair(0.19471, 0.19466)).toEqual(['0.19471', '0.19466']);
    expect(en.pair(0.5, 0.5)).toEqual(['0.5', '0.5']);
    expect(en.pair(null, 0.5)).toEqual(['–', '0.5']);
    expect(en.brief(1_240_000)).toBe('1.2 M');
    expect(en.duration(252)).toBe('4 min 12 s');
    expect(ja.duration(252)).toBe('4 分 12 秒');
    expect(en.duration(0.25)).toBe('0.25 s');
    expect(en.percent(0.984)).toBe('98 %');
    expect(en.percent(0.005)).toBe('0.5 %');
    expect(en.time('2026-11-21T09:18:00Z')).toBe('21 Nov 09:18');
    expect(en.date('2013-12-31T23:00:00Z')).toContain('2013');
    expect(ja.time('2026-11-21T09:18:00Z')).toBe('11/21 09:18');
    expect(en.time('nonsense')).toBe('nonsense');
  });
});

describe('commands', () => {
  it('can be typed back', () => {
    expect(command(['python', 'train.py', '--note', "it's 5 %"])).toBe("python train.py --note 'it'\\''s 5 %'");
    expect(brief(['/opt/venv/bin/python', 'train.py'])).toBe('python train.py');
  });
  it('give a run its name', () => {
    expect(runName(['python', 'src/train.py', '--depth', '6'])).toBe('train');
    expect(runName(['python', '-m', 'lab.train'])).toBe('lab.train');
    expect(runName(['/usr/bin/make', 'all'])).toBe('make');
    expect(runName(['python', 'train.py'], 'nightly')).toBe('nightly');
  });
});
