import { CountingPen } from '../tree/pen';

/** Collects one path, so that icons in the document are the very ones on the canvas. */
export class SvgPath extends CountingPen {
  d = '';
  private at = (v: number) => String(Math.round(v * 100) / 100);

  override move(x = 0, y = 0): void {
    this.d += `M${this.at(x)} ${this.at(y)}`;
  }
  override line(x = 0, y = 0): void {
    this.d += `L${this.at(x)} ${this.at(y)}`;
  }
  override curve(ax = 0, ay = 0, bx = 0, by = 0, x = 0, y = 0): void {
    this.d += `C${[ax, ay, bx, by, x, y].map(this.at).join(' ')}`;
  }
  override circle(x = 0, y = 0, r = 0): void {
    this.d += `M${this.at(x - r)} ${this.at(y)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
  }
  override close(): void {
    this.d += 'Z';
  }
}
