//! The run's own folder: the arena, and the library under every name by which loaders may ask for it.
//!
//! ```text
//! arena   start.json   glance.json   watcher.log   x86_64/libkeizu.libasan.so   haswell/…   xeon_phi/…   $PLATFORM/…   i386/… (the 32-bit stub)
//! ```
//!
//! glibc expands `$PLATFORM` in LD_PRELOAD to the class of the *program*, so that a 32-bit program finds the stub and is silent; musl does
//! not expand it, hence the folder of that very name. The address sanitizer refuses to start unless the first library is its own, and
//! looks for the words `libasan.so`.

use std::ffi::CString;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::arena::{ARENA_BYTES, Arena};
use crate::host::Plan;

const SHIM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/shim.so"));
const STUB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/stub.so"));

/// What is known before the first event.
pub(crate) const START: &str = "start.json";

/// What the run has touched so far.
pub(crate) const GLANCE: &str = "glance.json";

/// The library's file name.
pub(crate) const LIBRARY: &str = "libkeizu.libasan.so";

#[cfg(target_arch = "x86_64")]
const PLATFORMS: [&str; 4] = ["x86_64", "haswell", "xeon_phi", "$PLATFORM"];
#[cfg(target_arch = "x86_64")]
const PLATFORMS_32: [&str; 4] = ["i386", "i486", "i586", "i686"];
#[cfg(target_arch = "aarch64")]
const PLATFORMS: [&str; 2] = ["aarch64", "$PLATFORM"];
#[cfg(target_arch = "aarch64")]
const PLATFORMS_32: [&str; 3] = ["v7l", "v8l", "v6l"];

/// A folder that is ready for a run.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The symbolic link by which readers find it, when it is elsewhere.
    pub(crate) link: Option<PathBuf>,
    pub(crate) arena: Arena,
}

impl Folder {
    /// Makes the folder in the first place that will do; the reasons why none does otherwise.
    pub(crate) fn make(plan: &Plan) -> Result<Self, String> {
        let name = plan.run.hex();
        let usual = plan.runs.join(&name);
        let mut reasons = Vec::new();
        if let Err(error) = std::fs::create_dir_all(&plan.runs) {
            reasons.push(format!("{}: {error}", plan.runs.display()));
        }
        let elsewhere = [std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from), Some(std::env::temp_dir())];
        let elsewhere = elsewhere.into_iter().flatten().filter(|place| place.is_absolute()).map(|p| p.join(format!("keizu-{name}")));
        for path in std::iter::once(usual.clone()).chain(elsewhere) {
            match fill(&path, plan.arena_bytes.unwrap_or(ARENA_BYTES)) {
                Ok(arena) => {
                    let link = (path != usual).then_some(usual);
                    if let Some(link) = &link {
                        // without it a reader does not find the run before it is sealed; the run itself is not in danger
                        let _ = std::os::unix::fs::symlink(&path, link);
                    }
                    return Ok(Self { path, link, arena });
                }
                Err(error) => reasons.push(format!("{}: {error}", path.display())),
            }
        }
        Err(reasons.join("; "))
    }

    /// The entry of LD_PRELOAD.
    pub(crate) fn entry(&self) -> Vec<u8> {
        self.path.join("$PLATFORM").join(LIBRARY).into_os_string().into_encoded_bytes()
    }
}

/// Removes a run's folder, and the link to it.
pub(crate) fn remove(found: &Path) {
    let real = std::fs::read_link(found).ok();
    // the folder first: while the link stands, a later command can try again
    let _ = std::fs::remove_dir_all(real.as_deref().unwrap_or(found));
    if real.is_some() {
        let _ = std::fs::remove_file(found);
    }
}

fn fill(path: &Path, arena_bytes: u64) -> io::Result<Arena> {
    let refuse = |why: &str| Err(io::Error::other(why.to_owned()));
    // LD_PRELOAD has no quoting
    if !path.is_absolute() || path.as_os_str().as_bytes().iter().any(|c| b": \t\n$".contains(c)) {
        return refuse("a path that LD_PRELOAD cannot hold");
    }
    let Some(parent) = path.parent() else { return refuse("no parent folder") };
    if is_remote(parent)? {
        return refuse("a network file system");
    }
    std::fs::DirBuilder::new().mode(0o755).create(path)?;
    let made = fill_new(path, arena_bytes);
    if made.is_err() {
        let _ = std::fs::remove_dir_all(path);
    }
    made
}

fn fill_new(path: &Path, arena_bytes: u64) -> io::Result<Arena> {
    let arena = Arena::create(&path.join("arena"), arena_bytes)?;
    place(path, SHIM, &PLATFORMS)?;
    place(path, STUB, &PLATFORMS_32)?;
    try_library(&path.join(PLATFORMS[0]).join(LIBRARY))?;
    Ok(arena)
}

/// One file under several names: hard links, or copies where links are refused.
fn place(path: &Path, bytes: &[u8], folders: &[&str]) -> io::Result<()> {
    let first = path.join(folders[0]).join(LIBRARY);
    for folder in folders {
        let file = path.join(folder).join(LIBRARY);
        std::fs::DirBuilder::new().mode(0o755).create(path.join(folder))?;
        if file == first || std::fs::hard_link(&first, &file).is_err() {
            std::fs::write(&file, bytes)?;
            // a job that changes its user must find it, or its loader complains
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
        }
    }
    // whatever the umask says
    for folder in folders {
        std::fs::set_permissions(path.join(folder), std::fs::Permissions::from_mode(0o755))?;
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// On a file system mounted `noexec` the loader of every program would complain.
fn try_library(file: &Path) -> io::Result<()> {
    let file = std::fs::File::open(file)?;
    let rights = libc::PROT_READ | libc::PROT_EXEC;
    // SAFETY: a new mapping, unmapped at once.
    unsafe {
        let map = libc::mmap(std::ptr::null_mut(), 4096, rights, libc::MAP_PRIVATE, file.as_raw_fd(), 0);
        if map == libc::MAP_FAILED {
            return Err(io::Error::other("programs may not be run from there"));
        }
        libc::munmap(map, 4096);
    }
    Ok(())
}

/// Network and user-space file systems: shared memory through them is not to be trusted.
fn is_remote(path: &Path) -> io::Result<bool> {
    const REMOTE: [i64; 9] = [0x6969, 0x6573_5546, 0x517B, 0xFF53_4D42, 0xFE53_4D42, 0x0102_1997, 0x00C3_6400, 0x7461_636f, 0x0BD0_0BD0];
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all zeros is a valid statfs.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: writes one statfs.
    if unsafe { libc::statfs(path.as_ptr(), &raw mut found) } != 0 {
        return Err(io::Error::last_os_error());
    }
    #[allow(clippy::unnecessary_cast, reason = "the width differs by machine")]
    Ok(REMOTE.contains(&(found.f_type as i64)))
}
