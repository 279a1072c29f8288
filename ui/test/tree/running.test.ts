import { describe, expect, it } from 'vitest';
import { CARD_H, CARD_W, RUN_R } from '../../src/tree/kinds';
import { knots, lineTo } from '../../src/tree/running';
import { Scene } from '../../src/tree/scene';
import type { Running } from '../../src/types';
import { runName } from '../../src/words/format';
import { flights } from './made';

const going = (id: string, command: string[], read: string[] = []): Running => ({ id, command, started_at: '2026-11-22T00:00:00Z', inputs: read.length, outputs: 0, read, written: [] });
function scene(change: (a: ReturnType<typeof flights>) => void = () => {}): Scene {
  const a = flights();
  a.nodes.path = ['raw/flights.csv', 'weather/', 'clean.py', 'features.parquet', 'train.py -v', 'train.py', null, 'models/delay.bin', 'models/delay.bin'];
  a.nodes.t = [1, 1, 2, 3, 4, 1, 1, 5, 2];
  change(a);
  return new Scene(a);
}
const of = (s: Scene, ...running: Running[]) => knots(s, running, (c) => runName(c));

describe('a run that goes on', () => {
  it('is a knot right of what it reads, below the step that did the same', () => {
    const [k] = of(scene(), going('run:a', ['python', 'train.py'], ['train.py', 'features.parquet']));
    expect(k).toMatchObject({ from: [3, 5], step: 4, x: 496 });
    expect(k.y).toBeGreaterThan(128 + 2 * RUN_R);
  });

  it('reads a folder when it reads a file in it, and the content that came last', () => {
    const s = scene();
    expect(of(s, going('run:a', ['other'], ['weather/2013/1.csv']))[0].from).toEqual([1]);
    expect(of(s, going('run:a', ['other'], ['models/delay.bin']))[0].from).toEqual([7]);
  });

  it('is there when its program is a step, though nothing is known yet of what it reads', () => {
    const [k] = of(scene(), going('run:a', ['python', 'clean.py']));
    expect(k).toMatchObject({ from: [], step: 2, x: 240 });
  });

  it('is no knot when the tree tells of nothing that it touches, or has it already', () => {
    expect(of(scene(), going('run:a', ['make'], ['elsewhere.csv', 'raw/flights.csv.old']))).toEqual([]);
    expect(of(scene(), going('run:train', ['python', 'train.py'], ['train.py']))).toEqual([]);
  });

  it('lies on no other, and on no run of the picture', () => {
    const s = scene();
    const found = of(s, ...Array.from({ length: 9 }, (_, i) => going(`run:${i}`, ['python', i % 2 ? 'train.py' : 'try.py'], ['features.parquet'])));
    expect(found).toHaveLength(6);
    const runs = [2, 4].map((i) => ({ x: s.x[i], y: s.y[i] }));
    const all = [...runs, ...found];
    for (const a of all) for (const b of all) if (a !== b && a.x === b.x) expect(Math.abs(a.y - b.y)).toBeGreaterThan(2 * RUN_R + 34);
    for (const k of found) for (let i = 0; i < s.n; i++) if (!s.isRun(i)) expect(k.x + RUN_R < s.left(i) || k.x - RUN_R > s.right(i)).toBe(true);
  });

  it('stands right of the last column, too', () => {
    const [k] = of(scene(), going('run:a', ['python', 'serve.py'], ['models/delay.bin']));
    expect(k.x).toBeGreaterThan(542 + CARD_W + RUN_R);
    expect(k.y).toBe(128);
  });

  it('is reached by lines that cross no card', () => {
    const s = scene();
    const [k] = of(s, going('run:a', ['python', 'train.py'], ['raw/flights.csv', 'train.py']));
    expect(k.from).toEqual([0, 5]);
    const d = lineTo(s, k, 0);
    expect(d).toMatch(new RegExp(`^M194 100.*${k.x - RUN_R} ${k.y}$`));
    const lane = Number(/ ([\d.]+)L450 \1/.exec(d)?.[1]);
    for (const i of s.columns[2]) expect(Math.abs(s.y[i] - lane)).toBeGreaterThan(CARD_H / 2);
  });
});
