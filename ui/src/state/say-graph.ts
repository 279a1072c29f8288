import { STATES } from '../tree/kinds';
import type { Coded, Scene } from '../tree/scene';
import { app, say, t } from './app.svelte';

/** A code with its numbers, in words. */
export function coded(c: Coded | null | undefined): string {
  if (!c?.length) return '';
  const [code, ...args] = c;
  const n = typeof args[0] === 'number' ? args[0] : Number(args[0] ?? 0);
  switch (code) {
    case 'bytes':
      return app.format.bytes(n);
    case 'ms':
      return app.format.duration(n / 1000);
    case 'rows':
      return say('sub.rows', '', { n }).replace(app.format.number(n), app.format.brief(n));
    case 'version':
      return [t('sub.version', { n: String(n) }), ...args.slice(1).map((a) => `★ ${a}`)].join(' ');
    case 'table':
      return t('sub.table', { n: app.format.brief(n), b: Number(args[1] ?? 0) });
    case 'none':
      return '';
    default:
      return say(`sub.${code}`, args.length ? args.join(' ') : String(code), { n, a: String(args[0] ?? ''), b: String(args[1] ?? ''), name: String(args[0] ?? '') });
  }
}

/** The state of a node as a word; empty when there is nothing to say. */
export function stateOf(scene: Scene, i: number): string {
  const s = scene.answer.nodes.state?.[i];
  const word = typeof s === 'number' ? (STATES[s] ?? '') : (s ?? '');
  return word === 'plain' ? '' : word;
}

/** The second line of a card: what it is, and how much. */
export function subOf(scene: Scene, i: number): string {
  const sub = coded(scene.answer.nodes.sub[i]);
  if (scene.isRun(i)) return sub;
  // An environment's name says what it is; what it holds has more need of the room.
  if (scene.kind[i] === 'environment' && sub) return sub;
  const kind = say(`kind.${scene.kind[i]}`, scene.kind[i]);
  return sub ? `${kind} · ${sub}` : kind;
}
