import type { Camera } from './camera';
import { CARD_W } from './kinds';
import type { Pen } from './pen';
import type { Scene } from './scene';

/** Adds the path of an edge: a calm curve in each gap, straight through its lanes, in a loop above when it leads back. */
export function edgePath(scene: Scene, pen: Pen, cam: Camera, e: number): void {
  const { from, to, lane } = scene.answer.edges;
  const [f, t] = [from[e], to[e]];
  const X = (wx: number) => wx * cam.kx + cam.tx;
  const Y = (wy: number) => wy * cam.ky + cam.ty;
  let x = scene.right(f);
  let y = scene.y[f];
  const [ex, ey] = [scene.left(t), scene.y[t]];
  pen.move(X(x), Y(y));
  if (scene.layer[t] <= scene.layer[f]) {
    const top = Math.min(y, ey) - 70;
    pen.curve(X(x + 60), Y(y), X(x + 60), Y(top), X((x + ex) / 2), Y(top));
    pen.curve(X(ex - 60), Y(top), X(ex - 60), Y(ey), X(ex), Y(ey));
    return;
  }
  const lanes = lane[e] ?? [];
  const layers = scene.answer.layers;
  const to2 = (nx: number, ny: number) => {
    if (Math.abs(ny - y) < 0.5) pen.line(X(nx), Y(ny));
    else {
      const mid = (x + nx) / 2;
      pen.curve(X(mid), Y(y), X(mid), Y(ny), X(nx), Y(ny));
    }
    x = nx;
    y = ny;
  };
  for (let n = 0; n < lanes.length; n++) {
    const l = scene.layer[f] + 1 + n;
    const at = layers[l];
    if (!at) break;
    if (l % 2) {
      // A gap with runs: nothing to go around but circles, so the turn is made where the next column begins.
      if (Math.abs(lanes[n] - y) < 0.5) to2(at.x, lanes[n]);
      continue;
    }
    to2(at.x, lanes[n]);
    to2(at.x + CARD_W, lanes[n]);
  }
  to2(ex, ey);
}
