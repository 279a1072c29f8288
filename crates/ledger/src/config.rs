//! `keizu.toml`: what a project declares because no rule can know it.
//!
//! Every key is optional, and so is the file. A key that Keizu does not know is an error that names the nearest: a setting that is silently
//! ignored is worse than none.

mod time;

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use keizu_record::FilePath;
use keizu_record::body::{ArtifactKind, Role};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use time::{DataTimeOf, Goal, PROFILE_BYTES_MAX, Wish};

/// Up to this size any file of the project is kept, unless `keizu.toml` says otherwise.
pub const SMALL_BYTES_MAX: u64 = 16 << 20;
/// So much in all is kept of the small files of one run, unless `keizu.toml` says otherwise.
pub const SMALL_TOTAL_BYTES_MAX: u64 = 256 << 20;
/// Up to this size a model is kept, unless `keizu.toml` says otherwise.
pub const MODEL_BYTES_MAX: u64 = 1 << 30;

/// What `keizu.toml` declares.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The project's name; else as its root folder was called when the record was made.
    pub project: Option<String>,
    roles: Vec<(Pattern, Part)>,
    models: Vec<(String, Pattern)>,
    keep: Keep,
    ignore: Vec<Pattern>,
    redact: Redact,
    profiling: time::Profiling,
    data_times: Vec<(Pattern, DataTimeOf)>,
    goals: Vec<(time::Aim, Goal)>,
}

/// What a path is, as a person declared it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: ArtifactKind,
    /// What part it plays when it is read; none: as the rules find.
    pub role: Option<Role>,
}

/// What is kept by content.
#[derive(Debug, Clone)]
pub(crate) struct Keep {
    pub(crate) small_bytes: u64,
    pub(crate) small_total: u64,
    pub(crate) model_bytes: u64,
    pub(crate) globs: Vec<Pattern>,
    pub(crate) never: Vec<Pattern>,
}

impl Default for Keep {
    fn default() -> Self {
        Self {
            small_bytes: SMALL_BYTES_MAX,
            small_total: SMALL_TOTAL_BYTES_MAX,
            model_bytes: MODEL_BYTES_MAX,
            globs: Vec::new(),
            never: Vec::new(),
        }
    }
}

/// What is a secret beyond what its name or form tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redact {
    /// Names of variables and parameters.
    pub(crate) names: Vec<GlobMatcher>,
    /// Files that are never kept, and whose settings are not recorded.
    pub(crate) paths: Vec<Pattern>,
}

/// A glob over paths relative to the project's root. One that ends in `/` means everything below that folder.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: String,
    glob: GlobMatcher,
}

impl Pattern {
    fn new(text: &str) -> Result<Self, globset::Error> {
        let whole = if text.ends_with('/') { format!("{text}**") } else { text.to_owned() };
        Ok(Self { text: text.to_owned(), glob: matcher(&whole, true)? })
    }

    pub(crate) fn matches(&self, path: &FilePath) -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        self.glob.is_match(Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()))) || self.is_folder(path)
    }

    /// Whether it names this folder (`models/delay/`) as a whole.
    pub(crate) fn is_folder(&self, path: &FilePath) -> bool {
        path.as_bytes().ends_with(b"/") && self.text.trim_end_matches('/').as_bytes() == &path.as_bytes()[..path.as_bytes().len() - 1]
    }
}

fn matcher(text: &str, paths: bool) -> Result<GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(text).literal_separator(paths).build()?.compile_matcher())
}

/// What is wrong with a `keizu.toml`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be read; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is no TOML.
    #[error("keizu.toml line {line}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// A key that Keizu does not know.
    #[error("keizu.toml line {line}: unknown key `{key}`")]
    Unknown {
        /// Line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The known one that looks most like it.
        nearest: Option<&'static str>,
    },
    /// A value that makes no sense for its key.
    #[error("keizu.toml line {line}: `{key}` must be {expected}")]
    Value {
        /// Line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What it must be.
        expected: String,
    },
}

impl Error {
    /// What may have been meant, written so that it can be typed.
    pub fn nearest(&self) -> Option<&str> {
        match self {
            Self::Unknown { nearest, .. } => *nearest,
            _ => None,
        }
    }
}

const TOP: &[&str] = &["project", "roles", "models", "keep", "ignore", "redact", "profile", "data_time", "freshness"];
const KEEP: &[&str] = &["small_max", "small_total", "models_max", "globs", "never"];
const IGNORE: &[&str] = &["globs"];
const REDACT: &[&str] = &["variables", "params", "paths"];

impl Config {
    /// Reads the file; a file that is not there declares nothing.
    ///
    /// # Errors
    /// When it can't be read, is no TOML, has an unknown key or a value that makes no sense.
    pub fn load(path: &Path) -> Result<Self, Error> {
        match fs_err::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the text of a `keizu.toml`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let table = DeTable::parse(text).map_err(|error| Error::Syntax {
            line: line(text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let reader = Reader { text };
        let mut config = Self::default();
        for (key, value) in table.get_ref() {
            match reader.known(key, TOP)? {
                "project" => config.project = Some(reader.text(key, value)?.to_owned()),
                "roles" => {
                    for (glob, word) in reader.table(key, value)? {
                        config.roles.push((reader.pattern(glob, glob.get_ref())?, reader.part(glob, word)?));
                    }
                }
                "models" => {
                    for (name, glob) in reader.table(key, value)? {
                        let pattern = reader.pattern(name, reader.text(name, glob)?)?;
                        config.models.push((name.get_ref().clone().into_owned(), pattern));
                    }
                }
                "keep" => config.keep = reader.keep(key, value)?,
                "ignore" => {
                    for (key, value) in reader.table(key, value)? {
                        reader.known(key, IGNORE)?;
                        config.ignore = reader.patterns(key, value)?;
                    }
                }
                "redact" => config.redact = reader.redact(key, value)?,
                "profile" => config.profiling = reader.profiling(key, value)?,
                "data_time" => config.data_times = reader.data_times(key, value)?,
                _ => config.goals = reader.goals(key, value)?,
            }
        }
        Ok(config)
    }

    /// Whether a path is left out of the record.
    pub fn ignores(&self, path: &FilePath) -> bool {
        self.ignore.iter().any(|pattern| pattern.matches(path))
    }

    /// What a person declared a path to be: the first entry of `[roles]`, as it is written, that matches.
    pub fn part(&self, path: &FilePath) -> Option<Part> {
        self.roles.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, part)| *part)
    }

    /// The model that a path is declared to be.
    pub fn model(&self, path: &FilePath) -> Option<&str> {
        self.models.iter().find(|(_, pattern)| pattern.matches(path)).map(|(name, _)| name.as_str())
    }

    /// Folders that are declared to be one model: the entries of `[models]` that end in `/`.
    pub(crate) fn model_folders(&self) -> impl Iterator<Item = FilePath> {
        self.models.iter().filter(|(_, pattern)| pattern.text.ends_with('/')).map(|(_, pattern)| FilePath::from(pattern.text.as_str()))
    }

    /// Whether a file holds secrets, as declared.
    pub(crate) fn hides(&self, path: &FilePath) -> bool {
        self.redact.paths.iter().any(|pattern| pattern.matches(path))
    }

    /// Whether a variable or parameter of this name is declared to be a secret.
    pub(crate) fn hides_name(&self, name: &str) -> bool {
        self.redact.names.iter().any(|glob| glob.is_match(name))
    }

    pub(crate) fn keep(&self) -> &Keep {
        &self.keep
    }
}

type Key<'a> = Spanned<std::borrow::Cow<'a, str>>;

struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn known(&self, key: &Key<'_>, keys: &'static [&'static str]) -> Result<&'static str, Error> {
        let typed = key.get_ref().as_ref();
        keys.iter().find(|known| **known == typed).copied().ok_or_else(|| Error::Unknown {
            line: self.line(key),
            key: typed.to_owned(),
            nearest: keys.iter().max_by(|a, b| strsim::jaro_winkler(a, typed).total_cmp(&strsim::jaro_winkler(b, typed))).copied(),
        })
    }

    fn line(&self, key: &Key<'_>) -> usize {
        line(self.text, key.span().start)
    }

    fn wrong(&self, key: &Key<'_>, expected: &str) -> Error {
        Error::Value { line: self.line(key), key: key.get_ref().to_string(), expected: expected.to_owned() }
    }

    fn text<'v>(&self, key: &Key<'_>, value: &'v Spanned<DeValue<'a>>) -> Result<&'v str, Error> {
        value.get_ref().as_str().ok_or_else(|| self.wrong(key, "a text"))
    }

    fn table<'v>(&self, key: &Key<'_>, value: &'v Spanned<DeValue<'a>>) -> Result<Vec<(&'v Key<'a>, &'v Spanned<DeValue<'a>>)>, Error> {
        let table = value.get_ref().as_table().ok_or_else(|| self.wrong(key, "a table"))?;
        let mut entries: Vec<_> = table.iter().collect();
        // as written: of two globs that match, the first counts
        entries.sort_by_key(|(key, _)| key.span().start);
        Ok(entries)
    }

    fn texts<'v>(&self, key: &Key<'_>, value: &'v Spanned<DeValue<'a>>) -> Result<Vec<&'v str>, Error> {
        let list = value.get_ref().as_array().ok_or_else(|| self.wrong(key, "a list of texts"))?;
        list.iter().map(|item| item.get_ref().as_str().ok_or_else(|| self.wrong(key, "a list of texts"))).collect()
    }

    fn pattern(&self, key: &Key<'_>, text: &str) -> Result<Pattern, Error> {
        Pattern::new(text).map_err(|error| self.wrong(key, &format!("a glob ({error})")))
    }

    fn patterns(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<Vec<Pattern>, Error> {
        self.texts(key, value)?.into_iter().map(|text| self.pattern(key, text)).collect()
    }

    fn part(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<Part, Error> {
        let word = self.text(key, value)?;
        if word == Role::EvaluationData.word() {
            return Ok(Part { kind: ArtifactKind::Data, role: Some(Role::EvaluationData) });
        }
        let kind = ArtifactKind::from_word(word).filter(|kind| *kind != ArtifactKind::Environment);
        let kind = kind.ok_or_else(|| {
            self.wrong(
                key,
                "one of \"evaluation data\", \"data\", \"code\", \"model\", \"evaluation\", \"config\", \"document\", \"other\"",
            )
        })?;
        let role = match kind {
            ArtifactKind::Code => Some(Role::Code),
            ArtifactKind::Config => Some(Role::Config),
            ArtifactKind::Data => Some(Role::Input),
            _ => None,
        };
        Ok(Part { kind, role })
    }

    fn keep(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<Keep, Error> {
        let mut keep = Keep::default();
        for (key, value) in self.table(key, value)? {
            match self.known(key, KEEP)? {
                "small_max" => keep.small_bytes = self.size(key, value)?,
                "small_total" => keep.small_total = self.size(key, value)?,
                "models_max" => keep.model_bytes = self.size(key, value)?,
                "globs" => keep.globs = self.patterns(key, value)?,
                _ => keep.never = self.patterns(key, value)?,
            }
        }
        Ok(keep)
    }

    fn redact(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<Redact, Error> {
        let mut redact = Redact::default();
        for (key, value) in self.table(key, value)? {
            if self.known(key, REDACT)? == "paths" {
                redact.paths = self.patterns(key, value)?;
                continue;
            }
            for name in self.texts(key, value)? {
                redact.names.push(matcher(name, false).map_err(|error| self.wrong(key, &format!("a list of globs ({error})")))?);
            }
        }
        Ok(redact)
    }

    fn size(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<u64, Error> {
        let expected = "a size: a number of bytes, or a text such as \"64 KiB\" or \"1 GB\"";
        let bytes = match value.get_ref() {
            DeValue::Integer(int) => int.as_str().parse().ok(),
            DeValue::String(text) => bytes(text),
            _ => None,
        };
        bytes.ok_or_else(|| self.wrong(key, expected))
    }
}

/// `64 KiB`, `1 GB`, `512`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let unit = match text[at..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "kib" | "k" => 1 << 10,
        "mb" => 1_000_000,
        "mib" | "m" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" | "g" => 1 << 30,
        _ => return None,
    };
    text[..at].parse::<u64>().ok()?.checked_mul(unit)
}

fn line(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// The file that `keizu init` writes: everything is explained, and commented out.
pub fn template() -> &'static str {
    r#"# What Keizu can't know by itself. Everything here is optional; paths are relative to this file's folder.
# A glob's * stays within one folder, ** goes through many, and a glob that ends in / means all that is below.

# The project's name; else this folder's name when the record was made.
# project = "flights"

# What files are, when their names do not tell. One of: "evaluation data", "data", "code", "model",
# "evaluation", "config", "document", "other". The first glob that matches counts.
# [roles]
# "data/holdout*.csv" = "evaluation data"
# "queries/*.tpl" = "code"

# Names of models; else a model is called like its file. A folder is one model when its glob ends in /.
# [models]
# delay = "models/delay.joblib"
# embedder = "models/embedder/"

# What is kept by content, so that `keizu get` can give it back. Code and settings always are.
# [keep]
# small_max = "16 MiB"     # any file up to this size: 1,000 of them in a run,
# small_total = "256 MiB"  # and no more than this in all
# models_max = "1 GiB"     # models, and what is declared to be evaluation data, up to this size
# globs = ["reports/**"]   # these, whatever their size
# never = ["data/raw/"]    # never these

# What is left out of the record altogether.
# [ignore]
# globs = ["scratch/", "*.tmp"]

# Secrets. Names such as *_TOKEN and PASSWORD, and values that look like keys, are hidden without being listed here.
# [redact]
# variables = ["*_DSN"]
# params = ["customer_id"]
# paths = ["conf/private.yaml"]

# Data files are looked into after a run: rows, columns, the latest time in them.
# [profile]
# enabled = true
# size_max = "64 MiB"
# never = ["secret/"]

# What time data speak of: a column, a date in the path, or "none"; else it is found out.
# [data_time]
# "features/*.parquet" = "time_hour"
# "daily/*.csv" = "%Y-%m-%d"
# "planes.csv" = "none"

# How recent things must be; `keizu status` says which are late.
# [freshness]
# "model:delay" = "2 days"
# "daily/" = { data_time = "yesterday 23:59", by = "07:00", zone = "Asia/Tokyo" }
"#
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = r#"
project = "flights"
[roles]
"data/holdout*.csv" = "evaluation data"
"data/*.csv" = "data"
"q/*.tpl" = "code"
[models]
delay = "models/*.joblib"
embedder = "models/embedder/"
[keep]
small_max = "1 KiB"
small_total = "5 KiB"
models_max = 10
globs = ["reports/**"]
never = ["data/raw/"]
[ignore]
globs = ["scratch/"]
[redact]
variables = ["*_DSN"]
params = ["customer*"]
paths = ["conf/private.yaml"]
"#;

    #[test]
    fn everything_is_read() {
        let config = Config::parse(ALL).unwrap();
        assert_eq!(config.project.as_deref(), Some("flights"));
        assert_eq!(config.part(&"data/holdout1.csv".into()).unwrap().role, Some(Role::EvaluationData));
        assert_eq!(config.part(&"data/a.csv".into()).unwrap().role, Some(Role::Input));
        assert_eq!(config.part(&"q/a.tpl".into()).unwrap().kind, ArtifactKind::Code);
        assert_eq!(config.part(&"data/sub/a.csv".into()), None, "a star stays within a folder");
        assert_eq!(config.model(&"models/delay.joblib".into()), Some("delay"));
        assert_eq!(config.model(&"models/embedder/".into()), Some("embedder"));
        assert_eq!(config.model(&"models/embedder/weights.bin".into()), Some("embedder"));
        assert_eq!(config.model_folders().collect::<Vec<_>>(), ["models/embedder/".into()]);
        assert_eq!((config.keep().small_bytes, config.keep().small_total, config.keep().model_bytes), (1_024, 5_120, 10));
        assert!(config.ignores(&"scratch/x/y".into()) && !config.ignores(&"scratchy".into()));
        assert!(config.hides_name("MY_DSN") && config.hides_name("customer_id") && config.hides(&"conf/private.yaml".into()));
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest() {
        let error = Config::parse("project = \"x\"\n\n[role]\n").unwrap_err();
        assert_eq!(error.to_string(), "keizu.toml line 3: unknown key `role`");
        assert_eq!(error.nearest(), Some("roles"));
        let error = Config::parse("[keep]\nglobs = []\nmodel_max = 3\n").unwrap_err();
        assert_eq!(error.to_string(), "keizu.toml line 3: unknown key `model_max`");
        assert_eq!(error.nearest(), Some("models_max"));
    }

    #[test]
    fn a_wrong_value_says_what_was_expected() {
        let fails = |text: &str| Config::parse(text).unwrap_err().to_string();
        assert_eq!(fails("project = 3"), "keizu.toml line 1: `project` must be a text");
        assert!(fails("\n[keep]\nsmall_max = \"big\"").starts_with("keizu.toml line 3: `small_max` must be a size"));
        assert!(fails("[roles]\n\"a\" = \"environment\"").starts_with("keizu.toml line 2: `a` must be one of"));
        assert!(fails("[roles]\n\"a[\" = \"data\"").starts_with("keizu.toml line 2: `a[` must be a glob"));
        assert!(fails("a = = 3").starts_with("keizu.toml line 1: "));
    }

    #[test]
    fn the_template_declares_nothing_and_uncommented_it_still_reads() {
        assert!(Config::parse(template()).unwrap().project.is_none());
        let bare: Vec<&str> = template()
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| line.starts_with('[') || (line.contains(" = ") && !line.contains("One of")))
            .collect();
        let config = Config::parse(&bare.join("\n")).unwrap();
        assert_eq!(config.model(&"models/delay.joblib".into()), Some("delay"));
        assert!(bare.len() > 15);
    }
}
