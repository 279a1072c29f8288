import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { graph, graphAhead } from '../src/api';

const focus = 'model:delay';

describe('a graph that is asked for ahead', () => {
  const asked: string[] = [];
  beforeEach(() => {
    vi.useFakeTimers();
    asked.length = 0;
    vi.stubGlobal('fetch', (address: string) => {
      asked.push(address);
      const body = { layout: `l${asked.length}` };
      return Promise.resolve(new Response(JSON.stringify(body), { status: address.includes('nobody') ? 404 : 200, headers: { 'content-type': 'application/json' } }));
    });
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it('is taken once by the view that asks for the same', async () => {
    graphAhead({ focus, up: 'all', near: null });
    expect((await graph({ focus, up: 'all', near: null })).layout).toBe('l1');
    expect((await graph({ focus, up: 'all', near: null })).layout).toBe('l2');
  });

  it('is not taken for another one', async () => {
    graphAhead({ focus, up: 'all' });
    expect((await graph({ focus, up: 2 })).layout).toBe('l2');
    expect((await graph({ focus, up: 'all' })).layout).toBe('l3');
  });

  it('tells the view what was refused, and is forgotten when nobody comes for it', async () => {
    graphAhead({ focus: 'model:nobody' });
    await expect(graph({ focus: 'model:nobody' })).rejects.toMatchObject({ status: 404 });
    graphAhead({ focus });
    await vi.advanceTimersByTimeAsync(6_000);
    expect((await graph({ focus })).layout).toBe('l3');
  });
});
