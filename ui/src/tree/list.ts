import type { Scene } from './scene';

/** A row of the list: the same graph as a tree in the document. */
export interface Row {
  node: number;
  depth: number;
  /** The edge that leads here; −1 for the first. */
  edge: number;
  side: 'self' | 'up' | 'down';
  /** Its own rows stand at its first place. */
  again: boolean;
  key: string;
  children: number;
}

/** The graph as an indented list: what made the thing, then what came of it. Each thing's own rows stand once. */
export function rows(scene: Scene): { up: Row[]; down: Row[] } {
  const focus = scene.focus;
  if (focus < 0 || focus >= scene.n) return { up: [], down: [] };
  return { up: side(scene, focus, 'up'), down: side(scene, focus, 'down') };
}

function side(scene: Scene, focus: number, way: 'up' | 'down'): Row[] {
  const out: Row[] = [];
  const seen = new Uint8Array(scene.n);
  seen[focus] = 1;
  const { from, to } = scene.answer.edges;
  const next = (i: number) => {
    const edges = [...(way === 'up' ? scene.ins(i) : scene.outs(i))];
    return edges.sort((a, b) => scene.edgeOnMain[b] - scene.edgeOnMain[a] || scene.y[other(a)] - scene.y[other(b)]);
  };
  const other = (e: number) => (way === 'up' ? from[e] : to[e]);
  const stack = next(focus)
    .reverse()
    .map((e) => ({ e, depth: 1 }));
  while (stack.length) {
    const { e, depth } = stack.pop() as { e: number; depth: number };
    const i = other(e);
    const again = seen[i] === 1;
    const edges = again ? [] : next(i);
    out.push({ node: i, depth, edge: e, side: way, again, key: `${way}${e}`, children: edges.length });
    if (again) continue;
    seen[i] = 1;
    for (const n of edges.reverse()) stack.push({ e: n, depth: depth + 1 });
  }
  return out;
}
