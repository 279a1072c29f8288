//! What commands have in common.

/// What the commands of similar runs have in common, word by word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub Vec<Word>);

/// One word of a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// The same in all.
    Same(Vec<u8>),
    /// Different; `prefix` (as far as the `=` of an option, else empty) is the same. `least` and `greatest`: of what follows it.
    Differs {
        /// What is the same.
        prefix: Vec<u8>,
        /// The least, in the order of natural numbers inside text.
        least: Vec<u8>,
        /// The greatest.
        greatest: Vec<u8>,
    },
    /// The rest, of different length.
    Rest,
}

/// The words that name the program: the interpreter with its flags, and the script or module. What follows are arguments.
pub(crate) fn stem(command: &[Vec<u8>]) -> &[Vec<u8>] {
    let mut end = 1.min(command.len());
    if !command.first().is_some_and(|program| is_interpreter(program)) {
        return &command[..end];
    }
    while let Some(word) = command.get(end) {
        end += 1;
        if !word.starts_with(b"-") {
            break;
        }
        // what follows is the program itself
        if matches!(word.as_slice(), b"-m" | b"-c" | b"-e") {
            end = (end + 1).min(command.len());
            break;
        }
    }
    &command[..end]
}

fn is_interpreter(program: &[u8]) -> bool {
    let name = program.rsplit(|byte| *byte == b'/').next().unwrap_or(program);
    let plain = name.iter().position(|byte| byte.is_ascii_digit() || *byte == b'.').map_or(name, |end| &name[..end]);
    matches!(
        plain,
        b"python"
            | b"bash"
            | b"sh"
            | b"zsh"
            | b"dash"
            | b"perl"
            | b"ruby"
            | b"node"
            | b"Rscript"
            | b"julia"
            | b"uv"
            | b"env"
            | b"papermill"
    )
}

/// What these commands have in common.
pub(crate) fn pattern(commands: &[&[Vec<u8>]]) -> Pattern {
    let Some(first) = commands.first() else { return Pattern(Vec::new()) };
    let shortest = commands.iter().map(|command| command.len()).min().unwrap_or(0);
    let mut words: Vec<Word> =
        (0..shortest).map(|at| word(&commands.iter().map(|command| command[at].as_slice()).collect::<Vec<_>>())).collect();
    if commands.iter().any(|command| command.len() != shortest) {
        // words after the first difference need not be the same argument
        let same = words.iter().take_while(|word| matches!(word, Word::Same(_))).count();
        words.truncate(same.max(stem(first).len()).min(words.len()));
        words.push(Word::Rest);
    }
    Pattern(words)
}

fn word(words: &[&[u8]]) -> Word {
    let first = words[0];
    if words.iter().all(|word| *word == first) {
        return Word::Same(first.to_vec());
    }
    let prefix = first.iter().position(|byte| *byte == b'=').map_or(&b""[..], |at| &first[..=at]);
    let prefix = if words.iter().all(|word| word.starts_with(prefix)) { prefix } else { b"" };
    let mut values: Vec<&[u8]> = words.iter().map(|word| &word[prefix.len()..]).collect();
    values.sort_by(|a, b| natural(a).cmp(&natural(b)).then(a.cmp(b)));
    let (least, greatest) = (values[0].to_vec(), values[values.len() - 1].to_vec());
    Word::Differs { prefix: prefix.to_vec(), least, greatest }
}

/// Text and numbers in turn, so that `part-9` comes before `part-10`.
fn natural(text: &[u8]) -> Vec<(Vec<u8>, usize, Vec<u8>)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let text_end = rest.iter().position(u8::is_ascii_digit).unwrap_or(rest.len());
        let (text, tail) = rest.split_at(text_end);
        let digits_end = tail.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(tail.len());
        let (digits, tail) = tail.split_at(digits_end);
        let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
        let number = digits[zeros..].to_vec();
        parts.push((text.to_vec(), number.len(), number));
        rest = tail;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<Vec<u8>> {
        command.split(' ').map(|word| word.as_bytes().to_vec()).collect()
    }

    fn shown(commands: &[&str]) -> String {
        let commands: Vec<Vec<Vec<u8>>> = commands.iter().map(|command| words(command)).collect();
        let slices: Vec<&[Vec<u8>]> = commands.iter().map(Vec::as_slice).collect();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let shown = pattern(&slices).0.into_iter().map(|word| match word {
            Word::Same(word) => text(&word),
            Word::Differs { prefix, least, greatest } => format!("{}[{}..{}]", text(&prefix), text(&least), text(&greatest)),
            Word::Rest => "...".to_owned(),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn stems() {
        let check = |command: &str, expected: &str| {
            let all = words(command);
            assert_eq!(stem(&all), words(expected).as_slice(), "{command}");
        };
        check("python ingest.py --day 1", "python ingest.py");
        check("/usr/bin/python3.11 -u ingest.py 1", "/usr/bin/python3.11 -u ingest.py");
        check("python -m pkg.ingest 1", "python -m pkg.ingest");
        check("./ingest --day 1", "./ingest");
        check("python", "python");
        assert!(stem(&[]).is_empty());
    }

    #[test]
    fn what_differs_is_told_from_what_is_the_same() {
        assert_eq!(shown(&["p --day 9", "p --day 10", "p --day 2"]), "p --day [2..10]");
        assert_eq!(shown(&["p --day=2013-01-02 -v", "p --day=2013-01-01 -v"]), "p --day=[2013-01-01..2013-01-02] -v");
        assert_eq!(shown(&["p a b", "p c"]), "p ...");
        assert_eq!(shown(&["p a", "p a"]), "p a");
    }
}
