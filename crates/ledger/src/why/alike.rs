//! Whether two runs are runs of the same program.

use keizu_record::FilePath;
use keizu_record::body::RunBegan;

use crate::rules::arguments;
use crate::summary::program;

/// The same script, wherever it stands; without a script, the same words but for options.
pub(crate) fn alike(a: &RunBegan, b: &RunBegan) -> bool {
    let script = |began: &RunBegan| arguments::program(&began.command).script.map(|script| FilePath::new(script).file_name().to_vec());
    match (script(a), script(b)) {
        (Some(a), Some(b)) => a == b,
        (None, None) => words(a) == words(b),
        _ => false,
    }
}

/// `/usr/bin/python3.11 -m pkg.train` and `python -m pkg.train` are the same.
fn words(began: &RunBegan) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = program(began).into_iter().map(<[u8]>::to_vec).collect();
    if let Some(first) = words.first_mut() {
        let name = FilePath::new(first.as_slice()).file_name().to_vec();
        let bare = name.iter().rposition(|byte| !byte.is_ascii_digit() && *byte != b'.').map_or(0, |at| at + 1);
        *first = name[..bare].to_vec();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use keizu_record::{RunId, Time};

    fn same(a: &str, b: &str) -> bool {
        let began = |line: &str| RunBegan {
            run: RunId::new([1; 16]),
            at: Time(0),
            project: "p".into(),
            root: "/p".into(),
            name: None,
            command: line.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
            cwd: FilePath::default(),
            user: String::new(),
            host: String::new(),
            pid: 1,
            git: None,
            parent: None,
        };
        alike(&began(a), &began(b))
    }

    #[test]
    fn programs() {
        assert!(same("python train.py --depth 4", "/usr/bin/python3.11 ./train.py --depth 6 x"));
        assert!(same("python -m pkg.train", "python3.11 -m pkg.train --lr 1"));
        assert!(!same("python train.py", "python features.py"));
        assert!(!same("python -m pkg.train", "python -m pkg.eval"));
        assert!(!same("python train.py", "./train"));
        assert!(same("make all", "make all"));
    }
}
