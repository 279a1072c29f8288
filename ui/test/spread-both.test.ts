import { describe, expect, it } from 'vitest';
import { HEIGHT, WIDTH, both, outline, widths } from '../src/state/spread-both';
import type { ColumnChange, Side } from '../src/types';

const column = (kind: string, spread: ColumnChange['spread']): ColumnChange => {
  const side = { before: 0, after: 0 };
  const none = { before: null, after: null };
  return { name: 'a', kind, cells_changed: null, missing: side, min: none, max: none, mean: none, distinct: side, drift: {}, new_values: [], vanished_values: [], spread };
};
const say = {
  value: (v: unknown) => String(v !== null && typeof v === 'object' ? Object.values(v)[0] : v),
  percent: (share: number) => `${Math.round(share * 100)}%`,
  rest: 'rest',
};
const plot = (c: ColumnChange) => both(c, say);
const bins = (c: ColumnChange) => {
  const found = plot(c);
  if (found?.is !== 'bins') throw new Error('no bins');
  return found;
};
const words = (c: ColumnChange) => {
  const found = plot(c);
  if (found?.is !== 'words') throw new Error('no words');
  return found.words;
};
const counted = (edges: number[], before: number[], after: number[], range: Side<[number, number] | null>) => column('real', { bins: { edges, range, counts: { before, after } } });

describe('the widths of bins', () => {
  it('are their shares of the range', () => {
    expect(widths([0.2, 0.3, 0.25, 0.25])).toEqual([0.2, 0.3, 0.25, 0.25]);
  });
  it('add up, are never too narrow to be seen, and leave room beside a far end', () => {
    for (const raw of [[0, 0.5, 0.5], [0, 0, 0, 1], [0.001, 0.001, 0.998], [1, 0], [0, 0], [0.97, 0.01, 0.01, 0.01], [...Array(19).fill(0.001), 0.981], Array(200).fill(0.005)]) {
      const w = widths(raw);
      expect(w.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
      for (const one of w) expect(one * WIDTH).toBeGreaterThan(Math.min(2, WIDTH / raw.length) * 0.99);
    }
    for (const raw of [[...Array(19).fill(0.001), 0.981], [0.97, 0.01, 0.01, 0.01], [0.49, 0.01, 0.01, 0.49]]) expect(Math.max(widths(raw)[0], widths(raw)[raw.length - 1])).toBeCloseTo(0.3);
  });
});

describe('two spreads of numbers', () => {
  const range = { before: [0, 40], after: [0, 40] } satisfies Side<[number, number]>;
  it('are areas whose size is the share of the rows, however many rows there are', () => {
    const { bins: all, ends } = bins(counted([10, 20], [50, 25, 25], [500, 250, 250], range));
    expect(ends).toEqual(['0', '40']);
    expect(all.map((b) => b.w)).toEqual([30, 30, 60]);
    for (const b of all) expect(b.before).toBeCloseTo(b.after);
    const area = (b: (typeof all)[0]) => b.w * b.after;
    expect(area(all[0]) / area(all[1])).toBeCloseTo(2);
    expect(area(all[1]) / area(all[2])).toBeCloseTo(1);
    expect(Math.max(...all.map((b) => b.after))).toBeCloseTo(HEIGHT);
  });
  it('share a height, so that one can be read against the other', () => {
    const { bins: all, densest } = bins(counted([10, 20, 30], [5, 5, 0, 0], [0, 0, 10, 10], range));
    expect(all.map((b) => b.before > 0)).toEqual([true, true, false, false]);
    expect(all.map((b) => Math.round(b.after))).toEqual([0, 0, HEIGHT, HEIGHT]);
    expect(all[0].title).toBe('0 – 10: 50% → 0%');
    expect(densest).toEqual({ before: '0 – 10', after: '20 – 30' });
  });
  it('reach from the least of both to the greatest of both, without a gap', () => {
    const { bins: all, ends } = bins(counted([10, 20, 30], [5, 5, 5, 5], [1, 1, 1, 9], { before: [0, 40], after: [-5, 60] }));
    expect(ends).toEqual(['-5', '60']);
    all.forEach((b, i) => expect(b.x).toBeCloseTo(i ? all[i - 1].x + all[i - 1].w : 0));
    expect(all[3].x + all[3].w).toBeCloseTo(WIDTH);
  });
  it('show a side without a value as nothing, and say nothing of none at all', () => {
    const { bins: all, densest } = bins(counted([10, 20], [5, 5, 5], [0, 0, 0], { before: [0, 40], after: null }));
    expect(all.every((b) => b.after === 0 && b.before > 0)).toBe(true);
    expect(densest.after).toBeNull();
    expect(plot(counted([10, 20], [0, 0, 0], [0, 0, 0], { before: null, after: null }))).toBeNull();
    expect(plot(column('real', undefined))).toBeNull();
  });
  it('stand side by side where they are few', () => {
    const values = { counts: [[{ integer: 1 }, { before: 1, after: 3 }], [{ integer: 7 }, { before: 3, after: 1 }]] as [unknown, Side<number>][], other: { before: 0, after: 0 } };
    const { bins: all, ends } = bins(column('integer', { values }));
    expect([all[0].w, all[1].w, ends]).toEqual([60, 60, ['1', '7']]);
    expect(all[0].after / all[0].before).toBeCloseTo(3);
    expect(all[1].title).toBe('7: 75% → 25%');
    expect(plot(column('integer', { values: { ...values, counts: values.counts.slice(0, 1) } }))).toBeNull();
  });
  it('have a line that begins and ends on the ground', () => {
    const { bins: all } = bins(counted([20], [5, 15], [5, 5], range));
    expect(outline(all, 31)).toBe(`M0 31V${31 - all[0].before}H60V${31 - all[1].before}H120V31`);
  });
});

describe('two spreads of words', () => {
  const text = (counts: [string, number, number][], other: Side<number> = { before: 0, after: 0 }) =>
    column('text', { values: { counts: counts.map(([v, before, after]) => [{ text: v }, { before, after }]), other } });
  it('are shares by name, and the rest is one of them', () => {
    expect(words(text([['UA', 6, 1], ['EV', 2, 2]], { before: 2, after: 1 }))).toEqual([
      { name: 'UA', share: { before: 0.6, after: 0.25 }, rest: false },
      { name: 'EV', share: { before: 0.2, after: 0.5 }, rest: false },
      { name: 'rest', share: { before: expect.closeTo(0.2), after: expect.closeTo(0.25) }, rest: true },
    ]);
    expect(words(text([['UA', 1, 0], ['EV', 1, 4]])).map((w) => w.name)).toEqual(['UA', 'EV']);
  });
  it('add up however many there are', () => {
    const all = words(text([...'abcdefghijkl'].map((v, i) => [v, 20 - i, i + 1]), { before: 7, after: 9 }));
    expect(all).toHaveLength(6);
    for (const side of ['before', 'after'] as const) expect(all.reduce((sum, w) => sum + w.share[side], 0)).toBeCloseTo(1);
  });
  it('are left out where nearly all is the rest', () => {
    expect(plot(text([['N1', 3, 3], ['N2', 2, 2]], { before: 900, after: 900 }))).toBeNull();
    expect(plot(text([['only', 3, 3]]))).toBeNull();
  });
});
