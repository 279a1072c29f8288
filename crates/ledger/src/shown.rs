//! Everything about one thing, as `keizu show --json` and the API tell it.

use jiff::ZonedDateTime;
use serde::Serialize;

use crate::answer::{ArtifactDetail, NameDetail, RunDetail, VersionRow};
use crate::data_time::About;
use crate::thing::Thing;
use crate::{Error, Ledger};

/// Everything about one thing.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Shown {
    /// A run.
    Run(Box<RunDetail>),
    /// A name, with all its versions.
    Name(NameDetail),
    /// One version, with its content.
    Version(Box<Version>),
    /// One content.
    Content(Box<Content>),
}

/// One version, with its content.
#[derive(Debug, Serialize)]
pub struct Version {
    /// Which.
    #[serde(flatten)]
    pub row: VersionRow,
    /// Its content; null when it was taken back.
    pub artifact: Option<ArtifactDetail>,
    /// What is known of its data.
    #[serde(flatten)]
    pub about: About,
}

/// One content, and what is known of its data.
#[derive(Debug, Serialize)]
pub struct Content {
    /// The content.
    #[serde(flatten)]
    pub artifact: ArtifactDetail,
    /// What is known of its data.
    #[serde(flatten)]
    pub about: About,
}

impl Ledger {
    /// Everything about one thing. `version`: of a model or dataset that one version is meant, not the name with all of them; `files`: of a run
    /// every file, instead of one line for a folder.
    ///
    /// # Errors
    /// When the store fails, or nothing is recorded of the thing.
    pub fn shown(&self, thing: &Thing, version: bool, files: bool, now: &ZonedDateTime) -> Result<Shown, Error> {
        let view = self.view();
        Ok(match thing {
            Thing::Run(id) => Shown::Run(Box::new(view.run(*id, files)?)),
            Thing::Artifact(digest) => self.shown_content(thing, view.artifact(digest)?, now)?,
            Thing::Place { project, path } => self.shown_content(thing, view.place(project, path)?, now)?,
            Thing::Version(named) => {
                let all = view.name(&named.name)?;
                if !version {
                    return Ok(Shown::Name(all));
                }
                let row = all.versions.into_iter().find(|row| Some(row.version) == named.version);
                let row = row.ok_or_else(|| Error::Unfit(format!("{} has no such version", all.name)))?;
                let artifact =
                    row.digest.as_ref().and_then(|digest| digest.parse().ok()).map(|digest| view.artifact(&digest)).transpose()?;
                let about = artifact.as_ref().map(|detail| self.about_content(thing, detail, now)).transpose()?.unwrap_or_default();
                Shown::Version(Box::new(Version { row, artifact, about }))
            }
            Thing::Party(name) => return Err(Error::Unfit(format!("nothing is recorded of party:{name}"))),
        })
    }

    fn shown_content(&self, thing: &Thing, artifact: ArtifactDetail, now: &ZonedDateTime) -> Result<Shown, Error> {
        let about = self.about_content(thing, &artifact, now)?;
        Ok(Shown::Content(Box::new(Content { artifact, about })))
    }

    /// What is known of the data of a content. Only of a single file of data it is said why it was not looked into.
    ///
    /// # Errors
    /// When the store fails.
    pub fn about_content(&self, thing: &Thing, detail: &ArtifactDetail, now: &ZonedDateTime) -> Result<About, Error> {
        let path = match thing {
            Thing::Place { path, .. } => Some(path.clone()),
            Thing::Version(named) => named.path.clone(),
            _ => None,
        };
        let digest = detail.digest.parse().ok().filter(|_| detail.kind == "data" && detail.members.is_none());
        let timed = matches!(detail.kind.as_str(), "data" | "model" | "evaluation" | "other");
        if !timed {
            return Ok(About::default());
        }
        self.about(thing, digest.map(|digest| (digest, path, detail.size)), now)
    }
}
