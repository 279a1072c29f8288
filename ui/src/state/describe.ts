import { safe } from '../tree/text';
import type { Scene } from '../tree/scene';
import { t } from './app.svelte';
import type { Marks } from '../tree/fresh';
import { stands, subOf } from './say-graph';

/** The first three names, and how many more. */
export function someOf(names: string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} +${names.length - 3}` : names.join(', ');
}

/** Names of some nodes. */
export function namesOf(scene: Scene, nodes: number[]): string {
  return someOf(nodes.map((i) => safe(scene.answer.nodes.name[i])));
}

/** A node in words, for those who do not see the picture: "features, data; made by featurize; used by train". */
export function describe(scene: Scene, i: number, marks?: Marks): string {
  const { from, to } = scene.answer.edges;
  const parents = [...scene.ins(i)].map((e) => from[e]);
  const children = [...scene.outs(i)].map((e) => to[e]);
  const run = scene.isRun(i);
  const state = stands(scene, i, marks);
  const parts = [`${safe(scene.answer.nodes.name[i])}, ${subOf(scene, i)}${state ? `, ${state}` : ''}`];
  if (parents.length) parts.push(t(run ? 'tree.line.from' : 'tree.line.up', { list: namesOf(scene, parents) }));
  if (children.length) parts.push(t(run ? 'tree.line.makes' : 'tree.line.down', { list: namesOf(scene, children) }));
  const hidden = scene.answer.nodes.up[i];
  if (hidden > 0) parts.push(t('tree.line.parents', { n: parents.length, all: parents.length + hidden }));
  return parts.join('; ');
}
