/** Where a page is: one of the pages about everything, or a page about one thing. */
export type Route =
  | { page: 'home' | 'runs' | 'data' | 'live' | 'search' | 'missing' }
  | { page: 'record'; seq: number | null }
  | { page: 'why'; a: string; b: string | null }
  | { page: 'impact'; thing: string }
  | { page: 'thing'; thing: string; tab: Tab };

/** The tabs of a thing. */
export const TABS = ['tree', 'facts', 'versions', 'record'] as const;
/** One of them. */
export type Tab = (typeof TABS)[number];

/** A thing is written in an address as on the command line: only what would end the path is escaped. */
export function encodeThing(thing: string): string {
  const path = thing.includes(':') ? thing : `path/${thing}`;
  return path
    .split('/')
    .map((s) => encodeURIComponent(s).replace(/%3A/gi, ':').replace(/%40/g, '@').replace(/%2C/gi, ',').replace(/%20/g, '%20'))
    .join('/');
}

/** And back. */
export function decodeThing(path: string): string {
  const parts = path.split('/').map((s) => {
    try {
      return decodeURIComponent(s);
    } catch {
      return s;
    }
  });
  const plain = parts.join('/');
  return plain.startsWith('path/') ? plain.slice(5) : plain;
}

/** Reads a path. */
export function parse(pathname: string): Route {
  const p = pathname.replace(/^\/+|\/+$/g, '');
  if (p === '') return { page: 'home' };
  if (p === 'runs' || p === 'data' || p === 'live' || p === 'search') return { page: p };
  if (p === 'record') return { page: 'record', seq: null };
  const record = /^record\/(\d+)$/.exec(p);
  if (record) return { page: 'record', seq: Number(record[1]) };
  if (p.startsWith('why/')) {
    const at = p.indexOf('...');
    if (at < 0) return { page: 'why', a: decodeThing(p.slice(4)), b: null };
    return { page: 'why', a: decodeThing(p.slice(at + 3)), b: decodeThing(p.slice(4, at)) };
  }
  if (p.startsWith('impact/')) return { page: 'impact', thing: decodeThing(p.slice(7)) };
  if (!p.startsWith('path/') && !p.includes(':')) return { page: 'missing' };
  const cut = p.lastIndexOf('/');
  const last = p.slice(cut + 1);
  if (cut > 0 && (TABS as readonly string[]).includes(last) && p.slice(0, cut) !== 'path') {
    return { page: 'thing', thing: decodeThing(p.slice(0, cut)), tab: last as Tab };
  }
  const thing = decodeThing(p);
  return { page: 'thing', thing, tab: thing.startsWith('model:') ? 'tree' : 'facts' };
}

/** Writes a path. */
export function format(r: Route): string {
  switch (r.page) {
    case 'home':
      return '/';
    case 'record':
      return r.seq === null ? '/record' : `/record/${r.seq}`;
    case 'why':
      return r.b === null ? `/why/${encodeThing(r.a)}` : `/why/${encodeThing(r.b)}...${encodeThing(r.a)}`;
    case 'impact':
      return `/impact/${encodeThing(r.thing)}`;
    case 'thing': {
      const home = r.thing.startsWith('model:') ? 'tree' : 'facts';
      // A file may be called like a tab: then the tab is written out.
      const ends = (TABS as readonly string[]).includes(r.thing.slice(r.thing.lastIndexOf('/') + 1));
      return `/${encodeThing(r.thing)}${r.tab === home && !ends ? '' : `/${r.tab}`}`;
    }
    default:
      return `/${r.page}`;
  }
}

/** The address of a thing. */
export function hrefOf(thing: string, tab?: Tab): string {
  return format({ page: 'thing', thing, tab: tab ?? (thing.startsWith('model:') ? 'tree' : 'facts') });
}

/** What a tree shows, kept in the query, so that a pasted link shows the same picture. */
export interface TreeState {
  up: number | 'all';
  down: number | 'all';
  kinds: string[];
  by: string[];
  as_of: string | null;
  known: boolean;
  sel: string | null;
  open: string[];
  list: boolean;
  lens: string | null;
}

/** What a tree shows when an address says nothing. */
export const PLAIN: TreeState = { up: 'all', down: 2, kinds: [], by: [], as_of: null, known: false, sel: null, open: [], list: false, lens: null };

/** The moment that is asked about, on the clock that was chosen: what had happened, or what the record said. */
export function moment(t: Pick<TreeState, 'as_of' | 'known'>): { as_of: string | null; known: string | null } {
  return t.known ? { as_of: null, known: t.as_of } : { as_of: t.as_of, known: null };
}

function depth(s: string | null, otherwise: number | 'all'): number | 'all' {
  if (s === 'all') return 'all';
  const n = s === null ? NaN : Number(s);
  return Number.isInteger(n) && n >= 0 && n < 1000 ? n : otherwise;
}

/** Reads a query. */
export function readTree(query: URLSearchParams): TreeState {
  const list = (name: string) => (query.get(name) ?? '').split(',').filter(Boolean);
  return {
    up: depth(query.get('up'), PLAIN.up),
    down: depth(query.get('down'), PLAIN.down),
    kinds: list('kinds'),
    by: list('by'),
    as_of: query.get('as_of') || null,
    known: query.get('known') === '1',
    sel: query.get('sel') || null,
    open: list('open'),
    list: query.get('list') === '1',
    lens: query.get('lens') || null,
  };
}

/** What the server is asked for a tree. What only changes how it is shown is no part of it. */
export function treeQuestion(thing: string, t: TreeState) {
  return {
    focus: thing,
    up: t.up,
    down: t.down,
    kinds: t.kinds.join(','),
    by: t.by.join(','),
    ...moment(t),
    fold: t.open[0] === 'all' ? 'none' : null,
    open: t.open[0] === 'all' ? '' : t.open.join(','),
  };
}

/** Writes a query; what is as usual is left out. */
export function writeTree(t: TreeState): string {
  const q = new URLSearchParams();
  if (t.up !== PLAIN.up) q.set('up', String(t.up));
  if (t.down !== PLAIN.down) q.set('down', String(t.down));
  if (t.kinds.length) q.set('kinds', t.kinds.join(','));
  if (t.by.length) q.set('by', t.by.join(','));
  if (t.as_of) q.set('as_of', t.as_of);
  if (t.known) q.set('known', '1');
  if (t.sel) q.set('sel', t.sel);
  if (t.open.length) q.set('open', t.open.join(','));
  if (t.list) q.set('list', '1');
  if (t.lens) q.set('lens', t.lens);
  // Colons, commas and at-signs may stand in a query; a link is read by people.
  const s = q.toString().replace(/%3A/g, ':').replace(/%2C/g, ',').replace(/%40/g, '@').replace(/%2F/g, '/');
  return s ? `?${s}` : '';
}
