import { ApiError } from '../api';
import { app } from './app.svelte';

/** One question to the server, with its states. What was shown stays while a new answer is awaited, and when it fails. */
export class Ask<T> {
  value = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  loading = $state(false);
  /** Loading has lasted so long that a skeleton, then a way out, is shown. */
  slow = $state<0 | 1 | 2>(0);
  private stop: AbortController | null = null;
  private timers: ReturnType<typeof setTimeout>[] = [];
  private key = '';
  private waits = false;
  /** The same was asked again while its answer is awaited. */
  private anew = false;
  private last: ((signal: AbortSignal) => Promise<T>) | null = null;

  /**
   * Asks. A question before that still waits for its answer is dropped, unless it has the same key: then its answer is taken, and asked for
   * once more, or what is asked for again and again while things are recorded would never be answered. With `keep`, the old answer stays meanwhile.
   */
  async run(question: (signal: AbortSignal) => Promise<T>, keep = false, key = ''): Promise<void> {
    if (key && key === this.key && this.stop && this.waits) {
      this.anew = true;
      this.last = question;
      return;
    }
    this.key = key;
    this.anew = false;
    this.waits = true;
    const began = performance.now();
    this.stop?.abort();
    const stop = new AbortController();
    this.stop = stop;
    this.last = question;
    if (!keep) this.value = null;
    this.error = null;
    this.loading = true;
    this.slow = 0;
    this.clear();
    this.timers = [setTimeout(() => (this.slow = 1), 150), setTimeout(() => (this.slow = 2), 2000)];
    try {
      const value = await question(stop.signal);
      if (this.stop !== stop) return;
      this.value = value;
      app.reachable = true;
      app.heard = new Date().toISOString();
    } catch (e) {
      if (this.stop !== stop) return;
      if (e instanceof DOMException && e.name === 'AbortError') return;
      this.error = e instanceof ApiError ? e : new ApiError(-1, 'page', String(e));
      if (this.error.status === 0) {
        app.reachable = false;
        this.timers.push(setTimeout(() => this.error?.status === 0 && this.again(), 3000));
      }
    } finally {
      if (this.stop === stop) {
        this.loading = false;
        this.slow = 0;
        this.waits = this.anew && this.error === null;
        // What takes long is not asked for without a pause.
        if (this.waits) this.timers.push(setTimeout(() => this.resume(), performance.now() - began));
      }
    }
  }

  private resume(): void {
    this.waits = false;
    this.again();
  }
  again(): void {
    if (this.last) void this.run(this.last, true, this.key);
  }
  cancel(): void {
    this.stop?.abort();
    this.stop = null;
    this.waits = false;
    this.loading = false;
    this.slow = 0;
    this.clear();
  }
  private clear(): void {
    for (const t of this.timers) clearTimeout(t);
    this.timers = [];
  }
}
