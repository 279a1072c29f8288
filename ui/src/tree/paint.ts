import { step, type Camera, type Step, type View } from './camera';
import type { Colours } from './colours';
import { edgePath } from './edges';
import { CARD_H, CARD_W, DASHES, RUN_R, family, type Kind } from './kinds';
import type { Pen } from './pen';
import { tabWidth } from './pick';
import type { Scene } from './scene';
import { card, icon } from './shapes';
import { cut, safe } from './text';

/** How states are told on the corner of a card, by their word. */
export const STATE_GLYPH: Record<string, { glyph: string; tone: 'warn' | 'bad' | 'env'; full?: boolean }> = {
  // Where it begins is told from what it reaches.
  changed: { glyph: '≠', tone: 'warn', full: true },
  due: { glyph: '△', tone: 'warn' },
  late: { glyph: '✕', tone: 'bad' },
  stale: { glyph: '△', tone: 'warn' },
  failed: { glyph: '✕', tone: 'bad' },
  hidden: { glyph: '▒', tone: 'env' },
  deleted: { glyph: '†', tone: 'env' },
  faulty: { glyph: '!', tone: 'bad' },
  running: { glyph: '●', tone: 'warn' },
};

/** What besides the scene decides how it looks. */
export interface Look {
  colours: Colours;
  selected: number;
  hovered: number;
  /** Lit nodes and edges; all others fall back. */
  lit: { nodes: Uint8Array; edges: Uint8Array } | null;
  /** New since the picture before. */
  fresh: Uint8Array | null;
  /** The second line of a card. */
  sub: (i: number) => string;
  /** The state of a node, as a word; empty for none. */
  state: (i: number) => string;
  /** Colour token of a card's left edge, when a lens is on. */
  lens: ((i: number) => string | null) | null;
  /** Authorities of which edges are drawn. */
  said: ((e: number) => boolean) | null;
}

const DIM = 0.28;
const DASHED_MAX = 600;

function visible(scene: Scene, cam: Camera, view: View): number[] {
  const found: number[] = [];
  const y0 = (-60 - cam.ty) / cam.ky;
  const y1 = (view.h + 60 - cam.ty) / cam.ky;
  for (let l = 0; l < scene.columns.length; l++) {
    const c = scene.columns[l];
    if (!c?.length) continue;
    const x = scene.x[c[0]] * cam.kx + cam.tx;
    if (x > view.w + 40 || x + CARD_W * cam.kx < -40) continue;
    for (const i of scene.inView(l, y0, y1)) found.push(i);
  }
  return found;
}

/** Paints what is in view, in slices: between two `yield`s lies little work. */
export function* paint(scene: Scene, pen: Pen, cam: Camera, view: View, look: Look): Generator<void> {
  const nodes = visible(scene, cam, view);
  const s = step(cam);
  yield* paintEdges(scene, pen, cam, look, nodes, s);
  let count = 0;
  for (const i of nodes) {
    const dim = look.lit && !look.lit.nodes[i];
    pen.alpha(dim ? DIM : 1);
    if (s === 'mark' || s === 'shape') mark(scene, pen, cam, look, i, s);
    else if (scene.isRun(i)) run(scene, pen, cam, look, i, s);
    else node(scene, pen, cam, look, i, s);
    if (++count % 120 === 0) yield;
  }
  pen.alpha(1);
}

function* paintEdges(scene: Scene, pen: Pen, cam: Camera, look: Look, nodes: number[], s: Step): Generator<void> {
  const all = scene.m <= 3000;
  const seen = new Uint8Array(scene.m);
  const edges: number[] = [];
  const take = (e: number) => {
    if (!seen[e] && (!look.said || look.said(e))) {
      seen[e] = 1;
      edges.push(e);
    }
  };
  if (all) for (let e = 0; e < scene.m; e++) take(e);
  else
    for (const i of nodes) {
      for (const e of scene.ins(i)) take(e);
      for (const e of scene.outs(i)) take(e);
    }
  if (s === 'mark' || s === 'shape') {
    yield* faint(scene, pen, cam, look, edges);
    return;
  }
  const dashed = edges.length < DASHED_MAX;
  // The main line last, so that it lies on top.
  for (const pass of [0, 1]) {
    let count = 0;
    for (const e of edges) {
      if (scene.edgeOnMain[e] !== pass) continue;
      stroke(scene, pen, cam, look, e, dashed);
      if (++count % 80 === 0) yield;
    }
  }
  pen.alpha(1);
}

function stroke(scene: Scene, pen: Pen, cam: Camera, look: Look, e: number, dashed: boolean): void {
  const lit = look.lit ? look.lit.edges[e] === 1 : false;
  pen.alpha(look.lit && !lit ? DIM : 1);
  const main = scene.edgeOnMain[e] === 1;
  const by = scene.by[e];
  const back = scene.x[scene.answer.edges.to[e]] <= scene.x[scene.answer.edges.from[e]];
  const color = back ? look.colours.warn : main ? look.colours.model : lit ? look.colours.ink2 : look.colours.edge;
  const k = Math.min(1, cam.ky * 1.25);
  pen.begin();
  edgePath(scene, pen, cam, e);
  pen.stroke(color, (main ? 2.4 : lit ? 2 : 1.5) * Math.max(k, 0.55), dashed ? DASHES[by] : [], by === 'inferred');
  if (by === 'corrected' && dashed) bar(scene, pen, cam, e, color);
  if (lit && cam.ky >= 0.6) arrow(scene, pen, cam, e, color);
}

function bar(scene: Scene, pen: Pen, cam: Camera, e: number, color: string): void {
  const f = scene.answer.edges.from[e];
  const x = (scene.right(f) + 8) * cam.kx + cam.tx;
  const y = scene.y[f] * cam.ky + cam.ty;
  pen.begin();
  pen.move(x, y - 5 * cam.ky);
  pen.line(x, y + 5 * cam.ky);
  pen.stroke(color, 1.5);
}

function arrow(scene: Scene, pen: Pen, cam: Camera, e: number, color: string): void {
  const t = scene.answer.edges.to[e];
  const x = scene.left(t) * cam.kx + cam.tx;
  const y = scene.y[t] * cam.ky + cam.ty;
  pen.begin();
  pen.move(x, y);
  pen.line(x - 7 * cam.kx, y - 4 * cam.ky);
  pen.line(x - 7 * cam.kx, y + 4 * cam.ky);
  pen.close();
  pen.fill(color);
}

function* faint(scene: Scene, pen: Pen, cam: Camera, look: Look, edges: number[]): Generator<void> {
  const draw = function* (only: (e: number) => boolean, color: string, width: number, alpha: number): Generator<void> {
    pen.alpha(alpha);
    pen.begin();
    let count = 0;
    for (const e of edges) {
      if (!only(e)) continue;
      edgePath(scene, pen, cam, e);
      if (++count % 250 === 0) {
        pen.stroke(color, width);
        yield;
        pen.alpha(alpha);
        pen.begin();
      }
    }
    if (count) pen.stroke(color, width);
  };
  const alpha = Math.min(0.5, Math.max(0.02, 900 / Math.max(edges.length, 1)));
  const { lit } = look;
  yield* draw((e) => !scene.edgeOnMain[e] && !(lit && lit.edges[e]), look.colours.edge, 1, lit ? alpha * 0.5 : alpha);
  if (lit) yield* draw((e) => lit.edges[e] === 1, look.colours.ink2, 1, 0.8);
  yield* draw((e) => scene.edgeOnMain[e] === 1, look.colours.model, 2, 1);
  pen.alpha(1);
}

function mark(scene: Scene, pen: Pen, cam: Camera, look: Look, i: number, s: Step): void {
  const run = scene.isRun(i);
  const kind = scene.kind[i];
  const color = look.colours[family(kind)];
  const y = scene.y[i] * cam.ky + cam.ty;
  if (s === 'shape' && !run) {
    card(pen, kind, scene.x[i] * cam.kx + cam.tx, y - (CARD_H / 2) * cam.ky, CARD_W * cam.kx, CARD_H * cam.ky, cam.ky);
    pen.fill(color);
  } else if (s === 'shape') {
    pen.begin();
    pen.circle(scene.x[i] * cam.kx + cam.tx, y, RUN_R * cam.ky);
    pen.fill(color);
  } else {
    // Columns of marks, narrower than cards so that the lines between generations are seen; runs half as wide.
    const w = Math.max((run ? CARD_W * 0.28 : CARD_W * 0.62) * cam.kx, 1.2);
    const x = scene.centre(i) * cam.kx - w / 2 + cam.tx;
    if (run) pen.alpha(look.lit && !look.lit.nodes[i] ? DIM * 0.6 : 0.6);
    const h = Math.max(CARD_H * cam.ky, 1.2);
    rect(pen, x, y - h / 2, w, h);
    pen.fill(color);
  }
  if (i === look.selected || i === look.hovered) {
    pen.begin();
    pen.circle(scene.centre(i) * cam.kx + cam.tx, y, 9);
    pen.stroke(look.colours.accent, 2);
  }
}

function rect(pen: Pen, x: number, y: number, w: number, h: number): void {
  pen.begin();
  pen.move(x, y);
  pen.line(x + w, y);
  pen.line(x + w, y + h);
  pen.line(x, y + h);
  pen.close();
}

function fitted(pen: Pen, s: string, max: number, size: number, weight: 400 | 550 | 650): string {
  return cut(safe(s), max, (t) => pen.width(t, size, weight));
}

function node(scene: Scene, pen: Pen, cam: Camera, look: Look, i: number, s: Step): void {
  const k = cam.ky;
  const kind: Kind = scene.kind[i];
  const c = look.colours;
  const fam = family(kind);
  const x = scene.x[i] * cam.kx + cam.tx;
  const y = scene.y[i] * k + cam.ty - (CARD_H / 2) * k;
  const [w, h] = [CARD_W * k, CARD_H * k];
  const selected = i === look.selected;
  const focus = i === scene.focus;
  const name = scene.answer.nodes.name[i];
  const sub = look.sub(i);
  pen.group(`${safe(name)} · ${sub}`);
  if (scene.isStack(i)) {
    card(pen, kind, x + 4 * k, y + 4 * k, w, h, k);
    pen.fill(c.surface);
    pen.stroke(c[fam], 1.4 * Math.max(k, 0.7));
  }
  if (selected || (focus && look.selected < 0)) {
    card(pen, kind, x, y, w, h, k);
    const a = look.lit && !look.lit.nodes[i] ? DIM : 1;
    pen.alpha(0.28 * a);
    pen.stroke(selected ? c.accent : c[fam], 7);
    pen.alpha(a);
  }
  card(pen, kind, x, y, w, h, k);
  pen.fill(focus ? c[`${fam}-tint`] : c.surface);
  const state = look.state(i);
  const stub = state === 'hidden' || state === 'deleted' || state === 'faulty';
  pen.stroke(c[fam], (selected || focus ? 2.4 : i === look.hovered ? 2 : 1.4) * Math.max(k, 0.7), stub ? [4, 3] : []);
  if (look.fresh?.[i]) ring(pen, x, y, w, h, c.accent);
  if (fam === 'env' && kind === 'environment') {
    pen.begin();
    pen.move(x + 4 * k, y + 3 * k);
    pen.line(x + 4 * k, y + h - 3 * k);
    pen.stroke(c.env, 1.2 * k);
  }
  const lens = look.lens?.(i);
  if (lens) {
    rect(pen, x + 1, y + 8 * k, 5 * k, h - 16 * k);
    pen.fill(c[lens]);
  }
  words(pen, look, { name, sub, kind, fam, focus, state }, { x, y, w, h, k }, s);
  if (s === 'card') {
    tab(pen, c, scene.answer.nodes.up[i], x, y + h / 2, k);
    tab(pen, c, scene.answer.nodes.down[i], x + w, y + h / 2, k);
  }
  if (state && STATE_GLYPH[state]) badge(pen, c, state, x + w - 2 * k, y, k);
  pen.end();
}

interface Said {
  name: string;
  sub: string;
  kind: Kind;
  fam: string;
  focus: boolean;
  state: string;
}

function words(pen: Pen, look: Look, said: Said, box: { x: number; y: number; w: number; h: number; k: number }, s: Step): void {
  const c = look.colours;
  const { x, y, w, h, k } = box;
  const indent = said.kind === 'model' || said.kind === 'evaluation' ? 4 : 0;
  if (s === 'card') {
    icon(pen, said.kind, x + (20 + indent) * k, y + h / 2, k, c[said.fam]);
    const room = w - (37 + indent + (indent || said.kind === 'live' ? 14 : 8)) * k;
    const size = 13 * k;
    const small = 11.5 * k;
    pen.text(fitted(pen, said.name, room, size, 550), x + (37 + indent) * k, y + 19.5 * k, { size, weight: 550, color: c.ink });
    const sub = fitted(pen, said.sub, room, small, 400);
    pen.text(sub, x + (37 + indent) * k, y + 35 * k, { size: small, weight: 400, color: said.focus ? c.ink2 : c.ink3 });
  } else {
    const room = w - 14 - indent * k;
    if (room > 18) {
      pen.text(fitted(pen, said.name, room, 11, 550), x + w / 2, y + h / 2 + 4, { size: 11, weight: 550, color: c.ink, align: 'middle' });
    }
  }
}

function ring(pen: Pen, x: number, y: number, w: number, h: number, color: string): void {
  rect(pen, x - 4, y - 4, w + 8, h + 8);
  pen.stroke(color, 1.5, [3, 3]);
}

function tab(pen: Pen, c: Colours, count: number, x: number, y: number, k: number): void {
  if (!(count > 0)) return;
  const w = tabWidth(count) * k;
  const h = 18 * k;
  const r = h / 2;
  const left = x - w / 2;
  pen.begin();
  pen.move(left + r, y - r);
  pen.line(left + w - r, y - r);
  pen.curve(left + w + r * 0.3, y - r, left + w + r * 0.3, y + r, left + w - r, y + r);
  pen.line(left + r, y + r);
  pen.curve(left - r * 0.3, y + r, left - r * 0.3, y - r, left + r, y - r);
  pen.close();
  pen.fill(c.surface);
  pen.stroke(c.line2, 1);
  pen.text(`+${count}`, x, y + 4 * k, { size: 11 * k, weight: 550, color: c.ink2, align: 'middle' });
}

/** A state as a sign: on the corner of a card, and in the legend. */
export function badge(pen: Pen, c: Colours, state: string, x: number, y: number, k: number): void {
  const { glyph, tone, full } = STATE_GLYPH[state];
  pen.begin();
  pen.circle(x, y, 8 * k);
  pen.fill(full ? c[tone] : c[`${tone}-tint`]);
  pen.stroke(c[tone], 1.2 * k);
  pen.text(glyph, x, y + 3.6 * k, { size: (full ? 12 : 10) * k, weight: 650, color: full ? c.surface : c[tone], align: 'middle' });
}

function run(scene: Scene, pen: Pen, cam: Camera, look: Look, i: number, s: Step): void {
  const k = cam.ky;
  const c = look.colours;
  const x = scene.x[i] * cam.kx + cam.tx;
  const y = scene.y[i] * k + cam.ty;
  const r = RUN_R * k;
  const name = scene.answer.nodes.name[i];
  const sub = look.sub(i);
  const state = look.state(i);
  pen.group(`${safe(name)} · ${sub}`);
  const w = (i === look.selected ? 2.4 : i === look.hovered ? 2 : 1.5) * Math.max(k, 0.7);
  if (scene.isStack(i)) {
    pen.begin();
    pen.circle(x + 3.5 * k, y + 3.5 * k, r);
    pen.fill(c.surface);
    pen.stroke(c.run, w);
  }
  pen.begin();
  pen.circle(x, y, r);
  if (i === look.selected) {
    const a = look.lit && !look.lit.nodes[i] ? DIM : 1;
    pen.alpha(0.28 * a);
    pen.stroke(c.accent, 7);
    pen.alpha(a);
  }
  pen.fill(i === scene.focus ? c.sunk : c.surface);
  pen.stroke(state === 'failed' ? c.bad : c.run, w, state === 'running' ? [5, 4] : []);
  pen.begin();
  pen.move(x - 4 * k, y - 6 * k);
  pen.line(x + 6.5 * k, y);
  pen.line(x - 4 * k, y + 6 * k);
  pen.close();
  pen.fill(state === 'failed' ? c.bad : c.run);
  if (state === 'failed') badge(pen, c, state, x + r * 0.75, y - r * 0.75, k);
  if (s === 'card') label(scene, pen, look, i, { x, y, r, k }, name, sub);
  pen.end();
}

/** A run's name and time below its circle, as far as the next run of its column leaves room. */
function label(scene: Scene, pen: Pen, look: Look, i: number, at: { x: number; y: number; r: number; k: number }, name: string, sub: string): void {
  const { x, y, r, k } = at;
  const c = scene.columns[scene.layer[i]];
  const below = c[c.indexOf(i) + 1];
  const room = below === undefined ? Infinity : (scene.y[below] - scene.y[i] - 2 * RUN_R) * k;
  const line = (text: string, dy: number, size: number, weight: 400 | 650, color: string) => {
    const s = fitted(pen, text, 104 * k, size, weight);
    halo(pen, s, x, y + r + dy, size, weight, look.colours.paper);
    pen.text(s, x, y + r + dy, { size, weight, color, align: 'middle' });
  };
  if (room >= 17 * k) line(name, 14 * k, 12 * k, 650, look.colours.ink);
  if (room >= 31 * k) line(sub, 28 * k, 11.5 * k, 400, look.colours.ink3);
}

/** Paper behind a label, so that lines do not cross its letters. */
function halo(pen: Pen, s: string, x: number, y: number, size: number, weight: number, color: string): void {
  const w = pen.width(s, size, weight);
  rect(pen, x - w / 2 - 2, y - size * 0.85, w + 4, size * 1.12);
  pen.fill(color);
}
