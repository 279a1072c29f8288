import type { Camera } from './camera';
import { CARD_H, CARD_W, RUN_R } from './kinds';
import type { Scene } from './scene';

/** What stands under a point. */
export interface Hit {
  node: number;
  part: 'node' | 'up' | 'down';
}

const TARGET = 12;

/** Width of the tab that tells how many are hidden, at k = 1. */
export function tabWidth(count: number): number {
  return 16 + 7 * String(count).length;
}

/** What stands at a point of the screen: tabs first, runs next, cards last; no target is smaller than 24 px. */
export function pick(scene: Scene, cam: Camera, sx: number, sy: number): Hit | null {
  const { up, down } = scene.answer.nodes;
  let best: Hit | null = null;
  let rank = Infinity;
  for (let l = 0; l < scene.columns.length; l++) {
    const c = scene.columns[l];
    if (!c?.length) continue;
    const run = scene.isRun(c[0]);
    const halfY = Math.max((run ? RUN_R : CARD_H / 2) * cam.ky, TARGET);
    const x = scene.x[c[0]] * cam.kx + cam.tx;
    const x0 = run ? x - Math.max(RUN_R * cam.kx, TARGET) : x;
    const x1 = run ? x + Math.max(RUN_R * cam.kx, TARGET) : x + Math.max(CARD_W * cam.kx, 2 * TARGET);
    const tab = cam.ky >= 0.6 ? 30 * cam.kx : 0;
    if (sx < x0 - tab || sx > x1 + tab) continue;
    const wy = (sy - cam.ty) / cam.ky;
    for (const i of scene.inView(l, wy - halfY / cam.ky, wy + halfY / cam.ky)) {
      let part: Hit['part'] = 'node';
      if (sx < x0 || (tab && up[i] > 0 && !run && sx < x0 + (tabWidth(up[i]) / 2) * cam.kx)) part = 'up';
      else if (sx > x1 || (tab && down[i] > 0 && !run && sx > x1 - (tabWidth(down[i]) / 2) * cam.kx)) part = 'down';
      if (part === 'up' && !(up[i] > 0)) continue;
      if (part === 'down' && !(down[i] > 0)) continue;
      const r = Math.abs(scene.y[i] - wy) + (part !== 'node' ? 0 : run ? 1 : 2);
      if (r < rank) {
        rank = r;
        best = { node: i, part };
      }
    }
  }
  return best;
}
