import { en } from './en';

/** Names of all texts. */
export type Key = keyof typeof en;
/** One language: every text of the other. */
export type Words = Record<Key, string>;
/** What is put into a text. */
export type Args = Record<string, string | number>;

/** Fills a text: `{n}` stands for a value, `{n?one:many}` for a word that depends on its number. */
export function fill(text: string, args: Args = {}, number: (n: number) => string = String): string {
  return text.replace(/\{(\w+)(?:\?([^:}]*):([^}]*))?\}/g, (whole, name: string, one?: string, many?: string) => {
    const v = args[name];
    if (one !== undefined) return Number(v) === 1 ? one : (many ?? '');
    if (v === undefined) return whole;
    return typeof v === 'number' ? number(v) : v;
  });
}

/** Names of what is put into a text, for comparing two languages. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{(\w+)/g)].map((m) => m[1]))].sort();
}
