import type { Pen } from './pen';
import type { Kind } from './kinds';

function rounded(p: Pen, x: number, y: number, w: number, h: number, r: number): void {
  const k = r * 0.45;
  p.move(x + r, y);
  p.line(x + w - r, y);
  p.curve(x + w - k, y, x + w, y + k, x + w, y + r);
  p.line(x + w, y + h - r);
  p.curve(x + w, y + h - k, x + w - k, y + h, x + w - r, y + h);
  p.line(x + r, y + h);
  p.curve(x + k, y + h, x, y + h - k, x, y + h - r);
  p.line(x, y + r);
  p.curve(x, y + k, x + k, y, x + r, y);
  p.close();
}

/** The outline of a card: its kind can be told without colour. */
export function card(p: Pen, kind: Kind, x: number, y: number, w: number, h: number, k: number): void {
  const c = 12 * k;
  const r = 6 * k;
  p.begin();
  switch (kind) {
    case 'model':
      p.move(x + c, y);
      p.line(x + w - c, y);
      p.line(x + w, y + h / 2);
      p.line(x + w - c, y + h);
      p.line(x + c, y + h);
      p.line(x, y + h / 2);
      p.close();
      break;
    case 'evaluation':
      p.move(x + c, y);
      p.line(x + w, y);
      p.line(x + w, y + h);
      p.line(x + c, y + h);
      p.line(x, y + h / 2);
      p.close();
      break;
    case 'code':
    case 'config':
      p.move(x + r, y);
      p.line(x + w - c, y);
      p.line(x + w, y + c);
      p.line(x + w, y + h - r);
      p.curve(x + w, y + h - r * 0.45, x + w - r * 0.45, y + h, x + w - r, y + h);
      p.line(x + r, y + h);
      p.curve(x + r * 0.45, y + h, x, y + h - r * 0.45, x, y + h - r);
      p.line(x, y + r);
      p.curve(x, y + r * 0.45, x + r * 0.45, y, x + r, y);
      p.close();
      break;
    case 'live': {
      const q = h / 2;
      p.move(x + r, y);
      p.line(x + w - q, y);
      p.curve(x + w - q * 0.45, y, x + w, y + q * 0.45, x + w, y + q);
      p.curve(x + w, y + h - q * 0.45, x + w - q * 0.45, y + h, x + w - q, y + h);
      p.line(x + r, y + h);
      p.curve(x + r * 0.45, y + h, x, y + h - r * 0.45, x, y + h - r);
      p.line(x, y + r);
      p.curve(x, y + r * 0.45, x + r * 0.45, y, x + r, y);
      p.close();
      break;
    }
    default:
      rounded(p, x, y, w, h, r);
  }
}

function poly(p: Pen, s: number, cx: number, cy: number, points: readonly (readonly [number, number])[]): void {
  points.forEach(([x, y], i) => (i ? p.line(cx + x * s, cy + y * s) : p.move(cx + x * s, cy + y * s)));
}

/** A kind's icon, 16 px at k = 1, around a point. */
export function icon(p: Pen, kind: Kind, cx: number, cy: number, k: number, color: string): void {
  const w = 1.5 * k;
  p.begin();
  switch (kind) {
    case 'data': {
      for (const [y, full] of [[-5, true], [-0.2, false], [4.8, false]] as const) {
        p.move(cx - 6 * k, cy + y * k);
        p.curve(cx - 6 * k, cy + (y + 3) * k, cx + 6 * k, cy + (y + 3) * k, cx + 6 * k, cy + y * k);
        if (full) p.curve(cx + 6 * k, cy + (y - 3) * k, cx - 6 * k, cy + (y - 3) * k, cx - 6 * k, cy + y * k);
      }
      p.move(cx - 6 * k, cy - 5 * k);
      p.line(cx - 6 * k, cy + 4.8 * k);
      p.move(cx + 6 * k, cy - 5 * k);
      p.line(cx + 6 * k, cy + 4.8 * k);
      break;
    }
    case 'code':
      poly(p, k, cx, cy, [[-3, -5], [-7.5, 0], [-3, 5]]);
      poly(p, k, cx, cy, [[3, -5], [7.5, 0], [3, 5]]);
      break;
    case 'config':
      for (const [y, x] of [[-4.5, 2.5], [0, -2.5], [4.5, 1]] as const) {
        poly(p, k, cx, cy, [[-7, y], [7, y]]);
        p.circle(cx + x * k, cy + y * k, 1.7 * k);
      }
      break;
    case 'model':
      poly(p, k, cx, cy, [[0, -7.5], [6.5, -3.75], [6.5, 3.75], [0, 7.5], [-6.5, 3.75], [-6.5, -3.75], [0, -7.5]]);
      break;
    case 'environment':
      poly(p, k, cx, cy, [[0, -7], [7.5, -3], [0, 1], [-7.5, -3], [0, -7]]);
      poly(p, k, cx, cy, [[-7.5, 0.3], [0, 4.3], [7.5, 0.3]]);
      poly(p, k, cx, cy, [[-7.5, 3.6], [0, 7.600], [7.5, 3.6]]);
      break;
    case 'evaluation':
      poly(p, k, cx, cy, [[0, -7.5], [7.5, 0], [0, 7.5], [-7.5, 0], [0, -7.5]]);
      poly(p, k, cx, cy, [[-2.8, 0], [-0.7, 2.2], [2.9, -2]]);
      break;
    case 'live':
      p.circle(cx, cy, 1.6 * k);
      for (const s of [-1, 1]) {
        p.move(cx + 4 * s * k, cy - 4.2 * k);
        p.curve(cx + 6 * s * k, cy - 1.6 * k, cx + 6 * s * k, cy + 1.6 * k, cx + 4 * s * k, cy + 4.2 * k);
      }
      break;
    default:
      poly(p, k, cx, cy, [[-5, -7], [2, -7], [5.5, -3.5], [5.5, 7], [-5, 7], [-5, -7]]);
      poly(p, k, cx, cy, [[2, -7], [2, -3.5], [5.5, -3.5]]);
  }
  p.stroke(color, w);
}
