import { parse, type Route } from '../router';
import { en } from '../words/en';
import { Format } from '../words/format';
import { fill, type Args, type Key, type Words } from '../words';
import type { Home } from '../types';

type Lang = 'en' | 'ja';
type Theme = 'auto' | 'light' | 'dark';

function stored(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
function store(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}

const systemDark = typeof matchMedia === 'undefined' ? null : matchMedia('(prefers-color-scheme: dark)');

/** What all pages share: where we are, the language, the theme, what the server said of the whole. */
class App {
  route = $state<Route>(parse(location.pathname));
  query = $state<URLSearchParams>(new URLSearchParams(location.search));
  lang = $state<Lang>('en');
  words = $state.raw<Words>(en as Words);
  theme = $state<Theme>('auto');
  systemDark = $state(systemDark?.matches ?? false);
  home = $state.raw<Home | null>(null);
  /** Whether single keys do something. */
  keys = $state(stored('keizu.keys') !== 'off');
  help = $state(false);
  /** When the server was last heard, and whether it answers now. */
  reachable = $state(true);
  heard = $state<string | null>(null);
  /** Entries in the record, as far as is known. */
  seq = $state(0);
  verified = $state<boolean | null>(null);
  format = $derived(new Format(this.lang));
  dark = $derived(this.theme === 'auto' ? this.systemDark : this.theme === 'dark');

  async begin(): Promise<void> {
    const theme = stored('keizu.theme');
    if (theme === 'light' || theme === 'dark') this.setTheme(theme);
    systemDark?.addEventListener('change', (e) => (this.systemDark = e.matches));
    const asked = new URLSearchParams(location.search).get('lang') ?? stored('keizu.lang') ?? navigator.language;
    await this.setLang(asked.startsWith('ja') ? 'ja' : 'en', false);
    addEventListener('popstate', () => this.read());
  }

  private read(): void {
    this.route = parse(location.pathname);
    this.query = new URLSearchParams(location.search);
  }

  /** Goes to an address of this page. */
  go(href: string, replace = false): void {
    const same = href === location.pathname + location.search;
    if (!same) history[replace ? 'replaceState' : 'pushState'](null, '', href);
    const path = location.pathname;
    this.read();
    if (!replace && path !== this.lastPath) scrollTo(0, 0);
    this.lastPath = path;
  }
  private lastPath = location.pathname;

  async setLang(lang: Lang, keep = true): Promise<void> {
    this.words = lang === 'ja' ? ((await import('../words/ja')).ja as Words) : (en as Words);
    this.lang = lang;
    document.documentElement.lang = lang;
    if (keep) store('keizu.lang', lang);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    store('keizu.theme', theme);
    if (theme === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  }

  setKeys(on: boolean): void {
    this.keys = on;
    store('keizu.keys', on ? 'on' : 'off');
  }
}

/** The one of this page. */
export const app = new App();

/** A text in the language of the page. */
export function t(key: Key, args?: Args): string {
  return fill(app.words[key] ?? en[key] ?? key, args, (n) => app.format.number(n));
}

/** A text that may not exist, for codes of the server that this page does not know yet. */
export function say(key: string, otherwise: string, args?: Args): string {
  return key in en ? t(key as Key, args) : otherwise;
}

/** Whether motion is unwelcome. */
export function still(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
