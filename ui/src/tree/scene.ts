import { AUTHORITIES, CARD_H, CARD_W, KINDS, RUN_R, type Authority, type Kind } from './kinds';

/** A code with its numbers, said in words by the page. */
export type Coded = readonly (string | number)[];

/** The answer of `/api/v1/graph`: arrays of equal length. */
export interface GraphAnswer {
  layout: string;
  as_of?: string | null;
  record?: { size: number; root: string } | null;
  focus: number | null;
  main: number[];
  size: { w: number; h: number; nodes: number; edges: number; folded: number; hidden: number; deleted: number; faulty: number; beyond?: number; cut?: number; cut_edges?: number; truncated?: boolean };
  layers: { x: number; role?: string | null; run_t?: string[] }[];
  nodes: {
    id: string[];
    kind: (number | Kind)[];
    layer: number[];
    y: number[];
    name: string[];
    sub: Coded[];
    state?: (number | string)[];
    group: number[];
    up: number[];
    down: number[];
    t?: (string | number | null)[];
    thing?: (string | null)[];
    path?: (string | null)[];
  };
  edges: { from: number[]; to: number[]; by: (number | Authority)[]; role: (number | string)[]; lane: (number[] | null)[] };
  folds: { id: string; why: string; kind: number | Kind; count: number }[];
  kinds?: [number, number][];
  said?: [number, number][];
}

/** A graph made ready for drawing: numbers in typed arrays, neighbours by index, each layer sorted by y. */
export class Scene {
  /** What was asked for; −1 when nothing is known of it. */
  readonly focus: number;
  readonly n: number;
  readonly m: number;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly kind: Kind[];
  readonly layer: Uint16Array;
  readonly by: Authority[];
  readonly onMain: Uint8Array;
  readonly edgeOnMain: Uint8Array;
  /** Nodes of each layer, by y. */
  readonly columns: Uint32Array[];
  readonly bounds: { x: number; y: number; w: number; h: number };
  private readonly outStart: Uint32Array;
  private readonly outEdge: Uint32Array;
  private readonly inStart: Uint32Array;
  private readonly inEdge: Uint32Array;
  private readonly byId = new Map<string, number>();
  private unnamed = 0;

  constructor(readonly answer: GraphAnswer) {
    const { nodes, edges, layers } = answer;
    this.focus = answer.focus ?? -1;
    this.n = nodes.id.length;
    this.m = edges.from.length;
    this.kind = nodes.kind.map((k) => (typeof k === 'number' ? (KINDS[k] ?? 'other') : k));
    this.by = edges.by.map((a) => (typeof a === 'number' ? (AUTHORITIES[a] ?? 'observed') : a));
    this.layer = Uint16Array.from(nodes.layer);
    this.y = Float32Array.from(nodes.y);
    this.x = Float32Array.from(nodes.layer, (l) => layers[l]?.x ?? 0);
    this.onMain = new Uint8Array(this.n);
    for (const i of answer.main) this.onMain[i] = 1;
    const next = new Map<number, number>();
    for (let i = 0; i + 1 < answer.main.length; i++) next.set(answer.main[i], answer.main[i + 1]);
    this.edgeOnMain = Uint8Array.from(edges.from, (f, e) => (next.get(f) === edges.to[e] ? 1 : 0));
    [this.outStart, this.outEdge] = rows(this.n, edges.from);
    [this.inStart, this.inEdge] = rows(this.n, edges.to);
    // A card that may not be seen has no name either; only a whole answer without any asks for them.
    this.unnamed = this.n > 0 && nodes.name.every((s) => !s) ? this.n : 0;
    const columns: number[][] = layers.map(() => []);
    for (let i = 0; i < this.n; i++) {
      (columns[this.layer[i]] ??= []).push(i);
      this.byId.set(nodes.id[i], i);
    }
    this.columns = columns.map((c) => Uint32Array.from((c ?? []).sort((a, b) => this.y[a] - this.y[b] || a - b)));
    this.bounds = this.measure();
  }

  private measure(): { x: number; y: number; w: number; h: number } {
    if (this.n === 0) return { x: 0, y: 0, w: 1, h: 1 };
    let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < this.n; i++) {
      const run = this.isRun(i);
      x0 = Math.min(x0, run ? this.x[i] - RUN_R : this.x[i]);
      x1 = Math.max(x1, run ? this.x[i] + RUN_R : this.x[i] + CARD_W);
      y0 = Math.min(y0, this.y[i] - CARD_H / 2);
      y1 = Math.max(y1, this.y[i] + (run ? RUN_R + 34 : CARD_H / 2 + 4));
    }
    for (const lane of this.answer.edges.lane) {
      for (const y of lane ?? []) {
        y0 = Math.min(y0, y - 4);
        y1 = Math.max(y1, y + 4);
      }
    }
    return { x: x0, y: y0, w: x1 - x0, h: y1 - y0 };
  }

  /** Whether a node is a run: a circle centred on its x, where a card has its left edge. */
  isRun(i: number): boolean {
    return this.kind[i] === 'run';
  }
  /** Where edges leave a node. */
  right(i: number): number {
    return this.isRun(i) ? this.x[i] + RUN_R : this.x[i] + CARD_W;
  }
  /** Where edges reach a node. */
  left(i: number): number {
    return this.isRun(i) ? this.x[i] - RUN_R : this.x[i];
  }
  /** The middle of a node. */
  centre(i: number): number {
    return this.isRun(i) ? this.x[i] : this.x[i] + CARD_W / 2;
  }
  /** Edges that leave a node. */
  outs(i: number): Uint32Array {
    return this.outEdge.subarray(this.outStart[i], this.outStart[i + 1]);
  }
  /** Edges that reach a node. */
  ins(i: number): Uint32Array {
    return this.inEdge.subarray(this.inStart[i], this.inStart[i + 1]);
  }
  /** A node by its id, or by what opens it. */
  find(id: string): number | undefined {
    const i = this.byId.get(id);
    if (i !== undefined) return i;
    const at = this.answer.nodes.thing?.indexOf(id) ?? -1;
    return at < 0 ? undefined : at;
  }
  /** What to put in an address to open a node. */
  thing(i: number): string | null {
    return this.answer.nodes.thing?.[i] ?? null;
  }
  /** When a node came to be. */
  time(i: number): string | null {
    const t = this.answer.nodes.t?.[i];
    return typeof t === 'number' ? new Date(t).toISOString() : (t ?? null);
  }
  /** The fold that a node stands for. */
  fold(i: number): { id: string; why: string; count: number } | null {
    const g = this.answer.nodes.group[i];
    return g >= 0 ? (this.answer.folds[g] ?? null) : null;
  }
  /** Whether a node stands for many: a group, or a folder. */
  isStack(i: number): boolean {
    const fold = this.fold(i);
    return (fold !== null && fold.count > 1 && fold.why !== 'versions') || this.answer.nodes.sub[i]?.[0] === 'files';
  }

  /** Nodes of a layer whose y lies within a range: two binary searches. */
  inView(layer: number, y0: number, y1: number): Uint32Array {
    const c = this.columns[layer];
    if (!c) return new Uint32Array();
    return c.subarray(this.lower(c, y0), this.lower(c, y1 + 0.01));
  }
  private lower(c: Uint32Array, y: number): number {
    let [a, b] = [0, c.length];
    while (a < b) {
      const mid = (a + b) >> 1;
      if (this.y[c[mid]] < y) a = mid + 1;
      else b = mid;
    }
    return a;
  }

  /** Whether names are not known yet. */
  get nameless(): boolean {
    return this.unnamed > 0;
  }
  /** Layers and heights in which something without a name is in view. */
  inSight(cam: { kx: number; ky: number; tx: number; ty: number }, view: { w: number; h: number }): { layers: [number, number]; y: [number, number] } | null {
    const y: [number, number] = [-cam.ty / cam.ky, (view.h - cam.ty) / cam.ky];
    const seen = this.columns.flatMap((c, l) => {
      const x = c?.length ? this.x[c[0]] * cam.kx + cam.tx : -Infinity;
      return x > -CARD_W * cam.kx && x < view.w && this.inView(l, y[0] - CARD_H, y[1] + CARD_H).some((i) => !this.answer.nodes.name[i]) ? [l] : [];
    });
    return seen.length ? { layers: [seen[0], seen[seen.length - 1]], y } : null;
  }
  /** Takes names that came later. */
  call(found: { at: number[]; name: string[]; sub: Coded[]; thing: (string | null)[]; path?: (string | null)[] }): void {
    const { nodes } = this.answer;
    if (found.path) nodes.path ??= Array<null>(this.n).fill(null);
    found.at.forEach((i, k) => {
      if (!nodes.name[i] && found.name[k]) this.unnamed--;
      nodes.name[i] = found.name[k];
      nodes.sub[i] = found.sub[k];
      if (nodes.thing) nodes.thing[i] = found.thing[k];
      if (nodes.path && found.path) nodes.path[i] = found.path[k];
    });
  }

  /** Everything above and below a node, and the edges between. */
  family(i: number): { nodes: Uint8Array; edges: Uint8Array } {
    const nodes = new Uint8Array(this.n);
    const edges = new Uint8Array(this.m);
    const { from, to } = this.answer.edges;
    for (const up of [true, false]) {
      const seen = new Uint8Array(this.n);
      const todo = [i];
      seen[i] = 1;
      while (todo.length) {
        const at = todo.pop() as number;
        nodes[at] = 1;
        for (const e of up ? this.ins(at) : this.outs(at)) {
          edges[e] = 1;
          const other = up ? from[e] : to[e];
          if (!seen[other]) {
            seen[other] = 1;
            todo.push(other);
          }
        }
      }
    }
    return { nodes, edges };
  }

  /** All paths from one node to another, in whichever direction there are any. */
  between(a: number, b: number): { nodes: Uint8Array; edges: Uint8Array } {
    const down = (i: number) => this.closure(i, false);
    const up = (i: number) => this.closure(i, true);
    const meet = (p: Uint8Array, q: Uint8Array) => p.map((v, i) => v & q[i]);
    let nodes = meet(down(a), up(b));
    if (!nodes[b]) nodes = meet(down(b), up(a));
    const { from, to } = this.answer.edges;
    const edges = Uint8Array.from(from, (f, e) => nodes[f] & nodes[to[e]]);
    return { nodes, edges };
  }
  private closure(i: number, up: boolean): Uint8Array {
    const seen = new Uint8Array(this.n);
    const { from, to } = this.answer.edges;
    const todo = [i];
    seen[i] = 1;
    while (todo.length) {
      const at = todo.pop() as number;
      for (const e of up ? this.ins(at) : this.outs(at)) {
        const other = up ? from[e] : to[e];
        if (!seen[other]) {
          seen[other] = 1;
          todo.push(other);
        }
      }
    }
    return seen;
  }
}

function rows(n: number, ends: number[]): [Uint32Array, Uint32Array] {
  const start = new Uint32Array(n + 1);
  for (const v of ends) start[v + 1]++;
  for (let i = 0; i < n; i++) start[i + 1] += start[i];
  const at = start.slice();
  const list = new Uint32Array(ends.length);
  ends.forEach((v, e) => (list[at[v]++] = e));
  return [start, list];
}
