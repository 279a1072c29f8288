/** How a text stands at its point. */
export type Align = 'start' | 'middle' | 'end';

/** How a text looks. */
export interface Face {
  size: number;
  weight: 400 | 550 | 650;
  color: string;
  align?: Align;
  mono?: boolean;
}

/** All drawing of the tree goes through these verbs: the screen, the file and the tests get the same picture. */
export interface Pen {
  /** Opacity of what follows. */
  alpha(a: number): void;
  /** Begins a path. */
  begin(): void;
  move(x: number, y: number): void;
  line(x: number, y: number): void;
  curve(ax: number, ay: number, bx: number, by: number, x: number, y: number): void;
  circle(x: number, y: number, r: number): void;
  close(): void;
  stroke(color: string, width: number, dash?: readonly number[], round?: boolean): void;
  fill(color: string): void;
  text(s: string, x: number, y: number, face: Face): void;
  /** Width of a text, for cutting. */
  width(s: string, size: number, weight: number): number;
  /** Begins a thing with a title, ended by `end`; a file says it aloud, a canvas does not. */
  group(title: string): void;
  end(): void;
}

const SANS = 'Inter, "Segoe UI Variable Text", system-ui, "Hiragino Sans", "Noto Sans JP", "Noto Sans CJK JP", sans-serif';
const MONO = '"JetBrains Mono", ui-monospace, "SF Mono", Menlo, Consolas, monospace';

/** Widths of a text are asked once per text and face, never per frame. */
export class Widths {
  private readonly known = new Map<string, number>();
  constructor(private readonly measure: (s: string, size: number, weight: number) => number) {}

  of(s: string, size: number, weight: number): number {
    const key = `${size}/${weight}/${s}`;
    let w = this.known.get(key);
    if (w === undefined) {
      if (this.known.size > 20_000) this.known.clear();
      w = this.measure(s, size, weight);
      this.known.set(key, w);
    }
    return w;
  }
}

/** Draws on a canvas. */
export class CanvasPen implements Pen {
  private static measurer: CanvasRenderingContext2D | null = null;
  private static widths = new Widths((s, size, weight) => {
    CanvasPen.measurer ??= document.createElement('canvas').getContext('2d');
    const m = CanvasPen.measurer;
    if (!m) return s.length * size * 0.56;
    m.font = `${weight} ${size}px ${SANS}`;
    return m.measureText(s).width;
  });
  private font = '';

  constructor(private readonly c: CanvasRenderingContext2D) {}

  alpha(a: number): void {
    this.c.globalAlpha = a;
  }
  begin(): void {
    this.c.beginPath();
  }
  move(x: number, y: number): void {
    this.c.moveTo(x, y);
  }
  line(x: number, y: number): void {
    this.c.lineTo(x, y);
  }
  curve(ax: number, ay: number, bx: number, by: number, x: number, y: number): void {
    this.c.bezierCurveTo(ax, ay, bx, by, x, y);
  }
  circle(x: number, y: number, r: number): void {
    this.c.moveTo(x + r, y);
    this.c.arc(x, y, r, 0, 2 * Math.PI);
  }
  close(): void {
    this.c.closePath();
  }
  stroke(color: string, width: number, dash: readonly number[] = [], round = false): void {
    this.c.strokeStyle = color;
    this.c.lineWidth = width;
    this.c.lineCap = round ? 'round' : 'butt';
    this.c.setLineDash(dash as number[]);
    this.c.stroke();
  }
  fill(color: string): void {
    this.c.fillStyle = color;
    this.c.fill();
  }
  text(s: string, x: number, y: number, face: Face): void {
    const font = `${face.weight} ${face.size}px ${face.mono ? MONO : SANS}`;
    if (font !== this.font) this.c.font = this.font = font;
    this.c.textAlign = face.align === 'middle' ? 'center' : (face.align ?? 'start');
    this.c.fillStyle = face.color;
    this.c.fillText(s, x, y);
  }
  width(s: string, size: number, weight: number): number {
    return CanvasPen.widths.of(s, size, weight);
  }
  group(): void {}
  end(): void {}
}

/** Counts what would be drawn: tests count strokes, not milliseconds. */
export class CountingPen implements Pen {
  strokes = 0;
  fills = 0;
  texts: string[] = [];
  segments = 0;

  alpha(_a: number): void {}
  begin(): void {}
  move(_x: number, _y: number): void {}
  line(_x: number, _y: number): void {
    this.segments++;
  }
  curve(_ax: number, _ay: number, _bx: number, _by: number, _x: number, _y: number): void {
    this.segments++;
  }
  circle(_x: number, _y: number, _r: number): void {
    this.segments++;
  }
  close(): void {}
  stroke(): void {
    this.strokes++;
  }
  fill(): void {
    this.fills++;
  }
  text(s: string): void {
    this.texts.push(s);
  }
  width(s: string, size: number): number {
    return tableWidth(s, size);
  }
  group(): void {}
  end(): void {}
}

const NARROW = new Set("iljtfrI.,:;'|!()[]{} -/");
const WIDE = new Set('mwMW@%—…');

/** A width that depends on no font, so that an exported file has the same bytes everywhere. */
export function tableWidth(s: string, size: number, weight = 400): number {
  let em = 0;
  for (const c of s) {
    const code = c.codePointAt(0) ?? 0;
    if (code >= 0x1100) em += 1;
    else if (NARROW.has(c)) em += 0.34;
    else if (WIDE.has(c)) em += 0.9;
    else if (c >= 'A' && c <= 'Z') em += 0.68;
    else em += 0.58;
  }
  return em * size * (weight >= 550 ? 1.05 : 1);
}
