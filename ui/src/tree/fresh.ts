import type { StatusRow } from '../types';
import type { Scene } from './scene';

/** How a card stands to what is there now. */
export interface Mark {
  /** As the server says it; `changed` where somebody laid hands on the thing itself, and others are stale because of it. */
  state: string;
  /** What says so. */
  row: StatusRow;
  /** How many things are stale because of what happened here. */
  spreads: number;
}

/** What is told of every card of a tree, by its node. */
export type Marks = ReadonlyMap<number, Mark>;

const ORDER = ['changed', 'stale', 'late', 'unknown', 'due', 'fresh'];
/** What a picture says of a thing's age: less than what was looked at since. */
const AGES = ['', 'fresh', 'due', 'late'];

function worse(a: string, b: string): boolean {
  return ORDER.indexOf(a) >= 0 && ORDER.indexOf(a) < ORDER.indexOf(b);
}

/** The path itself, and the folders that hold it. */
export function* around(path: string): Generator<string> {
  yield path;
  for (let at = path.lastIndexOf('/', path.length - 2); at > 0; at = path.lastIndexOf('/', at - 1)) yield path.slice(0, at + 1);
}

/** Whether a thing is this one, or lies in it. */
function within(row: StatusRow, thing: string): boolean {
  return thing === row.thing || thing === row.place || (row.place.endsWith('/') && thing.startsWith(row.place));
}

/**
 * Which cards are not fresh any more, and from which it spreads. A path is on many cards, one for each content: a card is meant when it is the
 * content of which the row tells, or when that run made it, or read it. Where the run stands in a group, it is when no other card has the path.
 */
export function standing(scene: Scene, rows: StatusRow[]): Marks {
  const marks = new Map<number, Mark>();
  const paths = scene.answer.nodes.path;
  if (!rows.length || !paths) return marks;
  const { from, to } = scene.answer.edges;
  const runs = new Map<string, number>();
  const cards = new Map<string, number[]>();
  for (let i = 0; i < scene.n; i++) {
    const path = paths[i];
    if (scene.isRun(i)) runs.set(scene.answer.nodes.id[i], i);
    else if (path) {
      const all = cards.get(path);
      if (all) all.push(i);
      else cards.set(path, [i]);
    }
  }
  const makers = (i: number) => Array.from(scene.ins(i), (e) => from[e]);
  const readers = (i: number) => Array.from(scene.outs(i), (e) => to[e]);
  const grouped = (i: number) => scene.isRun(i) && scene.fold(i) !== null;
  const beside = (all: number[], of: ReadonlySet<number>, which: (i: number) => number[]): number[] => {
    const exact = all.filter((i) => which(i).some((r) => of.has(r)));
    return exact.length || all.length !== 1 || !which(all[0]).some(grouped) ? exact : all;
  };
  const made = (r: StatusRow, itsRun: ReadonlySet<number>): number[] => {
    const all = cards.get(r.place) ?? [];
    const same = all.filter((i) => [r.version, r.digest].includes(scene.thing(i) ?? ''));
    if (same.length) return same;
    // What no run made has a row when it is to reach to a time.
    return r.run ? beside(all, itsRun, makers) : all.filter((i) => all.length === 1 && !scene.ins(i).length);
  };
  const put = (i: number, state: string, row: StatusRow, spreads = 0) => {
    const known = marks.get(i);
    if (!known || worse(state, known.state)) marks.set(i, { state, row, spreads });
  };

  const spreads = new Map<string, Set<string>>();
  for (const r of rows) {
    if (r.state !== 'stale' || !r.cause || within(r, r.cause.thing)) continue;
    const stale = spreads.get(r.cause.thing) ?? new Set();
    spreads.set(r.cause.thing, stale.add(r.place));
  }
  const places = new Map(rows.map((r) => [r.thing, r.place]));
  /** Whether the run read what was changed itself, and not only what was made from it. */
  const read = (r: StatusRow, thing: string) => r.path.every((p) => p === thing || places.get(p) === thing);
  const count = (r: StatusRow) => spreads.get(r.cause?.thing ?? '')?.size ?? 0;
  for (const r of rows) {
    const own = r.state === 'stale' && r.cause !== null && within(r, r.cause.thing);
    const itsRun = new Set([runs.get(r.run)].filter((i) => i !== undefined));
    const found = made(r, itsRun);
    for (const i of found) put(i, own ? 'changed' : r.state, r, own ? count(r) : 0);
    if (own || r.state !== 'stale' || !r.cause || !read(r, r.cause.thing)) continue;
    // A run that made the same content once more may not be drawn: then the one that is drawn stands for it.
    if (!itsRun.size) for (const i of found.flatMap(makers)) itsRun.add(i);
    for (const path of around(r.cause.thing)) {
      for (const i of beside(cards.get(path) ?? [], itsRun, readers)) put(i, 'changed', r, count(r));
    }
  }
  return marks;
}

/** What a card says of itself at last: what the picture shows goes before what was found out about its age. */
export function stateNow(pictured: string, mark: Mark | undefined): string {
  if (!mark || !AGES.includes(pictured)) return pictured;
  return mark.state === 'fresh' || mark.state === 'unknown' ? pictured || mark.state : mark.state;
}

/** How many cards stand so, the worst state first; what is fresh is not counted. */
export function counted(marks: Marks): [string, number][] {
  const found = ORDER.map((state): [string, number] => [state, [...marks.values()].filter((m) => m.state === state).length]);
  return found.filter(([state, n]) => n > 0 && state !== 'fresh' && state !== 'unknown');
}
