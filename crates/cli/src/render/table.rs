//! Columns that align, and give way when the page is narrow.

use super::path;
use super::text::{Ink, Page, Text};

/// What stands in a cell.
#[derive(Debug, Clone)]
pub enum Cell {
    /// As it is.
    Fixed(Text),
    /// A path: shortened in the middle where room is missing.
    Path(Ink, String),
    /// Words: cut at the end where room is missing.
    Words(Ink, String),
}

impl Cell {
    fn width(&self) -> usize {
        match self {
            Self::Fixed(text) => text.width(),
            Self::Path(_, text) | Self::Words(_, text) => super::text::width(text),
        }
    }

    /// As it is written in so many columns.
    fn draw(&self, columns: usize) -> Text {
        match self {
            Self::Fixed(text) => text.clone(),
            Self::Path(ink, text) => Text::new(*ink, path::shorten(text, columns)),
            Self::Words(ink, text) => Text::new(*ink, path::fit(text, columns)),
        }
    }
}

impl From<Text> for Cell {
    fn from(text: Text) -> Self {
        Self::Fixed(text)
    }
}

/// How a column behaves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Column {
    /// Aligned at its right edge.
    pub right: bool,
    /// Left out first where room is missing: the higher, the earlier; 0 stays.
    pub dispensable: u8,
}

/// Left-aligned, and always there.
pub const STAYS: Column = Column { right: false, dispensable: 0 };

/// Rows of cells.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// Between two columns.
const GAP: usize = 2;
/// What a flexible column keeps, as long as other columns can be left out instead.
const FLEXIBLE_MIN: usize = 24;
/// What it keeps in the end.
const FLEXIBLE_LAST: usize = 10;

impl Table {
    /// An empty one.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new() }
    }

    /// One more row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let row: Vec<Cell> = cells.into_iter().collect();
        debug_assert_eq!(row.len(), self.columns.len(), "a row has a cell for each column");
        self.rows.push(row);
    }

    /// The rows, laid out in so many columns, behind an indent. Columns without any text are left out.
    pub fn draw(&self, width: usize, indent: &str) -> Page {
        let room = width.saturating_sub(super::text::width(indent));
        let natural: Vec<usize> =
            (0..self.columns.len()).map(|at| self.rows.iter().map(|row| row[at].width()).max().unwrap_or(0)).collect();
        let mut shown: Vec<usize> = (0..self.columns.len()).filter(|at| natural[*at] > 0).collect();
        let mut widths = self.fit(&shown, &natural, room, FLEXIBLE_MIN);
        while self.total(&shown, &widths) > room {
            let Some(first) =
                shown.iter().copied().filter(|at| self.columns[*at].dispensable > 0).max_by_key(|at| self.columns[*at].dispensable)
            else {
                widths = self.fit(&shown, &natural, room, FLEXIBLE_LAST);
                break;
            };
            shown.retain(|at| *at != first);
            widths = self.fit(&shown, &natural, room, FLEXIBLE_MIN);
        }
        let mut page = Page::default();
        for row in &self.rows {
            let mut line = Text::from(indent);
            for (place, &at) in shown.iter().enumerate() {
                if place > 0 {
                    line.push(Ink::Plain, " ".repeat(GAP));
                }
                let cell = row[at].draw(widths[at]);
                let missing = widths[at].saturating_sub(cell.width());
                if self.columns[at].right {
                    line.push(Ink::Plain, " ".repeat(missing));
                    line.append(cell);
                } else {
                    line.append(cell);
                    line.push(Ink::Plain, " ".repeat(missing));
                }
            }
            page.line(line);
        }
        page
    }

    fn total(&self, shown: &[usize], widths: &[usize]) -> usize {
        shown.iter().map(|at| widths[*at]).sum::<usize>() + GAP * shown.len().saturating_sub(1)
    }

    /// Widths of the columns: flexible ones give what is missing, the widest first.
    fn fit(&self, shown: &[usize], natural: &[usize], room: usize, least: usize) -> Vec<usize> {
        let mut widths = natural.to_vec();
        let flexible: Vec<usize> =
            shown.iter().copied().filter(|at| self.rows.iter().any(|row| !matches!(row[*at], Cell::Fixed(_)))).collect();
        while self.total(shown, &widths) > room {
            let Some(&widest) = flexible.iter().filter(|at| widths[**at] > least).max_by_key(|at| widths[**at]) else { break };
            widths[widest] -= 1;
        }
        // a file name is never cut: what is drawn may be wider than what was asked for
        for &at in &flexible {
            let drawn = self.rows.iter().map(|row| row[at].draw(widths[at]).width()).max().unwrap_or(0);
            widths[at] = drawn;
        }
        widths
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn table() -> Table {
        let mut table = Table::new([STAYS, STAYS, Column { right: true, dispensable: 1 }, Column { right: false, dispensable: 2 }]);
        for (kind, path, size, digest) in [
            ("data", "features/daily/2013/january/train.parquet", "31 MB", "77ab1290"),
            ("config", "config.yaml", "120 B", "e1190c72"),
            ("", "学習/特徴量.csv", "", ""),
        ] {
            table.row([
                Text::new(Ink::Faint, kind).into(),
                Cell::Path(Ink::Plain, path.into()),
                Text::from(size).into(),
                Text::new(Ink::Faint, digest).into(),
            ]);
        }
        table
    }

    #[test]
    fn columns_align() {
        assert_snapshot!(table().draw(80, "  ").paint(false), @r"
        data    features/daily/2013/january/train.parquet  31 MB  77ab1290
        config  config.yaml                                120 B  e1190c72
                学習/特徴量.csv
        ");
    }

    #[test]
    fn a_narrow_page_shortens_paths_then_leaves_columns_out() {
        assert_snapshot!(table().draw(56, "").paint(false), @r"
        data    features/…/train.parquet  31 MB  77ab1290
        config  config.yaml               120 B  e1190c72
                学習/特徴量.csv
        ");
        assert_snapshot!(table().draw(40, "").paint(false), @r"
        data    features/…/train.parquet  31 MB
        config  config.yaml               120 B
                学習/特徴量.csv
        ");
        assert_snapshot!(table().draw(10, "").paint(false), @r"
        data    …/train.parquet
        config  config.yaml
                学習/特徴量.csv
        ");
    }

    #[test]
    fn an_empty_column_is_left_out() {
        let mut table = Table::new([STAYS; 3]);
        table.row([Text::from("a").into(), Text::default().into(), Text::from("b").into()]);
        assert_eq!(table.draw(80, "").paint(false), "a  b\n");
    }
}
