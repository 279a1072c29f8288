import type { TreeState } from '../router';
import type { Caption } from '../tree/export';
import { standing } from '../tree/fresh';
import type { Look } from '../tree/paint';
import type { Scene } from '../tree/scene';
import type { StatusRow, VersionRow } from '../types';
import { say, t } from './app.svelte';
import { stateOf, subOf } from './say-graph';

/** What a picture that leaves the page says of itself: whose tree it is, and of which record. */
export function captionOf(scene: Scene, title: string, view: TreeState, version: VersionRow | null): Caption {
  const runs = scene.kind.filter((k) => k === 'run').length;
  const r = scene.answer.record;
  const moment = view.as_of ?? scene.answer.as_of;
  const proof = [moment ? `as of ${moment}` : '', r ? `record ${r.size} · ${r.root.slice(0, 16)}` : ''].filter(Boolean).join(' · ');
  const name = `${title}${version ? ` v${version.version}` : ''}`;
  return { title: name, desc: t('tree.name', { name, n: scene.n - runs, runs }), proof, authority: (a) => t(`by.${a}`), state: (s) => say(`state.${s}`, s) };
}

/** The look of such a picture: its own words, nothing chosen, no lens. */
export function lookOf(scene: Scene, look: Look, rows: StatusRow[]): Look {
  const marks = standing(scene, rows);
  return { ...look, sub: (i) => subOf(scene, i), state: (i) => stateOf(scene, i, marks), lens: null };
}
