import type { Column } from '../types';

/** One bar of a plot of 120 × 32: where it stands, how wide and how high, and what it counts. */
export interface Bar {
  x: number;
  w: number;
  h: number;
  title: string;
}

const WIDTH = 120;
const HEIGHT = 30;
/** A bin of one value has no width of its own. */
const NARROW = 2;

/** How a column's values are spread: few values as bars side by side, numbers as areas whose size is their count. */
export function spread(c: Column, number: (n: number) => string): Bar[] {
  if (c.bins && c.bins.counts.length > 1) return c.bins.edges[0] === c.bins.edges[1] && c.bins.counts.length <= 20 && isDiscrete(c) ? values(c, number) : areas(c, number);
  const top = c.top ?? [];
  if (top.length < 2) return [];
  return row(top.map(([text, n]) => ({ n, title: `${text}: ${number(n)}` })));
}

/** At most twenty different values have a bin each. */
const isDiscrete = (c: Column) => c.distinct !== null && c.bins !== null && c.bins !== undefined && c.distinct === c.bins.counts.length;

function values(c: Column, number: (n: number) => string): Bar[] {
  const { edges, counts } = c.bins as NonNullable<Column['bins']>;
  return row(counts.map((n, i) => ({ n, title: `${number(edges[i + 1])}: ${number(n)}` })));
}

function row(all: { n: number; title: string }[]): Bar[] {
  const most = Math.max(1, ...all.map((v) => v.n));
  const step = WIDTH / all.length;
  const gap = Math.min(2, step * 0.2);
  return all.map(({ n, title }, i) => ({ x: i * step, w: step - gap, h: n ? Math.max(1, (n / most) * HEIGHT) : 0, title }));
}

function areas(c: Column, number: (n: number) => string): Bar[] {
  const { edges, counts } = c.bins as NonNullable<Column['bins']>;
  const span = edges[edges.length - 1] - edges[0];
  if (!(span > 0)) return [];
  const bars = counts.map((n, i) => {
    const [a, b] = [edges[i], edges[i + 1]];
    const w = Math.max(((b - a) / span) * WIDTH, NARROW);
    return { n, x: Math.min(((a - edges[0]) / span) * WIDTH, WIDTH - w), w, title: `${number(a)} – ${number(b)}: ${number(n)}` };
  });
  const most = Math.max(...bars.map((b) => b.n / b.w));
  return bars.filter((b) => b.n > 0).map((b) => ({ x: b.x, w: b.w, h: Math.max(0.75, (b.n / b.w / most) * HEIGHT), title: b.title }));
}
