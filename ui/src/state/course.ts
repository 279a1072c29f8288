import type { VersionRow } from '../types';

/** A version with the number by which it was measured. */
export interface Step {
  version: number;
  value: number;
}

/** One number from version to version, the oldest first: those that it measured. */
export function course(versions: VersionRow[], name: string): Step[] {
  return versions
    .flatMap((v) => (v.metrics?.[name] === undefined ? [] : [{ version: v.version, value: v.metrics[name] }]))
    .sort((a, b) => a.version - b.version);
}

/** The same number of the version before, if that was measured by it; of what came long before nothing is said. */
export const before = (earlier: VersionRow | undefined, name: string): number | null => earlier?.metrics?.[name] ?? null;
