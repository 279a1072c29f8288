//! What stands on shapes and arrows.

use keizu_record::Authority;

use crate::node::Node;
use crate::tree::{Pattern, Word};
use crate::vertex::{Link, LinkKind};
use crate::walk::Trace;

/// The longest name that is drawn; the rest of a command is in the record.
const NAME_CHARS_MAX: usize = 60;

/// Text without characters that would change how the rest is read: controls and changes of direction are written as escapes.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let turns = matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}');
        if c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}') {
            out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// At most so many characters, cut in the middle: ends tell things apart.
pub(super) fn middle(text: &str, chars_max: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= chars_max {
        return text.to_owned();
    }
    let kept = chars_max.saturating_sub(1);
    let (head, tail) = (kept / 2, kept - kept / 2);
    chars[..head].iter().chain(&['…']).chain(&chars[chars.len() - tail..]).collect()
}

pub(super) fn name(trace: &Trace, nodes: &[usize]) -> String {
    let all: Vec<&Node> = nodes.iter().map(|node| &trace.nodes[*node]).collect();
    let name = match all.as_slice() {
        [one] => single(one),
        many => {
            let commands: Vec<&[Vec<u8>]> = many.iter().filter_map(|node| Some(node.run()?.command.as_slice())).collect();
            match commands.is_empty() {
                true => format!("{} files {}", many.len(), pattern_of_paths(many)),
                false => format!("{} runs {}", many.len(), command(&crate::tree::pattern(&commands))),
            }
        }
    };
    middle(&plain(&name), NAME_CHARS_MAX)
}

fn single(node: &Node) -> String {
    match node.run() {
        Some(run) if !run.command.is_empty() => {
            let words = run.command.iter().map(|word| String::from_utf8_lossy(word).into_owned());
            words.collect::<Vec<_>>().join(" ")
        }
        _ => node.name.clone(),
    }
}

/// `daily/*.csv`.
fn pattern_of_paths(nodes: &[&Node]) -> String {
    let Some(path) = nodes.first().and_then(|node| node.artifact()?.path.as_ref()) else { return String::new() };
    let folder = keizu_record::FilePath::new(path.folder()).to_string();
    let (slash, dot) = (if folder.is_empty() { "" } else { "/" }, if path.extension().is_empty() { "" } else { "." });
    format!("{folder}{slash}*{dot}{}", path.extension())
}

fn command(pattern: &Pattern) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let words = pattern.0.iter().map(|word| match word {
        Word::Same(word) => text(word),
        Word::Differs { prefix, .. } => format!("{}…", text(prefix)),
        Word::Rest => "…".to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

pub(super) fn detail(trace: &Trace, nodes: &[usize]) -> String {
    let [one] = nodes else { return String::new() };
    let node = &trace.nodes[*one];
    if let crate::Vertex::Run(run) = &node.vertex {
        let status = node.run().and_then(|run| run.status).map(|status| status.word());
        let id = format!("run:{}", run.short(6));
        return [Some(id.as_str()), status.filter(|status| *status != "finished")].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    }
    let Some(artifact) = node.artifact() else { return String::new() };
    let digest = artifact.digest.map_or_else(|| "not seen".to_owned(), |digest| digest.short(8));
    let members = artifact.members.map(|members| format!("{members} files"));
    let aliases = (!artifact.aliases.is_empty()).then(|| artifact.aliases.join(", "));
    let parts = [aliases, members, Some(digest), artifact.size.map(size)];
    plain(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// `1.2 MB`: decimal, as the rest of Keizu.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1_000.0, 0);
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    if value < 9.95 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

pub(super) fn of_link(link: &Link<usize>) -> String {
    let what = match link.kind {
        LinkKind::Used | LinkKind::Made => None,
        LinkKind::Derived => Some(link.relation.clone().unwrap_or_else(|| link.kind.word().to_owned())),
        kind => Some(kind.word().to_owned()),
    };
    let who = match (link.authority, &link.rule) {
        (Authority::Observed, _) => None,
        (authority, Some(rule)) if Some(rule) != what.as_ref() => Some(format!("{authority}: {rule}")),
        (authority, _) => Some(authority.word().to_owned()),
    };
    let text = match (what, who) {
        (Some(what), Some(who)) => format!("{what} ({who})"),
        (Some(what), None) => what,
        (None, Some(who)) => format!("({who})"),
        (None, None) => String::new(),
    };
    let changed = link.changed.as_ref().map(|changed| format!("{text} {changed}").trim().to_owned());
    plain(&changed.unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        let check = |bytes, expected: &str| assert_eq!(size(bytes), expected);
        check(999, "999 B");
        check(1_000, "1.0 kB");
        check(1_234_567, "1.2 MB");
        check(31_000_000, "31 MB");
        check(999_999, "1.0 MB");
        check(u64::MAX, "18447 PB");
    }

    #[test]
    fn names_are_cut_in_the_middle_and_harmless() {
        assert_eq!(middle("features_2026_clean.parquet", 11), "featu…rquet");
        assert_eq!(plain("a\u{202E}b\nc"), "a\\u{202e}b\\u{a}c");
    }
}
