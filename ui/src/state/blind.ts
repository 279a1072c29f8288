import { safe } from '../tree/text';
import { say } from './app.svelte';

/** How the record words what was not seen, and the key under which the page says the same. What is caught are the arguments. */
const WORDED: [RegExp, string][] = [
  [/^(.+), as it was read: (.+)$/, 'spot.read'],
  [/^(.+), as it was written: (.+)$/, 'spot.written'],
  [/^(.+) could not be watched: (.+)$/, 'spot.unwatched'],
  [/^(.+) could not be kept: (.+)$/, 'spot.kept'],
  [/^and (\d+) more files$/, 'spot.more'],
  [/^(\d+) events were lost$/, 'spot.lost'],
  [/^(.+) outlived the command$/, 'spot.outlived'],
  [/^(.+) was open when the command started$/, 'spot.open'],
  [/^(.+) was killed: libraries that came late may not have been seen$/, 'spot.killed'],
  [/^(.+) used io_uring: what went through the ring was not seen$/, 'spot.ring'],
  [/^a path was too long to be recorded: (.+)$/, 'spot.long'],
  [/^the code version at the start was not seen()$/, 'spot.version'],
  [/^(.+): (.+)$/, 'spot.why'],
];

/** A reason for which a content is not known; what the page has no words for, as it was recorded. */
export function reason(text: string): string {
  return say(`unseen.${text}`, safe(text));
}

/** What a blind spot is about, in the reader's words; what the page has no words for, as it was recorded. */
export function blindSaid(detail: string): string {
  const [, once, times] = /^(.*?)(?: \((\d+) times\))?$/s.exec(detail) ?? [detail, detail];
  let said = safe(once);
  for (const [form, key] of WORDED) {
    const found = form.exec(once);
    if (!found) continue;
    said = say(key, said, { a: safe(found[1]), b: reason(found[2] ?? '') });
    break;
  }
  return times ? say('spot.times', said, { a: said, n: Number(times) }) : said;
}
