import { colours } from './colours';
import { draw, type Caption } from './export';
import type { HeadWords } from './heads';
import type { Look } from './paint';
import { CanvasPen } from './pen';
import type { Scene } from './scene';

/** The room on a sheet of A4 that lies on its long side, in CSS pixels, without margins and the line below. */
export const SHEET = { w: 1040, h: 660 };
/** Smaller than this the letters on the cards can't be read on paper: then the picture is cut, and printed larger. */
const READABLE = 0.55;
const CUT = 0.7;
/** More sheets are not printed: the picture gets smaller, and the list that follows has everything. */
const SHEETS_MAX = 24;
/** Device pixels for each on paper. */
const SHARP = 3;

/** A piece of the picture: its corner, and its size, in the picture's own measure. */
export interface Piece {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** How a picture of this size is laid on sheets: on one when it stays readable, else cut into pieces from left to right and down. */
export function sheets(w: number, h: number): { scale: number; pieces: Piece[] } {
  const fit = Math.min(SHEET.w / w, SHEET.h / h, 1);
  if (fit >= READABLE) return { scale: fit, pieces: [{ x: 0, y: 0, w, h }] };
  const count = (scale: number) => [Math.ceil((w * scale) / SHEET.w - 1e-9), Math.ceil((h * scale) / SHEET.h - 1e-9)] as const;
  let scale = CUT;
  while (scale > fit && count(scale)[0] * count(scale)[1] > SHEETS_MAX) scale = Math.max(fit, scale * 0.95);
  const [columns, rows] = count(scale);
  const pieces: Piece[] = [];
  const [pw, ph] = [SHEET.w / scale, SHEET.h / scale];
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) pieces.push({ x: c * pw, y: r * ph, w: Math.min(pw, w - c * pw), h: Math.min(ph, h - r * ph) });
  }
  return { scale, pieces };
}

/** Draws a piece, in light colours. At once: a browser that prints does not wait. */
export function drawPiece(canvas: HTMLCanvasElement, scene: Scene, look: Look, words: HeadWords, caption: Caption, piece: Piece, scale: number): void {
  const sharp = scale * SHARP;
  canvas.width = Math.ceil(piece.w * sharp);
  canvas.height = Math.ceil(piece.h * sharp);
  const c = canvas.getContext('2d');
  if (!c) return;
  c.setTransform(sharp, 0, 0, sharp, -piece.x * sharp, -piece.y * sharp);
  // Paper has its own colour.
  const light = colours(false);
  draw(scene, new CanvasPen(c), look, words, caption, { ...light, paper: light.surface });
}
