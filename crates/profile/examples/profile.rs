//! `profile FILE`: what a table looks like. `profile BEFORE AFTER`: what changed; each may be a folder. As JSON.
//! `profile --drift BEFORE AFTER`: describes both over the bins of the first, and says how far apart each column is: a name, PSI and p a line.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use keizu_profile::drift::counts::{Smoothing, psi};
use keizu_profile::drift::tests::chi2;
use keizu_profile::{Bytes, Format, Limits, Part, compare, profile, profile_over};

fn format(path: &Path) -> Result<Format, Box<dyn Error>> {
    let mut head = Vec::new();
    File::open(path)?.take(keizu_profile::HEAD_BYTES as u64).read_to_end(&mut head)?;
    Format::of(&path.to_string_lossy(), &head).ok_or_else(|| format!("{}: no table", path.display()).into())
}

fn open(path: &Path) -> io::Result<Box<dyn Bytes>> {
    Ok(Box::new(File::open(path)?))
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>, io::Error>>()?;
    files.retain(|path| path.is_file());
    Ok(files)
}

type Opens = Vec<(String, Format, Box<dyn Fn() -> io::Result<Box<dyn Bytes>>>)>;

fn opens(path: &Path) -> Result<Opens, Box<dyn Error>> {
    let part = |path: PathBuf| -> Result<_, Box<dyn Error>> {
        let (name, format) = (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), format(&path)?);
        Ok((name, format, Box::new(move || open(&path)) as Box<dyn Fn() -> io::Result<Box<dyn Bytes>>>))
    };
    files(path)?.into_iter().map(part).collect()
}

fn parts(opens: &Opens) -> Vec<Part<'_>> {
    opens.iter().map(|(name, format, open)| Part { name: name.clone(), format: *format, open: open.as_ref() }).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let limits = Limits::default();
    let mut out = io::stdout().lock();
    match args.as_slice() {
        [only] => writeln!(out, "{}", serde_json::to_string(&profile(open(only)?, format(only)?, &limits)?)?)?,
        [flag, before, after] if flag == Path::new("--drift") => {
            let was = profile(open(before)?, format(before)?, &limits)?;
            let is = profile_over(open(after)?, format(after)?, &was.frame(), &limits)?;
            for (was, is) in was.columns.iter().zip(&is.columns) {
                let of_bins = was.bins.as_ref().zip(is.bins.as_ref()).map(|(was, is)| (was.counts.clone(), is.counts.clone()));
                let of_values = was.categories.as_ref().zip(is.categories.as_ref()).map(|(was, is)| {
                    let counts =
                        was.counts.iter().map(|counted| (counted.count, is.count_of(&counted.value))).chain([(was.other, is.other)]);
                    counts.unzip::<u64, u64, Vec<_>, Vec<_>>()
                });
                let Some((old, new)) = of_bins.or(of_values) else { continue };
                writeln!(out, "{} {:?} {:?}", was.name, psi(&old, &new, Smoothing::Add(0.5)), chi2(&old, &new).map(|test| test.p))?;
            }
        }
        [before, after] => {
            let (before, after) = (opens(before)?, opens(after)?);
            writeln!(out, "{}", serde_json::to_string(&compare(&parts(&before), &parts(&after), &limits)?)?)?;
        }
        _ => return Err("profile FILE, profile BEFORE AFTER, or profile --drift BEFORE AFTER".into()),
    }
    Ok(())
}
