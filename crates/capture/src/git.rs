//! The code version of the project, as git has it.
//!
//! Git is asked as little as can be, and so that nothing else runs: no hooks, pagers, external diffs, text converters, file system monitors,
//! filters of the repository's own making, network; and nothing is written, not even the index.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;

use crate::account::Git;

/// A larger difference is taken without the content of binary files, and then cut.
const DIFF_BYTES_MAX: usize = 16 << 20;
const ANSWER_BYTES_MAX: usize = 4 << 20;
/// How long one question may take.
const ANSWER_TIME: Duration = Duration::from_secs(30);
const CUT: &[u8] = b"\n# cut here: the difference is larger than what is kept\n";

/// Variables that would turn git to another repository, or make it run or write something.
const REMOVED: [&str; 15] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_TRACE",
    "GIT_WORK_TREE",
    "LD_PRELOAD",
];

/// The state of the git work tree that holds `root`; `None` outside of one, or without git.
pub fn look(root: &Path) -> Option<Git> {
    let mut git = Asker { folder: root.to_path_buf(), settings: Vec::new() };
    let top = line(&git.ask(&["rev-parse", "--show-toplevel"], ANSWER_BYTES_MAX)?.bytes);
    git.folder = PathBuf::from(OsString::from_vec(top));
    git.without_filters();
    let text = |answer: Option<Answer>| answer.map(|a| String::from_utf8_lossy(&line(&a.bytes)).into_owned()).unwrap_or_default();
    let commit = text(git.ask(&["rev-parse", "--verify", "--quiet", "HEAD"], ANSWER_BYTES_MAX));
    let branch = text(git.ask(&["symbolic-ref", "--quiet", "--short", "HEAD"], ANSWER_BYTES_MAX));
    let base =
        if commit.is_empty() { text(git.ask(&["hash-object", "-t", "tree", "/dev/null"], ANSWER_BYTES_MAX)) } else { commit.clone() };
    let (diff, changed) = (git.difference(&base), git.counts(&base));
    Some(Git { root: git.folder, commit, branch, diff, changed })
}

struct Answer {
    bytes: Vec<u8>,
    cut: bool,
}

struct Asker {
    folder: PathBuf,
    /// `-c` settings beside those that are always given.
    settings: Vec<OsString>,
}

impl Asker {
    /// Filters that the user set up for all repositories are theirs; one that a repository brings along could be anybody's.
    fn without_filters(&mut self) {
        for scope in ["--local", "--worktree"] {
            let pattern = r"^filter\..*\.(clean|smudge|process|required)$";
            let Some(answer) = self.ask(&["config", scope, "--null", "--name-only", "--get-regexp", pattern], ANSWER_BYTES_MAX) else {
                continue;
            };
            for name in answer.bytes.split(|b| *b == 0).filter(|name| !name.is_empty()) {
                let mut setting = OsString::from("-c");
                self.settings.push(setting);
                setting = OsStr::from_bytes(name).to_owned();
                setting.push(if name.ends_with(b".required") { "=false" } else { "=" });
                self.settings.push(setting);
            }
        }
    }

    fn difference(&self, base: &str) -> Vec<u8> {
        match self.diff(base, &["--binary", "--full-index"], DIFF_BYTES_MAX) {
            Some(Answer { bytes, cut: false }) => return bytes,
            Some(_) => {}
            None => return Vec::new(),
        }
        match self.diff(base, &["--full-index"], DIFF_BYTES_MAX - CUT.len()) {
            Some(Answer { bytes, cut: false }) => bytes,
            Some(Answer { mut bytes, cut: true }) => {
                bytes.extend_from_slice(CUT);
                bytes
            }
            None => Vec::new(),
        }
    }

    fn counts(&self, base: &str) -> BTreeMap<String, (u64, u64)> {
        let Some(answer) = self.diff(base, &["--numstat", "-z"], ANSWER_BYTES_MAX) else { return BTreeMap::new() };
        answer
            .bytes
            .split(|b| *b == 0)
            .filter_map(|entry| {
                let mut parts = entry.splitn(3, |b| *b == b'\t');
                let mut number = || std::str::from_utf8(parts.next()?).ok().map(|n| n.parse().unwrap_or(0));
                let counts = (number()?, number()?);
                Some((String::from_utf8_lossy(parts.next()?).into_owned(), counts))
            })
            .collect()
    }

    /// The difference of the tracked files from `base`, in a form that no setting alters.
    fn diff(&self, base: &str, form: &[&str], bytes_max: usize) -> Option<Answer> {
        let mut words = vec!["diff", base];
        words.extend(form);
        words.extend([
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-renames",
            "--no-relative",
            "--ignore-submodules=dirty",
            "--src-prefix=a/",
            "--dst-prefix=b/",
            "-O/dev/null",
            "--",
        ]);
        self.ask(&words, bytes_max)
    }

    /// What git says; `None` when it fails or takes too long.
    fn ask(&self, words: &[&str], bytes_max: usize) -> Option<Answer> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder).args(["--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
        command.args(&self.settings).args(words);
        for name in REMOVED {
            command.env_remove(name);
        }
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_NO_LAZY_FETCH", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let answer = listen(&mut child, bytes_max);
        if answer.as_ref().is_none_or(|answer| answer.cut) {
            child.kill().ok();
            child.wait().ok();
            return answer;
        }
        child.wait().ok()?.success().then_some(answer).flatten()
    }
}

fn listen(child: &mut Child, bytes_max: usize) -> Option<Answer> {
    let mut out = child.stdout.take()?;
    let deadline = Instant::now() + ANSWER_TIME;
    let mut answer = Answer { bytes: Vec::new(), cut: false };
    let mut piece = vec![0; 64 << 10];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut waiting = [PollFd::new(out.as_fd(), PollFlags::POLLIN)];
        match poll(&mut waiting, PollTimeout::try_from(left).ok()?) {
            Ok(0) => return None,
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return None,
            Ok(_) => {}
        }
        match out.read(&mut piece).ok()? {
            0 => return Some(answer),
            length => answer.bytes.extend_from_slice(&piece[..length]),
        }
        if answer.bytes.len() > bytes_max {
            answer.bytes.truncate(bytes_max);
            answer.cut = true;
            return Some(answer);
        }
    }
}

/// An answer of one line.
fn line(bytes: &[u8]) -> Vec<u8> {
    bytes.strip_suffix(b"\n").unwrap_or(bytes).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            tree.git(&["init", "-q", "-b", "trunk"]);
            tree
        }

        fn path(&self) -> PathBuf {
            self.0.path().canonicalize().unwrap()
        }

        fn git(&self, words: &[&str]) {
            let mut command = Command::new("git");
            command.arg("-C").arg(self.0.path()).args(["-c", "user.name=t", "-c", "user.email=t@t"]).args(words);
            for (name, value) in [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")] {
                command.env(name, value);
            }
            assert!(command.env_remove("GIT_DIR").status().unwrap().success(), "{words:?}");
        }

        fn write(&self, path: &str, content: impl AsRef<[u8]>) {
            fs::write(self.0.path().join(path), content).unwrap();
        }

        fn commit(&self) {
            self.git(&["add", "-A"]);
            self.git(&["commit", "-q", "-m", "x"]);
        }
    }

    #[test]
    fn the_version_and_what_differs_from_it() {
        let tree = Tree::new();
        tree.write("a.py", "one\ntwo\n");
        tree.write("b.bin", [0, 1, 2]);
        tree.git(&["add", "-A"]);
        let before = look(&tree.path()).unwrap();
        assert_eq!((before.commit.as_str(), before.branch.as_str()), ("", "trunk"));
        assert_eq!(before.changed["a.py"], (2, 0));
        tree.commit();
        let clean = look(&tree.path()).unwrap();
        assert_eq!((clean.commit.len(), clean.diff.len(), clean.changed.len()), (40, 0, 0));
        tree.write("a.py", "one\nthree\nfour\n");
        tree.write("b.bin", [0, 1, 3]);
        tree.write("untracked", "x");
        fs::create_dir(tree.path().join("sub")).unwrap();
        let dirty = look(&tree.path().join("sub")).unwrap();
        assert_eq!((dirty.root.clone(), &dirty.commit), (tree.path(), &clean.commit));
        assert_eq!(dirty.changed, BTreeMap::from([("a.py".into(), (2, 1)), ("b.bin".into(), (0, 0))]));
        let diff = String::from_utf8_lossy(&dirty.diff);
        assert!(diff.contains("+three") && diff.contains("GIT binary patch") && !diff.contains("untracked"));
        // it applies
        tree.git(&["checkout", "-q", "--detach"]);
        tree.git(&["checkout", "-q", "--", "."]);
        fs::write(tree.path().join("untracked"), &dirty.diff).unwrap();
        tree.git(&["apply", "untracked"]);
        let again = look(&tree.path()).unwrap();
        assert_eq!((again.branch.as_str(), again.diff), ("", dirty.diff));
    }

    #[test]
    fn nothing_that_the_repository_configures_is_run_or_written() {
        let tree = Tree::new();
        tree.write("a.txt", "one\n");
        tree.write(".gitattributes", "*.txt diff=evil filter=evil\n");
        tree.commit();
        let witness = tree.path().join("witness");
        let evil = format!("touch {}; cat", witness.display());
        for name in [
            "diff.evil.command",
            "diff.evil.textconv",
            "filter.evil.clean",
            "filter.evil.process",
            "diff.external",
            "core.fsmonitor",
            "core.pager",
        ] {
            tree.git(&["config", name, &evil]);
        }
        tree.git(&["config", "filter.evil.required", "true"]);
        tree.git(&["config", "color.ui", "always"]);
        tree.git(&["config", "diff.noprefix", "true"]);
        tree.write("a.txt", "two\n");
        let index = fs::metadata(tree.path().join(".git/index")).unwrap().modified().unwrap();
        let dirty = look(&tree.path()).unwrap();
        assert!(!witness.exists());
        assert_eq!(dirty.changed["a.txt"], (1, 1));
        assert!(dirty.diff.starts_with(b"diff --git a/a.txt b/a.txt"));
        assert_eq!(fs::metadata(tree.path().join(".git/index")).unwrap().modified().unwrap(), index);
    }

    #[test]
    fn a_large_difference_is_bounded() {
        let tree = Tree::new();
        tree.write("noise", "x");
        tree.write("small", "x\n");
        tree.commit();
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..DIFF_BYTES_MAX)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            })
            .collect();
        tree.write("noise", &noise);
        tree.write("small", "y\n");
        let dirty = look(&tree.path()).unwrap();
        assert!(dirty.diff.len() < 10_000, "{}", dirty.diff.len());
        assert!(String::from_utf8_lossy(&dirty.diff).contains("+y"));
        tree.write("noise", "y\n".repeat(DIFF_BYTES_MAX / 2 + 1));
        let dirty = look(&tree.path()).unwrap();
        assert!(dirty.diff.len() <= DIFF_BYTES_MAX && dirty.diff.ends_with(CUT));
    }

    #[test]
    fn outside_of_a_work_tree_there_is_nothing() {
        let temp = tempfile::tempdir().unwrap();
        assert_eq!(look(temp.path()), None);
        assert_eq!(look(&temp.path().join("none")), None);
    }
}
