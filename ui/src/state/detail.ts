import type { ArtifactDetail, NameDetail, RunDetail, ThingDetail, VersionRow } from '../types';

/** What `things/THING` answers, told apart. */
export type Told =
  | { is: 'run'; run: RunDetail; seq: number | null }
  | { is: 'name'; name: NameDetail; seq: number | null }
  | { is: 'version'; version: VersionRow; artifact: ArtifactDetail; seq: number | null }
  | { is: 'artifact'; artifact: ArtifactDetail; seq: number | null };

/** Tells an answer apart by what it holds. */
export function tell(d: ThingDetail): Told {
  const o = d as unknown as Record<string, unknown>;
  const seq = typeof o.seq === 'number' ? o.seq : null;
  if (Array.isArray(o.versions)) return { is: 'name', name: d as NameDetail, seq };
  if (o.artifact && typeof o.artifact === 'object') {
    return { is: 'version', version: d as unknown as VersionRow, artifact: o.artifact as ArtifactDetail, seq };
  }
  if (Array.isArray(o.processes) || Array.isArray(o.command)) return { is: 'run', run: d as RunDetail, seq };
  return { is: 'artifact', artifact: d as ArtifactDetail, seq };
}

/** `model:delay` of `model:delay@v3`. */
export function baseName(thing: string): string {
  return thing.replace(/@[^@/]*$/, '');
}

/** A name without its family: `delay` of `model:delay@v3`. */
export function plainName(thing: string): string {
  return baseName(thing).replace(/^(model|data|dataset):/, '');
}

/** The latest making of a content, if a recorded run made it. */
export function maker(a: ArtifactDetail): ArtifactDetail['occurrences'][number] | null {
  return a.occurrences.filter((o) => o.what === 'made').pop() ?? null;
}
