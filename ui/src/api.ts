import type { GraphAnswer } from './tree/scene';

/** What the server said instead of an answer. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly nearest: string[] = [],
  ) {
    super(message);
  }
}

const BASE = '/api/v1/';

/** Where the record stood when the answers of this page were given, against where the telling of events began: between them nothing may be missed. */
export const standing = { least: Infinity, heard: 0, missed: (): void => {} };

function stand(response: Response): void {
  // What is pinned to the past comes from the browser's own store, and misses nothing.
  if (response.headers.get('cache-control')?.includes('immutable')) return;
  const seq = Number(response.headers.get('keizu-seq') ?? NaN);
  if (!(seq >= 0)) return;
  standing.least = Math.min(standing.least, seq);
  if (seq < standing.heard) standing.missed();
}

type Query = Record<string, string | number | boolean | null | undefined>;

function address(path: string, query: Query = {}): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) if (v !== null && v !== undefined && v !== '' && v !== false) q.set(k, String(v));
  const s = q.toString();
  return BASE + path + (s ? `?${s}` : '');
}

async function ask(path: string, query?: Query, signal?: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address(path, query), { signal, headers: { accept: 'application/json, application/x-ndjson' } });
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    throw new ApiError(0, 'unreachable', '');
  }
  if (!response.ok) throw await refusal(response);
  stand(response);
  return response;
}

async function refusal(response: Response): Promise<ApiError> {
  let body: { error?: { code?: string; message?: string; nearest?: unknown[] } } = {};
  try {
    body = await response.json();
  } catch {
    // Not JSON: something between the page and the server answered.
  }
  const nearest = (body.error?.nearest ?? []).map((x) => (typeof x === 'string' ? x : String((x as { thing?: string }).thing ?? '')));
  return new ApiError(response.status, body.error?.code ?? 'http', body.error?.message ?? response.statusText, nearest.filter(Boolean));
}

/** Asks for an answer. */
export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return (await (await ask(path, query, signal)).json()) as T;
}

/** A page of a list. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

/** Asks for a page of a list, whatever its rows are called. */
export async function list<T>(path: string, query?: Query, signal?: AbortSignal): Promise<Page<T>> {
  const answer = await get<unknown>(path, query, signal);
  if (Array.isArray(answer)) return { items: answer as T[], next: null };
  const o = answer as Record<string, unknown>;
  const items = Object.values(o).find(Array.isArray) ?? [];
  const next = o.next === undefined || o.next === null ? null : String(o.next);
  return { items: items as T[], next };
}

/** A thing within a path of the API. */
export function inPath(thing: string): string {
  return thing.split('/').map(encodeURIComponent).join('/').replace(/%3A/gi, ':').replace(/%40/g, '@');
}

/** Lines of JSON, as they come. */
export async function lines<T>(path: string, query: Query, each: (line: T) => void, signal?: AbortSignal, method = 'GET'): Promise<void> {
  let response: Response;
  try {
    response = await fetch(address(path, query), { signal, method, headers: { accept: 'application/x-ndjson' } });
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    throw new ApiError(0, 'unreachable', '');
  }
  if (!response.ok) throw await refusal(response);
  stand(response);
  if (!response.headers.get('content-type')?.includes('ndjson') || !response.body) {
    each((await response.json()) as T);
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? '';
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) if (line.trim()) each(JSON.parse(line) as T);
    if (done) break;
  }
  if (rest.trim()) each(JSON.parse(rest) as T);
}

/** A graph that was asked for before the view stood that shows it. */
let begun: { address: string; response: Promise<Response> } | null = null;
/** How long after its answer it is still taken, in milliseconds. */
const BEGUN_MS = 5_000;

/** Asks for a graph ahead: its answer takes longest, and the page gets ready meanwhile. */
export function graphAhead(query: Query): void {
  const response = ask('graph', query);
  const mine = { address: address('graph', query), response };
  const forget = () => setTimeout(() => begun === mine && (begun = null), BEGUN_MS);
  response.then(forget, forget);
  begun = mine;
}

/** Asks for a graph. A large one comes in parts, and is put together here. */
export async function graph(query: Query, signal?: AbortSignal): Promise<GraphAnswer> {
  const ahead = begun?.address === address('graph', query) ? begun.response : null;
  begun = null;
  const response = await (ahead ?? ask('graph', query, signal));
  if (!response.headers.get('content-type')?.includes('ndjson')) return (await response.json()) as GraphAnswer;
  let whole: GraphAnswer | null = null;
  for (const line of (await response.text()).split('\n')) {
    if (!line.trim()) continue;
    const part = JSON.parse(line) as GraphAnswer;
    if (whole) join(whole, part);
    else whole = { ...part, nodes: part.nodes ?? {}, edges: part.edges ?? {} };
  }
  if (!whole) throw new ApiError(502, 'empty', '');
  // Parts come without names; they are asked for as far as they are in view.
  const n = whole.nodes.id.length;
  whole.nodes.name ??= Array<string>(n).fill('');
  whole.nodes.sub ??= Array.from({ length: n }, () => []);
  whole.nodes.thing ??= Array<null>(n).fill(null);
  return whole;
}

/** Names of some nodes of a graph that came without. */
export interface Names {
  at: number[];
  name: string[];
  sub: GraphAnswer['nodes']['sub'];
  thing: (string | null)[];
  path?: (string | null)[];
}

/** Asks for the names in some layers, between two heights. */
export async function names(layout: string, layers: [number, number], y: [number, number], signal?: AbortSignal): Promise<Names> {
  const range = ([a, b]: [number, number]) => `${Math.floor(a)}..${Math.ceil(b)}`;
  return get<Names>(`graph/${encodeURIComponent(layout)}/names`, { layer: range(layers), y: range(y) }, signal);
}

function join(whole: GraphAnswer, part: Partial<GraphAnswer>): void {
  for (const group of ['nodes', 'edges'] as const) {
    const into = whole[group] as unknown as Record<string, unknown[]>;
    for (const [k, v] of Object.entries((part[group] ?? {}) as Record<string, unknown[]>)) {
      const all = (into[k] ??= []);
      for (const x of v) all.push(x);
    }
  }
  if (part.folds) whole.folds = whole.folds.concat(part.folds);
}
