/** How numbers, sizes and times are written, by language. */
export class Format {
  private readonly integer: Intl.NumberFormat;
  private readonly day: Intl.DateTimeFormat;
  private readonly dayYear: Intl.DateTimeFormat;
  private readonly clock: Intl.DateTimeFormat;
  private readonly exact: Intl.DateTimeFormat;

  constructor(
    readonly lang: 'en' | 'ja',
    private readonly now: () => number = Date.now,
    timeZone?: string,
  ) {
    const locale = lang === 'ja' ? 'ja-JP' : 'en-GB';
    this.integer = new Intl.NumberFormat(locale);
    const day: Intl.DateTimeFormatOptions = lang === 'ja' ? { month: 'numeric', day: 'numeric' } : { month: 'short', day: 'numeric' };
    this.day = new Intl.DateTimeFormat(locale, { ...day, timeZone });
    this.dayYear = new Intl.DateTimeFormat(locale, { ...day, year: 'numeric', timeZone });
    this.clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hour12: false, timeZone });
    this.exact = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium', hour12: false, timeZone });
  }

  number(n: number): string {
    if (Number.isInteger(n) || Math.abs(n) >= 1000) return minus(this.integer.format(Math.round(n)));
    const digits = Math.abs(n) >= 1 ? 3 : 4;
    return minus(Number(n.toFixed(digits)) === 0 ? n.toPrecision(3) : String(Number(n.toFixed(digits))));
  }

  /** Two numbers side by side: with as many digits as it takes to tell them apart. */
  pair(before: unknown, after: unknown): [string, string] {
    const one = (v: unknown) => (typeof v === 'number' ? this.number(v) : v === null || v === undefined ? '–' : String(v));
    const said: [string, string] = [one(before), one(after)];
    if (typeof before !== 'number' || typeof after !== 'number' || before === after || said[0] !== said[1]) return said;
    for (let digits = 5; digits <= 17; digits++) {
      const [b, a] = [before.toPrecision(digits), after.toPrecision(digits)];
      if (b !== a) return [minus(b), minus(a)];
    }
    return said;
  }

  /** A difference, with its sign. */
  delta(n: number): string {
    const s = this.number(Math.abs(n));
    return n < 0 ? `−${s}` : `+${s}`;
  }

  bytes(n: number): string {
    if (n < 1000) return `${n} B`;
    const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
    let v = n / 1000;
    let u = 0;
    while (v >= 999.5 && u < units.length - 1) {
      v /= 1000;
      u++;
    }
    return `${v < 10 ? v.toFixed(1) : Math.round(v)} ${units[u]}`;
  }

  /** 1.2 M, 12,480. */
  brief(n: number): string {
    if (n < 100_000) return this.number(n);
    const [v, unit] = n >= 1e9 ? [n / 1e9, 'G'] : n >= 1e6 ? [n / 1e6, 'M'] : [n / 1e3, 'k'];
    return `${v < 10 ? v.toFixed(1) : Math.round(v)} ${unit}`;
  }

  duration(seconds: number): string {
    const [h, m, s] = this.lang === 'ja' ? [' 時間', ' 分', ' 秒'] : [' h', ' min', ' s'];
    if (seconds < 10) return `${Number(seconds.toFixed(seconds < 1 ? 2 : 1))}${s}`;
    const t = Math.round(seconds);
    if (t < 60) return `${t}${s}`;
    if (t < 3600) return `${Math.floor(t / 60)}${m}${t % 60 ? ` ${String(t % 60).padStart(2, '0')}${s}` : ''}`;
    return `${Math.floor(t / 3600)}${h} ${String(Math.floor((t % 3600) / 60)).padStart(2, '0')}${m}`;
  }

  /** Day and clock; the year only when it is not this one. */
  time(iso: string): string {
    const d = new Date(iso);
    if (Number.isNaN(d.getTime())) return iso;
    return `${this.date(iso)} ${this.clock.format(d)}`;
  }
  date(iso: string): string {
    const d = new Date(iso);
    if (Number.isNaN(d.getTime())) return iso;
    return (d.getFullYear() === new Date(this.now()).getFullYear() ? this.day : this.dayYear).format(d);
  }
  /** From one moment to another; the day only once when it is the same. */
  span(a: string, b: string): string {
    return this.date(a) === this.date(b) ? `${this.time(a)} – ${this.clockOf(b)}` : `${this.time(a)} – ${this.time(b)}`;
  }
  clockOf(iso: string): string {
    const d = new Date(iso);
    return Number.isNaN(d.getTime()) ? iso : this.clock.format(d);
  }
  full(iso: string): string {
    const d = new Date(iso);
    return Number.isNaN(d.getTime()) ? iso : this.exact.format(d);
  }
  percent(share: number): string {
    const p = share * 100;
    return `${p !== 0 && Math.abs(p) < 10 ? Number(p.toFixed(1)) : Math.round(p)} %`;
  }
}

/** A minus sign, not a hyphen. */
function minus(s: string): string {
  return s.replace(/^-/, '\u2212');
}

/** A command as it was typed, quoted where a shell needs it. */
export function command(argv: string[]): string {
  return argv.map((a) => (/^[\w@%+=:,./-]+$/.test(a) ? a : `'${a.replace(/'/g, `'\\''`)}'`)).join(' ');
}

/** The command without what is in front of it everywhere: folders of the interpreter. */
export function brief(argv: string[]): string {
  if (!argv.length) return '';
  return command([argv[0].split('/').pop() ?? argv[0], ...argv.slice(1)]);
}

/** What to call a run: its script, else its program. */
export function runName(argv: string[], name?: string | null): string {
  if (name) return name;
  const script = argv.slice(1).find((a) => /\.(py|sh|r|jl|ipynb|pl|js)$/i.test(a));
  const module = argv.indexOf('-m') > 0 ? argv[argv.indexOf('-m') + 1] : undefined;
  const from = script ?? module ?? argv[0] ?? '';
  return (from.split('/').pop() ?? from).replace(/\.(py|sh|r|jl|ipynb|pl|js)$/i, '');
}

/** Eight digits of a digest. */
export function short(digest: string): string {
  return digest.replace(/^b3:/, '').slice(0, 8);
}

/** A run's id as one types it. */
export function shortRun(id: string): string {
  return `run:${id.replace(/^run:/, '').slice(0, 6)}`;
}
