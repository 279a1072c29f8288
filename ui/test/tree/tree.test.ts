import { describe, expect, it } from 'vitest';
import { first, fit, step, stretch, zoom, type View } from '../../src/tree/camera';
import { colours } from '../../src/tree/colours';
import { svg } from '../../src/tree/export';
import { command, walk } from '../../src/tree/keys';
import { rows } from '../../src/tree/list';
import { paint, type Look } from '../../src/tree/paint';
import { CountingPen } from '../../src/tree/pen';
import { pick } from '../../src/tree/pick';
import { Scene } from '../../src/tree/scene';
import { flights, layered } from './made';

const view: View = { w: 1200, h: 800, top: 62, pad: 24 };
const look = (): Look => ({
  colours: colours(false),
  selected: -1,
  hovered: -1,
  lit: null,
  fresh: null,
  sub: () => 'data',
  state: () => '',
  lens: null,
  said: null,
});

function count(scene: Scene, k: number): { pen: CountingPen; slices: number; most: number } {
  const pen = new CountingPen();
  const b = scene.bounds;
  const cam = { kx: k, ky: k, tx: -b.x * k, ty: 62 - b.y * k };
  let [slices, most, before] = [0, 0, 0];
  for (const slice of paint(scene, pen, cam, view, look())) {
    void slice;
    slices++;
    most = Math.max(most, pen.strokes - before);
    before = pen.strokes;
  }
  return { pen, slices, most };
}

describe('painting', () => {
  it('says every name at full size, and draws no text where it cannot be read', () => {
    const scene = new Scene(flights());
    const near = count(scene, 1);
    for (const name of ['flights.csv', 'weather/', 'clean', 'train', '+9', '+2']) expect(near.pen.texts).toContain(name);
    expect(count(scene, 0.2).pen.texts).toEqual([]);
  });

  it('draws only what is in view', () => {
    const scene = new Scene(layered(13_500));
    const near = count(scene, 1).pen;
    expect(near.strokes).toBeGreaterThan(50);
    expect(near.strokes).toBeLessThan(4000);
    expect(near.texts.length).toBeLessThan(1000);
  });

  it('works in slices, so that a frame is never long', () => {
    const { slices, most } = count(new Scene(layered(13_500)), 0.05);
    expect(slices).toBeGreaterThan(20);
    expect(most).toBeLessThan(400);
  });

  it('strokes each edge once at full size', () => {
    const scene = new Scene(flights());
    const without = flights();
    without.edges = { from: [], to: [], by: [], role: [], lane: [] };
    expect(count(scene, 1).pen.strokes - count(new Scene(without), 1).pen.strokes).toBe(scene.m);
  });
});

describe('the camera', () => {
  it('shows cards, then names, then shapes, then marks', () => {
    expect([1, 0.6, 0.59, 0.28, 0.27, 0.12, 0.11].map((k) => step({ kx: k, ky: k, tx: 0, ty: 0 }))).toEqual([
      'card',
      'card',
      'name',
      'name',
      'shape',
      'shape',
      'mark',
    ]);
  });

  it('fits what is small without making it larger than life', () => {
    const cam = fit(new Scene(flights()).bounds, view);
    expect(cam.kx).toBe(cam.ky);
    expect(cam.ky).toBeLessThanOrEqual(1.25);
  });

  it('begins with the thing in view, and no emptiness beside it', () => {
    const world = { x: 30, y: 0, w: 4000, h: 200 };
    const cam = first(world, view, 3948, 100);
    expect(cam.ky).toBeGreaterThanOrEqual(0.6);
    expect((world.x + world.w) * cam.kx + cam.tx).toBeCloseTo(view.w - view.pad);
    expect(3948 * cam.kx + cam.tx).toBeLessThan(view.w);
  });

  it('stretches generations over the view when far, and keeps cards as they are when near', () => {
    const world = new Scene(layered(13_500)).bounds;
    const cam = fit(world, view);
    expect(cam.kx).toBeGreaterThan(cam.ky * 2);
    expect(world.w * cam.kx).toBeLessThanOrEqual(view.w);
    expect(stretch(0.28, world, view)).toBe(0.28);
    let last = stretch(0.01, world, view);
    for (let k = 0.01; k < 0.4; k += 0.005) {
      const kx = stretch(k, world, view);
      expect(kx).toBeGreaterThanOrEqual(k - 1e-9);
      expect(Math.abs(kx - last)).toBeLessThan(0.1);
      last = kx;
    }
  });

  it('zooms about the point under the pointer', () => {
    const world = new Scene(layered(2000)).bounds;
    const cam = fit(world, view);
    for (const f of [0.7, 1.3, 9]) {
      const to = zoom(cam, f, 333, 444, world, view);
      expect((333 - to.tx) / to.kx).toBeCloseTo((333 - cam.tx) / cam.kx, 6);
      expect((444 - to.ty) / to.ky).toBeCloseTo((444 - cam.ty) / cam.ky, 6);
    }
  });
});

describe('picking', () => {
  const scene = new Scene(flights());
  const cam = { kx: 1, ky: 1, tx: 0, ty: 0 };
  it('finds cards, knots, and the tabs at their edges', () => {
    expect(pick(scene, cam, 60, 100)).toEqual({ node: 0, part: 'node' });
    expect(pick(scene, cam, 240, 128)).toEqual({ node: 2, part: 'node' });
    expect(pick(scene, cam, 284, 212)).toEqual({ node: 8, part: 'up' });
    expect(pick(scene, cam, 708, 128)).toEqual({ node: 7, part: 'down' });
    expect(pick(scene, cam, 800, 400)).toBeNull();
    expect(pick(scene, cam, 240, 100)).toBeNull();
  });
  it('keeps targets of 24 px when far', () => {
    const far = { kx: 0.05, ky: 0.05, tx: 0, ty: 0 };
    expect(pick(scene, far, 12 + 10, 128 * 0.05)).not.toBeNull();
  });
});

describe('walking', () => {
  const scene = new Scene(flights());
  it('follows edges left and right, the main line first', () => {
    expect(walk(scene, 7, 'left')).toBe(4);
    expect(walk(scene, 4, 'left')).toBe(3);
    expect(walk(scene, 3, 'left')).toBe(2);
    expect(walk(scene, 2, 'left')).toBe(0);
    expect(walk(scene, 0, 'left')).toBe(0);
    expect(walk(scene, 0, 'right')).toBe(2);
  });
  it('goes up and down within a generation', () => {
    expect(walk(scene, 3, 'down')).toBe(5);
    expect(walk(scene, 3, 'up')).toBe(3);
    expect(walk(scene, 5, 'down')).toBe(8);
  });
  it('reads keys, and leaves those of the browser alone', () => {
    const key = (k: string, more = {}) => command({ key: k, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more });
    expect(key('ArrowLeft')).toEqual({ do: 'walk', way: 'left' });
    expect(key('ArrowLeft', { shiftKey: true })).toMatchObject({ do: 'pan' });
    expect(key('[')).toEqual({ do: 'parents', by: -1 });
    expect(key('f', { ctrlKey: true })).toBeNull();
    expect(key('x')).toBeNull();
  });
});

describe('the integers of an answer', () => {
  it('are read as the words that they stand for', () => {
    const a = flights();
    a.edges.by = [0, 3, 0, 0, 0, 1, 4, 2];
    const scene = new Scene(a);
    expect(scene.by).toEqual(['observed', 'imported', 'observed', 'observed', 'observed', 'declared', 'corrected', 'inferred']);
    expect(scene.kind.slice(0, 3)).toEqual(['data', 'data', 'run']);
  });
});

describe('families and paths', () => {
  const scene = new Scene(flights());
  it('lights ancestors and descendants, nothing beside', () => {
    expect([...scene.family(3).nodes]).toEqual([1, 1, 1, 1, 1, 0, 0, 1, 0]);
  });
  it('finds all paths between two things, asked from either end', () => {
    const expected = [1, 0, 1, 1, 1, 0, 0, 1, 0];
    expect([...scene.between(0, 7).nodes]).toEqual(expected);
    expect([...scene.between(7, 0).nodes]).toEqual(expected);
    expect([...scene.between(5, 1).nodes].some(Boolean)).toBe(false);
  });
});

describe('the list', () => {
  it('holds everything that leads to the thing, each with its own rows once', () => {
    const { up, down } = rows(new Scene(flights()));
    const names = up.map((r) => `${' '.repeat(r.depth)}${r.node}${r.again ? '*' : ''}`);
    expect(names).toEqual([' 4', '  3', '   2', '    0', '    1', '  0*', '  5', '  8']);
    expect(down).toEqual([]);
  });
  it('ends on a cycle', () => {
    const a = flights();
    a.edges.from.push(7);
    a.edges.to.push(2);
    a.edges.by.push('observed');
    a.edges.role.push(0);
    a.edges.lane.push([]);
    expect(rows(new Scene(a)).up.length).toBeLessThan(30);
  });
});

describe('the exported picture', () => {
  const words = { role: (r: string) => r, time: (s: string) => s.slice(0, 10), span: (a: string, b: string) => `${a} – ${b}`, count: String };
  const make = () =>
    svg(new Scene(flights()), look(), words, { title: 'delay v12', desc: '9 things', proof: 'record 4812 · abcd', authority: (a) => a, state: (s) => s }, false);
  it('is the same bytes each time, with its text as text and what it proves', () => {
    expect(make()).toBe(make());
    expect(make()).toContain('>features.parquet<');
    expect(make()).toContain('record 4812 · abcd');
    expect(make()).toContain('<title id="t">delay v12</title>');
    expect(make()).not.toMatch(/<script|href=|url\(/);
  });
  it('escapes what a hostile name brings', () => {
    const a = flights();
    a.nodes.name[0] = '<script>"&\u202e';
    const text = svg(new Scene(a), look(), words, { title: 't', desc: 'd', proof: '', authority: (x) => x, state: (s) => s }, false);
    expect(text).not.toContain('<script>');
    expect(text).not.toContain('\u202e');
  });
});
