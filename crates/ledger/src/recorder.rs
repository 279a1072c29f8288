//! Stands in the watcher: turns what was seen into records.

use std::io::Read;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use keizu_capture::account::{Account, Ending};
use keizu_capture::event::Stat;
use keizu_capture::host::{Host, Memory, Start};
use keizu_record::{Digest, FilePath, RunId, Side};
use keizu_store::Select;

use crate::files::state;
use crate::ledger::now;
use crate::rules::{self, Options, Room};
use crate::{Error, Home, Ledger, Summary};

/// Renders the lines after a run.
pub type Summarise = Box<dyn Fn(&Summary) -> String>;

/// Keeps the account of one run in the record of a project.
///
/// The record is opened at the first word from the watcher, not when the command is launched. What can't be recorded never reaches the
/// job: it is said in the text that [`Host::seal`] returns.
pub struct Recorder {
    ledger: Result<Ledger, String>,
    options: Options,
    summarise: Summarise,
    sealed: Option<Account>,
    room: Room,
}

impl Recorder {
    /// Opens the record, and makes it if need be.
    pub fn new(home: &Home, options: Options, summarise: Summarise) -> Self {
        let ledger = Ledger::create(home, &options.host).map_err(|error| error.to_string());
        Self { ledger, options, summarise, sealed: None, room: Room::default() }
    }

    fn write(&mut self, account: &Account) -> Result<RunId, Error> {
        let options = &self.options;
        let ledger = self.ledger.as_mut().map_err(|error| Error::Unfit(error.clone()))?;
        if account.ending != Ending::Running && ledger.view().is_sealed(account.run)? {
            return Ok(account.run);
        }
        let prepared = rules::prepare(account, options, ledger.config(), &rules::Disk);
        for (_, bytes) in &prepared.documents {
            ledger.objects().put_bytes(bytes)?;
        }
        ledger.append(|read| rules::draft(&prepared, read, now()))?;
        ledger.cache().flush();
        Ok(account.run)
    }
}

impl Memory for Recorder {
    fn known(&mut self, stat: &Stat) -> Option<Digest> {
        self.ledger.as_ref().ok()?.cache().get(&state(stat))
    }

    fn learn(&mut self, stat: &Stat, digest: Digest) {
        if let Ok(ledger) = &mut self.ledger {
            ledger.cache().put(state(stat), digest);
        }
    }

    fn wants(&self, path: &Path, size: u64) -> bool {
        let Ok(ledger) = &self.ledger else { return false };
        // the watcher gives absolute paths
        let inside = path.strip_prefix(ledger.home().root()).unwrap_or(path);
        self.room.keeps(&FilePath::new(inside.as_os_str().as_bytes()), size, ledger.config())
    }

    fn keep(&mut self, digest: Digest, content: &mut dyn Read) -> std::io::Result<()> {
        let Ok(ledger) = &self.ledger else { return Ok(()) };
        ledger.objects().put(&digest, content).map(|_| ()).map_err(std::io::Error::other)
    }
}

impl Host for Recorder {
    fn began(&mut self, start: &Start) {
        let Ok(ledger) = &mut self.ledger else { return };
        let began = rules::began(start, &self.options, now());
        // a recovery says it again
        let written = ledger.append(|read| {
            let known =
                read.select(&Select { nodes: Some((Side::Subject, vec![start.run.into()])), limit: Some(1), ..Select::default() })?;
            Ok(if known.is_empty() { began.records.clone() } else { Vec::new() })
        });
        if let Err(error) = written {
            self.ledger = Err(error.to_string());
        }
    }

    fn seal(&mut self, account: &Account) -> Result<String, String> {
        let run = self.write(account).map_err(|error| error.to_string())?;
        self.sealed = Some(account.clone());
        let ledger = self.ledger.as_ref().map_err(Clone::clone)?;
        let summary = ledger.view().summary(run).map_err(|error| error.to_string())?;
        Ok((self.summarise)(&summary))
    }

    fn correct(&mut self, account: &Account) {
        let Ok(ledger) = &mut self.ledger else { return };
        let after = rules::prepare(account, &self.options, ledger.config(), &rules::Disk);
        let before = match &self.sealed {
            Some(sealed) => Some(rules::prepare(sealed, &self.options, ledger.config(), &rules::Disk)),
            None => None,
        };
        for (_, bytes) in &after.documents {
            if ledger.objects().put_bytes(bytes).is_err() {
                return;
            }
        }
        // nobody waits for the answer any more; what was sealed before stays true of its time
        let _ = ledger.append(|read| match &before {
            Some(before) => rules::corrections(before, &after, read, now()),
            None => rules::corrections_of_recorded(&after, read, now()),
        });
        ledger.cache().flush();
        self.sealed = Some(account.clone());
    }

    fn afterwards(&mut self, account: &Account) {
        // the run is recorded, whether its files can be looked into or not
        if let Ok(ledger) = &mut self.ledger {
            let _ = ledger.profile_run(account.run);
            ledger.cache().flush();
        }
    }
}
