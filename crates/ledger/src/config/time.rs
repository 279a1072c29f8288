//! `[profile]`, `[data_time]` and `[freshness]`: what is looked into, what time data speak of, and how recent they must be.

use jiff::Span;
use jiff::civil::Time;
use keizu_record::{FilePath, Name};
use toml::Spanned;
use toml::de::DeValue;

use super::{Config, Error, Key, Pattern, Reader};

/// Up to this size a data file is looked into, unless `keizu.toml` says otherwise.
pub const PROFILE_BYTES_MAX: u64 = 64 << 20;

const PROFILE: &[&str] = &["enabled", "size_max", "never"];
const GOAL: &[&str] = &["data_time", "by", "zone"];

/// Which data files are looked into.
#[derive(Debug, Clone)]
pub(crate) struct Profiling {
    pub(crate) enabled: bool,
    pub(crate) bytes_max: u64,
    pub(crate) never: Vec<Pattern>,
}

impl Default for Profiling {
    fn default() -> Self {
        Self { enabled: true, bytes_max: PROFILE_BYTES_MAX, never: Vec::new() }
    }
}

/// How the time of data is told, as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataTimeOf {
    /// It speaks of no time: a table of reference.
    Nothing,
    /// The greatest value of this column.
    Column(String),
    /// This pattern, as `strptime` has it, in the path.
    Pattern(String),
}

/// How recent something must be.
#[derive(Debug, Clone)]
pub struct Goal {
    /// As it is written.
    pub text: String,
    /// What is asked for.
    pub wish: Wish,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Wish {
    /// Data of no more than this long ago.
    Within(Span),
    /// Each day, by a time of day, data up to a time of that day or of days before.
    Daily {
        /// So many days before.
        days_before: i32,
        /// Up to this time of day.
        reach: Time,
        /// By this time of day.
        by: Time,
        /// Where; none: where the asker is.
        zone: Option<String>,
    },
}

/// What a goal is for.
#[derive(Debug, Clone)]
pub(crate) enum Aim {
    Named(Name),
    Path(Pattern),
}

impl Config {
    /// Which data files are looked into.
    pub(crate) fn profiling(&self) -> &Profiling {
        &self.profiling
    }

    /// How the time of a file's data is told: the first entry of `[data_time]` that matches.
    pub fn data_time(&self, path: &FilePath) -> Option<&DataTimeOf> {
        self.data_times.iter().find(|(pattern, _)| pattern.matches(path)).map(|(_, of)| of)
    }

    /// How recent what stands at a path, or bears a name, must be: the first entry of `[freshness]` that matches.
    pub fn goal(&self, name: Option<&Name>, path: Option<&FilePath>) -> Option<&Goal> {
        let fits = |aim: &Aim| match aim {
            Aim::Named(wanted) => Some(wanted) == name,
            Aim::Path(pattern) => path.is_some_and(|path| pattern.matches(path)),
        };
        self.goals.iter().find(|(aim, _)| fits(aim)).map(|(_, goal)| goal)
    }

    /// Whether anything must be recent.
    pub fn has_goals(&self) -> bool {
        !self.goals.is_empty()
    }

    /// Models and datasets that must be recent.
    pub(crate) fn named_goals(&self) -> impl Iterator<Item = &Name> {
        self.goals.iter().filter_map(|(aim, _)| match aim {
            Aim::Named(name) => Some(name),
            Aim::Path(_) => None,
        })
    }
}

impl<'a> Reader<'a> {
    pub(super) fn profiling(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<Profiling, Error> {
        let mut profiling = Profiling::default();
        for (key, value) in self.table(key, value)? {
            match self.known(key, PROFILE)? {
                "enabled" => profiling.enabled = value.get_ref().as_bool().ok_or_else(|| self.wrong(key, "true or false"))?,
                "size_max" => profiling.bytes_max = self.size(key, value)?,
                _ => profiling.never = self.patterns(key, value)?,
            }
        }
        Ok(profiling)
    }

    pub(super) fn data_times(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<Vec<(Pattern, DataTimeOf)>, Error> {
        let mut all = Vec::new();
        for (glob, of) in self.table(key, value)? {
            let text = self.text(glob, of)?;
            let of = match text {
                "" => return Err(self.wrong(glob, "a column, a pattern such as \"%Y-%m-%d\", or \"none\"")),
                "none" => DataTimeOf::Nothing,
                _ if text.contains('%') => {
                    // tried on a date: what it can write it can read
                    let whole = jiff::civil::date(2013, 10, 1).at(0, 0, 0, 0).to_zoned_datetime(jiff::tz::TimeZone::UTC);
                    whole
                        .and_then(|date| jiff::fmt::strtime::format(text, &date))
                        .map_err(|error| self.wrong(glob, &format!("a pattern such as \"%Y-%m-%d\" ({error})")))?;
                    DataTimeOf::Pattern(text.to_owned())
                }
                _ => DataTimeOf::Column(text.to_owned()),
            };
            all.push((self.pattern(glob, glob.get_ref())?, of));
        }
        Ok(all)
    }

    pub(super) fn goals(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<Vec<(Aim, Goal)>, Error> {
        self.table(key, value)?.into_iter().map(|(key, value)| Ok((self.aim(key)?, self.goal(key, value)?))).collect()
    }

    fn aim(&self, key: &Key<'_>) -> Result<Aim, Error> {
        let text = key.get_ref();
        let name = [("model:", Name::Model as fn(String) -> Name), ("data:", Name::Data)];
        for (prefix, of) in name {
            match text.strip_prefix(prefix) {
                Some(rest) if rest.is_empty() || rest.contains('@') => {
                    return Err(self.wrong(key, "model:NAME, data:NAME or a glob: a goal is for a name, not for one of its versions"));
                }
                Some(rest) => return Ok(Aim::Named(of(rest.to_owned()))),
                None => {}
            }
        }
        Ok(Aim::Path(self.pattern(key, text)?))
    }

    fn goal(&self, key: &Key<'_>, value: &Spanned<DeValue<'a>>) -> Result<Goal, Error> {
        let expected = "a time such as \"1 day\", or { data_time = \"yesterday 23:59\", by = \"07:00\", zone = \"Asia/Tokyo\" }";
        if let Some(text) = value.get_ref().as_str() {
            let span: Span = text.parse().map_err(|_| self.wrong(key, expected))?;
            return if span.is_positive() {
                Ok(Goal { text: text.to_owned(), wish: Wish::Within(span) })
            } else {
                Err(self.wrong(key, expected))
            };
        }
        if value.get_ref().as_table().is_none() {
            return Err(self.wrong(key, expected));
        }
        let (mut reach, mut by, mut zone) = (None, None, None);
        for (inner, value) in self.table(key, value)? {
            let known = self.known(inner, GOAL)?;
            let text = self.text(inner, value)?;
            match known {
                "data_time" => {
                    let read = day_and_time(text)
                        .ok_or_else(|| self.wrong(inner, "\"yesterday 23:59\", \"today 06:00\" or \"2 days ago 23:59\""))?;
                    reach = Some((read, text));
                }
                "by" => by = Some((text.parse().map_err(|_| self.wrong(inner, "a time of day such as \"07:00\""))?, text)),
                _ => zone = Some(self.zone(inner, text)?),
            }
        }
        let (Some(((days_before, reach), said)), Some((by, by_said))) = (reach, by) else { return Err(self.wrong(key, expected)) };
        let place = zone.as_deref().map(|zone| format!(" {zone}")).unwrap_or_default();
        Ok(Goal { text: format!("{said} by {by_said}{place}"), wish: Wish::Daily { days_before, reach, by, zone } })
    }

    fn zone(&self, key: &Key<'_>, text: &str) -> Result<String, Error> {
        let database = jiff::tz::db();
        // where no zones are installed, none can be told to be wrong
        if jiff::tz::TimeZone::get(text).is_ok() || database.is_definitively_empty() {
            return Ok(text.to_owned());
        }
        let near = database.available().map(|name| name.as_str().to_owned());
        let near = near.max_by(|a, b| strsim::jaro_winkler(a, text).total_cmp(&strsim::jaro_winkler(b, text)));
        Err(self.wrong(key, &format!("a time zone such as \"{}\"", near.as_deref().unwrap_or("Asia/Tokyo"))))
    }
}

/// `yesterday 23:59`, `today 06:00`, `2 days ago 23:59`: days before, and the time of day.
fn day_and_time(text: &str) -> Option<(i32, Time)> {
    let (day, time) = text.trim().rsplit_once(' ')?;
    let time: Time = time.parse().ok()?;
    let days = match day.trim() {
        "today" => 0,
        "yesterday" => 1,
        counted => {
            let span: Span = counted.strip_suffix("ago")?.trim().parse().ok()?;
            let exact = span.fieldwise() == Span::new().days(span.get_days()).fieldwise();
            if !exact {
                return None;
            }
            span.get_days()
        }
    };
    (days >= 0).then_some((days, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Config {
        Config::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn fails(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_looked_into() {
        let config = read("[profile]\nenabled = false\nsize_max = \"1 MiB\"\nnever = [\"raw/\"]");
        let profiling = config.profiling();
        assert!(!profiling.enabled && profiling.bytes_max == 1 << 20 && profiling.never[0].matches(&"raw/a.csv".into()));
        assert!(read("").profiling().enabled);
        assert_eq!(fails("[profile]\nenabled = 1"), "keizu.toml line 2: `enabled` must be true or false");
        assert_eq!(fails("[profile]\nsizemax = 1"), "keizu.toml line 2: unknown key `sizemax`");
    }

    #[test]
    fn how_time_is_told() {
        let config = read("[data_time]\n\"daily/*.csv\" = \"%Y-%m-%d\"\n\"planes.csv\" = \"none\"\n\"*.parquet\" = \"time_hour\"");
        let of = |path: &str| config.data_time(&path.into()).cloned();
        assert_eq!(of("daily/2013-10-01.csv"), Some(DataTimeOf::Pattern("%Y-%m-%d".into())));
        assert_eq!(of("planes.csv"), Some(DataTimeOf::Nothing));
        assert_eq!(of("train.parquet"), Some(DataTimeOf::Column("time_hour".into())));
        assert_eq!(of("other.csv"), None);
        assert!(fails("[data_time]\n\"a\" = \"50%\"").starts_with("keizu.toml line 2: `a` must be a pattern"));
    }

    #[test]
    fn goals() {
        let config = read(
            "[freshness]\n\"model:delay\" = \"1 day\"\n\"features/*\" = { data_time = \"yesterday 23:59\", by = \"07:00\", zone = \"UTC\" }",
        );
        let model = config.goal(Some(&Name::Model("delay".into())), None).unwrap();
        assert!(matches!(&model.wish, Wish::Within(span) if span.get_days() == 1));
        let data = config.goal(None, Some(&"features/train.csv".into())).unwrap();
        assert_eq!(data.text, "yesterday 23:59 by 07:00 UTC");
        assert!(matches!(&data.wish, Wish::Daily { days_before: 1, .. }));
        assert!(config.goal(Some(&Name::Model("other".into())), None).is_none());
    }

    #[test]
    fn what_is_wrong_with_a_goal_is_said() {
        assert!(fails("[freshness]\n\"model:delay\" = \"soon\"").starts_with("keizu.toml line 2: `model:delay` must be a time such as"));
        assert!(fails("[freshness]\n\"model:delay\" = \"-1 day\"").contains("must be a time such as"));
        assert!(fails("[freshness]\n\"model:delay@v1\" = \"1 day\"").contains("not for one of its versions"));
        assert!(
            fails("[freshness]\na = { data_time = \"yesterday\", by = \"07:00\" }").contains("`data_time` must be \"yesterday 23:59\"")
        );
        assert!(fails("[freshness]\na = { data_time = \"today 01:00\", by = \"7 h\" }").contains("`by` must be a time of day"));
        assert!(fails("[freshness]\na = { data_time = \"today 01:00\" }").contains("must be a time such as"));
        assert!(fails("[freshness]\na = { data_tim = \"today 01:00\" }").contains("unknown key `data_tim`"));
    }

    #[test]
    fn days_and_times() {
        let at = |hour, minute| Time::constant(hour, minute, 0, 0);
        assert_eq!(day_and_time("yesterday 23:59"), Some((1, at(23, 59))));
        assert_eq!(day_and_time("today 06:00"), Some((0, at(6, 0))));
        assert_eq!(day_and_time("2 days ago 12:30"), Some((2, at(12, 30))));
        assert_eq!(day_and_time("2 hours ago 12:30"), None);
        assert_eq!(day_and_time("tomorrow 12:30"), None);
    }
}
