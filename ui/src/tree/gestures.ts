import type { Board } from './board';
import { pick, type Hit } from './pick';

/** What a pointer did. */
export interface Pointed {
  hover(hit: Hit | null, sx: number, sy: number): void;
  click(hit: Hit | null): void;
  open(hit: Hit): void;
}

const SLOP = 4;

/** Pointer, wheel and pinch on a board. Returns how to stop listening. */
export function gestures(board: Board, on: Pointed): () => void {
  const el = board.canvas;
  const fingers = new Map<number, { x: number; y: number }>();
  let start: { x: number; y: number } | null = null;
  let dragged = false;
  let spread = 0;
  const at = (e: PointerEvent | WheelEvent | MouseEvent) => {
    const r = el.getBoundingClientRect();
    return { x: e.clientX - r.left, y: e.clientY - r.top };
  };
  const hit = (p: { x: number; y: number }) => (board.scene ? pick(board.scene, board.cam, p.x, p.y) : null);
  const span = () => {
    const [a, b] = [...fingers.values()];
    return { d: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };
  const down = (e: PointerEvent) => {
    if (e.button > 0) return;
    fingers.set(e.pointerId, at(e));
    el.setPointerCapture(e.pointerId);
    if (fingers.size === 1) {
      start = at(e);
      dragged = false;
    } else {
      dragged = true;
      spread = span().d;
    }
  };
  const move = (e: PointerEvent) => {
    const p = at(e);
    const before = fingers.get(e.pointerId);
    if (!before) {
      on.hover(hit(p), p.x, p.y);
      return;
    }
    if (start && !dragged && Math.hypot(p.x - start.x, p.y - start.y) < SLOP) return;
    if (!dragged) on.hover(null, 0, 0);
    dragged = true;
    fingers.set(e.pointerId, p);
    if (fingers.size >= 2) {
      const s = span();
      if (spread > 0) board.zoomBy(s.d / spread, s.x, s.y);
      spread = s.d;
      board.panBy((p.x - before.x) / fingers.size, (p.y - before.y) / fingers.size);
    } else {
      board.panBy(p.x - before.x, p.y - before.y);
    }
  };
  const up = (e: PointerEvent) => {
    const had = fingers.delete(e.pointerId);
    if (had && !dragged && e.type === 'pointerup') on.click(hit(at(e)));
    if (!fingers.size) start = null;
  };
  const leave = () => on.hover(null, 0, 0);
  const wheel = (e: WheelEvent) => {
    e.preventDefault();
    const p = at(e);
    // A wheel zooms; a touchpad moves with two fingers and zooms with a pinch, which browsers report with ctrlKey.
    const pad = !e.ctrlKey && e.deltaMode === 0 && (e.deltaX !== 0 || Math.abs(e.deltaY) < 40);
    if (pad) board.panBy(-e.deltaX, -e.deltaY);
    else board.zoomBy(Math.exp(-e.deltaY * (e.ctrlKey ? 0.01 : 0.0016) * (e.deltaMode === 1 ? 18 : 1)), p.x, p.y);
  };
  const twice = (e: MouseEvent) => {
    const h = hit(at(e));
    if (h) on.open(h);
  };
  el.addEventListener('pointerdown', down);
  el.addEventListener('pointermove', move);
  el.addEventListener('pointerup', up);
  el.addEventListener('pointercancel', up);
  el.addEventListener('pointerleave', leave);
  el.addEventListener('wheel', wheel, { passive: false });
  el.addEventListener('dblclick', twice);
  return () => {
    el.removeEventListener('pointerdown', down);
    el.removeEventListener('pointermove', move);
    el.removeEventListener('pointerup', up);
    el.removeEventListener('pointercancel', up);
    el.removeEventListener('pointerleave', leave);
    el.removeEventListener('wheel', wheel);
    el.removeEventListener('dblclick', twice);
  };
}
