//! The record of a project, open for reading and writing.

use std::cell::{RefCell, RefMut};
use std::sync::Arc;

use keizu_record::body::RunBegan;
use keizu_record::note::Checkpoint;
use keizu_record::{Kind, Record, Time};
use keizu_store::cache::Cache;
use keizu_store::objects::{Folder, Objects};
use keizu_store::sqlite::SqliteStore;
use keizu_store::verify::{self, Against, Witness};
use keizu_store::{Read, Receipt, Select, Store};

use crate::as_of::{self, AsOf, Typed};
use crate::config::Config;
use crate::picture::HeadRow;
use crate::{Error, FOLDER, Home, View};

/// The record of a project.
pub struct Ledger {
    home: Home,
    config: Config,
    project: String,
    store: SqliteStore,
    objects: Arc<dyn Objects>,
    cache: RefCell<Cache>,
    as_of: Option<AsOf>,
}

impl Ledger {
    /// Opens a record that exists.
    ///
    /// # Errors
    /// [`Error::NoRecord`] when there is none, the store's when it can't be opened, the configuration's when `keizu.toml` is wrong.
    pub fn open(home: &Home) -> Result<Self, Error> {
        if !home.exists() {
            return Err(Error::NoRecord(home.root().to_path_buf()));
        }
        let objects = objects(home);
        let store = SqliteStore::open(home.folder(), Arc::clone(&objects))?;
        Self::with(home, store, objects)
    }

    /// Opens the record, and makes it first when it is not there. `host` becomes part of the name under which its log is signed.
    ///
    /// # Errors
    /// As [`Ledger::open`], and when the folder can't be written.
    pub fn create(home: &Home, host: &str) -> Result<Self, Error> {
        home.make()?;
        let objects = objects(home);
        let store = SqliteStore::create(home.folder(), host, Arc::clone(&objects))?;
        let newest = Select { kinds: vec![Kind::RunBegan], newest_first: true, limit: Some(1), ..Select::default() };
        let recorded = || store.select(&newest).ok()?.first().and_then(|entry| RunBegan::read(&entry.record)).map(|began| began.project);
        home.call(recorded)?;
        Self::with(home, store, objects)
    }

    fn with(home: &Home, store: SqliteStore, objects: Arc<dyn Objects>) -> Result<Self, Error> {
        let config = Config::load(&home.config_file())?;
        let project = config.project.clone().unwrap_or_else(|| home.project());
        let cache = RefCell::new(Cache::open(&home.folder().join("cache.db")));
        Ok(Self { home: home.clone(), config, project, store, objects, cache, as_of: None })
    }

    /// Where it lives.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// What the project declares.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The project's name: declared, or as its root folder was called when the record was made.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// From here on, answers are as of a moment, written in one of [`as_of::FORMS`] by somebody whose clock says `now`; nothing can be appended any more.
    ///
    /// # Errors
    /// When it is no moment, or the run that it names is not known or goes on.
    pub fn look_back(&mut self, text: &str, now: &jiff::ZonedDateTime) -> Result<AsOf, Error> {
        let as_of = match Typed::read(text, now)? {
            Typed::Time(clock, time) => clock.at(time),
            Typed::Entries(count) => {
                let newest = self.store.select(&Select { newest_first: true, limit: Some(1), ..Select::default() })?;
                let all = newest.first().map_or(0, |entry| entry.position);
                if count > all {
                    return Err(as_of::Error::Short(all).into());
                }
                AsOf::Entries(count)
            }
            Typed::Run(clock, typed) => self.view().end_of_run(clock, typed)?,
        };
        self.as_of = Some(as_of);
        Ok(as_of)
    }

    /// The moment as of which it answers; none: now.
    pub fn as_of(&self) -> Option<AsOf> {
        self.as_of
    }

    /// Answers from the record as it is now, or as of the moment to which one [looked back](Ledger::look_back).
    pub fn view(&self) -> View<'_> {
        View::new(self)
    }

    /// The head of the own log, as it was last signed and left beside the database; none before anything is recorded.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn head(&self) -> Result<Option<HeadRow>, Error> {
        let note = self.store.witness()?;
        // who asks how large the record is does not check it: that is what verify is for
        let text = note.as_deref().and_then(|note| note.split_once("\n\n")).map(|(text, _)| format!("{text}\n"));
        let checkpoint = text.and_then(|text| Checkpoint::parse(&text).ok());
        Ok(checkpoint.map(|checkpoint| HeadRow { size: checkpoint.size, root: checkpoint.root.hex() }))
    }

    /// Checks the logs against their checkpoints, against the one that is kept beside the database, and against what others hold.
    ///
    /// # Errors
    /// When the store can't be read. A record that does not hold is no error but in the report.
    pub fn verify(&self, held: Vec<Witness>, progress: &mut dyn FnMut(verify::Progress<'_>)) -> Result<verify::Report, Error> {
        let beside = self.store.witness()?.map(|note| Witness { held_by: format!("{FOLDER}/checkpoint"), note });
        let against = Against { witnesses: beside.into_iter().chain(held).collect(), keys: self.store.own().into_iter().collect() };
        Ok(verify::verify(&self.store, &against, progress)?)
    }

    /// Reads every content that is kept, and compares it with its digest. Progress is told in objects done, and all.
    ///
    /// # Errors
    /// When the objects can't be read.
    pub fn verify_contents(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<verify::ObjectReport, Error> {
        Ok(verify::verify_objects(self.objects(), progress)?)
    }

    /// Deletes every index and folds the log again.
    ///
    /// # Errors
    /// The store's.
    pub fn refold(&mut self) -> Result<(), Error> {
        Ok(self.store.refold()?)
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &self.store
    }

    pub(crate) fn sqlite(&self) -> &SqliteStore {
        &self.store
    }

    pub(crate) fn forget_moment(&mut self) {
        self.as_of = None;
    }

    pub(crate) fn objects(&self) -> &dyn Objects {
        &*self.objects
    }

    /// Digests of files that were seen before. Not to be held across another call.
    pub(crate) fn cache(&self) -> RefMut<'_, Cache> {
        self.cache.borrow_mut()
    }

    /// Appends what `draft` makes of the locked record, after all contents that it speaks of are durable.
    pub(crate) fn append(&mut self, mut draft: impl FnMut(&dyn Read) -> Result<Vec<Record>, keizu_store::Error>) -> Result<Receipt, Error> {
        if self.as_of.is_some() {
            return Err(Error::Unfit("the past can be looked at, not changed: leave --as-of out".to_owned()));
        }
        self.objects.sync()?;
        Ok(self.store.append(&mut draft)?)
    }
}

fn objects(home: &Home) -> Arc<dyn Objects> {
    Arc::new(Folder::new(home.folder().join("objects")))
}

/// Now, by the machine's clock.
pub(crate) fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Time(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
