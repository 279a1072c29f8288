import type { Running } from '../types';
import { around } from './fresh';
import { CARD_H, CARD_W, COLUMN, RUN_R } from './kinds';
import type { Scene } from './scene';

/** A run that goes on, as it lies over a tree of which it is no part yet. */
export interface Knot {
  run: Running;
  x: number;
  y: number;
  /** Cards that it reads. */
  from: number[];
  /** An equal earlier step; −1 when there is none. */
  step: number;
}

/** From a column of cards to the runs right of it. */
const GAP = COLUMN - 46;
/** A knot with the words below it needs so much room to the next. */
const PITCH = 100;
const KNOTS_MAX = 6;
const AWAY = Math.ceil(CARD_H / 2) + 5;

/** Runs of which this tree tells: they read what stands in it, or do what a step of it did. */
export function knots(scene: Scene, running: Running[], nameOf: (command: string[]) => string): Knot[] {
  if (!running.length) return [];
  const cards = newest(scene);
  const steps = new Map<string, number>();
  const known = new Set<string>();
  for (let i = 0; i < scene.n; i++) {
    if (!scene.isRun(i)) continue;
    known.add(scene.answer.nodes.id[i]);
    const name = scene.answer.nodes.name[i];
    const other = steps.get(name);
    if (name && (other === undefined || later(scene, i, other))) steps.set(name, i);
  }
  const placed: Knot[] = [];
  for (const run of running) {
    // What has just ended may stand in the picture already.
    if (known.has(run.id) || placed.length >= KNOTS_MAX) continue;
    const from = new Set<number>();
    for (const path of run.read) {
      for (const place of around(path)) {
        const card = cards.get(place);
        if (card === undefined) continue;
        from.add(card);
        break;
      }
    }
    const step = steps.get(nameOf(run.command)) ?? -1;
    if (from.size || step >= 0) placed.push(place(scene, placed, { run, from: [...from].sort((a, b) => a - b), step }));
  }
  return placed;
}

/** The card of each path; of several contents the one that came last. */
function newest(scene: Scene): Map<string, number> {
  const cards = new Map<string, number>();
  scene.answer.nodes.path?.forEach((path, i) => {
    if (!path || scene.isRun(i)) return;
    const other = cards.get(path);
    if (other === undefined || later(scene, i, other)) cards.set(path, i);
  });
  return cards;
}

function later(scene: Scene, i: number, other: number): boolean {
  const [a, b] = [scene.time(i) ?? '', scene.time(other) ?? ''];
  return a === b ? scene.layer[i] > scene.layer[other] : a > b;
}

/** Right of all that it reads, in the nearest free place of that gap; near the equal step, when that is there. */
function place(scene: Scene, placed: Knot[], knot: Omit<Knot, 'x' | 'y'>): Knot {
  const { layers, nodes } = scene.answer;
  const last = knot.from.reduce((l, i) => Math.max(l, scene.layer[i]), -1);
  const beside = knot.step >= 0 && scene.layer[knot.step] > last;
  const layer = beside ? scene.layer[knot.step] : last + 1;
  const x = beside ? layers[layer].x : layers[last].x + GAP;
  const near = knot.from.filter((i) => scene.layer[i] === last);
  const want = beside ? nodes.y[knot.step] + PITCH : near.reduce((sum, i) => sum + nodes.y[i], 0) / near.length;
  const taken = Array.from(scene.columns[layer] ?? [], (i) => nodes.y[i]).concat(placed.filter((k) => k.x === x).map((k) => k.y));
  let y = want;
  for (let n = 1; taken.some((t) => Math.abs(t - y) < PITCH); n++) y = want + 14 * Math.ceil(n / 2) * (n % 2 ? 1 : -1);
  return { ...knot, x, y };
}

/** The line from a card to a knot, in the picture's own measure, around the cards between. */
export function lineTo(scene: Scene, knot: Knot, card: number): string {
  const { layers, nodes } = scene.answer;
  let [x, y] = [layers[scene.layer[card]].x + CARD_W, nodes.y[card]];
  let d = `M${x} ${y}`;
  const to = (nx: number, ny: number) => {
    const mid = (x + nx) / 2;
    d += ny === y ? `L${nx} ${ny}` : `C${mid} ${y} ${mid} ${ny} ${nx} ${ny}`;
    [x, y] = [nx, ny];
  };
  for (let l = scene.layer[card] + 2; l < layers.length && layers[l].x < knot.x - RUN_R; l += 2) {
    const lane = free(Array.from(scene.columns[l] ?? [], (i) => nodes.y[i]), y + ((knot.y - y) * (layers[l].x - x)) / (knot.x - x));
    to(layers[l].x, lane);
    to(layers[l].x + CARD_W, lane);
  }
  to(knot.x - RUN_R, knot.y);
  return d;
}

/** The height nearest to the wished one at which no card is crossed. */
function free(cards: number[], want: number): number {
  const clear = (y: number) => cards.every((c) => Math.abs(c - y) >= AWAY);
  if (clear(want)) return want;
  const gaps = cards.flatMap((c) => [c - AWAY, c + AWAY]).filter(clear);
  return gaps.reduce((best, y) => (Math.abs(y - want) < Math.abs(best - want) ? y : best), gaps[0] ?? want);
}
