//! The look: calm paper, ink, one vermilion; light and dark as the reader's.

/// What no theme changes.
const STYLE: &str = "text{font-family:Inter,'Segoe UI Variable Text',system-ui,'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',sans-serif;font-size:13px}\
.n{font-weight:600}.s,.k2{font-size:11.5px}.h{font-size:12px;font-weight:600}.w,.l,.t{font-size:11px}.m{text-anchor:middle}.e{text-anchor:end}\
.c{stroke-width:1.4}.f{stroke-width:2.4}.halo{fill:none;stroke-width:7;stroke-opacity:.28}.i{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}\
.a{fill:none;stroke-width:1.5}.main{stroke-width:2.4}.declared{stroke-dasharray:7 5}.inferred{stroke-dasharray:1.5 5;stroke-linecap:round}\
.imported{stroke-dasharray:10 3 2 3}.q{stroke-width:1}";

/// The colours of everything that Keizu draws: `--name: light-dark(LIGHT, DARK);`.
const TOKENS: &str = include_str!("tokens.css");

/// Selector, property, token.
const COLOURS: &[(&str, &str, &str)] = &[
    (".paper", "fill", "paper"),
    (".tab", "fill", "surface"),
    ("text", "fill", "ink"),
    (".s,.k2,.h,.l", "fill", "ink2"),
    (".w,.t", "fill", "ink3"),
    (".q", "stroke", "line"),
    (".tab", "stroke", "line2"),
    (".c", "fill", "surface"),
    (".c,.i,.halo", "stroke", "env"),
    (".data .c,.data .i,.data .halo", "stroke", "data"),
    (".code .c,.code .i,.code .halo", "stroke", "code"),
    (".model .c,.model .i,.model .halo", "stroke", "model"),
    (".evaluation .c,.evaluation .i,.evaluation .halo", "stroke", "eval"),
    (".run .c,.run .halo", "stroke", "run"),
    (".run .i", "stroke", "run"),
    (".run .i", "fill", "run"),
    (".focus.data .c", "fill", "data-tint"),
    (".focus.code .c", "fill", "code-tint"),
    (".focus.model .c", "fill", "model-tint"),
    (".focus.evaluation .c", "fill", "eval-tint"),
    (".bad .c", "stroke", "bad"),
    (".bad .s,.bad .k2", "fill", "bad"),
    (".a", "stroke", "edge"),
    (".back", "stroke", "warn"),
    (".main", "stroke", "model"),
];

/// A token's colours in light and in dark.
fn token(name: &str) -> Option<(&'static str, &'static str)> {
    let (_, rest) = TOKENS.split_once(&format!("--{name}: light-dark("))?;
    rest.split_once(')')?.0.split_once(", ")
}

/// Colours are written out, since not every reader of SVG knows variables.
pub(super) fn style() -> String {
    let rules = |dark: bool| -> String {
        let rule = |(of, what, name): &(&str, &str, &str)| {
            let (light, night) = token(name).unwrap_or(("currentColor", "currentColor"));
            format!("{of}{{{what}:{}}}", if dark { night } else { light })
        };
        COLOURS.iter().map(rule).collect()
    };
    format!("{STYLE}{}@media(prefers-color-scheme:dark){{{}}}", rules(false), rules(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_is_a_token_of_the_page() {
        for (of, _, name) in COLOURS {
            let (light, dark) = token(name).unwrap_or_else(|| panic!("{of}: tokens.css has no --{name}"));
            assert!([light, dark].iter().all(|colour| colour.len() == 7 && colour.starts_with('#')), "{name}: {light} {dark}");
        }
    }
}
