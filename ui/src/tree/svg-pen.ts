import { tableWidth, type Face, type Pen } from './pen';

function escape(s: string): string {
  return s.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c] ?? c);
}

function n(v: number): string {
  return String(Math.round(v * 10) / 10);
}

/** Writes SVG. Text stays text; widths come from a table, so that the bytes do not depend on the fonts present. */
export class SvgPen implements Pen {
  private out: string[] = [];
  private d = '';
  private a = 1;

  alpha(a: number): void {
    this.a = a;
  }
  begin(): void {
    this.d = '';
  }
  move(x: number, y: number): void {
    this.d += `M${n(x)} ${n(y)}`;
  }
  line(x: number, y: number): void {
    this.d += `L${n(x)} ${n(y)}`;
  }
  curve(ax: number, ay: number, bx: number, by: number, x: number, y: number): void {
    this.d += `C${n(ax)} ${n(ay)} ${n(bx)} ${n(by)} ${n(x)} ${n(y)}`;
  }
  circle(x: number, y: number, r: number): void {
    this.d += `M${n(x - r)} ${n(y)}a${n(r)} ${n(r)} 0 1 0 ${n(2 * r)} 0a${n(r)} ${n(r)} 0 1 0 ${n(-2 * r)} 0Z`;
  }
  close(): void {
    this.d += 'Z';
  }
  private opacity(): string {
    return this.a === 1 ? '' : ` opacity="${n(this.a)}"`;
  }
  stroke(color: string, width: number, dash: readonly number[] = [], round = false): void {
    const dashes = dash.length ? ` stroke-dasharray="${dash.join(' ')}"` : '';
    this.out.push(
      `<path d="${this.d}" fill="none" stroke="${color}" stroke-width="${n(width)}"${dashes}${round ? ' stroke-linecap="round"' : ''}${this.opacity()}/>`,
    );
  }
  fill(color: string): void {
    this.out.push(`<path d="${this.d}" fill="${color}"${this.opacity()}/>`);
  }
  text(s: string, x: number, y: number, face: Face): void {
    const anchor = face.align && face.align !== 'start' ? ` text-anchor="${face.align}"` : '';
    const mono = face.mono ? ' class="m"' : '';
    this.out.push(
      `<text x="${n(x)}" y="${n(y)}" font-size="${face.size}" font-weight="${face.weight}" fill="${face.color}"${anchor}${mono}${this.opacity()}>${escape(s)}</text>`,
    );
  }
  width(s: string, size: number, weight: number): number {
    return tableWidth(s, size, weight);
  }
  group(title: string): void {
    this.out.push(`<g><title>${escape(title)}</title>`);
  }
  end(): void {
    this.out.push('</g>');
  }

  /** The whole file. */
  file(w: number, h: number, paper: string, title: string, desc: string): string {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${n(w)}" height="${n(h)}" viewBox="0 0 ${n(w)} ${n(h)}" role="img" aria-labelledby="t d" ` +
      `font-family="Inter, 'Segoe UI Variable Text', system-ui, 'Hiragino Sans', 'Noto Sans JP', 'Noto Sans CJK JP', sans-serif">` +
      `<title id="t">${escape(title)}</title><desc id="d">${escape(desc)}</desc>` +
      `<style>.m{font-family:"JetBrains Mono",ui-monospace,Menlo,Consolas,monospace}</style>` +
      `<rect width="100%" height="100%" fill="${paper}"/>\n${this.out.join('\n')}\n</svg>\n`
    );
  }
}
