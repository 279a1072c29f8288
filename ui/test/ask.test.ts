import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

vi.mock('../src/state/app.svelte', () => ({ app: { reachable: true, heard: null } }));
const { Ask } = await import('../src/state/ask.svelte');

/** Questions whose answers are given by hand. */
function hand() {
  const asked: { answer: (v: string) => void; signal: AbortSignal }[] = [];
  const question = (signal: AbortSignal) => new Promise<string>((answer) => asked.push({ answer, signal }));
  return { asked, question };
}
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('a question', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('that is asked again while it waits is answered, and asked once more', async () => {
    const { asked, question } = hand();
    const ask = new Ask<string>();
    void ask.run(question, true, 'tree');
    for (let i = 0; i < 3; i++) void ask.run(question, true, 'tree');
    expect(asked.length).toBe(1);
    await vi.advanceTimersByTimeAsync(500);
    asked[0].answer('old');
    await settle();
    expect(ask.value).toBe('old');
    expect(asked[0].signal.aborted).toBe(false);
    // As long a pause as the answer took.
    await vi.advanceTimersByTimeAsync(400);
    expect(asked.length).toBe(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(asked.length).toBe(2);
    asked[1].answer('new');
    await settle();
    expect(ask.value).toBe('new');
    await vi.advanceTimersByTimeAsync(5000);
    expect(asked.length).toBe(2);
  });

  it('gives way to another one', async () => {
    const { asked, question } = hand();
    const ask = new Ask<string>();
    void ask.run(question, true, 'tree');
    void ask.run(question, true, 'other tree');
    expect(asked[0].signal.aborted).toBe(true);
    asked[0].answer('first');
    asked[1].answer('second');
    await settle();
    expect(ask.value).toBe('second');
  });

  it('without a key is dropped for the next', () => {
    const { asked, question } = hand();
    const ask = new Ask<string>();
    void ask.run(question);
    void ask.run(question);
    expect(asked.map((a) => a.signal.aborted)).toEqual([true, false]);
  });
});
