import type { Camera, Rect, View } from './camera';
import type { Colours } from './colours';
import { edgePath } from './edges';
import { CARD_H, CARD_W, family } from './kinds';
import { paint, type Look } from './paint';
import { CanvasPen } from './pen';
import type { Scene } from './scene';

/** A picture kept as pixels, with the camera it was painted for. */
export interface Bitmap {
  canvas: HTMLCanvasElement;
  cam: Camera;
  /** What it shows, in the screen of its own camera. */
  rect: Rect;
  ratio: number;
}

const PIXELS_MAX = 16_000_000;
const WHOLE_W = 2048;
const WHOLE_H = 1536;

function canvasOf(w: number, h: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(w));
  canvas.height = Math.max(1, Math.round(h));
  const c = canvas.getContext('2d');
  if (!c) throw new Error('no 2d canvas');
  return [canvas, c];
}

/** The whole graph as marks: lies under the view's bitmap while that is renewed, and is the minimap. Painted in slices. */
export function* paintWhole(scene: Scene, colours: Colours, lines: boolean): Generator<void, Bitmap> {
  const b = scene.bounds;
  const pad = 20;
  const kx = Math.min(WHOLE_W / (b.w + 2 * pad), 1);
  const ky = Math.min(WHOLE_H / (b.h + 2 * pad), 1);
  const cam: Camera = { kx, ky, tx: (pad - b.x) * kx, ty: (pad - b.y) * ky };
  const rect = { x: 0, y: 0, w: (b.w + 2 * pad) * kx, h: (b.h + 2 * pad) * ky };
  const [canvas, c] = canvasOf(rect.w, rect.h);
  if (lines) {
    const pen = new CanvasPen(c);
    const alpha = Math.min(0.5, Math.max(0.02, 900 / Math.max(scene.m, 1)));
    pen.begin();
    for (let e = 0; e < scene.m; e++) {
      edgePath(scene, pen, cam, e);
      if (e % 200 === 199) {
        pen.alpha(alpha);
        pen.stroke(colours.edge, 1);
        yield;
        pen.begin();
      }
    }
    pen.alpha(alpha);
    pen.stroke(colours.edge, 1);
    pen.alpha(1);
  }
  for (let i = 0; i < scene.n; i++) {
    c.fillStyle = colours[family(scene.kind[i])];
    const run = scene.isRun(i);
    const w = Math.max((run ? 34 : CARD_W) * kx, 1);
    const h = Math.max((run ? 34 : CARD_H) * ky, 1);
    c.fillRect((run ? scene.x[i] * kx - w / 2 : scene.x[i] * kx) + cam.tx, scene.y[i] * ky + cam.ty - h / 2, w, h);
    if (i % 2000 === 1999) yield;
  }
  return { canvas, cam, rect, ratio: 1 };
}

/** The view with a margin, painted crisply in slices. */
export function* paintNear(scene: Scene, cam: Camera, view: View, look: Look, ratio: number, margin: number): Generator<void, Bitmap> {
  let r = ratio;
  const mx = Math.round((view.w * (margin - 1)) / 2);
  const my = Math.round((view.h * (margin - 1)) / 2);
  const w = view.w + 2 * mx;
  const h = view.h + 2 * my;
  if (w * h * r * r > PIXELS_MAX) r = Math.sqrt(PIXELS_MAX / (w * h));
  const [canvas, c] = canvasOf(w * r, h * r);
  c.setTransform(r, 0, 0, r, 0, 0);
  c.fillStyle = look.colours.paper;
  c.fillRect(0, 0, w, h);
  const shifted: Camera = { ...cam, tx: cam.tx + mx, ty: cam.ty + my };
  yield* paint(scene, new CanvasPen(c), shifted, { ...view, w, h }, look);
  return { canvas, cam, rect: { x: -mx, y: -my, w, h }, ratio: r };
}

/** Draws a bitmap as another camera sees it. Says where it came to lie. */
export function draw(c: CanvasRenderingContext2D, b: Bitmap, cam: Camera): Rect {
  const fx = cam.kx / b.cam.kx;
  const fy = cam.ky / b.cam.ky;
  const x = (b.rect.x - b.cam.tx) * fx + cam.tx;
  const y = (b.rect.y - b.cam.ty) * fy + cam.ty;
  const r = { x, y, w: b.rect.w * fx, h: b.rect.h * fy };
  c.drawImage(b.canvas, r.x, r.y, r.w, r.h);
  return r;
}
