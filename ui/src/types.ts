/** Pieces of the server's answers that the page reads. What may be absent is marked so. */

export interface ModelFreshness {
  state: string;
  until: string | null;
  cause: string | null;
  goal: string;
}

export interface Metric {
  name: string;
  value: number | string | null;
  before?: number | string | null;
}

export interface ModelRow {
  thing: string;
  name: string;
  version: number | null;
  aliases: string[];
  at: string | null;
  run: string | null;
  freshness: ModelFreshness | null;
  metric: Metric | null;
  spark: number[];
  changed: { kinds: string[]; at?: string | null; by?: string | null } | null;
  owner: string | null;
}

export interface Look {
  thing: string;
  code: string;
  args: (string | number | null)[];
}

export interface Running {
  id: string;
  command: string[];
  started_at: string;
  /** Files of the project that it has read and written so far, and those that it touched last, the newest first. */
  inputs: number;
  outputs: number;
  read: string[];
  written: string[];
}

export interface RecordBrief {
  size: number;
  root: string | null;
  checkpoint_at?: string | null;
  verified_at?: string | null;
}

export interface Home {
  project: string;
  record: RecordBrief;
  models: ModelRow[];
  look: Look[];
  running: Running[];
}

export interface RunLine {
  id: string;
  name: string | null;
  status: string;
  exit_code: number | null;
  signal: number | null;
  started_at: string;
  ended_at: string | null;
  command: string[];
  user: string | null;
  made: string[];
  made_count: number;
}

export interface FileRow {
  path: string;
  digest: string | null;
  size: number | null;
  members?: number;
  kind: string;
  role: string;
  format?: string;
  package?: string;
  authority: string;
  rule: string | null;
  changed?: unknown;
  /** When it was first read, or last written. */
  at?: string;
}

export interface ProcessRow {
  pid: number;
  ppid: number;
  argv: string[];
  exe: string;
  exit_code: number | null;
  started_at: string;
  ended_at: string | null;
  watched: boolean;
}

export interface RunDetail extends Omit<RunLine, 'made' | 'made_count'> {
  cwd: string;
  project: string;
  host: string | null;
  git: { commit: string; branch: string; dirty: boolean; diff: string | null; changed: Record<string, [number, number]> } | null;
  environment: { digest: string; python: string | null; packages: Record<string, string>; document: Record<string, unknown> | null } | null;
  params: Record<string, unknown>;
  params_by?: Record<string, string>;
  metrics: Record<string, unknown>;
  tags: Record<string, string>;
  inputs: FileRow[];
  outputs: FileRow[];
  code: FileRow[];
  listings: FileRow[];
  absent: FileRow[];
  processes: ProcessRow[];
  names: string[];
  parent: string | null;
  children: string[];
  blind_spots: { kind: string; detail: string }[];
  /** Nothing before its end. */
  coverage: number | null;
  judged: Judged[];
}

export interface Judged {
  verdict?: string;
  text?: string;
  at?: string;
  [key: string]: unknown;
}

export interface Occurrence {
  what: string;
  run: string | null;
  command: string[];
  path: string;
  at: string;
  authority: string;
  rule: string | null;
}

export interface Column {
  name: string;
  kind: string;
  stored?: string;
  missing: number | null;
  distinct: number | null;
  min: string | null;
  max: string | null;
  mean: number | null;
  /** The least, the cuts between bins, the greatest; and what is counted between each and the next. */
  bins?: { edges: number[]; counts: number[] } | null;
  /** The most frequent values. */
  top?: [string, number][];
}

export interface ArtifactDetail {
  digest: string;
  size: number | null;
  kind: string;
  kept: boolean;
  occurrences: Occurrence[];
  members: FileRow[] | null;
  metrics: Record<string, unknown>;
  judged: Judged[];
  data_time?: { time: string; by: string; authority: string; from?: string; passed_on?: boolean } | null;
  freshness?: Record<string, unknown> | null;
  profile?: { rows: number; columns: Column[] } | null;
}

export interface VersionRow {
  name: string;
  version: number;
  digest: string | null;
  size: number | null;
  path: string | null;
  run: string | null;
  at: string;
  aliases: string[];
  authority: string;
  rule: string | null;
  /** By which numbers it was measured. */
  metrics?: Record<string, number>;
}

export interface Versions {
  versions: VersionRow[];
  /** Names of the numbers, as the newest evaluation has them. */
  metrics: string[];
  next: string | null;
}

export interface NameDetail {
  name: string;
  versions: VersionRow[];
  aliases: Record<string, number>;
}

export type ThingDetail = (RunDetail | ArtifactDetail | NameDetail) & { thing?: string; seq?: number | null };

export interface WhyState {
  name: string;
  path: string | null;
  digest: string | null;
  made_by: string | null;
  measured_by: string | null;
  at: string | null;
  measured_at: string | null;
  evaluations: { path: string; digest: string | null }[];
}

export interface Side<T> {
  before: T;
  after: T;
}

/** What the rows in question share. */
export interface Concentrated {
  column: string;
  from: unknown;
  to: unknown;
  inside: number;
  outside: number;
}

export interface ColumnChange {
  name: string;
  kind: string;
  cells_changed: number | null;
  missing: Side<number>;
  min: Side<Record<string, unknown> | null>;
  max: Side<Record<string, unknown> | null>;
  mean: Side<number | null>;
  distinct: Side<number>;
  drift: { psi?: number | null; psi_limit?: number | null; p?: number | null; q?: number | null; [k: string]: unknown };
  new_values: [unknown, number][];
  vanished_values: [unknown, number][];
  concentrated?: Concentrated | null;
  /** Absent where it is not known, or says nothing. */
  spread?: {
    /** Over the same bins: from the least to the first edge, …, from the last edge to the greatest. */
    bins?: { edges: number[]; range: Side<[number, number] | null>; counts: Side<number[]> };
    /** Each value by itself. */
    values?: { counts: [unknown, Side<number>][]; other: Side<number> };
  };
}

export interface TableChange {
  rows: Side<number>;
  row_counts: { added: number; removed: number; changed: number; equal: number; matched: boolean };
  reordered: boolean;
  same_values: boolean;
  schema: { added: string[]; removed: string[]; renamed: [string, string][]; retyped: { name: string; kind: Side<string>; stored: Side<string> }[] };
  columns: ColumnChange[];
  labels: { column: string; rows: number; share: number; flips: { from: unknown; to: unknown; rows: number }[]; concentrated?: Concentrated | null } | null;
  added_in?: Concentrated | null;
  removed_in?: Concentrated | null;
  parts: { state: string }[];
  arrays: { name: string; shape: Side<number[] | null>; dtype: Side<string | null>; elements_changed: number | null }[];
  headlines: (string | Record<string, string[]>)[];
}

/** What the server says as a code with arguments. */
export interface Said {
  code: string;
  args: string[];
}

export interface Cause {
  rank: number;
  group: string;
  kind: string;
  subject: string;
  detail: string;
  said?: Said[];
  before: string | null;
  after: string | null;
  evidence: string[];
  evidence_said?: Said[][];
  via: string[];
  authority: string;
  rule: string | null;
  effect_possible: string;
  written_by: { run: string; command: string[]; at: string } | null;
  diff: string | null;
  data: TableChange | null;
  because: Cause[];
}

export interface Why {
  a: WhyState;
  b: WhyState | null;
  metrics: { name: string; before: unknown; after: unknown }[];
  measure_changed: boolean;
  causes: Cause[];
  same: string[];
  unseen: string[];
  unseen_said?: Said[][];
  notes: string[];
  notes_said?: Said[][];
}

export interface Hit {
  id: string;
  kind: string;
  name: string;
  digest: string | null;
  path: string | null;
  size: number | null;
  members: number | null;
  at: string | null;
  bucket: string;
  runs: number;
  command: string[];
  versions: string[];
  aliases: string[];
  deployments: { name: string | null; since: string }[];
  owners: string[];
  authority: string | null;
}

export interface Found {
  thing: string;
  kind: string;
  name: string;
  at?: string | null;
  detail?: string | null;
}

export interface StatusRow {
  thing: string;
  state: string;
  cause: { thing: string; what: string; said?: Said[] } | null;
  path: string[];
  place: string;
  /** Empty when no run made it. */
  run: string;
  /** What that run left, and which version of its name that is. */
  digest: string | null;
  version: string | null;
  more: number;
}
