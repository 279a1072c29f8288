import { stateNow, type Mark, type Marks } from '../tree/fresh';
import { STATES } from '../tree/kinds';
import type { Coded, Scene } from '../tree/scene';
import { app, say, t } from './app.svelte';
import { causeOf } from './stands';

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
export function stateOf(scene: Scene, i: number, marks?: Marks): string {
  const s = scene.answer.nodes.state?.[i];
  const word = typeof s === 'number' ? (STATES[s] ?? '') : (s ?? '');
  return stateNow(word === 'plain' ? '' : word, marks?.get(i));
}

/** A node's state in words, with what happened and how far it spreads; that something is fresh is nothing to say. */
export function stands(scene: Scene, i: number, marks?: Marks): string {
  const state = stateOf(scene, i, marks);
  const mark = marks?.get(i);
  if (!state || (state === 'fresh' && mark)) return '';
  const word = say(`state.${state}`, state);
  if (mark?.state !== state) return word;
  const cause = happened(mark, scene.answer.nodes.path?.[i] ?? null);
  const said = cause ? t('tree.stands', { state: word, cause }) : word;
  return mark.spreads ? t('tree.stands.spreads', { said, n: mark.spreads }) : said;
}

/** What happened that a card with this path stands so; nothing when its state says it already. */
export function happened(mark: Mark, path: string | null): string {
  if (mark.state !== 'changed') return causeOf(mark.row);
  const said = mark.row.cause?.said;
  return mark.row.cause?.thing === path && said?.[0]?.code === 'changed' ? '' : causeOf(mark.row, [path ?? '']);
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
