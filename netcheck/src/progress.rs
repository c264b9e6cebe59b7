//! Progress on standard error: a bar a row on a terminal, one line elsewhere.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use netcheck_record::cause::Reason;
use netcheck_record::record::{Record, Verdict};

use crate::plan::{CONTROLS, Line};

/// How many bars a terminal of 24 lines has room for.
const MOST: usize = 20;

/// Progress on standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    all: MultiProgress,
    bars: BTreeMap<String, ProgressBar>,
    rest: Option<ProgressBar>,
}

impl Progress {
    /// Bars for the rows of `lines`, when standard error is a terminal.
    pub(crate) fn of(lines: &[Line]) -> Progress {
        let mut progress = Progress { all: MultiProgress::new(), bars: BTreeMap::new(), rest: None };
        if !io::stderr().is_terminal() {
            progress.all.set_draw_target(ProgressDrawTarget::hidden());
            return progress;
        }
        let style = ProgressStyle::with_template("{prefix:13} {bar:24} {pos:>4}/{len:<4} {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸─");
        let mut rows: Vec<(&str, u64)> = Vec::new();
        for line in lines {
            match rows.iter_mut().find(|(row, _)| *row == line.row) {
                Some((_, count)) => *count += line.count,
                None => rows.push((&line.row, line.count)),
            }
        }
        for (at, (row, count)) in rows.iter().enumerate() {
            if at < MOST && *row != CONTROLS {
                let bar = progress.all.add(ProgressBar::new(*count).with_style(style.clone()));
                bar.set_prefix((*row).to_owned());
                bar.tick();
                progress.bars.insert((*row).to_owned(), bar);
            } else if let Some(bar) = &progress.rest {
                bar.inc_length(*count);
            } else {
                let bar = progress.all.add(ProgressBar::new(*count).with_style(style.clone()));
                bar.set_prefix("others");
                progress.rest = Some(bar);
            }
        }
        progress
    }

    /// One more record.
    pub(crate) fn record(&self, record: &Record) {
        let row = record.labels.as_ref().and_then(|labels| labels.text("row")).unwrap_or_default();
        if let Some(bar) = self.bars.get(&*row).or(self.rest.as_ref()) {
            bar.inc(1);
            if record.verdict == Verdict::Fail {
                bar.set_message(outcome_code(record));
            }
        }
    }

    /// A line above the bars.
    pub(crate) fn say(&self, line: &str) {
        self.all.suspend(|| {
            let _ = writeln!(io::stderr(), "{line}");
        });
    }

    /// Takes the bars away: the table follows.
    pub(crate) fn clear(&self) {
        let _ = self.all.clear();
    }
}

/// The cause of a failure in one word, or what was observed.
fn outcome_code(record: &Record) -> &'static str {
    match (&record.cause, &record.failure) {
        (Some(cause), _) if cause.code != Reason::Unknown => cause.code.as_str(),
        (_, Some(failure)) => failure.code.as_str(),
        _ => record.verdict.as_str(),
    }
}
