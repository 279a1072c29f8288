import tokens from '../../tokens.css?raw';

/** Colours by token name, of one theme. */
export type Colours = Record<string, string>;

/** Reads `--name: light-dark(#…, #…)` from the tokens, so that the canvas and exported pictures have no colours of their own. */
export function parseTokens(css: string): { light: Colours; dark: Colours } {
  const light: Colours = {};
  const dark: Colours = {};
  for (const [, name, a, b] of css.matchAll(/--([a-z0-9-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)/g)) {
    light[name] = a;
    dark[name] = b;
  }
  return { light, dark };
}

const parsed = parseTokens(tokens);

/** The colours of a theme. */
export function colours(dark: boolean): Colours {
  return dark ? parsed.dark : parsed.light;
}
