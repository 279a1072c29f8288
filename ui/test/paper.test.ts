import { describe, expect, it } from 'vitest';
import { spread } from '../src/state/spread';
import { SHEET, sheets } from '../src/tree/sheets';
import type { Column } from '../src/types';

describe('sheets of paper', () => {
  it('are one as long as it can be read', () => {
    expect(sheets(600, 400)).toEqual({ scale: 1, pieces: [{ x: 0, y: 0, w: 600, h: 400 }] });
    const fitted = sheets(SHEET.w * 1.5, 500);
    expect(fitted.pieces).toHaveLength(1);
    expect(fitted.scale).toBeCloseTo(1 / 1.5);
  });
  it('cover a large picture without a gap, and none twice', () => {
    for (const [w, h] of [[4000, 900], [900, 4000], [5000, 3000]]) {
      const { scale, pieces } = sheets(w, h);
      expect(pieces.length).toBeGreaterThan(1);
      expect(pieces.reduce((sum, p) => sum + p.w * p.h, 0)).toBeCloseTo(w * h, 3);
      for (const p of pieces) {
        expect(p.w * scale).toBeLessThanOrEqual(SHEET.w + 1e-6);
        expect(p.h * scale).toBeLessThanOrEqual(SHEET.h + 1e-6);
      }
    }
  });
  it('are never more than a stapler takes', () => {
    expect(sheets(200_000, 90_000).pieces.length).toBeLessThanOrEqual(24);
    expect(sheets(500_000, 400).pieces.length).toBeLessThanOrEqual(24);
  });
});

describe('the plot of a column', () => {
  const column = (more: Partial<Column>): Column => ({ name: 'a', kind: 'integer', missing: 0, distinct: 3, min: '1', max: '9', mean: 2, ...more });
  const bars = (c: Column) => spread(c, String);
  it('has a bar for each of few values, as high as it is frequent', () => {
    const [a, b, c] = bars(column({ bins: { edges: [1, 1, 2, 9], counts: [10, 40, 20] } }));
    expect([a.title, b.title, c.title]).toEqual(['1: 10', '2: 40', '9: 20']);
    expect(b.h).toBe(30);
    expect(a.h / b.h).toBeCloseTo(0.25);
    expect(a.w).toBe(b.w);
  });
  it('shows as area how many lie between two edges', () => {
    const [near, far] = bars(column({ distinct: 900, bins: { edges: [0, 10, 100], counts: [50, 50] } }));
    expect(near.w / far.w).toBeCloseTo(1 / 9);
    expect(near.h / far.h).toBeCloseTo(9);
  });
  it('keeps a value of its own weight visible, and inside', () => {
    const all = bars(column({ distinct: 900, bins: { edges: [0, 0, 5, 100], counts: [500, 10, 10] } }));
    expect(all[0].w).toBeGreaterThan(1);
    for (const b of all) expect(b.x + b.w).toBeLessThanOrEqual(120 + 1e-6);
  });
  it('counts words where there are no numbers, and is empty where nothing is known', () => {
    expect(bars(column({ bins: null, top: [['EV', 3], ['UA', 1]] })).map((b) => b.title)).toEqual(['EV: 3', 'UA: 1']);
    expect(bars(column({ bins: null, top: [] }))).toEqual([]);
    expect(bars(column({ bins: { edges: [5, 5], counts: [9] } }))).toEqual([]);
  });
});
