import { safe } from '../tree/text';
import type { Said, TableChange } from '../types';
import { app, say, t } from './app.svelte';
import { reason } from './blind';
import { tableSaid } from './table-said';

/** What belongs to the statement before it, and is not set off from it. */
const LEANS = new Set(['on_command_line', 'declared', 'same_version', 'variable', 'one_of_files', 'files_changed', 'bytes', 'data']);

/** What the server said as codes, in the reader's words; what has no code, as it was sent. */
export function sayings(said: Said[] | undefined, sent: string, table: TableChange | null = null): string {
  if (!said?.length) return safe(sent);
  let text = '';
  for (const { code, args } of said) {
    const next = code === 'data' && table ? tableSaid(table).join(app.lang === 'ja' ? '、' : '; ') : one(code, args);
    if (!next) continue;
    text += !text ? '' : LEANS.has(code) ? (code === 'data' ? ': ' : ' ') : app.lang === 'ja' ? '、' : '; ';
    text += next;
  }
  return text || safe(sent);
}

function one(code: string, args: string[]): string {
  if (code === 'text') return safe(args[0] ?? '');
  if (code === 'may_differ' || code === 'unclean') return say(`said.${code}`, safe(args[0] ?? ''), { a: reason(args[0] ?? '') });
  const [a = '', b = '', c = ''] = args.map((arg) => (/^\d{4,}$/.test(arg) ? app.format.number(Number(arg)) : safe(arg)));
  return say(`said.${code}`, args.map(safe).join(' '), { a, b, c });
}

/** Lines, each in words; those without a code are left out when something else shows what they say. */
export function lines(sent: string[], said: Said[][] | undefined, shown: boolean): string[] {
  return sent
    .map((line, i) => ({ line, said: said?.[i] }))
    // What goes on after lines that are left out is left out with them.
    .filter(({ said }) => !shown || (said?.length && !['text', 'and_more'].includes(said[0].code)))
    .map(({ line, said }) => sayings(said, line));
}

/** Who says so, and by which rule. */
export function byRule(authority: string, rule: string | null): string {
  const who = say(`by.${authority}`, authority);
  return rule ? `${who}: ${say(`rule.${rule}`, rule)}` : who;
}

/** By what data tell until when they reach. */
export function untilBy(by: string): string {
  const column = /^column (.+)$/.exec(by);
  return column ? t('artifact.until.column', { name: safe(column[1]) }) : say(`until.${by}`, safe(by));
}
