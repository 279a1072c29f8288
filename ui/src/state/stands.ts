import { safe } from '../tree/text';
import type { StatusRow } from '../types';
import { t } from './app.svelte';
import { sayings } from './said';

/** A thing with how many runs made it. */
export type Standing = StatusRow & { runs: number };

/** A folder that several runs filled is one thing: it stands as the worst of them, with the last run. */
export function folded(rows: StatusRow[]): Standing[] {
  const order = ['stale', 'late', 'unknown', 'due', 'fresh'];
  const worse = (a: string, b: string) => order.indexOf(a) >= 0 && order.indexOf(a) < order.indexOf(b);
  const all = new Map<string, Standing>();
  for (const r of rows) {
    const key = `${r.thing} ${r.place}`;
    const known = all.get(key);
    if (known) known.runs++;
    if (!known || worse(r.state, known.state)) all.set(key, { ...r, runs: known?.runs ?? 1 });
    else known.run = r.run;
  }
  return [...all.values()];
}

/** What happened; the thing to which it happened is named where it is another than the one that is spoken of. */
export function causeOf(r: StatusRow, of: readonly string[] = [r.place, r.thing]): string {
  if (!r.cause) return '';
  const what = sayings(r.cause.said, r.cause.what);
  return of.includes(r.cause.thing) ? what : t('look.cause', { thing: safe(r.cause.thing), what });
}
