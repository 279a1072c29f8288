import type { Camera, View } from './camera';
import { colours, type Colours } from './colours';
import { HEADS, paintHeads, type HeadWords } from './heads';
import { AUTHORITIES, DASHES } from './kinds';
import { badge, paint, type Look } from './paint';
import type { Pen } from './pen';
import type { Scene } from './scene';
import { SvgPen } from './svg-pen';

/** What a file says besides the picture. */
export interface Caption {
  title: string;
  desc: string;
  /** What stands in the corner: the record's size and root, and the moment. */
  proof: string;
  authority: (a: (typeof AUTHORITIES)[number]) => string;
  state: (s: string) => string;
}

const PAD = 30;

/** The size of the whole picture, with its heads and its legend. */
export function extent(scene: Scene): { w: number; h: number } {
  const b = scene.bounds;
  return { w: Math.max(b.w + 2 * PAD, 640), h: b.h + HEADS + 2 * PAD + 40 };
}

/** The picture as an SVG file: the whole tree at full size, a legend, and what it proves. */
export function svg(scene: Scene, look: Look, words: HeadWords, caption: Caption, dark: boolean): string {
  const { w, h } = extent(scene);
  const pen = new SvgPen();
  draw(scene, pen, look, words, caption, colours(dark));
  return pen.file(w, h, colours(dark).paper, caption.title, caption.desc);
}

/** Draws the whole picture at full size. */
export function draw(scene: Scene, pen: Pen, look: Look, words: HeadWords, caption: Caption, c: Colours): void {
  const b = scene.bounds;
  const { w, h } = extent(scene);
  const cam: Camera = { kx: 1, ky: 1, tx: PAD - b.x, ty: HEADS + 10 - b.y };
  const view: View = { w, h, top: HEADS, pad: PAD };
  const still: Look = { ...look, colours: c, selected: -1, hovered: -1, lit: null, fresh: null };
  for (const slice of paint(scene, pen, cam, view, still)) void slice;
  paintHeads(scene, pen, cam, view, c, words);
  const y = h - 22;
  let x = PAD;
  for (const a of AUTHORITIES) {
    const n = scene.by.filter((v) => v === a).length;
    if (!n) continue;
    pen.begin();
    pen.move(x, y - 4);
    pen.line(x + 30, y - 4);
    pen.stroke(c.edge, 1.5, DASHES[a], a === 'inferred');
    const text = `${caption.authority(a)} ${n}`;
    pen.text(text, x + 38, y, { size: 11.5, weight: 400, color: c.ink3 });
    x += 38 + pen.width(text, 11.5, 400) + 22;
  }
  for (const s of ['changed', 'stale', 'due', 'late']) {
    const n = Array.from({ length: scene.n }, (_, i) => look.state(i)).filter((v) => v === s).length;
    if (!n) continue;
    badge(pen, c, s, x + 8, y - 4, 1);
    const text = `${caption.state(s)}: ${n}`;
    pen.text(text, x + 24, y, { size: 11.5, weight: 400, color: c.ink3 });
    x += 24 + pen.width(text, 11.5, 400) + 22;
  }
  pen.text(caption.proof, w - PAD, y, { size: 11.5, weight: 400, color: c.ink3, align: 'end', mono: true });
}
