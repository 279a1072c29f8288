import type { Scene } from './scene';

/** Where an arrow leads. */
export type Way = 'left' | 'right' | 'up' | 'down';

/** The node that an arrow leads to: left and right along the edges, up and down within a generation. */
export function walk(scene: Scene, from: number, way: Way): number {
  if (way === 'up' || way === 'down') {
    const c = scene.columns[scene.layer[from]];
    const at = c.indexOf(from) + (way === 'up' ? -1 : 1);
    return c[at] ?? from;
  }
  const { from: tails, to: heads } = scene.answer.edges;
  const edges = way === 'left' ? scene.ins(from) : scene.outs(from);
  let best = from;
  let rank = Infinity;
  for (const e of edges) {
    const other = way === 'left' ? tails[e] : heads[e];
    // The main line first; then what lies nearest.
    const r = (scene.edgeOnMain[e] ? 0 : 1e6) + Math.abs(scene.y[other] - scene.y[from]);
    if (r < rank) {
      rank = r;
      best = other;
    }
  }
  return best;
}

/** What a key asks of the tree; nothing if it is not one of the tree's. */
export type Command =
  | { do: 'walk'; way: Way }
  | { do: 'pan'; dx: number; dy: number }
  | { do: 'zoom'; f: number }
  | { do: 'parents' | 'children'; by: number }
  | { do: 'version'; by: number }
  | { do: 'home' | 'open' | 'select' | 'fold' | 'path' | 'fit' | 'why' | 'impact' | 'list' | 'clear' };

const ARROWS: Record<string, Way> = { ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' };

/** Reads a key. */
export function command(e: { key: string; shiftKey: boolean; ctrlKey: boolean; metaKey: boolean; altKey: boolean }): Command | null {
  if (e.ctrlKey || e.metaKey || e.altKey) return null;
  const way = ARROWS[e.key];
  if (way && e.shiftKey) {
    const d = 80;
    return { do: 'pan', dx: way === 'left' ? d : way === 'right' ? -d : 0, dy: way === 'up' ? d : way === 'down' ? -d : 0 };
  }
  if (way) return { do: 'walk', way };
  switch (e.key) {
    case 'Home':
      return { do: 'home' };
    case 'Enter':
      return { do: 'open' };
    case ' ':
      return { do: 'select' };
    case 'o':
      return { do: 'fold' };
    case '[':
      return { do: 'parents', by: -1 };
    case ']':
      return { do: 'parents', by: 1 };
    case '{':
      return { do: 'children', by: -1 };
    case '}':
      return { do: 'children', by: 1 };
    case 'p':
      return { do: 'path' };
    case 'f':
      return { do: 'fit' };
    case '+':
    case '=':
      return { do: 'zoom', f: 1.25 };
    case '-':
    case '−':
      return { do: 'zoom', f: 0.8 };
    case ',':
      return { do: 'version', by: -1 };
    case '.':
      return { do: 'version', by: 1 };
    case 'w':
      return { do: 'why' };
    case 'i':
      return { do: 'impact' };
    case 'l':
      return { do: 'list' };
    case 'Escape':
      return { do: 'clear' };
    default:
      return null;
  }
}
