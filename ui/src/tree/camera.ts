/** Where the picture stands: screen = world × k + t. Far out, x is stretched more than y. */
export interface Camera {
  kx: number;
  ky: number;
  tx: number;
  ty: number;
}

/** A rectangle. */
export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** The view's size, and what of its edges other things cover. */
export interface View {
  w: number;
  h: number;
  top: number;
  pad: number;
}

/** From here on up a card keeps its shape; below, generations become columns of marks. */
export const STRATA = 0.28;
const FIT_MAX = 1.25;
const MAX = 2.5;

/** How detailed things are drawn. */
export type Step = 'card' | 'name' | 'shape' | 'mark';

/** The step of zoom. */
export function step(cam: Camera): Step {
  if (cam.ky >= 0.6) return 'card';
  if (cam.ky >= STRATA) return 'name';
  return cam.ky >= 0.12 ? 'shape' : 'mark';
}

function clamp(v: number, a: number, b: number): number {
  return Math.min(Math.max(v, a), b);
}

/** The stretch of x that belongs to one of y: equal when near, filling the view when far, gliding between. */
export function stretch(ky: number, world: Rect, view: View): number {
  if (ky >= STRATA) return ky;
  const far = clamp((view.w - 2 * view.pad) / world.w, ky, STRATA);
  const t = clamp((STRATA - ky) / (STRATA * 0.45), 0, 1);
  return ky * (far / ky) ** t;
}

/** Shows everything. */
export function fit(world: Rect, view: View): Camera {
  const w = Math.max(view.w - 2 * view.pad, 40);
  const h = Math.max(view.h - view.top - view.pad, 40);
  let ky = Math.min(w / world.w, h / world.h, FIT_MAX);
  // What is long in one direction only must not be shrunk by it beyond reading: x finds its own stretch there.
  if (ky < STRATA) ky = Math.min(h / world.h, STRATA - 0.001);
  const kx = stretch(ky, world, view);
  return centred({ kx, ky, tx: 0, ty: 0 }, world, view);
}

function centred(cam: Camera, world: Rect, view: View): Camera {
  const h = view.h - view.top;
  return {
    ...cam,
    tx: (view.w - world.w * cam.kx) / 2 - world.x * cam.kx,
    ty: view.top + (h - world.h * cam.ky) / 2 - world.y * cam.ky,
  };
}

/** The first look: everything if it can be read, else the middle of things at a size that can. */
export function first(world: Rect, view: View, cx: number, cy: number): Camera {
  const all = fit(world, view);
  if (all.ky >= 0.6 || world.w * world.h > 4e7) return all;
  const k = 0.66;
  if (all.ky >= 0.5) return all;
  let tx = view.w * 0.62 - cx * k;
  let ty = view.top + (view.h - view.top) / 2 - cy * k;
  // No emptiness beside the end of what is wider than the view.
  if (world.w * k >= view.w) tx = clamp(tx, view.w - view.pad - (world.x + world.w) * k, view.pad - world.x * k);
  if (world.w * k < view.w) tx = (view.w - world.w * k) / 2 - world.x * k;
  if (world.h * k < view.h - view.top) ty = view.top + (view.h - view.top - world.h * k) / 2 - world.y * k;
  return { kx: k, ky: k, tx, ty };
}

/** Zooms by a factor, keeping the world's point under a point of the screen. */
export function zoom(cam: Camera, f: number, sx: number, sy: number, world: Rect, view: View): Camera {
  const least = Math.min((view.h - view.top) / world.h, view.w / world.w, STRATA) * 0.5;
  const ky = clamp(cam.ky * f, least, MAX);
  const kx = stretch(ky, world, view);
  const wx = (sx - cam.tx) / cam.kx;
  const wy = (sy - cam.ty) / cam.ky;
  return { kx, ky, tx: sx - wx * kx, ty: sy - wy * ky };
}

/** Moves by screen pixels; the picture never leaves the view wholly. */
export function pan(cam: Camera, dx: number, dy: number, world: Rect, view: View): Camera {
  const keep = 80;
  const tx = clamp(cam.tx + dx, keep - (world.x + world.w) * cam.kx, view.w - keep - world.x * cam.kx);
  const ty = clamp(cam.ty + dy, keep - (world.y + world.h) * cam.ky, view.h - keep - world.y * cam.ky);
  return { ...cam, tx, ty };
}

/** Puts a point of the world where it can be seen, moving as little as possible. */
export function reveal(cam: Camera, wx: number, wy: number, view: View): Camera {
  const sx = wx * cam.kx + cam.tx;
  const sy = wy * cam.ky + cam.ty;
  const mx = Math.min(120, view.w / 3);
  const my = Math.min(60, view.h / 4);
  return {
    ...cam,
    tx: cam.tx + clamp(sx, mx, view.w - mx) - sx,
    ty: cam.ty + clamp(sy, view.top + my, view.h - my) - sy,
  };
}

/** Between two cameras, 0 to 1. */
export function between(a: Camera, b: Camera, t: number): Camera {
  const mix = (p: number, q: number) => p + (q - p) * t;
  return { kx: mix(a.kx, b.kx), ky: mix(a.ky, b.ky), tx: mix(a.tx, b.tx), ty: mix(a.ty, b.ty) };
}
