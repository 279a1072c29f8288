import { describe, expect, it } from 'vitest';
import { colours } from '../../src/tree/colours';
import { svg } from '../../src/tree/export';
import { counted, standing, stateNow } from '../../src/tree/fresh';
import { Scene } from '../../src/tree/scene';
import type { StatusRow } from '../../src/types';
import { flights } from './made';

const row = (thing: string, place: string, run: string, state: string, cause: string | null, path: string[] = []): StatusRow => ({
  thing,
  state,
  cause: cause === null ? null : { thing: cause, what: 'changed', said: [{ code: 'changed', args: [] }] },
  path,
  place,
  run,
  digest: null,
  version: null,
  more: 0,
});

/** raw/flights.csv (0), weather/ (1) → clean (2) → features.parquet (3); features, train.py (5), an older model (8) → train (4) → the model (7). */
function scene(change: (a: ReturnType<typeof flights>) => void = () => {}): Scene {
  const a = flights();
  a.nodes.path = ['raw/flights.csv', 'weather/', 'clean.py', 'features.parquet', 'train.py -v', 'train.py', null, 'models/delay.bin', 'models/delay.bin'];
  change(a);
  return new Scene(a);
}
const states = (s: Scene, rows: StatusRow[]) => [...standing(s, rows)].map(([i, m]) => `${i} ${m.state} ${m.spreads}`).sort();
const STALE = [
  row('features.parquet', 'features.parquet', 'run:clean', 'stale', 'raw/flights.csv'),
  row('model:delay', 'models/delay.bin', 'run:train', 'stale', 'raw/flights.csv', ['features.parquet']),
];

describe('what is stale', () => {
  it('is the card that the run made, and not another content of the same path; it spreads from what was changed', () => {
    expect(states(scene(), STALE)).toEqual(['0 changed 2', '3 stale 0', '7 stale 0']);
  });

  it('is the card of that content, whichever run is drawn as its maker', () => {
    const again = STALE.map((r) => ({ ...r, run: 'run:again', digest: `b3:${r.place}`, version: r.thing === 'model:delay' ? 'model:delay@v2' : null }));
    const named = (a: ReturnType<typeof flights>) => (a.nodes.thing = a.nodes.path!.map((p, i) => (i === 7 ? 'model:delay@v2' : i === 8 ? 'model:delay@v1' : `b3:${p}`)));
    expect(states(scene(named), again)).toEqual(['0 changed 2', '3 stale 0', '7 stale 0']);
    const other = again.map((r) => ({ ...r, digest: 'b3:other', version: r.version && 'model:delay@v3' }));
    expect(states(scene(named), other)).toEqual([]);
  });

  it('is late data that no run made', () => {
    expect(states(scene(), [{ ...row('weather/', 'weather/', '', 'late', 'weather/') }])).toEqual(['1 late 0']);
  });

  it('is nothing in a tree of which no run is meant', () => {
    const others = STALE.map((r) => ({ ...r, run: 'run:later' }));
    expect(states(scene(), others)).toEqual([]);
    expect(states(scene(), [])).toEqual([]);
    expect(states(scene((a) => delete a.nodes.path), STALE)).toEqual([]);
  });

  it('begins in the folder in which a file was changed, came or went', () => {
    const rows = [row('features.parquet', 'features.parquet', 'run:clean', 'stale', 'weather/2013/05.csv')];
    expect(states(scene(), rows)).toEqual(['1 changed 1', '3 stale 0']);
  });

  it('begins where somebody changed what a run had made', () => {
    const rows = [
      row('features.parquet', 'features.parquet', 'run:clean', 'stale', 'features.parquet'),
      row('model:delay', 'models/delay.bin', 'run:train', 'stale', 'features.parquet'),
    ];
    expect(states(scene(), rows)).toEqual(['3 changed 1', '7 stale 0']);
  });

  it('begins at what a run read, when that is not what the run before had made', () => {
    // Nobody made the content on card 3: the run before made another one, which was written over.
    const apart = (a: ReturnType<typeof flights>) => (a.edges.from[2] = 1);
    const rows = [
      row('data:features', 'features.parquet', 'run:clean', 'stale', 'features.parquet'),
      row('model:delay', 'models/delay.bin', 'run:train', 'stale', 'features.parquet', ['data:features']),
    ];
    expect(states(scene(apart), rows)).toEqual(['3 changed 1', '7 stale 0']);
  });

  it('is found where its run stands in a group, when nothing else has its path', () => {
    const grouped = (a: ReturnType<typeof flights>) => {
      a.nodes.id[2] = 'g:cleans';
      a.nodes.group[2] = a.folds.push({ id: 'g:cleans', why: 'runs', kind: 8, count: 12 }) - 1;
    };
    expect(states(scene(grouped), STALE)).toEqual(['0 changed 2', '3 stale 0', '7 stale 0']);
    const twice = (a: ReturnType<typeof flights>) => {
      grouped(a);
      a.nodes.path![5] = 'features.parquet';
    };
    expect(states(scene(twice), STALE)).toEqual(['0 changed 2', '7 stale 0']);
  });

  it('stands as the worst of its runs', () => {
    const rows = [STALE[0], row('features.parquet', 'features.parquet', 'run:clean', 'fresh', null)];
    for (const order of [rows, [...rows].reverse()]) expect(states(scene(), order)).toContain('3 stale 0');
  });

  it('is counted, and what is fresh is not', () => {
    const marks = standing(scene(), [...STALE, row('weather/', 'weather/', 'run:none', 'fresh', null)]);
    expect(counted(marks)).toEqual([
      ['changed', 1],
      ['stale', 2],
    ]);
  });
});

describe('the state of a card', () => {
  const mark = (state: string) => ({ state, row: STALE[0], spreads: 0 });
  it('is what the picture shows, before what is told of its age', () => {
    for (const state of ['failed', 'hidden', 'deleted', 'faulty', 'running', 'removed']) expect(stateNow(state, mark('stale'))).toBe(state);
    expect(stateNow('', mark('stale'))).toBe('stale');
    expect(stateNow('late', mark('stale'))).toBe('stale');
    expect(stateNow('due', mark('fresh'))).toBe('due');
    expect(stateNow('', mark('fresh'))).toBe('fresh');
    expect(stateNow('fresh', undefined)).toBe('fresh');
  });

  it('stands in the file, with its sign in the legend', () => {
    const s = scene();
    const marks = standing(s, STALE);
    const c = colours(false);
    const look = { colours: c, selected: -1, hovered: -1, lit: null, fresh: null, sub: () => 'data', state: (i: number) => stateNow('', marks.get(i)), lens: null, said: null };
    const words = { role: String, time: String, span: (a: string, b: string) => a + b, count: String };
    const text = svg(s, look, words, { title: 't', desc: 'd', proof: '', authority: String, state: (v) => `is ${v}` }, false);
    expect(text.match(/>△</g)).toHaveLength(3);
    expect(text.match(/>≠</g)).toHaveLength(2);
    expect(text).toContain('>is stale: 2<');
    expect(text).toContain('>is changed: 1<');
  });
});
