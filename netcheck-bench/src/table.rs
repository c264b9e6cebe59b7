//! The table of what was measured: printed line by line, written as Markdown.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;

/// What a ratio has to be.
#[derive(Clone, Copy)]
pub(crate) enum Wanted {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing is asked of it; it is shown beside the others.
    Nothing,
}

/// One line of the table.
struct Row {
    what: String,
    ours: String,
    peer: String,
    ratio: String,
    wanted: String,
    held: bool,
}

/// Everything measured.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// A figure of ours beside a peer's, in the same unit.
    pub(crate) fn ratio(&mut self, what: &str, ours: f64, peer: (&str, f64), unit: &str, wanted: Wanted) {
        let ratio = ours / peer.1;
        self.add(Row {
            what: what.to_owned(),
            ours: figure(ours, unit),
            peer: format!("{}: {}", peer.0, figure(peer.1, unit)),
            ratio: format!("{ratio:.2}"),
            wanted: wanted.shown(""),
            held: wanted.held(ratio),
        });
    }

    /// A figure that stands for itself.
    pub(crate) fn figure(&mut self, what: &str, ours: f64, unit: &str, wanted: Wanted) {
        self.add(Row {
            what: what.to_owned(),
            ours: figure(ours, unit),
            peer: String::new(),
            ratio: String::new(),
            wanted: wanted.shown(unit),
            held: wanted.held(ours),
        });
    }

    /// What could not be measured, and why.
    pub(crate) fn missing(&mut self, what: &str, why: &str) {
        self.add(Row {
            what: what.to_owned(),
            ours: String::new(),
            peer: format!("not measured: {why}"),
            ratio: String::new(),
            wanted: String::new(),
            held: true,
        });
    }

    /// Whether everything is as it should be.
    pub(crate) fn held(&self) -> bool {
        self.rows.iter().all(|row| row.held)
    }

    fn add(&mut self, row: Row) {
        say(&row.line().replace(" | ", "  ").replace("| ", "").replace(" |", ""));
        self.rows.push(row);
    }

    /// Writes the table between the two marks of a Markdown page.
    ///
    /// # Errors
    /// The page cannot be read or written, or has no marks.
    pub(crate) fn write(&self, file: &Path) -> Result<(), String> {
        const MARKS: [&str; 2] = ["<!-- measured -->\n", "<!-- /measured -->"];
        let name = file.display();
        let page = std::fs::read_to_string(file).map_err(|why| format!("{name}: {why}"))?;
        let (before, rest) = page.split_once(MARKS[0]).ok_or(format!("{name}: no mark"))?;
        let (_, after) = rest.split_once(MARKS[1]).ok_or(format!("{name}: no end mark"))?;
        let mut table = "| what | netcheck | peer | ratio | wanted |\n|---|---|---|---|---|\n".to_owned();
        self.rows.iter().for_each(|row| {
            let _ = writeln!(table, "{}", row.line());
        });
        std::fs::write(file, format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1]))
            .map_err(|why| format!("{name}: {why}"))
    }
}

impl Row {
    fn line(&self) -> String {
        let wanted = if self.held { self.wanted.clone() } else { format!("**{}**, missed", self.wanted) };
        format!("| {} | {} | {} | {} | {wanted} |", self.what, self.ours, self.peer, self.ratio)
    }
}

impl Wanted {
    fn held(self, value: f64) -> bool {
        match self {
            Wanted::AtLeast(least) => value >= least,
            Wanted::AtMost(most) => value <= most,
            Wanted::Nothing => true,
        }
    }

    fn shown(self, unit: &str) -> String {
        match self {
            Wanted::AtLeast(least) => format!("≥ {least} {unit}").trim_end().to_owned(),
            Wanted::AtMost(most) => format!("≤ {most} {unit}").trim_end().to_owned(),
            Wanted::Nothing => String::new(),
        }
    }
}

fn figure(value: f64, unit: &str) -> String {
    if value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.2} {unit}") }
}

/// One line of progress.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// One line of figures, for the program that asked.
pub(crate) fn print(figures: &serde_json::Value) {
    let _ = writeln!(io::stdout(), "{figures}");
}
