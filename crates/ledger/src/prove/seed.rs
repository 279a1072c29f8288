//! Seeds that can be seen: on the command line of a run, or in a settings file that it read.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use keizu_record::body::Role;

use crate::contents::content_of;
use crate::workshop::{Planned, Swaps};
use crate::{Error, Ledger};

/// A larger file holds no settings.
const SETTINGS_BYTES_MAX: u64 = 256 << 10;

/// Whether a name is that of a seed.
fn is_seed(name: &str) -> bool {
    let name = name.trim_start_matches('-').trim().trim_matches(['"', '\'']).to_ascii_lowercase().replace('-', "_");
    let last = name.rsplit('.').next().unwrap_or(&name);
    last == "random_state" || last.split('_').any(|word| word == "seed")
}

/// The command with its seed moved on; none when there is no seed in it.
fn command(words: &[OsString], by: u64) -> Option<Vec<OsString>> {
    let mut out = words.to_vec();
    let mut found = false;
    for at in 1..words.len() {
        let Some(word) = words[at].to_str() else { continue };
        if let Some((name, value)) = word.split_once('=') {
            if let (true, Ok(value)) = (is_seed(name), value.parse::<u64>()) {
                out[at] = format!("{name}={}", value.wrapping_add(by)).into();
                found = true;
            }
        } else if word.starts_with('-')
            && is_seed(word)
            && let Some(value) = words.get(at + 1).and_then(|next| next.to_str()?.parse::<u64>().ok())
        {
            out[at + 1] = value.wrapping_add(by).to_string().into();
            found = true;
        }
    }
    found.then_some(out)
}

/// A settings file with its seeds moved on, byte for byte but for these; none when there is no seed in it.
fn settings(text: &str, by: u64) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut found = false;
    let mut rest = text;
    // a seed is a name, a colon or an equals sign, and a whole number
    while let Some(at) = rest.find([':', '=']) {
        let (before, after) = (&rest[..at], &rest[at + 1..]);
        let name = before.rsplit(['\n', ',', '{', '[', ';']).next().unwrap_or(before);
        let value = after.trim_start_matches([' ', '\t']);
        let digits = value.len() - value.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let ends = value[digits..].chars().next().is_none_or(|next| !next.is_alphanumeric() && !matches!(next, '.' | '_'));
        out.push_str(&rest[..=at]);
        rest = after;
        if is_seed(name)
            && !name.contains('#')
            && ends
            && let Ok(number) = value[..digits].parse::<u64>()
        {
            out.push_str(&after[..after.len() - value.len()]);
            out.push_str(&number.wrapping_add(by).to_string());
            rest = &value[digits..];
            found = true;
        }
    }
    out.push_str(rest);
    found.then_some(out)
}

/// What moves the seeds of a run on by so much; none when none is seen.
pub fn moved(ledger: &mut Ledger, planned: &Planned, by: u64) -> Result<Option<Swaps>, Error> {
    let mut swaps = Swaps::default();
    let words: Vec<OsString> = planned.job.began.command.iter().map(|word| std::ffi::OsStr::from_bytes(word).to_owned()).collect();
    if let Some(command) = command(&words, by) {
        swaps.commands.insert(planned.job.run, command);
    }
    for input in planned.job.inputs.iter().filter(|input| input.role == Role::Config && !input.is_outside()) {
        let (Some(content), true) = (input.content, input.size.is_some_and(|size| size <= SETTINGS_BYTES_MAX)) else { continue };
        let Some(bytes) = content_of(ledger, &input.path, &content, input.size)? else { continue };
        if let Some(text) = std::str::from_utf8(&bytes).ok().and_then(|text| settings(text, by)) {
            swaps.texts.insert(input.path.clone(), text.into_bytes());
        }
    }
    Ok((swaps != Swaps::default()).then_some(swaps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_on_a_command_line() {
        let moved = |words: &[&str]| command(&words.iter().map(OsString::from).collect::<Vec<_>>(), 2);
        let text = |words: &[&str]| Some(words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(moved(&["python", "t.py", "--seed", "7", "--depth", "3"]), text(&["python", "t.py", "--seed", "9", "--depth", "3"]));
        assert_eq!(
            moved(&["python", "t.py", "--random-state=7", "model.seed=1"]),
            text(&["python", "t.py", "--random-state=9", "model.seed=3"])
        );
        assert_eq!(moved(&["python", "t.py", "--depth", "3", "seed"]), None);
        assert_eq!(moved(&["python", "t.py", "--seedling", "3"]), None);
    }

    #[test]
    fn seeds_in_settings() {
        let moved = |text: &str| settings(text, 1);
        assert_eq!(moved("rate: 0.1\nseed: 7  # lucky\n").as_deref(), Some("rate: 0.1\nseed: 8  # lucky\n"));
        assert_eq!(
            moved(r#"{"rate": 0.1, "train": {"random_state": 41}}"#).as_deref(),
            Some(r#"{"rate": 0.1, "train": {"random_state": 42}}"#)
        );
        assert_eq!(moved("[t]\nseed = 7\nurl = http://x:8080\n").as_deref(), Some("[t]\nseed = 8\nurl = http://x:8080\n"));
        assert_eq!(moved("seed: 7.5\n# seed: 3\nseed: null\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_seeds_is_touched(text in "[a-z:=, {}\\n0-9\"]{0,60}") {
            if let Some(moved) = settings(&text, 0) {
                // by nothing: at most leading zeros go
                proptest::prop_assert_eq!(moved.replace('0', ""), text.replace('0', ""));
            }
        }
    }
}
