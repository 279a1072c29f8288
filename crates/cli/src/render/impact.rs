//! `keizu impact`: what a thing touches, on one screen.

use keizu_ledger::impact::{Bucket, Hit, Impact};

use super::look::{Look, count, many};
use super::names::{self, Unique};
use super::path;
use super::table::{Cell, Column, STAYS, Table};
use super::text::{Ink, Page, Text, width};
use super::words;

/// Rows of each part of the page.
const ROWS_MAX: usize = 8;
/// Rows of what is live, and of models: they are what people look for.
const MODELS_MAX: usize = 12;

/// What is shown of what was found: the best of each kind, so that no more is held than is shown.
#[derive(Debug, Default)]
pub struct Gathered {
    /// How many occurrences were asked about.
    pub roots: usize,
    models: Best,
    evaluations: Best,
    data: Best,
    others: u64,
    live: u64,
}

/// The first of many, by rank.
#[derive(Debug, Default)]
struct Best {
    rows: Vec<(Rank, Hit)>,
    count: u64,
}

/// Live ones first, then those with an alias, an owner, a version; then the order in which they were found.
type Rank = (bool, bool, bool, bool, u64);

impl Best {
    fn add(&mut self, hit: Hit) {
        self.count += 1;
        let live = hit.deployments.iter().any(|deployment| deployment.live);
        let rank = (!live, hit.aliases.is_empty(), hit.owners.is_empty(), hit.versions.is_empty(), self.count);
        let at = self.rows.partition_point(|(other, _)| *other < rank);
        if at < MODELS_MAX {
            self.rows.insert(at, (rank, hit));
            self.rows.truncate(MODELS_MAX);
        }
    }
}

impl Gathered {
    /// One more hit.
    pub fn add(&mut self, hit: Hit) {
        if hit.root {
            self.roots += 1;
            return;
        }
        self.live += u64::from(hit.deployments.iter().any(|deployment| deployment.live));
        match hit.kind {
            "model" => self.models.add(hit),
            "evaluation" => self.evaluations.add(hit),
            "data" => self.data.add(hit),
            _ => self.others += 1,
        }
    }
}

/// The page. `called` is how the thing was asked for.
pub fn page(gathered: &Gathered, told: &Impact, called: &str, unique: &dyn Unique, look: &Look) -> Page {
    let mut page = Page::default();
    page.line(Text::new(Ink::Strong, called).and("  ").and(headline(gathered, told)));
    page.gap();
    let can_go = |dispensable| Column { right: false, dispensable };
    let mut table = Table::new([STAYS, STAYS, can_go(2), STAYS, Column { right: true, dispensable: 1 }]);
    let most = |rows_max| if look.exact { usize::MAX } else { rows_max };
    let live = gathered.models.rows.iter().chain(&gathered.evaluations.rows).chain(&gathered.data.rows).map(|(_, hit)| hit);
    deployments(&mut table, live, look);
    let mut ways = Vec::new();
    for (title, best, rows_max) in
        [("models", &gathered.models, MODELS_MAX), ("evaluations", &gathered.evaluations, ROWS_MAX / 2), ("data", &gathered.data, ROWS_MAX)]
    {
        let rows = best.rows.iter().take(most(rows_max));
        for (at, (_, hit)) in rows.clone().enumerate() {
            table.row(row(hit, if at == 0 { title } else { "" }, look));
            ways.extend(hit.way.as_deref());
        }
        let left = best.count - rows.len() as u64;
        if left > 0 {
            let empty = || Cell::from(Text::default());
            let more = format!("… {} more (--all)", count(left));
            table.row([empty(), Cell::Words(Ink::Faint, more), empty(), empty(), empty()]);
        }
    }
    page.append(table.draw(look.width, ""));
    if !ways.is_empty() {
        page.gap();
        page.line(Text::new(Ink::Faint, "reached over"));
        for way in ways {
            page.append(way_lines(way, unique, look, "  "));
        }
    }
    page.append(foot(told, look));
    page
}

fn headline(gathered: &Gathered, told: &Impact) -> String {
    if told.count == 0 {
        return "touches nothing that was recorded".to_owned();
    }
    let of = |kind: &str| told.kinds.get(kind).copied().unwrap_or(0);
    let models = match (of("model"), gathered.live) {
        (0, _) => "no model".to_owned(),
        (models, 0) => many(models, "model"),
        (models, live) => format!("{}, {} of them live", many(models, "model"), count(live)),
    };
    let rest = told.count - of("model") - of("run");
    let mut text = format!("touches {models}");
    if rest > 0 {
        text.push_str(&format!(", and {}", many(rest, if of("model") > 0 { "other thing" } else { "thing" })));
    }
    if of("run") > 0 {
        text.push_str(&format!(", through {}", many(of("run"), "run")));
    }
    text
}

fn deployments<'h>(table: &mut Table, hits: impl Iterator<Item = &'h Hit>, look: &Look) {
    let mut title = "live";
    for hit in hits {
        for deployment in hit.deployments.iter().filter(|deployment| deployment.live) {
            let place = deployment.name.as_ref().unwrap_or(&deployment.id);
            let age = look.age(&deployment.since);
            let since = age.strip_suffix(" ago").map_or_else(|| format!("since {age}"), |age| format!("for {age}"));
            table.row([
                Text::new(Ink::Warn, title).into(),
                Text::new(Ink::Thing, &hit.name).and(format!(" at {place}")).into(),
                Text::default().into(),
                Text::from(deployment.owners.join(", ")).into(),
                Text::new(Ink::Faint, since).into(),
            ]);
            title = "";
        }
    }
}

fn row(hit: &Hit, title: &str, look: &Look) -> [Cell; 5] {
    [
        Text::new(Ink::Faint, title).into(),
        name(hit),
        Cell::Path(Ink::Plain, hit.path.clone().filter(|path| *path != hit.name).unwrap_or_default()),
        remarks(hit).into(),
        Text::new(Ink::Faint, hit.at.as_ref().map(|at| look.age(at)).unwrap_or_default()).into(),
    ]
}

fn name(hit: &Hit) -> Cell {
    if hit.versions.is_empty() {
        return Cell::Path(Ink::Plain, path::spoken(&hit.name));
    }
    let mut text = Text::new(Ink::Thing, &hit.name);
    if !hit.aliases.is_empty() {
        text.push(Ink::Strong, format!(" ({})", hit.aliases.join(", ")));
    }
    text.into()
}

/// Who answers for it, and what is not as usual: what can't be had, and who says that it is touched.
fn remarks(hit: &Hit) -> Text {
    let mut text = Text::from(hit.owners.join(", "));
    let mut remark = |ink, word: &str| {
        text.push(Ink::Plain, if text.is_empty() { "" } else { "  " });
        text.push(ink, word);
    };
    match hit.bucket {
        Bucket::Accessible => {}
        Bucket::Faulty if hit.digest.is_none() => remark(Ink::Warn, "not seen"),
        other => remark(Ink::Warn, other.word()),
    }
    if let Some(said) = hit.authority.and_then(|authority| words::authority(authority, hit.rule.as_deref())) {
        remark(Ink::Plain, &said);
    }
    text
}

/// Everything else in numbers, and what to ask next.
fn foot(told: &Impact, look: &Look) -> Page {
    let mut page = Page::default();
    let shown = ["model", "evaluation", "data", "run"];
    let others: Vec<String> =
        told.kinds.iter().filter(|(kind, _)| !shown.contains(kind)).map(|(kind, number)| kinds(kind, *number)).collect();
    page.gap();
    if !others.is_empty() {
        page.line(Text::new(Ink::Faint, "also  ").and(others.join(" · ")));
    }
    page.append(out_of_reach(told));
    if told.count > 0 && !look.exact {
        page.line(Text::new(Ink::Faint, "how each is reached: --paths   every one: --all"));
    }
    if page.lines().is_empty() {
        return page;
    }
    let mut spaced = Page::default();
    spaced.line(Text::default());
    spaced.append(page);
    spaced
}

/// What was found and can't be had, and what could not be read.
fn out_of_reach(told: &Impact) -> Page {
    let mut page = Page::default();
    let meaning = [
        (Bucket::Hidden, "you may not see them"),
        (Bucket::Deleted, "no longer there, and not kept"),
        (Bucket::Faulty, "content not seen, or not readable"),
    ];
    for (bucket, meaning) in meaning {
        let number = told.buckets.get(bucket.word()).copied().unwrap_or(0);
        if number > 0 {
            page.line(Text::new(Ink::Warn, format!("{} {}", count(number), bucket.word())).with(Ink::Faint, format!("  {meaning}")));
        }
    }
    for what in &told.unreadable {
        page.line(Text::new(Ink::Bad, "can't be read  ").and(what));
    }
    if !told.unreadable.is_empty() {
        page.line(Text::new(Ink::Faint, "what is touched through these records is not known: keizu verify"));
    }
    page
}

/// The numbers below a list of everything.
pub fn sum(told: &Impact, look: &Look) -> Page {
    let mut page = Page::default();
    if !look.exact && told.count > 0 {
        page.line(Text::default());
        let all: Vec<String> = told.kinds.iter().map(|(kind, number)| kinds(kind, *number)).collect();
        page.line(Text::new(Ink::Faint, format!("{} in all  ", count(told.count))).and(all.join(" · ")));
    }
    page.append(out_of_reach(told));
    page
}

fn kinds(kind: &str, number: u64) -> String {
    match kind {
        "data" | "code" | "config" | "other" => format!("{} {kind}", count(number)),
        kind => many(number, kind),
    }
}

/// One hit on a line; its way below it.
pub fn line(hit: &Hit, unique: &dyn Unique, look: &Look) -> Page {
    let mut text = Text::new(Ink::Faint, hit.kind);
    text.pad_to(12);
    if hit.kind == "run" {
        text.push(Ink::Thing, names::run(&hit.name, unique));
        let room = if look.exact { usize::MAX } else { look.width.saturating_sub(text.width() + 2) };
        text.push(Ink::Plain, format!("  {}", path::short_command(&hit.command, room)));
    } else {
        let mut cell = Text::new(if hit.versions.is_empty() { Ink::Plain } else { Ink::Thing }, path::spoken(&hit.name));
        if !hit.aliases.is_empty() {
            cell.push(Ink::Strong, format!(" ({})", hit.aliases.join(", ")));
        }
        text.append(cell);
        let live = hit.deployments.iter().filter(|deployment| deployment.live);
        for deployment in live {
            text.push(Ink::Warn, format!("  live at {}", deployment.name.as_ref().unwrap_or(&deployment.id)));
        }
    }
    let remarks = remarks(hit);
    if !remarks.is_empty() {
        text.push(Ink::Plain, "  ");
        text.append(remarks);
    }
    let mut page = Page::default();
    page.line(text);
    if let Some(way) = &hit.way {
        page.append(way_lines(way, unique, look, &" ".repeat(14)));
    }
    page
}

/// `daily/ → run:9f9643 → features/train.parquet → run:a458cf → model:delay@v3`, on as many lines as it takes.
fn way_lines(way: &[String], unique: &dyn Unique, look: &Look, indent: &str) -> Page {
    let mut page = Page::default();
    let mut line = Text::from(indent);
    for (at, step) in way.iter().enumerate() {
        let name = if step.starts_with("run:") { names::run(step, unique) } else { path::spoken(step) };
        let mark = if at == 0 { "" } else { " → " };
        if line.width() > width(indent) && line.width() + width(mark) + width(&name) > look.width {
            page.line(std::mem::replace(&mut line, Text::from(format!("{indent}  ").as_str())));
        }
        line.push(Ink::Faint, mark.trim_start_matches(if line.width() <= width(indent) + 2 { ' ' } else { '\0' }));
        line.push(if at + 1 == way.len() { Ink::Thing } else { Ink::Plain }, name);
    }
    page.line(line);
    page
}

#[cfg(test)]
mod tests;
