//! Installed distributions, and which of them a run loaded files from.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Lines of a distribution's metadata before which name and version stand.
const HEADER_LINES_MAX: usize = 200;

/// A distribution in a folder of installed packages.
#[derive(Debug)]
struct Distribution {
    /// Normalised.
    name: String,
    version: String,
    /// Its `dist-info` or `egg-info`.
    info: PathBuf,
}

/// The folders of installed packages of an installation, whether or not a file of theirs was opened.
pub(super) fn installed_below(prefix: &Path, series: &str) -> Vec<PathBuf> {
    let own = [
        format!("lib/python{series}/site-packages"),
        format!("lib64/python{series}/site-packages"),
        format!("lib/pypy{series}/site-packages"),
    ];
    let debian = [format!("local/lib/python{series}/dist-packages"), "lib/python3/dist-packages".to_owned()];
    let folders = own.iter().chain(&debian).map(|folder| prefix.join(folder)).filter(|folder| folder.is_dir());
    // `lib64` is often a link to `lib`
    let mut seen = HashSet::new();
    folders.filter(|folder| folder.canonicalize().is_ok_and(|real| seen.insert(real))).collect()
}

/// All distributions by normalised name, and those used.
pub(super) fn look(prefix: &Path, sites: &[&Path], opened: &[&Path]) -> (BTreeMap<String, String>, Vec<String>) {
    let mut packages = BTreeMap::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    // the environment's own folders hide those of the installation under it
    let mut sites = sites.to_vec();
    sites.sort_by_key(|site| !site.starts_with(prefix));
    for site in sites {
        let distributions = distributions(site);
        let here = used_of(site, &distributions, opened);
        for distribution in distributions {
            let chosen = here.contains(&distribution.name) && !used.contains(&distribution.name);
            if chosen || !packages.contains_key(&distribution.name) {
                packages.insert(distribution.name, distribution.version);
            }
        }
        used.extend(here);
    }
    conda(prefix, &mut packages);
    (packages, used.into_iter().collect())
}

/// Every distribution of a folder, by name.
fn distributions(site: &Path) -> Vec<Distribution> {
    let Ok(entries) = fs::read_dir(site) else { return Vec::new() };
    let mut out: Vec<Distribution> = entries
        .flatten()
        .filter_map(|entry| {
            let info = entry.path();
            let metadata = match info.extension()?.as_bytes() {
                b"dist-info" => info.join("METADATA"),
                b"egg-info" if info.is_dir() => info.join("PKG-INFO"),
                b"egg-info" => info.clone(),
                _ => return None,
            };
            let (name, mut version) = header(&metadata)?;
            if editable(&info) {
                version.push_str(" (editable)");
            }
            Some(Distribution { name: normalised(&name), version, info })
        })
        .collect();
    out.sort_by(|a, b| (&a.name, &a.info).cmp(&(&b.name, &b.info)));
    out
}

/// Name and version.
fn header(metadata: &Path) -> Option<(String, String)> {
    let (mut name, mut version) = (None, None);
    for line in BufReader::new(File::open(metadata).ok()?).split(b'\n').take(HEADER_LINES_MAX) {
        let line = line.ok()?;
        let line = String::from_utf8_lossy(&line);
        match line.split_once(':') {
            Some(("Name", value)) => name = Some(value.trim().to_owned()),
            Some(("Version", value)) => version = Some(value.trim().to_owned()),
            _ if line.trim().is_empty() => break,
            _ => {}
        }
        if let (Some(name), Some(version)) = (&name, &version) {
            return Some((name.clone(), version.clone()));
        }
    }
    None
}

/// Whether the distribution is a link to a folder of sources.
fn editable(info: &Path) -> bool {
    let direct = fs::read(info.join("direct_url.json")).ok();
    let direct = direct.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    direct.is_some_and(|value| value.pointer("/dir_info/editable") == Some(&serde_json::Value::Bool(true)))
}

/// Lower case, each run of `-`, `_` and `.` one `-`.
fn normalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if !matches!(c, '-' | '_' | '.') {
            out.extend(c.to_lowercase());
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out
}

/// Distributions of which a file was opened. What is imported under a distribution's own name is its; for other names, and for
/// folders that several distributions share, the lists of installed files tell.
fn used_of(site: &Path, distributions: &[Distribution], opened: &[&Path]) -> BTreeSet<String> {
    let mut tops: BTreeMap<String, HashSet<String>> = BTreeMap::new();
    for path in opened {
        let Some(path) = path.strip_prefix(site).ok().and_then(|p| p.to_str()).map(source) else { continue };
        let first = path.split('/').next().unwrap_or_default();
        let (stem, whole) = (first.split('.').next().unwrap_or_default(), !path.contains('/'));
        let foreign = matches!(stem, "site-packages" | "dist-packages" | "");
        let record = [".dist-info", ".egg-info", ".pth", ".egg-link"].iter().any(|end| first.ends_with(end));
        if !foreign && !record {
            let top = if whole { stem } else { first.strip_suffix(".libs").unwrap_or(first) };
            tops.entry(top.to_owned()).or_default().insert(path);
        }
    }
    let mut used = BTreeSet::new();
    let known: HashSet<&str> = distributions.iter().map(|d| d.name.as_str()).collect();
    tops.retain(|top, _| {
        let name = normalised(top);
        let own = known.contains(name.as_str()) && !shared(site, top);
        if own {
            used.insert(name);
        }
        !own
    });
    for distribution in distributions {
        if tops.is_empty() {
            break;
        }
        if owns(distribution, &tops) {
            used.insert(distribution.name.clone());
        }
    }
    used
}

/// The source of a compiled module: `a/__pycache__/b.cpython-311.pyc` is `a/b.py`.
fn source(path: &str) -> String {
    let compiled =
        path.rsplit_once("__pycache__/").and_then(|(folder, name)| Some((folder, name.strip_suffix(".pyc")?.split('.').next()?)));
    match compiled {
        Some((folder, stem)) => format!("{folder}{stem}.py"),
        None => path.to_owned(),
    }
}

/// A folder without an `__init__`: several distributions may have parts in it.
fn shared(site: &Path, top: &str) -> bool {
    let folder = site.join(top);
    folder.is_dir() && !folder.join("__init__.py").is_file()
}

fn owns(distribution: &Distribution, tops: &BTreeMap<String, HashSet<String>>) -> bool {
    let lists = ["RECORD", "installed-files.txt"];
    if let Some(file) = lists.iter().find_map(|list| File::open(distribution.info.join(list)).ok()) {
        return BufReader::new(file).split(b'\n').map_while(Result::ok).any(|line| {
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end().strip_prefix("../").unwrap_or(line.trim_end());
            let path = line.strip_prefix('"').map_or_else(|| line.split(',').next(), |quoted| quoted.split('"').next()).unwrap_or_default();
            let first = path.split('/').next().unwrap_or_default();
            let top =
                if path.contains('/') { first.strip_suffix(".libs").unwrap_or(first) } else { first.split('.').next().unwrap_or_default() };
            tops.get(top).is_some_and(|files| files.contains(path))
        });
    }
    let names = fs::read_to_string(distribution.info.join("top_level.txt")).unwrap_or_default();
    names.lines().any(|name| tops.contains_key(name.trim()))
}

/// What conda installed beside Python packages: libraries such as BLAS and CUDA, as `conda:NAME`.
fn conda(prefix: &Path, packages: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(prefix.join("conda-meta")) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".json")) else { continue };
        let mut parts = stem.rsplitn(3, '-');
        if let (Some(build), Some(version), Some(name)) = (parts.next(), parts.next(), parts.next())
            && !packages.contains_key(&normalised(name))
        {
            packages.insert(format!("conda:{name}"), format!("{version} ({build})"));
        }
    }
}
