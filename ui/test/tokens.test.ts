import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseTokens, type Colours } from '../src/tree/colours';

const css = readFileSync(join(import.meta.dirname ?? __dirname, '../tokens.css'), 'utf8');
const { light, dark } = parseTokens(css);
type Rgb = [number, number, number];

function rgb(hex: string): Rgb {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255) as Rgb;
}
const linear = (c: Rgb): Rgb => c.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)) as Rgb;
const encode = (c: Rgb): Rgb => c.map((v) => Math.min(1, Math.max(0, v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055))) as Rgb;
function luminance(hex: string): number {
  const [r, g, b] = linear(rgb(hex));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(a: string, b: string): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
}
/** How colours look without one kind of cone: Machado, Oliveira and Fernandes 2009, wholly without. */
const BLIND: Record<string, number[][]> = {
  normal: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protan: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deutan: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritan: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};
function lab(c: Rgb): Rgb {
  const [r, g, b] = linear(c);
  const f = (t: number) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047);
  const y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
  const z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}
function seen(hex: string, how: string): Rgb {
  const c = linear(rgb(hex));
  return lab(encode(BLIND[how].map((row) => row.reduce((s, m, i) => s + m * c[i], 0)) as Rgb));
}

describe.each([['light', light], ['dark', dark]] as [string, Colours][])('%s colours', (_, c) => {
  it('can be read: text on paper, surface and its own tint', () => {
    for (const ground of ['paper', 'surface', 'sunk']) {
      for (const ink of ['ink', 'ink2', 'ink3', 'accent']) expect(contrast(c[ink], c[ground]), `${ink} on ${ground}`).toBeGreaterThanOrEqual(4.5);
    }
    for (const kind of ['data', 'code', 'model', 'env', 'eval', 'live']) {
      expect(contrast(c[`${kind}-text`], c[`${kind}-tint`]), `${kind} text`).toBeGreaterThanOrEqual(4.5);
      expect(contrast(c[kind], c.paper), kind).toBeGreaterThanOrEqual(3);
    }
    for (const tone of ['ok', 'warn', 'bad']) expect(contrast(c[tone], c[`${tone}-tint`]), tone).toBeGreaterThanOrEqual(4.5);
  });
  it('draw lines that can be seen', () => {
    for (const line of ['line2', 'edge', 'run', 'accent']) expect(contrast(c[line], c.paper), line).toBeGreaterThanOrEqual(3);
  });
  it('tell kinds apart for every eye', () => {
    const kinds = ['data', 'code', 'model', 'env', 'eval', 'live'];
    for (const how of Object.keys(BLIND)) {
      for (const a of kinds) {
        for (const b of kinds) {
          if (a >= b) continue;
          const [p, q] = [seen(c[a], how), seen(c[b], how)];
          expect(Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]), `${a}/${b} ${how}`).toBeGreaterThanOrEqual(18);
        }
      }
    }
  });
});
