/** What a node is, in the order of the integers in a graph answer. */
export const KINDS = ['data', 'code', 'model', 'environment', 'evaluation', 'config', 'document', 'other', 'run', 'live'] as const;
/** One of them. */
export type Kind = (typeof KINDS)[number];

/** Who says so, in the order of the integers in a graph answer. */
export const AUTHORITIES = ['observed', 'declared', 'inferred', 'imported', 'corrected'] as const;
/** One of them. */
export type Authority = (typeof AUTHORITIES)[number];

/** How a node is, in the order of the integers; `plain` is nothing to say. */
export const STATES = ['plain', 'running', 'failed', 'killed', 'lost', 'hidden', 'deleted', 'faulty', 'removed', 'fresh', 'due', 'late'] as const;

/** What part an artifact played in a run, or what joins two artifacts, in the order of the integers. */
export const ROLES = [
  'input',
  'output',
  'intermediate',
  'code',
  'config',
  'environment',
  'listing',
  'absent',
  'evaluation data',
  'parent model',
  'redirection',
  'same content',
  'member',
  'derived from',
] as const;

/** Dashes of a line by authority; observed and corrected are solid. */
export const DASHES: Record<Authority, readonly number[]> = {
  observed: [],
  declared: [7, 5],
  inferred: [1.5, 5],
  imported: [10, 3, 2, 3],
  corrected: [],
};

/** The token family that colours a kind. */
export function family(kind: Kind): 'data' | 'code' | 'model' | 'env' | 'eval' | 'live' | 'run' {
  switch (kind) {
    case 'data':
    case 'code':
    case 'model':
    case 'live':
    case 'run':
      return kind;
    case 'evaluation':
      return 'eval';
    case 'config':
      return 'code';
    default:
      return 'env';
  }
}

/** A card's width and height, the pitch of rows and of columns, and the radius of a run. */
export const CARD_W = 164;
/** Height of a card. */
export const CARD_H = 46;
/** Radius of a run's circle. */
export const RUN_R = 17;
/** Distance between columns. */
export const COLUMN = 256;
