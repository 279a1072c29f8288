import { standing } from '../api';
import type { Running } from '../types';
import { app } from './app.svelte';

/** Something that was just recorded. */
export interface Event {
  seq: number;
  kind: string;
  things: string[];
}

/** Paths kept of each run that goes on. */
const TOUCHED_MAX = 500;

/** What is being recorded now. One tab of the browser listens to the server; it tells the others. */
class Live {
  running = $state.raw<Running[]>([]);
  recent = $state.raw<Event[]>([]);
  connected = $state(false);
  /** Changes whenever something was recorded: views that care ask anew. */
  tick = $state(0);
  private source: EventSource | null = null;
  private channel: BroadcastChannel | null = null;
  private pending: ReturnType<typeof setTimeout> | null = null;
  private opened = false;

  begin(): void {
    if (typeof EventSource === 'undefined') return;
    if (typeof BroadcastChannel !== 'undefined') {
      this.channel = new BroadcastChannel('keizu.events');
      this.channel.onmessage = (m) => this.take(m.data.type, m.data.data, false);
    }
    // Browsers allow six connections to one address: the tab that holds the lock has the only one for events.
    if (navigator.locks) void navigator.locks.request('keizu.events', () => new Promise<never>(() => this.open()));
    else this.open();
  }

  private open(): void {
    const since = app.seq ? `?since=${app.seq}` : '';
    const source = new EventSource(`/api/v1/events${since}`);
    this.source = source;
    let greeted = false;
    source.onopen = () => {
      greeted = false;
      this.tell('open', '');
    };
    source.onerror = () => {
      this.tell('lost', '');
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.source === source && this.open(), 3000);
    };
    source.onmessage = (e) => this.tell('record', e.data);
    source.addEventListener('running', (e) => {
      if (!greeted) this.greet(Number((e as MessageEvent).lastEventId) || 0);
      greeted = true;
      this.tell('running', (e as MessageEvent).data);
    });
    for (const type of ['record', 'reset']) source.addEventListener(type, (e) => this.tell(type, (e as MessageEvent).data));
  }

  /** From here on everything is heard: only what was answered before is asked anew. */
  private greet(seq: number): void {
    standing.heard = seq;
    standing.missed = () => this.bump();
    if (standing.least < seq) this.bump();
    standing.least = Infinity;
  }

  private tell(type: string, data: string): void {
    this.take(type, data, true);
    this.channel?.postMessage({ type, data });
  }

  private take(type: string, data: string, own: boolean): void {
    if (type === 'open' || type === 'lost') {
      this.connected = type === 'open';
      app.reachable = type === 'open';
      // Who comes back to a server may find another one.
      if (type === 'open' && own && this.opened) this.bump();
      if (type === 'open') this.opened = true;
      return;
    }
    this.connected = true;
    app.reachable = true;
    app.heard = new Date().toISOString();
    let said: unknown;
    try {
      said = JSON.parse(data);
    } catch {
      return;
    }
    if (type === 'running') {
      const o = said as Running[] | { running?: Running[]; id?: string };
      const now = Array.isArray(o) ? o : (o.running ?? (o.id ? [o as Running] : []));
      const ended = this.running.some((r) => !now.some((n) => n.id === r.id));
      this.running = now.map((r) => this.longer(r));
      if (ended) this.bump();
      return;
    }
    if (type === 'reset') return this.bump();
    const events = (Array.isArray(said) ? said : [said]) as Event[];
    for (const e of events) if (e.seq > app.seq) app.seq = e.seq;
    this.recent = [...events.reverse(), ...this.recent].slice(0, 60);
    this.bump();
  }

  /** A run is told with what it touched last: with what was told of it before, that is more. */
  private longer(now: Running): Running {
    const before = this.running.find((r) => r.id === now.id);
    const all = (fresh: string[] = [], old: string[] = []) => [...new Set([...fresh, ...old])].slice(0, TOUCHED_MAX);
    return { ...now, read: all(now.read, before?.read), written: all(now.written, before?.written) };
  }

  /** At most four times a second. */
  private bump(): void {
    if (this.pending) return;
    this.pending = setTimeout(() => {
      this.pending = null;
      this.tick++;
    }, 250);
  }
}

/** The one of this page. */
export const live = new Live();
