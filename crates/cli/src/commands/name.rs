//! `keizu name`: models and datasets, their versions and aliases.

use std::ffi::OsString;

use keizu_ledger::answer::VersionRow;
use keizu_ledger::{At, Ledger, Spelling, Thing};
use keizu_record::Name;

use crate::args::Reading;
use crate::door::Door;
use crate::out;
use crate::problem::{Exit, Problem};
use crate::render::names::Within;
use crate::render::versions;

/// Name models and datasets, or list their names
///
/// A name is a pointer that moves, with its whole history. Naming a content gives it the next version of that name;
/// an alias points at one version, and can be moved to another.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  keizu name                                        all names
  keizu name model:delay                            the versions of one
  keizu name model:delay models/delay.joblib        that content is the next version of model:delay
  keizu name data:flights daily/                    the same for a dataset
  keizu name model:delay@champion model:delay@v3    the alias points at version 3
  keizu name --remove model:delay@champion          the alias is taken back; its history stays")]
pub struct Args {
    /// model:NAME, data:NAME, or model:NAME@ALIAS; without it, all names are listed.
    name: Option<String>,
    /// What it is to point at: a path, a content, or a version.
    thing: Option<OsString>,
    /// Take an alias back.
    #[arg(long, requires = "name", conflicts_with = "thing")]
    remove: bool,
    /// Why, in your words; kept in the record.
    #[arg(short = 'm', long, value_name = "TEXT", requires = "name")]
    note: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// What can be named.
#[derive(Debug, PartialEq, Eq)]
enum Target<'a> {
    Name(Name),
    Alias { model: &'a str, alias: &'a str },
}

pub fn go(args: &Args, door: &Door) -> Result<Exit, Problem> {
    let mut ledger = door.read(&args.reading)?;
    let Some(typed) = args.name.as_deref() else { return list(args, door, &ledger) };
    match (target(typed, args.thing.is_none() && !args.remove)?, &args.thing) {
        (Target::Alias { model, alias }, _) if args.remove => {
            ledger.unalias(model, alias, args.note.clone())?;
            out::say(&format!("model:{model}@{alias} was taken back"));
        }
        (Target::Name(_), _) if args.remove => {
            return Err(Problem::wrong(format!("{typed} is no alias")).note("only an alias can be taken back: model:NAME@ALIAS"));
        }
        (_, None) => return one(args, door, &ledger, typed),
        (Target::Name(name), Some(thing)) => {
            let thing = door.resolve(&ledger.view(), thing)?;
            given(args, &ledger.name(name, &thing, args.note.clone())?, None)?;
        }
        (Target::Alias { model, alias }, Some(thing)) => {
            let version = version_of(&ledger, door, model, thing)?;
            given(args, &ledger.alias(model, alias, version, args.note.clone())?, Some(&format!("model:{model}@{alias}")))?;
        }
    }
    Ok(Exit::Fine)
}

fn list(args: &Args, door: &Door, ledger: &Ledger) -> Result<Exit, Problem> {
    let all = ledger.view().names()?;
    if args.reading.json {
        out::json(&all)?;
    } else if all.is_empty() {
        out::say("nothing has a name yet: a model gets one when a run makes it, anything else by keizu name NAME THING");
    } else {
        let look = door.look();
        out::page(&versions::list(&all, &look), &look)?;
    }
    Ok(Exit::Fine)
}

fn one(args: &Args, door: &Door, ledger: &Ledger, typed: &str) -> Result<Exit, Problem> {
    let view = ledger.view();
    let Thing::Version(named) = door.resolve(&view, &typed.into())? else {
        return Err(Problem::wrong(format!("{typed} is no name")));
    };
    let detail = view.name(&named.name)?;
    if args.reading.json {
        out::json(&detail)?;
    } else {
        let look = door.look();
        out::page(&versions::page(&detail, true, &Within::new(&view), &look), &look)?;
    }
    Ok(Exit::Fine)
}

/// What was named. The new version is the answer of a naming, so it goes to stdout.
fn given(args: &Args, row: &VersionRow, alias: Option<&str>) -> Result<(), Problem> {
    if args.reading.json {
        return out::json(row);
    }
    match alias {
        Some(alias) => out::text(&format!("{alias}  →  {}\n", row.name)),
        None => out::text(&format!("{}\n", row.name)),
    }
}

/// The version that an alias is to point at: given as such, or as any thing whose content is a version of the model.
fn version_of(ledger: &Ledger, door: &Door, model: &str, thing: &OsString) -> Result<u64, Problem> {
    let name = Name::Model(model.to_owned());
    let view = ledger.view();
    let found = door.resolve(&view, thing)?;
    if let Thing::Version(named) = &found
        && named.name == name
        && let Some(version) = named.version
    {
        return Ok(version);
    }
    let content = match &found {
        Thing::Version(named) => named.content.map(|digest| digest.to_string()),
        Thing::Artifact(digest) => Some(digest.to_string()),
        Thing::Place { project, path } => Some(view.place(project, path)?.digest),
        Thing::Run(_) | Thing::Party(_) => None,
    };
    let versions = view.name(&name)?.versions;
    let version = versions.iter().find(|row| row.digest.is_some() && row.digest == content).map(|row| row.version);
    version.ok_or_else(|| {
        let typed = thing.to_string_lossy();
        Problem::wrong(format!("{typed} is no version of model:{model}")).note(format!("to make it one: keizu name model:{model} {typed}"))
    })
}

/// `looking`: whether the name is only asked for, so that a version may be meant too.
fn target(typed: &str, looking: bool) -> Result<Target<'_>, Problem> {
    let wrong = |why: String| Err(Problem::wrong(why).note("a name is written model:NAME, data:NAME or model:NAME@ALIAS"));
    let plain = |name: &str| !name.is_empty() && !name.contains('@') && !name.chars().any(|c| c.is_whitespace() || c.is_control());
    match Spelling::read(typed) {
        Spelling::Model(name, None) if plain(name) => Ok(Target::Name(Name::Model(name.to_owned()))),
        Spelling::Data(name, None) if plain(name) => Ok(Target::Name(Name::Data(name.to_owned()))),
        Spelling::Model(model, Some(At::Alias(alias))) if plain(model) && plain(alias) => Ok(Target::Alias { model, alias }),
        Spelling::Model(name, Some(At::Version(_))) if looking => Ok(Target::Name(Name::Model(name.to_owned()))),
        Spelling::Data(name, Some(At::Version(_))) if looking => Ok(Target::Name(Name::Data(name.to_owned()))),
        Spelling::Model(..) | Spelling::Data(..) if typed.contains("@v") => {
            wrong(format!("{typed}: versions are numbered by Keizu, and never move"))
        }
        _ => wrong(format!("{typed:?} can't be a name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_named() {
        assert_eq!(target("model:delay", false).unwrap(), Target::Name(Name::Model("delay".into())));
        assert_eq!(target("data:flights", false).unwrap(), Target::Name(Name::Data("flights".into())));
        assert_eq!(target("model:delay@champion", false).unwrap(), Target::Alias { model: "delay", alias: "champion" });
        assert_eq!(target("model:delay@v3", true).unwrap(), Target::Name(Name::Model("delay".into())));
    }

    #[test]
    fn what_cannot() {
        for typed in
            ["model:delay@v3", "data:flights@v1", "data:flights@gold", "model:", "model:a b", "model:a@", "run:3f2a9c", "train.py", "b3:77"]
        {
            assert_eq!(target(typed, false).unwrap_err().exit(), Exit::Wrong, "{typed}");
        }
    }
}
