import type { GraphAnswer } from '../../src/tree/scene';
import { COLUMN } from '../../src/tree/kinds';

/** A small tree: raw → clean → features → train (with code and an older model) → model → serve. */
export function flights(): GraphAnswer {
  return {
    layout: 'l1:test',
    focus: 7,
    main: [0, 2, 3, 4, 6, 7],
    size: { w: 1000, h: 300, nodes: 9, edges: 8, folded: 365, hidden: 0, deleted: 0, faulty: 0 },
    layers: [
      { x: 30, role: 'source' },
      { x: 240, run_t: ['2026-11-20T06:00:00Z'] },
      { x: 286, role: 'prepared' },
      { x: 496, run_t: ['2026-11-21T09:14:00Z'] },
      { x: 542, role: 'model' },
    ],
    nodes: {
      id: ['v:raw', 'g:weather', 'run:clean', 'v:features', 'run:train', 'v:code', 'x', 'v:model', 'v:old'].map((s, i) => (i === 6 ? 'v:none' : s)),
      kind: [0, 0, 8, 0, 8, 1, 0, 2, 2],
      layer: [0, 0, 1, 2, 3, 2, 2, 4, 2],
      y: [100, 156, 128, 100, 128, 156, 268, 128, 212],
      name: ['flights.csv', 'weather/', 'clean', 'features.parquet', 'train', 'train.py', 'unused', 'delay', 'delay'],
      sub: [['rows', 1_200_000], ['files', 365], ['ms', 42_000], ['bytes', 4_318_555], ['ms', 252_000], ['bytes', 1263], ['bytes', 1], ['version', 12], ['version', 11]],
      state: [0, 0, 0, 0, 0, 0, 0, 0, 0],
      group: [-1, 0, -1, -1, -1, -1, -1, -1, -1],
      up: [0, 0, 0, 0, 0, 0, 0, 0, 9],
      down: [0, 0, 0, 0, 0, 0, 0, 2, 0],
    },
    edges: {
      from: [0, 1, 2, 3, 5, 8, 4, 0],
      to: [2, 2, 3, 4, 4, 4, 7, 4],
      by: ['observed', 'imported', 'observed', 'observed', 'observed', 'declared', 'observed', 'inferred'],
      role: [0, 0, 1, 0, 3, 9, 1, 0],
      lane: [[], [], [], [], [], [], [], [60, 60]],
    },
    folds: [{ id: 'g:weather', why: 'directory', kind: 0, count: 365 }],
  };
}

/** A graph of many generations: each thing made from some of the generation before. Deterministic. */
export function layered(n: number): GraphAnswer {
  let seed = 42;
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x7fffffff;
  const depth = 13;
  const per = Math.ceil(n / depth);
  const a: GraphAnswer = {
    layout: `l1:made-${n}`,
    focus: n - 1,
    main: [],
    size: { w: 0, h: 0, nodes: n, edges: 0, folded: 0, hidden: 0, deleted: 0, faulty: 0 },
    layers: Array.from({ length: depth }, (_, l) => ({ x: l % 2 ? 240 + COLUMN * ((l - 1) / 2) : 30 + COLUMN * (l / 2) })),
    nodes: { id: [], kind: [], layer: [], y: [], name: [], sub: [], state: [], group: [], up: [], down: [] },
    edges: { from: [], to: [], by: [], role: [], lane: [] },
    folds: [],
  };
  for (let i = 0; i < n; i++) {
    const l = Math.min(depth - 1, Math.floor(i / per));
    a.nodes.id.push(`v:${i}`);
    a.nodes.kind.push(l % 2 ? 8 : i % 5);
    a.nodes.layer.push(l);
    a.nodes.y.push((i % per) * 56);
    a.nodes.name.push(`file-${i}.parquet`);
    a.nodes.sub.push(['bytes', i]);
    a.nodes.state?.push(0);
    a.nodes.group.push(-1);
    a.nodes.up.push(0);
    a.nodes.down.push(0);
    if (l === 0) continue;
    for (let k = 0; k < 1 + Math.floor(random() * 2); k++) {
      const f = Math.min(i - 1, Math.max(0, (l - 1) * per + Math.floor(((i % per) + (random() - 0.5) * 40) % per)));
      a.edges.from.push(f < 0 ? 0 : f);
      a.edges.to.push(i);
      a.edges.by.push('observed');
      a.edges.role.push(0);
      a.edges.lane.push([]);
    }
  }
  return a;
}
