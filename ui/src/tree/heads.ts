import type { Camera, View } from './camera';
import type { Colours } from './colours';
import { CARD_W } from './kinds';
import type { Pen } from './pen';
import type { Scene } from './scene';
import { cut } from './text';

/** Words over the columns. */
export interface HeadWords {
  role: (role: string) => string;
  time: (t: string) => string;
  /** From one moment to another, the day only once if it is the same. */
  span: (a: string, b: string) => string;
  count: (n: number) => string;
}

/** Height of the strip over the columns. */
export const HEADS = 62;

/** Says in words what each column is, and when its runs were; far out, how many things each generation has. */
export function paintHeads(scene: Scene, pen: Pen, cam: Camera, view: View, c: Colours, words: HeadWords): void {
  const line = 42;
  pen.alpha(1);
  pen.begin();
  pen.move(0, 0);
  pen.line(view.w, 0);
  pen.line(view.w, line + 20);
  pen.line(0, line + 20);
  pen.close();
  pen.fill(c.paper);
  const far = cam.ky < 0.28;
  const b = scene.bounds;
  pen.begin();
  pen.move(Math.max(0, b.x * cam.kx + cam.tx), line);
  pen.line(Math.min(view.w, (b.x + b.w) * cam.kx + cam.tx), line);
  pen.stroke(c.line, 1);
  let last = -Infinity;
  scene.answer.layers.forEach((layer, l) => {
    const column = scene.columns[l];
    if (!column?.length) return;
    const x = layer.x * cam.kx + cam.tx;
    if (x < -CARD_W * cam.kx - 60 || x > view.w) return;
    if (l % 2 === 0) {
      const room = Math.max((CARD_W + 70) * cam.kx, 30);
      if (far && x < last) return;
      const text = far ? words.count(column.length) : layer.role ? words.role(layer.role) : '';
      if (text) {
        const s = far ? text : cut(text, room, (t) => pen.width(t, 12, 650));
        pen.text(s, x, line - 12, { size: 12, weight: 650, color: c.ink2 });
        last = x + pen.width(s, 12, 650) + 8;
      }
    } else if (!far && layer.run_t?.length) {
      times(pen, c, words, layer.run_t, x, line, cam);
    }
  });
}

function times(pen: Pen, c: Colours, words: HeadWords, all: string[], x: number, line: number, cam: Camera): void {
  const sorted = all.filter(Boolean).sort();
  if (!sorted.length) return;
  pen.begin();
  pen.move(x, line - 4);
  pen.line(x, line + 4);
  pen.stroke(c.line2, 1);
  const first = words.time(sorted[0]);
  const latest = words.time(sorted[sorted.length - 1]);
  const text = first === latest ? first : words.span(sorted[0], sorted[sorted.length - 1]);
  const room = 250 * cam.kx;
  const shown = pen.width(text, 11.5, 400) <= room ? text : pen.width(latest, 11.5, 400) <= room ? latest : '';
  if (shown) pen.text(shown, x, line + 16, { size: 11.5, weight: 400, color: c.ink3, align: 'middle' });
}
