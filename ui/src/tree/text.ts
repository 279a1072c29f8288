const BAD = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** File names are hostile: control and direction characters become marks that can be seen. */
export function safe(s: string): string {
  return s.replace(BAD, (c) => {
    const code = c.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '␡' : '␀';
  });
}

const segmenter = typeof Intl !== 'undefined' && 'Segmenter' in Intl ? new Intl.Segmenter() : null;

function characters(s: string): string[] {
  return segmenter ? Array.from(segmenter.segment(s), (x) => x.segment) : Array.from(s);
}

/** Cuts a name in the middle to a width, so that its end (which tells most) stays. Whole characters only, also of several code points. */
export function cut(s: string, max: number, width: (s: string) => number): string {
  if (width(s) <= max) return s;
  const c = characters(s);
  let [a, b] = [0, c.length];
  // Of n characters kept, the end gets the larger part: extensions and versions stand there.
  const shorten = (n: number) => {
    const tail = Math.ceil(n * 0.55);
    return `${c.slice(0, n - tail).join('')}…${tail > 0 ? c.slice(-tail).join('') : ''}`;
  };
  while (a < b) {
    const mid = (a + b + 1) >> 1;
    if (width(shorten(mid)) <= max) a = mid;
    else b = mid - 1;
  }
  return a === 0 ? '…' : shorten(a);
}
