import { describe, expect, it } from 'vitest';
import { before, course } from '../src/state/course';
import type { VersionRow } from '../src/types';

const row = (version: number, metrics?: Record<string, number>): VersionRow => ({
  name: `model:m@v${version}`, version, digest: null, size: null, path: null, run: null, at: '', aliases: [], authority: 'observed', rule: null, metrics,
});

describe('the course of a number', () => {
  const versions = [row(10, { auc: 0.9, loss: 0 }), row(9, { loss: 0.3 }), row(2), row(1, { auc: 0.5 })];
  it('goes from the oldest version to the newest, past those without it', () => {
    expect(course(versions, 'auc')).toEqual([{ version: 1, value: 0.5 }, { version: 10, value: 0.9 }]);
    expect(course(versions, 'loss').map((s) => s.value)).toEqual([0.3, 0]);
    expect(course(versions, 'f1')).toEqual([]);
  });
  it('is compared with the version before alone', () => {
    expect(before(versions[1], 'loss')).toBe(0.3);
    expect(before(versions[1], 'auc')).toBeNull();
    expect(before(versions[2], 'loss')).toBeNull();
    expect(before(undefined, 'auc')).toBeNull();
  });
});
