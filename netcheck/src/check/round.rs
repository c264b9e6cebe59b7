//! One round: the plan run once by every way asked for.

use std::sync::mpsc::{Receiver, SyncSender};

use netcheck_record::record::Record;
use nix::sys::signal::Signal;

use super::{Job, Way};
use crate::amend;
use crate::baseline;
use crate::child::Event;
use crate::journal::Journal;
use crate::plan::Line;
use crate::progress::Progress;
use crate::run::{Order, Run};
use crate::tools;

/// What came of one round.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Every record of every way.
    pub(super) records: Vec<Record>,
    /// What could not be done.
    pub(super) broken: Vec<String>,
    /// What ended it early.
    pub(super) signal: Option<Signal>,
    /// Whether the reader of the records has left.
    pub(super) closed: bool,
    /// Whether the records went to standard output.
    pub(super) on_stdout: bool,
}

impl Round {
    /// Runs the plan, once for each way.
    ///
    /// # Errors
    /// The file of records cannot be opened.
    pub(super) fn run(
        job: &Job,
        sender: &SyncSender<Event>,
        events: &Receiver<Event>,
    ) -> Result<Round, String> {
        let mut journal = Journal::open(&job.args.output)?;
        let broken = tools::missing(&job.lines, &job.tools, job.args.tools.as_deref());
        let mut round = Round { on_stdout: journal.is_stdout(), broken, ..Round::default() };
        if job.args.path.is_empty() {
            round.once(job, &job.lines, None, &mut journal, sender, events);
        }
        for way in &job.args.path {
            let lines: Vec<Line> =
                job.lines.iter().map(|line| line.clone().labelled("path", way.as_str())).collect();
            round.once(job, &lines, Some(*way), &mut journal, sender, events);
            if round.signal.is_some() || journal.closed() {
                break;
            }
        }
        round.closed = journal.closed();
        amend::apply(&mut round.records);
        if let Some(baseline) = &job.baseline {
            baseline::apply(&mut round.records, baseline);
        }
        Ok(round)
    }

    fn once(
        &mut self,
        job: &Job,
        lines: &[Line],
        way: Option<Way>,
        journal: &mut Journal,
        sender: &SyncSender<Event>,
        events: &Receiver<Event>,
    ) {
        let mut through = job.args.through.clone();
        if way == Some(Way::Direct) {
            through.proxy = Some("none".into());
        }
        let progress = Progress::of(lines);
        let (tools, extra, verbose) = (&job.tools, &job.profile.tools, job.args.verbose);
        let order = Order { lines, tools, extra, through: &through, verbose };
        let outcome = Run::start(order, journal, &progress, sender).finish(events);
        progress.clear();
        self.records.extend(outcome.records);
        self.broken.extend(outcome.broken);
        self.signal = self.signal.or(outcome.signal);
    }
}
