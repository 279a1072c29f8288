//! `keizu show run:…`.

use keizu_ledger::answer::{FileRow, ProcessRow, RunDetail};

use super::environment;
use super::look::{Look, count, many};
use super::names::{self, Unique};
use super::path::{command, fit, short_command};
use super::table::{Cell, Column, STAYS, Table};
use super::text::{Ink, Page, Text, width};
use super::words;

/// Which parts are opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parts {
    /// Every row of every list.
    pub all: bool,
    /// Files one by one, listings, what was looked for and not there, processes.
    pub files: bool,
}

/// Rows of a list, unless all are asked for.
const ROWS_MAX: usize = 8;
/// The first column.
const TITLE_COLUMNS: usize = 10;

/// One run on one screen.
pub fn page(run: &RunDetail, parts: Parts, unique: &dyn Unique, look: &Look) -> Page {
    let mut page = Page::default();
    let id = names::run(&run.id, unique);
    page.append(head(run, &id, look));
    page.append(words::judged(&run.judged, look));
    page.gap();
    let rows_max = if parts.all || parts.files || look.exact { usize::MAX } else { ROWS_MAX };
    let (made, intermediate): (Vec<&FileRow>, Vec<&FileRow>) =
        run.outputs.iter().partition(|row| parts.all || parts.files || !(row.removed || row.role == "intermediate"));
    let inputs: Vec<&FileRow> = run.inputs.iter().collect();
    let mut lists = Lists::new(unique, look, rows_max);
    lists.add("made", &made);
    if !intermediate.is_empty() {
        lists.note(&format!("and {} of its own", many(intermediate.len() as u64, "passing file")));
    }
    lists.add("from", &inputs);
    if parts.files {
        lists.add("code", &run.code.iter().collect::<Vec<_>>());
        lists.add("listed", &run.listings.iter().collect::<Vec<_>>());
    }
    let hidden = lists.hidden || !intermediate.is_empty();
    page.append(lists.draw());
    facts(&mut page, run, parts, unique, look);
    if parts.files {
        page.append(opened(run, look));
    }
    if !look.exact && !parts.files {
        page.gap();
        let mut more = if hidden && !parts.all { vec!["--all every line"] } else { Vec::new() };
        more.push("--files every file, folder and program");
        if !run.blind_spots.is_empty() {
            more.push("--blind what was not seen");
        }
        for (at, line) in words::wrapped(&more, " · ", look.width.saturating_sub(6), usize::MAX).iter().enumerate() {
            page.line(Text::new(Ink::Faint, format!("{}{line}", if at == 0 { "more: " } else { "      " })));
        }
    }
    page
}

/// What was not seen, in full.
pub fn blind(run: &RunDetail, unique: &dyn Unique, look: &Look) -> Page {
    let mut page = Page::default();
    let id = names::run(&run.id, unique);
    let seen = run
        .coverage
        .map_or_else(|| "how much was seen is not known yet".to_owned(), |coverage| format!("{:.1} % was seen", coverage * 100.0));
    if run.blind_spots.is_empty() {
        page.line(Text::new(Ink::Thing, id).and(format!("  no blind spots; {seen}")));
        return page;
    }
    page.line(Text::new(Ink::Thing, id).and(format!("  {}; {seen}", many(run.blind_spots.len() as u64, "blind spot"))));
    let mut table = Table::new([STAYS, STAYS]);
    for row in &run.blind_spots {
        let detail = if look.exact { Text::from(row.detail.as_str()).into() } else { Cell::Words(Ink::Plain, row.detail.clone()) };
        table.row([Text::new(Ink::Warn, &row.kind).into(), detail]);
    }
    // a reason that does not fit is worth more lines, not an ellipsis
    page.append(if look.exact { table.draw(look.width, "") } else { wrapped_rows(run, look) });
    page
}

fn wrapped_rows(run: &RunDetail, look: &Look) -> Page {
    let kinds = run.blind_spots.iter().map(|row| width(&row.kind)).max().unwrap_or(0);
    let mut page = Page::default();
    for row in &run.blind_spots {
        let words: Vec<&str> = row.detail.split_whitespace().collect();
        let room = look.width.saturating_sub(kinds + 2);
        for (at, line) in words::wrapped(&words, " ", room, usize::MAX).iter().enumerate() {
            let mut text = Text::new(Ink::Warn, if at == 0 { row.kind.as_str() } else { "" });
            text.pad_to(kinds + 2);
            page.line(text.and(line));
        }
    }
    page
}

fn head(run: &RunDetail, id: &str, look: &Look) -> Page {
    let mut page = Page::default();
    let mut line = Text::new(Ink::Strong, id);
    if let Some(name) = &run.name {
        line.push(Ink::Strong, format!("  {name}"));
    }
    let mut facts = vec![words::status(&run.status, run.exit_code, run.signal)];
    facts.extend(run.ended_at.as_ref().and_then(|ended| look.between(&run.started_at, ended)));
    facts.push(look.age(&run.started_at));
    facts.push(format!("by {} on {}", run.user, run.host));
    let facts = facts.join(" · ");
    let ink = match run.status.as_str() {
        "finished" => Ink::Plain,
        "running" => Ink::Warn,
        _ => Ink::Bad,
    };
    line.push(Ink::Plain, "  ");
    page.line(line.with(ink, facts));
    let place = if run.cwd == "." { String::new() } else { format!("  in {}", run.cwd) };
    let typed =
        if look.exact { command(&run.command) } else { fit(&command(&run.command), (look.width * 3).saturating_sub(width(&place))) };
    page.line(Text::from(typed).with(Ink::Faint, place));
    page
}

fn title(text: &str) -> Text {
    let mut title = Text::new(Ink::Faint, text);
    title.pad_to(TITLE_COLUMNS);
    title
}

/// Lists of files under their titles, in columns that all of them share.
struct Lists<'a> {
    table: Table,
    hidden: bool,
    unique: &'a dyn Unique,
    look: &'a Look,
    rows_max: usize,
}

impl<'a> Lists<'a> {
    fn new(unique: &'a dyn Unique, look: &'a Look, rows_max: usize) -> Self {
        let right = Column { right: true, dispensable: 0 };
        let columns = [STAYS, STAYS, Column { right: false, dispensable: 1 }, STAYS, Column { right: false, dispensable: 2 }, right];
        Self { table: Table::new(columns), hidden: false, unique, look, rows_max }
    }

    fn add(&mut self, name: &str, rows: &[&FileRow]) {
        for (at, row) in rows.iter().take(self.rows_max).enumerate() {
            let [path, kind, notes, digest, size] = file(row, self.unique, self.look);
            let title = Text::new(Ink::Faint, format!("{:width$}", if at == 0 { name } else { "" }, width = TITLE_COLUMNS - 2));
            self.table.row([title.into(), path, kind, notes, digest, size]);
        }
        let left = rows.len().saturating_sub(self.rows_max);
        if left > 0 {
            self.hidden = true;
            self.note(&format!("… {} more", count(left as u64)));
        }
    }

    fn note(&mut self, text: &str) {
        let empty = || Cell::from(Text::default());
        self.table.row([empty(), Cell::Words(Ink::Faint, text.to_owned()), empty(), empty(), empty(), empty()]);
    }

    fn draw(&self) -> Page {
        self.table.draw(self.look.width, "")
    }
}

/// A line of a table with its title in the indent.
fn retitled(line: &Text, name: &str) -> Text {
    let mut out = title(name);
    out.append(line.clone().skip(TITLE_COLUMNS));
    out
}

fn file(row: &FileRow, unique: &dyn Unique, look: &Look) -> [Cell; 5] {
    let kind = match row.role.as_str() {
        "input" | "output" | "code" | "config" | "listing" | "absent" | "" => row.kind.clone(),
        role => role.to_owned(),
    };
    let kind = match &row.format {
        Some(format) => format!("{kind}, {format}"),
        None => kind,
    };
    [
        path_cell(row),
        Text::new(Ink::Faint, kind).into(),
        notes(row).into(),
        Text::new(Ink::Faint, row.digest.as_deref().map(|digest| names::digest(digest, unique)).unwrap_or_default()).into(),
        Text::from(row.size.map(|size| look.size(size)).unwrap_or_default()).into(),
    ]
}

fn path_cell(row: &FileRow) -> Cell {
    match row.members {
        // the number of files is part of what it is, and never shortened away
        Some(members) => Text::from(format!("{}  {}", row.path, many(members, "file"))).into(),
        None => Cell::Path(Ink::Plain, row.path.clone()),
    }
}

/// What is not plain about a file.
fn notes(row: &FileRow) -> Text {
    let mut notes = Text::default();
    let mut note = |ink, text: String| {
        if !notes.is_empty() {
            notes.push(Ink::Plain, " ");
        }
        notes.push(ink, text);
    };
    if let Some(by) = words::authority(&row.authority, row.rule.as_deref()) {
        note(Ink::Plain, by);
    }
    if let Some(package) = &row.package {
        note(Ink::Plain, format!("(in package {package})"));
    }
    if let Some(changed) = &row.changed {
        note(Ink::Warn, changed.clone());
    }
    match (&row.unseen, &row.digest) {
        (Some(why), _) => note(Ink::Warn, format!("content not seen: {why}")),
        (None, None) if row.role != "absent" => note(Ink::Warn, "content not seen".to_owned()),
        _ => {}
    }
    if row.unchanged {
        note(Ink::Plain, "unchanged".to_owned());
    }
    if row.removed {
        note(Ink::Plain, "gone".to_owned());
    }
    notes
}

/// The rest, one line each.
fn facts(page: &mut Page, run: &RunDetail, parts: Parts, unique: &dyn Unique, look: &Look) {
    let room = if look.exact || parts.all { usize::MAX } else { look.width.saturating_sub(TITLE_COLUMNS) };
    let mut fact = |name: &str, text: Text| {
        if !text.is_empty() {
            let mut line = title(name);
            line.append(text);
            page.line(line);
        }
    };
    fact("named", Text::new(Ink::Thing, words::list(&run.names, ", ", room)));
    fact("code", Text::from(code(run, parts, room)));
    fact("params", Text::from(words::pairs(&run.params, look, room)));
    fact("metrics", Text::from(words::pairs(&run.metrics, look, room)));
    fact("tags", Text::from(words::pairs(&run.tags, look, room)));
    if let Some(environment) = &run.environment {
        let wordings = environment::wordings(environment.python.as_deref(), &environment.packages, environment.document.as_ref());
        fact("env", Text::from(environment::fitting(&wordings, room)));
    }
    let run_name = |id: &String| names::run(id, unique);
    fact("started by", Text::new(Ink::Thing, run.parent.as_ref().map(run_name).unwrap_or_default()));
    fact("started", Text::new(Ink::Thing, words::list(&run.children.iter().map(run_name).collect::<Vec<_>>(), ", ", room)));
    if !run.blind_spots.is_empty() {
        fact("not seen", Text::new(Ink::Warn, words::blind(&run.blind_spots, room)));
    }
}

/// `train.py, common.py  @4c1f2e7 main +3 −1 uncommitted`.
fn code(run: &RunDetail, parts: Parts, room: usize) -> String {
    let git = run.git.as_ref().map(|git| {
        let commit = if git.commit.is_empty() {
            "before the first commit".to_owned()
        } else {
            format!("@{}", git.commit.get(..7).unwrap_or(&git.commit))
        };
        let (added, removed) = git.changed.values().fold((0, 0), |(added, removed), (a, r)| (added + a, removed + r));
        let branch = if git.branch.is_empty() { String::new() } else { format!(" {}", git.branch) };
        let dirty = match (git.dirty, added + removed) {
            (false, _) => String::new(),
            (true, 0) => " uncommitted changes".to_owned(),
            (true, _) => format!(" +{added} −{removed} uncommitted"),
        };
        format!("{commit}{branch}{dirty}")
    });
    let files: Vec<&str> = if parts.files { Vec::new() } else { run.code.iter().map(|row| row.path.as_str()).collect() };
    match (git, files.is_empty()) {
        (Some(git), true) => git,
        (Some(git), false) => format!("{}  {git}", words::list(&files, ", ", room.saturating_sub(width(&git) + 2))),
        (None, _) => words::list(&files, ", ", room),
    }
}

/// What `--files` adds.
fn opened(run: &RunDetail, look: &Look) -> Page {
    let mut page = Page::default();
    if !run.absent.is_empty() {
        page.gap();
        for (at, path) in run.absent.iter().enumerate() {
            page.line(title(if at == 0 { "not there" } else { "" }).and(path));
        }
    }
    if !run.processes.is_empty() {
        page.gap();
        for (at, line) in processes(&run.processes, look).lines().iter().enumerate() {
            page.line(if at == 0 { retitled(line, "programs") } else { line.clone() });
        }
    }
    page
}

fn processes(processes: &[ProcessRow], look: &Look) -> Page {
    let right = Column { right: true, dispensable: 0 };
    let mut table = Table::new([right, Column { right: true, dispensable: 1 }, STAYS, STAYS]);
    for process in processes {
        let typed = if process.argv.is_empty() {
            process.exe.clone()
        } else if look.exact {
            command(&process.argv)
        } else {
            short_command(&process.argv, usize::MAX)
        };
        let took = process.ended_at.as_ref().and_then(|ended| look.between(&process.started_at, ended)).unwrap_or_default();
        let ended = match process.exit_code {
            Some(0) => Text::default(),
            Some(code) => Text::new(Ink::Warn, format!("exit {code}")),
            None => Text::default(),
        };
        let ended = if process.watched { ended } else { Text::new(Ink::Warn, "not watched") };
        table.row([
            Text::new(Ink::Faint, process.pid.to_string()).into(),
            Text::from(took).into(),
            ended.into(),
            Cell::Words(Ink::Plain, typed),
        ]);
    }
    table.draw(look.width, &" ".repeat(TITLE_COLUMNS))
}

#[cfg(test)]
mod tests;
