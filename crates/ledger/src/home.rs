//! Where a record lives: `.keizu/` at the root of a project, found by walking up like `.git`.
//!
//! ```text
//! .keizu/
//!   .gitignore      ignores the folder for git
//!   project         what the project was called when the record was made: a copy in another folder is the same project
//!   keizu.db        logs and their index
//!   keys/           what signs the log and blinds its names; readable by the owner only
//!   checkpoint      the last signed head of the log, apart from the database
//!   objects/        contents that were kept, by digest
//!   cache.db        digests of files that were seen before; may be deleted
//!   run/            runs that are being watched
//! ```

use std::path::{Path, PathBuf};

use crate::Error;

/// Name of the folder.
pub const FOLDER: &str = ".keizu";
/// Name of the file with what a project declares.
pub const CONFIG: &str = "keizu.toml";

/// Name of the file with what the project was called.
const PROJECT: &str = "project";

/// A project and its record's folder. Both absolute, symbolic links resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    root: PathBuf,
    folder: PathBuf,
}

impl Home {
    /// The nearest project at or above `start` that has a record.
    ///
    /// # Errors
    /// When `start` does not exist or can't be read.
    pub fn find(start: &Path) -> Result<Option<Self>, Error> {
        let start = fs_err::canonicalize(start)?;
        let found = start.ancestors().find(|folder| folder.join(FOLDER).join("keizu.db").is_file());
        Ok(found.map(|root| Self { root: root.to_path_buf(), folder: root.join(FOLDER) }))
    }

    /// A record that is kept elsewhere, for a project at `root`.
    ///
    /// # Errors
    /// When a folder can't be made or read.
    pub fn at(root: &Path, folder: &Path) -> Result<Self, Error> {
        fs_err::create_dir_all(folder)?;
        Ok(Self { root: fs_err::canonicalize(root)?, folder: fs_err::canonicalize(folder)? })
    }

    /// Where a record would be made for somebody who stands in `start`: at the root of the git work tree, else in `start` itself.
    ///
    /// # Errors
    /// When `start` does not exist or can't be read.
    pub fn proposed(start: &Path) -> Result<Self, Error> {
        let start = fs_err::canonicalize(start)?;
        let marked = |name: &str| start.ancestors().find(|folder| folder.join(name).exists()).map(Path::to_path_buf);
        let root = marked(CONFIG).or_else(|| marked(".git")).unwrap_or(start);
        Ok(Self { folder: root.join(FOLDER), root })
    }

    /// Makes the folder, if it is not there, and has it ignore itself for git.
    ///
    /// # Errors
    /// When the folder can't be written.
    pub fn make(&self) -> Result<(), Error> {
        fs_err::create_dir_all(&self.folder)?;
        let ignore = self.folder.join(".gitignore");
        if !ignore.exists() {
            fs_err::write(ignore, "*\n")?;
        }
        fs_err::create_dir_all(self.runs())?;
        Ok(())
    }

    /// Whether the record lies in its project, and goes where it goes.
    fn is_embedded(&self) -> bool {
        self.folder == self.root.join(FOLDER)
    }

    /// What the project is called when it does not say so itself: as it was called when the record was made, also when its folder was renamed or
    /// copied since; else as its folder.
    pub fn project(&self) -> String {
        let written = fs_err::read_to_string(self.folder.join(PROJECT)).ok().filter(|_| self.is_embedded());
        let name = written.as_deref().map(str::trim).filter(|name| !name.is_empty() && !name.contains(char::is_control));
        name.map_or_else(|| self.folder_name(), str::to_owned)
    }

    fn folder_name(&self) -> String {
        self.root.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// Writes down what the project is called, unless that was done: as its runs were recorded last, else as its folder.
    pub(crate) fn call(&self, recorded: impl FnOnce() -> Option<String>) -> Result<(), Error> {
        let file = self.folder.join(PROJECT);
        if self.is_embedded() && !file.exists() {
            fs_err::write(file, format!("{}\n", recorded().unwrap_or_else(|| self.folder_name())))?;
        }
        Ok(())
    }

    /// Whether the record is there.
    pub fn exists(&self) -> bool {
        self.folder.join("keizu.db").is_file()
    }

    /// The project's root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The record's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Folder of runs that are being watched.
    pub fn runs(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// The project's `keizu.toml`, whether it is there or not.
    pub fn config_file(&self) -> PathBuf {
        self.root.join(CONFIG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_from_below_and_proposed_at_the_work_tree() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        fs_err::create_dir_all(root.join("repo/.git")).unwrap();
        fs_err::create_dir_all(root.join("repo/src/deep")).unwrap();
        let start = root.join("repo/src/deep");
        assert_eq!(Home::find(&start).unwrap(), None);
        let home = Home::proposed(&start).unwrap();
        assert_eq!(home.root(), root.join("repo"));
        home.make().unwrap();
        fs_err::write(home.folder().join("keizu.db"), "").unwrap();
        assert_eq!(Home::find(&start).unwrap(), Some(home.clone()));
        assert_eq!(fs_err::read_to_string(home.folder().join(".gitignore")).unwrap(), "*\n");
        assert_eq!(Home::proposed(&root).unwrap().root(), root);
    }

    #[test]
    fn a_project_keeps_its_name_where_its_record_goes_with_it() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().canonicalize().unwrap();
        let (flights, copied, shared) = (root.join("flights"), root.join("copied"), root.join("shared"));
        let home = |root: &Path| Home { root: root.to_owned(), folder: root.join(FOLDER) };
        home(&flights).make().unwrap();
        assert_eq!(home(&flights).project(), "flights");
        home(&flights).call(|| None).unwrap();
        fs_err::rename(&flights, &copied).unwrap();
        home(&copied).call(|| Some("other".to_owned())).unwrap();
        assert_eq!(home(&copied).project(), "flights");
        fs_err::write(home(&copied).folder().join(PROJECT), "\n").unwrap();
        assert_eq!(home(&copied).project(), "copied");
        // an older record, without the file, was copied here
        fs_err::remove_file(home(&copied).folder().join(PROJECT)).unwrap();
        home(&copied).call(|| Some("flights".to_owned())).unwrap();
        assert_eq!(home(&copied).project(), "flights");
        // a record that others share says nothing of one of them
        let elsewhere = Home::at(&copied, &shared).unwrap();
        elsewhere.call(|| None).unwrap();
        assert_eq!((elsewhere.project().as_str(), shared.join(PROJECT).exists()), ("copied", false));
    }
}
