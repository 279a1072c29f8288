import { safe } from '../tree/text';
import type { ColumnChange, Concentrated, TableChange } from '../types';
import { app, t } from './app.svelte';

const NAMED_MAX = 3;
const list = (names: string[]) => names.slice(0, NAMED_MAX).map(safe).join(t('comma')) + (names.length > NAMED_MAX ? `${t('comma')}…` : '');

/** A value of a cell, out of its type. */
export function cell(v: unknown): string {
  if (v === null || v === undefined) return '∅';
  if (typeof v === 'object') {
    const [[kind, inner]] = Object.entries(v as object);
    if (kind === 'time' && typeof inner === 'number') return new Date(inner / 1000).toISOString().replace(/(T00:00:00)?\.000Z$/, '').replace('T', ' ');
    return typeof inner === 'number' ? app.format.number(inner) : safe(String(inner));
  }
  return typeof v === 'number' ? app.format.number(v) : safe(String(v));
}

/** A value on an axis: to the minute, and what may be a year not broken into thousands. */
export function value(v: unknown): string {
  const inner: unknown = v !== null && typeof v === 'object' ? Object.values(v)[0] : v;
  if (typeof inner !== 'number') return cell(v);
  if (v !== null && typeof v === 'object' && 'time' in v) return cell({ time: Math.round(inner / 6e7) * 6e7 }).replace(/:00$/, '');
  return Math.abs(inner) >= 1000 && Math.abs(inner) < 10_000 ? String(Math.round(inner)).replace(/^-/, '\u2212') : app.format.number(inner);
}

/** What rows in question share: "all where carrier = EV". */
export function shared(of: Concentrated | null | undefined): string {
  if (!of) return '';
  const share = of.inside >= 1 ? t('why.all') : app.format.percent(of.inside);
  const [from, to] = [cell(of.from), cell(of.to)];
  const column = safe(of.column);
  return from === to ? t('why.where', { share, column, value: from }) : t('why.where.between', { share, column, from, to });
}

/** Labels that turned into each other flipped; others changed. */
export function labelsSaid(change: TableChange): string {
  const l = change.labels;
  if (!l) return '';
  const [first, ...rest] = l.flips;
  const pair = (f: typeof first) => [cell(f.from), cell(f.to)].sort().join('\u0000');
  const flipped = first !== undefined && l.flips.length <= 2 && rest.every((f) => pair(f) === pair(first));
  const text = t(flipped ? 'why.labels' : 'why.labels.changed', { n: l.rows, column: safe(l.column), p: app.format.percent(l.share) });
  return [text, shared(l.concentrated)].filter(Boolean).join(t('comma'));
}

/** What changed between two tables, the rows first, then what matters most. */
export function tableSaid(change: TableChange): string[] {
  const { before, after } = change.rows;
  const rows = before === after ? t('why.rows.same', { n: after }) : `${t('why.rows.other', { before, after })} (${app.format.delta(after - before)})`;
  return [rows, ...change.headlines.map((h) => headline(h, change))].filter(Boolean);
}

function headline(h: TableChange['headlines'][number], change: TableChange): string {
  if (typeof h === 'string') {
    if (h === 'labels') return labelsSaid(change);
    if (h === 'schema') return schema(change);
    if (h === 'rows') return counts(change);
    if (h === 'reordered') return t('why.reordered');
    if (h === 'same_values') return t('why.same_values');
    return h === 'arrays' ? arrays(change) : parts(change);
  }
  const [[what, all]] = Object.entries(h) as [string, string[]][];
  // The labels' own column was told already.
  const names = what === 'cells' ? all.filter((n) => n !== change.labels?.column) : all;
  const column = change.columns.find((c) => c.name === names[0]);
  if (!column) return '';
  const more = names.length > 1 ? t('why.moreColumns', { n: names.length - 1 }) : '';
  if (what === 'cells') return cells(column, names);
  const said = what === 'missing' ? t('why.missing', { column: safe(column.name), before: column.missing.before, after: column.missing.after }) : drifted(column);
  return [said, more].filter(Boolean).join(t('comma'));
}

function cells(column: ColumnChange, names: string[]): string {
  if (names.length > 1 || column.cells_changed === null) return t('why.cells.many', { list: list(names) });
  return [t('why.cells', { column: safe(column.name), n: column.cells_changed }), shared(column.concentrated)].filter(Boolean).join(t('comma'));
}

function drifted(c: ColumnChange): string {
  const psi = c.drift.psi;
  return psi ? t('why.drifted', { column: safe(c.name), psi: app.format.number(psi) }) : t('why.drifted.plain', { column: safe(c.name) });
}

function schema({ schema }: TableChange): string {
  return [
    schema.added.length ? t('why.columns.added', { list: list(schema.added) }) : '',
    schema.removed.length ? t('why.columns.removed', { list: list(schema.removed) }) : '',
    ...schema.renamed.slice(0, NAMED_MAX).map(([before, after]) => t('why.columns.renamed', { before: safe(before), after: safe(after) })),
    ...schema.retyped.slice(0, NAMED_MAX).map((r) => {
      const of = r.kind.before === r.kind.after ? r.stored : r.kind;
      return t('why.columns.retyped', { name: safe(r.name), before: of.before, after: of.after });
    }),
  ]
    .filter(Boolean)
    .join(t('comma'));
}

function counts(change: TableChange): string {
  const { added, removed, changed } = change.row_counts;
  return [
    added ? t('why.rows.added', { n: added }) : '',
    added ? shared(change.added_in) : '',
    removed ? t('why.rows.removed', { n: removed }) : '',
    removed ? shared(change.removed_in) : '',
    changed && change.labels?.rows !== changed ? t('why.rows.changed', { n: changed }) : '',
  ]
    .filter(Boolean)
    .join(t('comma'));
}

function arrays(change: TableChange): string {
  const shape = (s: number[] | null) => (s ? s.join(' × ') : '–');
  return change.arrays
    .slice(0, NAMED_MAX)
    .map((a) => {
      const name = safe(a.name) || t('why.array');
      if (shape(a.shape.before) !== shape(a.shape.after)) return `${name}: ${shape(a.shape.before)} → ${shape(a.shape.after)}`;
      if (a.dtype.before !== a.dtype.after) return `${name}: ${a.dtype.before ?? '–'} → ${a.dtype.after ?? '–'}`;
      return a.elements_changed ? t('why.elements', { name, n: a.elements_changed }) : '';
    })
    .filter(Boolean)
    .join(t('comma'));
}

function parts(change: TableChange): string {
  const states = ['changed', 'added', 'removed', 'reordered'] as const;
  const count = (state: string) => change.parts.filter((p) => p.state === state).length;
  return states
    .filter(count)
    .map((state) => t(`why.files.${state}`, { n: count(state) }))
    .join(t('comma'));
}
