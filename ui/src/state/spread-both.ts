import type { ColumnChange, Side } from '../types';

/** One bin of a plot of 120 × 32: where it stands, how wide it is, how high each side, and what it counts. */
export interface Bin {
  x: number;
  w: number;
  before: number;
  after: number;
  /** Shares of the cells that hold a value. */
  share: Side<number>;
  title: string;
}

/** One word, with its share on each side. */
export interface Word {
  name: string;
  share: Side<number>;
  /** It stands for all the others. */
  rest: boolean;
}

/** Two tables' values of one column, laid over each other; nothing where that would show nothing. */
export type Both = { is: 'bins'; bins: Bin[]; ends: [string, string]; densest: Side<string | null> } | { is: 'words'; words: Word[] } | null;

export const WIDTH = 120;
export const HEIGHT = 30;
/** A bin that is narrower could not be seen. */
const NARROW = 2;
/** The first and the last bin reach to the farthest value: where that is far away, they take no more than this of the width. */
const END = 0.3;
const WORDS_MAX = 6;
/** Below this share, the words that are told say nothing of the column. */
const TOLD_MIN = 0.25;

type Say = {
  value: (v: unknown) => string;
  percent: (share: number) => string;
  rest: string;
};

const total = (counts: number[]) => counts.reduce((sum, n) => sum + n, 0);
const shares = (counts: number[]) => {
  const all = total(counts);
  return counts.map((n) => (all ? n / all : 0));
};

/** How the values of a column were spread and are: words by name, numbers as areas whose size is their share. */
export function both(c: ColumnChange, say: Say): Both {
  const { bins, values } = c.spread ?? {};
  if (values) return c.kind === 'text' || c.kind === 'boolean' ? words(values, say) : few(values, say);
  return bins ? many(c, bins, say) : null;
}

function words({ counts, other }: Values, say: Say): Both {
  const [was, is] = [total(counts.map(([, s]) => s.before)) + other.before, total(counts.map(([, s]) => s.after)) + other.after];
  const all = counts.map(([v, s]): Word => ({ name: say.value(v), share: { before: was ? s.before / was : 0, after: is ? s.after / is : 0 }, rest: false }));
  if (all.length < 2 || Math.max(total(all.map((w) => w.share.before)), total(all.map((w) => w.share.after))) < TOLD_MIN) return null;
  const left = all.length > WORDS_MAX || other.before + other.after > 0;
  const shown = all.slice(0, all.length > WORDS_MAX ? WORDS_MAX - 1 : WORDS_MAX);
  const rest = (side: 'before' | 'after', some: number) => (some ? Math.max(0, 1 - total(shown.map((w) => w.share[side]))) : 0);
  return { is: 'words', words: left ? [...shown, { name: say.rest, share: { before: rest('before', was), after: rest('after', is) }, rest: true }] : shown };
}

type Values = NonNullable<NonNullable<ColumnChange['spread']>['values']>;
type Bins = NonNullable<NonNullable<ColumnChange['spread']>['bins']>;

/** Numbers of which there are few: side by side, each as wide as the others. */
function few({ counts }: Values, say: Say): Both {
  if (counts.length < 2) return null;
  const names = counts.map(([v]) => say.value(v));
  const [was, is] = [shares(counts.map(([, s]) => s.before)), shares(counts.map(([, s]) => s.after))];
  const w = counts.map(() => 1 / counts.length);
  return lay(w, was, is, names, [names[0], names[names.length - 1]], say);
}

function many(c: ColumnChange, { edges, range, counts }: Bins, say: Say): Both {
  const known = [range.before, range.after].filter((r) => r !== null);
  if (!known.length) return null;
  const value = (v: number) => say.value(c.kind === 'time' ? { time: v } : v);
  const bounds = [Math.min(edges[0], ...known.map((r) => r[0])), ...edges, Math.max(edges[edges.length - 1], ...known.map((r) => r[1]))];
  const span = bounds[bounds.length - 1] - bounds[0];
  if (!(span > 0)) return null;
  const names = counts.before.map((_, i) => (bounds[i] === bounds[i + 1] ? value(bounds[i]) : `${value(bounds[i])} – ${value(bounds[i + 1])}`));
  const ends: [string, string] = [value(bounds[0]), value(bounds[bounds.length - 1])];
  const w = widths(counts.before.map((_, i) => (bounds[i + 1] - bounds[i]) / span));
  return lay(w, shares(counts.before), shares(counts.after), names, ends, say);
}

function lay(w: number[], was: number[], is: number[], names: string[], ends: [string, string], say: Say): Both {
  const tall = Math.max(...w.map((width, i) => Math.max(was[i], is[i]) / width));
  if (!(tall > 0)) return null;
  const high = (share: number, width: number) => (share > 0 ? Math.max(0.75, (share / width / tall) * HEIGHT) : 0);
  let x = 0;
  const bins = w.map((width, i): Bin => {
    const title = `${names[i]}: ${say.percent(was[i])} → ${say.percent(is[i])}`;
    const bin = { x: x * WIDTH, w: width * WIDTH, before: high(was[i], width), after: high(is[i], width), share: { before: was[i], after: is[i] }, title };
    x += width;
    return bin;
  });
  const top = (side: number[]) => (total(side) > 0 ? names[side.reduce((best, share, i) => (share / w[i] > side[best] / w[best] ? i : best), 0)] : null);
  return { is: 'bins', bins, ends, densest: { before: top(was), after: top(is) } };
}

/** Shares of the width that add up to 1: none too narrow to be seen, and a far end no wider than it may be. */
export function widths(raw: number[]): number[] {
  const least = Math.min(NARROW / WIDTH, 1 / raw.length);
  const fixed = new Map<number, number>();
  const free = () => raw.map((_, i) => i).filter((i) => !fixed.has(i));
  const scale = () => (1 - total([...fixed.values()])) / (total(free().map((i) => raw[i])) || 1);
  const settle = (too: (i: number, s: number) => boolean, at: number) => {
    for (let i: number | undefined; ; fixed.set(i, at)) {
      const s = scale();
      i = free().find((j) => too(j, s));
      if (i === undefined) return;
    }
  };
  if (raw.length > 3) settle((i, s) => (i === 0 || i === raw.length - 1) && raw[i] * s > END, END);
  settle((i, s) => raw[i] * s < least, least);
  const s = scale();
  const all = raw.map((r, i) => fixed.get(i) ?? r * s);
  const sum = total(all);
  return all.map((w) => w / sum);
}

/** The line of the first table: a step over each bin, from the ground and back to it. */
export function outline(bins: Bin[], ground: number): string {
  const at = (n: number) => String(Math.round(n * 100) / 100);
  const steps = bins.map((b) => `V${at(ground - b.before)}H${at(b.x + b.w)}`);
  return `M${at(bins[0].x)} ${at(ground)}${steps.join('')}V${at(ground)}`;
}
