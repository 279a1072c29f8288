import { draw, paintNear, paintWhole, type Bitmap } from './bitmaps';
import { between, first, fit, pan, reveal, zoom, type Camera, type View } from './camera';
import { HEADS, paintHeads, type HeadWords } from './heads';
import { paint, type Look } from './paint';
import { CanvasPen } from './pen';
import type { Scene } from './scene';

const SMALL_NODES = 400;
const SMALL_EDGES = 1500;
const REST_MS = 110;

/** What the page lends to the board. */
export interface Host {
  look(): Look;
  words(): HeadWords;
  /** No motion is wanted. */
  still(): boolean;
  /** The camera has moved. */
  moved?(): void;
  /** A frame was painted: what lies over the picture follows it. */
  framed?(): void;
}

/** The canvas of a tree: owns the camera, paints when something changed, and moves pixels while a gesture lasts. */
export class Board {
  scene: Scene | null = null;
  cam: Camera = { kx: 1, ky: 1, tx: 0, ty: 0 };
  view: View = { w: 1, h: 1, top: HEADS, pad: 24 };
  /** Frames painted, and how long the longest slice took: for measuring. */
  readonly stats = { frames: 0, strokesAt: 0, slowest: 0 };
  private readonly c: CanvasRenderingContext2D;
  private whole: Bitmap | null = null;
  private near: Bitmap | null = null;
  private job: { run: Generator<void, Bitmap>; done: (b: Bitmap) => void }[] = [];
  private asked = 0;
  private lastMove = 0;
  private margin = 1.5;
  private glide: { from: Camera; to: Camera; t0: number; ms: number } | null = null;
  private tween: { x0: Float32Array; y0: Float32Array; x1: Float32Array; y1: Float32Array; t0: number } | null = null;
  private timer = 0;
  private told = new Set<string>();

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly mini: HTMLCanvasElement | null,
    readonly host: Host,
  ) {
    const c = canvas.getContext('2d', { alpha: false });
    if (!c) throw new Error('no 2d canvas');
    this.c = c;
  }

  /** Small pictures are painted anew each frame; large ones are moved as pixels. */
  private get small(): boolean {
    return !!this.scene && this.scene.n <= SMALL_NODES && this.scene.m <= SMALL_EDGES;
  }
  private get ratio(): number {
    return Math.min(window.devicePixelRatio || 1, 3);
  }

  /** Shows a graph. With `anchor`, that node keeps its place on the screen. */
  show(scene: Scene, anchor: string | null): void {
    const before = this.scene;
    const same = before !== null && anchor !== null;
    let kept = false;
    if (before && same) {
      const [a, b] = [before.find(anchor), scene.find(anchor)];
      if (a !== undefined && b !== undefined) {
        this.cam = {
          ...this.cam,
          tx: this.cam.tx + (before.centre(a) - scene.centre(b)) * this.cam.kx,
          ty: this.cam.ty + (before.y[a] - scene.y[b]) * this.cam.ky,
        };
        kept = true;
      }
    }
    this.scene = scene;
    this.told.clear();
    if (kept && before && scene.n <= 2000 && !this.host.still()) this.startTween(before, scene);
    else this.tween = null;
    if (!kept) {
      const f = scene.focus;
      this.cam = first(scene.bounds, this.view, f >= 0 ? scene.centre(f) : scene.bounds.x, f >= 0 ? scene.y[f] : scene.bounds.y);
    }
    this.repaint();
  }

  private startTween(before: Scene, scene: Scene): void {
    const x1 = scene.x.slice();
    const y1 = scene.y.slice();
    const x0 = x1.slice();
    const y0 = y1.slice();
    // Both pictures share the anchor's place, so the offset between their worlds must be taken out.
    const f = scene.focus;
    const fb = f >= 0 ? before.find(scene.answer.nodes.id[f]) : undefined;
    const [ox, oy] = fb === undefined ? [0, 0] : [scene.centre(f) - before.centre(fb), scene.y[f] - before.y[fb]];
    let moved = 0;
    for (let i = 0; i < scene.n; i++) {
      const b = before.find(scene.answer.nodes.id[i]);
      if (b === undefined) continue;
      x0[i] = before.x[b] + ox;
      y0[i] = before.y[b] + oy;
      if (x0[i] !== x1[i] || y0[i] !== y1[i]) moved++;
    }
    if (!moved) return;
    scene.x.set(x0);
    scene.y.set(y0);
    this.tween = { x0, y0, x1, y1, t0: performance.now() };
  }

  /** The element has another size. */
  resize(w: number, h: number): void {
    if (w < 2 || h < 2) return;
    const was = this.view;
    this.view = { ...this.view, w, h, pad: w < 500 ? 10 : 24 };
    const r = this.ratio;
    this.canvas.width = Math.round(w * r);
    this.canvas.height = Math.round(h * r);
    if (this.scene && was.w <= 1) {
      const f = this.scene.focus;
      this.cam = first(this.scene.bounds, this.view, this.scene.centre(Math.max(f, 0)), this.scene.y[Math.max(f, 0)]);
    } else if (this.scene) {
      this.cam = { ...this.cam, tx: this.cam.tx + (w - was.w) / 2, ty: this.cam.ty + (h - was.h) / 2 };
    }
    this.near = null;
    this.repaint();
  }

  /** Something about the looks changed: selection, light, theme, words. */
  repaint(all = true): void {
    if (all) {
      this.whole = null;
      this.job = [];
    } else {
      this.job = this.job.slice(0, 0);
    }
    this.renew();
    this.invalidate();
  }

  private renew(): void {
    const scene = this.scene;
    if (!scene) return;
    this.job = [];
    if (!this.whole) this.job.push({ run: paintWhole(scene, this.host.look().colours, !this.small), done: (b) => (this.whole = b) });
    if (!this.small) {
      const run = paintNear(scene, this.cam, this.view, this.host.look(), this.ratio, this.margin);
      this.job.unshift({ run, done: (b) => (this.near = b) });
    }
  }

  invalidate(): void {
    if (!this.asked) this.asked = requestAnimationFrame((t) => this.frame(t));
  }

  private frame(now: number): void {
    this.asked = 0;
    const scene = this.scene;
    if (!scene || document.hidden) return;
    this.advance(now);
    const moving = now - this.lastMove < REST_MS;
    this.work(moving ? 2 : 7);
    this.compose(scene);
    this.minimap(scene);
    this.host.framed?.();
    this.stats.frames++;
    if (this.small || this.near) this.tell('tree-drawn');
    if (this.whole) this.tell('tree-whole');
    if (this.glide || this.tween || this.job.length) this.invalidate();
    else if (!this.small && this.stale()) {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => {
        this.renew();
        this.invalidate();
      }, REST_MS);
    }
  }

  /** Says once for each graph how far its picture is: for measuring from outside. */
  private tell(what: string): void {
    if (this.told.has(what)) return;
    this.told.add(what);
    performance.mark(what);
  }

  private advance(now: number): void {
    const ease = (t: number) => 1 - (1 - t) ** 3;
    if (this.glide) {
      const t = Math.min(1, Math.max(0, (now - this.glide.t0) / this.glide.ms));
      this.cam = between(this.glide.from, this.glide.to, ease(t));
      if (t >= 1) this.glide = null;
      this.host.moved?.();
    }
    const w = this.tween;
    if (w && this.scene) {
      const t = Math.min(1, Math.max(0, (now - w.t0) / 240));
      const k = ease(t);
      for (let i = 0; i < w.x0.length; i++) {
        this.scene.x[i] = w.x0[i] + (w.x1[i] - w.x0[i]) * k;
        this.scene.y[i] = w.y0[i] + (w.y1[i] - w.y0[i]) * k;
      }
      if (t >= 1) {
        this.scene.x.set(w.x1);
        this.scene.y.set(w.y1);
        this.tween = null;
        this.whole = null;
        this.renew();
      }
    }
  }

  private work(budget: number): void {
    const t0 = performance.now();
    while (this.job.length) {
      const j = this.job[0];
      const s0 = performance.now();
      const r = j.run.next();
      const took = performance.now() - s0;
      this.stats.slowest = Math.max(this.stats.slowest, took);
      // A machine that paints slowly gets a smaller margin.
      if (took > 50 && this.margin > 1.1) this.margin = 1.1;
      if (r.done) {
        this.job.shift();
        j.done(r.value);
      }
      if (performance.now() - t0 > budget) break;
    }
  }

  private compose(scene: Scene): void {
    const c = this.c;
    const look = this.host.look();
    const r = this.ratio;
    c.setTransform(r, 0, 0, r, 0, 0);
    c.globalAlpha = 1;
    c.fillStyle = look.colours.paper;
    c.fillRect(0, 0, this.view.w, this.view.h);
    if (this.small) {
      for (const s of paint(scene, new CanvasPen(c), this.cam, this.view, look)) void s;
    } else {
      const n = this.near;
      const covers = n && this.covers(n);
      if (this.whole && !covers) draw(c, this.whole, this.cam);
      if (n && (covers || !this.whole || this.scaleOf(n) < 4)) draw(c, n, this.cam);
    }
    paintHeads(scene, new CanvasPen(c), this.cam, this.view, look.colours, this.host.words());
  }

  private scaleOf(b: Bitmap): number {
    const f = this.cam.ky / b.cam.ky;
    return Math.max(f, 1 / f);
  }
  private covers(b: Bitmap): boolean {
    const fx = this.cam.kx / b.cam.kx;
    const fy = this.cam.ky / b.cam.ky;
    const x = (b.rect.x - b.cam.tx) * fx + this.cam.tx;
    const y = (b.rect.y - b.cam.ty) * fy + this.cam.ty;
    return x <= 1 && y <= 1 && x + b.rect.w * fx >= this.view.w - 1 && y + b.rect.h * fy >= this.view.h - 1;
  }
  private stale(): boolean {
    const n = this.near;
    if (!n) return true;
    const a = n.cam;
    const b = this.cam;
    return a.kx !== b.kx || a.ky !== b.ky || a.tx !== b.tx || a.ty !== b.ty;
  }

  private minimap(scene: Scene): void {
    const mini = this.mini;
    const w = this.whole;
    if (!mini || !w) return;
    const r = this.ratio;
    const [mw, mh] = [mini.clientWidth, mini.clientHeight];
    if (!mw) return;
    if (mini.width !== Math.round(mw * r)) {
      mini.width = Math.round(mw * r);
      mini.height = Math.round(mh * r);
    }
    const c = mini.getContext('2d');
    if (!c) return;
    const m = this.miniCamera(scene, mw, mh);
    c.setTransform(r, 0, 0, r, 0, 0);
    c.clearRect(0, 0, mw, mh);
    draw(c, w, m);
    const x0 = (-this.cam.tx / this.cam.kx) * m.kx + m.tx;
    const y0 = ((HEADS - this.cam.ty) / this.cam.ky) * m.ky + m.ty;
    const x1 = ((this.view.w - this.cam.tx) / this.cam.kx) * m.kx + m.tx;
    const y1 = ((this.view.h - this.cam.ty) / this.cam.ky) * m.ky + m.ty;
    c.strokeStyle = this.host.look().colours.accent;
    c.lineWidth = 1.5;
    const [a, b, d, e] = [Math.max(x0, 1), Math.max(y0, 1), Math.min(x1, mw - 1), Math.min(y1, mh - 1)];
    c.strokeRect(a, b, Math.max(d - a, 4), Math.max(e - b, 4));
  }

  private miniCamera(scene: Scene, mw: number, mh: number): Camera {
    const b = scene.bounds;
    const pad = 8;
    const ky = Math.min((mh - 2 * pad) / b.h, 0.5);
    const kx = Math.min((mw - 2 * pad) / b.w, 0.5);
    const k = Math.min(kx, ky) > 0.05 ? Math.min(kx, ky) : 0;
    const [ux, uy] = k ? [k, k] : [kx, ky];
    return { kx: ux, ky: uy, tx: (mw - b.w * ux) / 2 - b.x * ux, ty: (mh - b.h * uy) / 2 - b.y * uy };
  }

  /** Centres the view on a point of the minimap. */
  miniTo(px: number, py: number): void {
    if (!this.scene || !this.mini) return;
    const m = this.miniCamera(this.scene, this.mini.clientWidth, this.mini.clientHeight);
    const wx = (px - m.tx) / m.kx;
    const wy = (py - m.ty) / m.ky;
    const midY = (this.view.h + HEADS) / 2;
    this.jump({ ...this.cam, tx: this.view.w / 2 - wx * this.cam.kx, ty: midY - wy * this.cam.ky });
  }

  /** Moves at once. */
  jump(cam: Camera): void {
    this.glide = null;
    this.cam = cam;
    this.lastMove = performance.now();
    this.host.moved?.();
    this.invalidate();
  }
  private glideTo(to: Camera, ms = 160): void {
    if (this.host.still()) return this.jump(to);
    this.glide = { from: this.cam, to, t0: performance.now(), ms };
    this.lastMove = performance.now();
    this.invalidate();
  }
  fit(): void {
    if (this.scene) this.glideTo(fit(this.scene.bounds, this.view));
  }
  zoomBy(f: number, sx = this.view.w / 2, sy = this.view.h / 2, soft = false): void {
    if (!this.scene) return;
    const to = zoom(this.glide?.to ?? this.cam, f, sx, sy, this.scene.bounds, this.view);
    if (soft) this.glideTo(to, 120);
    else this.jump(to);
  }
  panBy(dx: number, dy: number): void {
    if (this.scene) this.jump(pan(this.cam, dx, dy, this.scene.bounds, this.view));
  }
  reveal(i: number): void {
    if (!this.scene || i < 0) return;
    const to = reveal(this.cam, this.scene.centre(i), this.scene.y[i], this.view);
    if (to.tx !== this.cam.tx || to.ty !== this.cam.ty) this.glideTo(to);
  }
  /** Goes near a node that was a mark. */
  dive(i: number): void {
    if (!this.scene) return;
    const k = 0.8;
    const to = { kx: k, ky: k, tx: this.view.w / 2 - this.scene.centre(i) * k, ty: (this.view.h + HEADS) / 2 - this.scene.y[i] * k };
    this.glideTo(to, 240);
  }

  /** Gives back what it holds. */
  free(): void {
    cancelAnimationFrame(this.asked);
    clearTimeout(this.timer);
    this.asked = 0;
    this.job = [];
    this.whole = null;
    this.near = null;
    this.canvas.width = this.canvas.height = 1;
  }
}
