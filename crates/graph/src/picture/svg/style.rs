//! The look: calm paper, ink, one vermilion; light and dark as the reader's.

/// What no theme changes.
const STYLE: &str = "text{font-family:Inter,'Segoe UI Variable Text',system-ui,'Hiragino Sans','Noto Sans JP','Noto Sans CJK JP',sans-serif;font-size:13px}\
.n{font-weight:600}.s,.k2{font-size:11.5px}.h{font-size:12px;font-weight:600}.w,.l,.t{font-size:11px}.m{text-anchor:middle}.e{text-anchor:end}\
.c{stroke-width:1.4}.f{stroke-width:2.4}.halo{fill:none;stroke-width:7;stroke-opacity:.28}.i{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}\
.a{fill:none;stroke-width:1.5}.main{stroke-width:2.4}.declared{stroke-dasharray:7 5}.inferred{stroke-dasharray:1.5 5;stroke-linecap:round}\
.imported{stroke-dasharray:10 3 2 3}.q{stroke-width:1}";

/// Selector, property, colour in light and in dark. Written out, since not every reader of SVG knows variables.
const COLOURS: &[(&str, &str, &str, &str)] = &[
    (".paper", "fill", "#faf9f6", "#14161a"),
    (".tab", "fill", "#ffffff", "#1c1f24"),
    ("text", "fill", "#1b1e23", "#eceae4"),
    (".s,.k2,.h,.l", "fill", "#4a5059", "#bcc1c9"),
    (".w,.t", "fill", "#646a74", "#949ba6"),
    (".q", "stroke", "#dedad1", "#2e333b"),
    (".tab", "stroke", "#8a857a", "#6c7482"),
    (".c", "fill", "#ffffff", "#1c1f24"),
    (".c,.i,.halo", "stroke", "#656b80", "#9aa1a5"),
    (".data .c,.data .i,.data .halo", "stroke", "#0070cc", "#529efb"),
    (".code .c,.code .i,.code .halo", "stroke", "#523b00", "#f2dd73"),
    (".model .c,.model .i,.model .halo", "stroke", "#c04a08", "#ff7a40"),
    (".evaluation .c,.evaluation .i,.evaluation .halo", "stroke", "#7e1c86", "#eba1e7"),
    (".run .c,.run .halo", "stroke", "#1f2228", "#dbdfe4"),
    (".run .i", "stroke", "#1f2228", "#dbdfe4"),
    (".run .i", "fill", "#1f2228", "#dbdfe4"),
    (".focus.data .c", "fill", "#e6f1fb", "#152a42"),
    (".focus.code .c", "fill", "#f5eedb", "#2f2b16"),
    (".focus.model .c", "fill", "#fdeee4", "#3a2114"),
    (".focus.evaluation .c", "fill", "#f7e9f8", "#341f36"),
    (".bad .c", "stroke", "#b3261e", "#ff8a80"),
    (".bad .s,.bad .k2", "fill", "#b3261e", "#ff8a80"),
    (".a", "stroke", "#83888f", "#727984"),
    (".back", "stroke", "#8a5300", "#e7b65a"),
    (".main", "stroke", "#c04a08", "#ff7a40"),
];

pub(super) fn style() -> String {
    let rules = |dark: bool| -> String {
        COLOURS.iter().map(|(of, what, light, night)| format!("{of}{{{what}:{}}}", if dark { night } else { light })).collect()
    };
    format!("{STYLE}{}@media(prefers-color-scheme:dark){{{}}}", rules(false), rules(true))
}
