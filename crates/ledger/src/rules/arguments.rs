//! Parameters from the command line, and the script that a command line runs.

use keizu_record::{FilePath, Value};

use super::redact::{REDACTED, Redactor};
use crate::recognise::one_of;

/// In the record.
pub const NAME: &str = "parameters from arguments";

/// Parameters of one command that are recorded.
const PARAMS_MAX: usize = 256;
/// A longer value is a program or a document, no parameter.
const VALUE_BYTES_MAX: usize = 4_096;

/// Programs that run a script which they are given.
const INTERPRETERS: &str = "\
    python python2 python3 pypy pypy3 ipython bash sh dash zsh ksh fish Rscript R node deno bun julia perl ruby lua luajit \
    php java torchrun accelerate deepspeed streamlit papermill spark-submit jupyter awk gawk make pytest uv poetry pipenv \
    pdm hatch conda mamba micromamba pixi env nice ionice time timeout nohup stdbuf taskset numactl srun mpirun mpiexec \
    xvfb-run setsid chrt sudo";
/// Options of interpreters that take the next word.
const TAKES_WORD: &str = "\
    -W -X -r -n -np -N -p -k --kill-after --signal --name --prefix --env-file --nproc_per_node --nproc-per-node --nnodes \
    --node_rank --node-rank --master_addr --master_port --num_processes --config_file --with --master";
const SCRIPTS: &str = "py sh bash zsh r rmd js mjs cjs ts jl pl rb lua php ipynb sql awk jar smk fish do";

/// What a command line runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The script, as it was given; none for a module (`-m`), a string (`-c`), or a program that is no interpreter.
    pub script: Option<Vec<u8>>,
    /// Where the arguments of the user's program begin.
    pub arguments: usize,
}

/// Finds the user's program in a command line.
pub fn program(argv: &[Vec<u8>]) -> Program {
    let none = Program { script: None, arguments: argv.len() };
    let Some(first) = argv.first() else { return none };
    if is_script(first) {
        return Program { script: Some(first.clone()), arguments: 1 };
    }
    if !is_interpreter(first) {
        return Program { script: None, arguments: 1 };
    }
    if name_of(first) == "make" {
        return Program { script: None, arguments: 1 };
    }
    let mut at = 1;
    while let Some(word) = argv.get(at) {
        let text = String::from_utf8_lossy(word);
        if text == "-m" || text == "--module" {
            return Program { script: None, arguments: at + 2 };
        }
        if (text == "-c" || text == "-lc" || text == "-ec") && !name_of(first).starts_with("env") {
            return Program { script: None, arguments: at + 2 };
        }
        if text == "-" {
            return Program { script: None, arguments: at + 1 };
        }
        if text.starts_with('-') {
            at += if one_of(TAKES_WORD, &text) { 2 } else { 1 };
            continue;
        }
        if is_script(word) {
            return Program { script: Some(word.clone()), arguments: at + 1 };
        }
        // `env A=B nice -n 5 uv run python x.py`: one wrapper after the other
        if is_interpreter(word) {
            let inner = program(&argv[at..]);
            return Program { script: inner.script, arguments: at + inner.arguments };
        }
        let wrapper = matches!(
            name_of(first),
            "env" | "timeout" | "uv" | "poetry" | "pipenv" | "pdm" | "hatch" | "conda" | "mamba" | "micromamba" | "pixi"
        );
        let passes = text.contains('=')
            || matches!(text.as_ref(), "run" | "launch" | "exec" | "execute" | "nbconvert")
            || text.starts_with(|c: char| c.is_ascii_digit());
        if passes || (wrapper && at < 3 && argv[at..].iter().any(|word| is_script(word) || is_interpreter(word))) {
            at += 1;
            continue;
        }
        // `python train` runs a file without an extension; `env prog …` runs a program
        return Program { script: Some(word.clone()), arguments: at + 1 };
    }
    none
}

fn name_of(word: &[u8]) -> &str {
    let name = word.rsplit(|b| *b == b'/').next().unwrap_or(word);
    std::str::from_utf8(name).unwrap_or("")
}

fn is_interpreter(word: &[u8]) -> bool {
    let name = name_of(word);
    // python3.11
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    one_of(INTERPRETERS, name) || one_of(INTERPRETERS, bare)
}

fn is_script(word: &[u8]) -> bool {
    one_of(SCRIPTS, &FilePath::new(word).extension()) && !word.starts_with(b"-") && !word.contains(&b'=')
}

/// `--key value`, `--key=value` and `key=value` among the arguments of the user's program. A flag without a value is true, short flags and
/// positional arguments say nothing by themselves, `--key 1 2 3` is a list, and the last of several counts.
pub fn parameters(argv: &[Vec<u8>], redactor: &Redactor<'_>) -> Vec<(String, Value)> {
    let start = program(argv).arguments.min(argv.len());
    let words: Vec<Option<&str>> = argv[start..].iter().map(|word| std::str::from_utf8(word).ok()).collect();
    let mut params: Vec<(String, Value)> = Vec::new();
    let mut at = 0;
    while at < words.len() && params.len() < PARAMS_MAX {
        let word = words[at];
        at += 1;
        let Some(word) = word else { continue };
        if word == "--" {
            break;
        }
        if let Some(flag) = word.strip_prefix("--") {
            if let Some((key, value)) = flag.split_once('=') {
                put(&mut params, key, typed(value), redactor);
            } else if is_key(flag) {
                let values = values_after(&words[at..]);
                at += values.len();
                put(&mut params, flag, of_values(&values), redactor);
            }
        } else if let Some((key, value)) = word.trim_start_matches('+').split_once('=')
            && !word.starts_with('-')
        {
            put(&mut params, key, typed(value), redactor);
        }
    }
    params
}

fn put(params: &mut Vec<(String, Value)>, key: &str, value: Value, redactor: &Redactor<'_>) {
    if !is_key(key) {
        return;
    }
    let value = match &value {
        Value::Text(text) if text.len() > VALUE_BYTES_MAX => return,
        Value::Text(text) => Value::Text(redactor.value(key, text)),
        Value::List(list) if list.iter().any(|item| matches!(item, Value::Text(text) if redactor.value(key, text) != *text)) => {
            Value::Text(REDACTED.to_owned())
        }
        Value::Int(int) if redactor.value(key, &int.to_string()) == REDACTED => Value::Text(REDACTED.to_owned()),
        _ => value,
    };
    params.retain(|(known, _)| known != key);
    params.push((key.to_owned(), value));
}

/// The words that belong to a flag: one, or all the numbers that follow a number.
fn values_after<'a>(words: &[Option<&'a str>]) -> Vec<&'a str> {
    let Some(Some(first)) = words.first() else { return Vec::new() };
    if is_flag(first) {
        return Vec::new();
    }
    if !is_number(first) {
        return vec![first];
    }
    words.iter().map_while(|word| word.filter(|word| is_number(word))).collect()
}

fn of_values(values: &[&str]) -> Value {
    match values {
        [] => Value::Flag(true),
        [one] => typed(one),
        many => Value::List(many.iter().map(|value| typed(value)).collect()),
    }
}

fn is_flag(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-') && !is_number(word)
}

fn is_number(word: &str) -> bool {
    matches!(typed(word), Value::Int(_) | Value::Float(_))
}

fn is_key(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@'))
}

/// The value of a text as a program would read it. `007` and `2013-01-01` stay texts.
pub fn typed(text: &str) -> Value {
    let digits = text.trim_start_matches(['-', '+']);
    let padded = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    if padded || text.len() - digits.len() > 1 {
        return Value::Text(text.to_owned());
    }
    if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        if let Ok(int) = text.parse::<i64>() {
            return Value::Int(int);
        }
        if let Ok(float) = text.parse::<f64>()
            && float.is_finite()
        {
            return Value::Float(float);
        }
    }
    match text {
        "true" | "True" | "TRUE" => Value::Flag(true),
        "false" | "False" | "FALSE" => Value::Flag(false),
        _ => Value::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use proptest::prelude::*;

    fn argv(line: &str) -> Vec<Vec<u8>> {
        line.split(' ').filter(|word| !word.is_empty()).map(|word| word.as_bytes().to_vec()).collect()
    }

    fn params(line: &str) -> Vec<(String, String)> {
        let config = Config::default();
        let found = parameters(&argv(line), &Redactor::new(&config));
        found.into_iter().map(|(key, value)| (key, format!("{value:?}"))).collect()
    }

    fn check(line: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        assert_eq!(params(line), expected, "{line}");
    }

    #[test]
    fn forms() {
        check("python train.py --depth 6", &[("depth", "Int(6)")]);
        check("python -u train.py --lr=-1e-3 --name x", &[("lr", "Float(-0.001)"), ("name", "Text(\"x\")")]);
        check("python -m pkg.train lr=0.1 +opt.name=adam data.csv -v", &[("lr", "Float(0.1)"), ("opt.name", "Text(\"adam\")")]);
        check("bash run.sh --fast --seed 3 --fast", &[("seed", "Int(3)"), ("fast", "Flag(true)")]);
        check("python features.py --hold-out 7 14 21 28", &[("hold-out", "List([Int(7), Int(14), Int(21), Int(28)])")]);
        check(
            "python x.py --shift -3 --day 2013-01-01 --zip 00501",
            &[("shift", "Int(-3)"), ("day", "Text(\"2013-01-01\")"), ("zip", "Text(\"00501\")")],
        );
        check("Rscript fit.R --on true", &[("on", "Flag(true)")]);
        check("./train --depth 6", &[("depth", "Int(6)")]);
        check("make demo DEPTH=4", &[("DEPTH", "Int(4)")]);
        check("python x.py -- --not 1", &[]);
        check("curl https://example.org/?a=b", &[]);
        check(
            "python x.py --password hunter2 --pin-password 1234",
            &[("password", "Text(\"[redacted]\")"), ("pin-password", "Text(\"[redacted]\")")],
        );
    }

    #[test]
    fn interpreters_own_options_are_no_parameters() {
        check("python -X importtime -W ignore train.py --depth 6", &[("depth", "Int(6)")]);
        check("torchrun --nproc_per_node 2 train.py --depth 6", &[("depth", "Int(6)")]);
        check("env OMP_NUM_THREADS=1 nice -n 5 python3.11 train.py --depth 6", &[("depth", "Int(6)")]);
        check("uv run --with pandas python train.py --depth 6", &[("depth", "Int(6)")]);
        check("timeout 10 python train.py --depth 6", &[("depth", "Int(6)")]);
        check("python -c print(1) --depth 6", &[("depth", "Int(6)")]);
    }

    #[test]
    fn scripts() {
        let script = |line: &str| program(&argv(line)).script.map(|script| String::from_utf8(script).unwrap());
        assert_eq!(script("python train.py --a b.py").as_deref(), Some("train.py"));
        assert_eq!(script("python train").as_deref(), Some("train"));
        assert_eq!(script("bash run.sh"), Some("run.sh".into()));
        assert_eq!(script("./run.sh x"), Some("./run.sh".into()));
        assert_eq!(script("accelerate launch --num_processes 2 t.py"), Some("t.py".into()));
        assert_eq!(script("python -m pkg"), None);
        assert_eq!(script("sort data.csv"), None);
        assert_eq!(script("jupyter execute nb.ipynb"), Some("nb.ipynb".into()));
        assert_eq!(script(""), None);
    }

    proptest! {
        #[test]
        fn any_words_are_fine(argv in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..12), 0..12)) {
            let config = Config::default();
            let found = parameters(&argv, &Redactor::new(&config));
            let keys: std::collections::BTreeSet<_> = found.iter().map(|(key, _)| key).collect();
            prop_assert_eq!(keys.len(), found.len());
            prop_assert!(program(&argv).arguments <= argv.len() + 1);
        }

        #[test]
        fn what_was_given_is_what_is_found(pairs in prop::collection::btree_map("[a-j][a-z]{0,8}", any::<i32>(), 0..10), glued in any::<bool>()) {
            let config = Config::default();
            let mut words = argv("python x.py");
            for (key, value) in &pairs {
                if glued {
                    words.push(format!("--{key}={value}").into_bytes());
                } else {
                    words.extend([format!("--{key}").into_bytes(), value.to_string().into_bytes()]);
                }
            }
            let found: std::collections::BTreeMap<_, _> = parameters(&words, &Redactor::new(&config)).into_iter().collect();
            let expected = pairs.into_iter().map(|(key, value)| (key, Value::Int(value.into()))).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn typed_values_keep_their_number(int in any::<i64>(), float in any::<f64>()) {
            prop_assert_eq!(typed(&int.to_string()), Value::Int(int));
            let text = format!("{float:?}");
            if float.is_finite() {
                prop_assert_eq!(typed(&text), Value::Float(float));
            }
        }
    }
}
