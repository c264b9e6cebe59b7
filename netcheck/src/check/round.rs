//! One round: the plan run once by every way asked for, between the two lines of its run.

use std::sync::mpsc::{Receiver, SyncSender};

use netcheck_record::clock;

use super::{Job, Way};
use crate::assess::{self, Assessment, Basis};
use crate::baseline::Baseline;
use crate::child::Event;
use crate::env_secrets;
use crate::journal::Journal;
use crate::plan::Line;
use crate::progress::Progress;
use crate::records::{Input, ProfileId, RunEnd, RunLine, RunStart};
use crate::run::{Order, Run, Sink};
use crate::run_id;
use crate::tools;

/// What came of one round.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Every record of every way, and the run's lines.
    pub(super) input: Input,
    /// What could not be done.
    pub(super) broken: Vec<String>,
    /// Whether another round could not do it either: a tool is not there, or a file takes no records.
    pub(super) hopeless: bool,
    /// What ended it early.
    pub(super) signal: Option<u8>,
    /// Whether the reader of the records has left.
    pub(super) closed: bool,
    /// Whether the records went to standard output.
    pub(super) on_stdout: bool,
}

impl Round {
    /// Runs the plan, once for each way.
    pub(super) fn run(
        job: &Job,
        journal: &mut Journal,
        sender: &SyncSender<Event>,
        events: &Receiver<Event>,
    ) -> Round {
        let broken = tools::missing(&job.lines, &job.tools, job.args.tools.as_deref());
        let hopeless = !broken.is_empty();
        let mut round = Round { on_stdout: journal.is_stdout(), broken, hopeless, ..Round::default() };
        let id = run_id::new();
        round.line(journal, RunLine::Start(Box::new(start(job, &id))));
        if job.ways.is_empty() {
            round.once(job, &id, &job.lines, None, journal, sender, events);
        }
        for way in &job.ways {
            let lines: Vec<Line> =
                job.lines.iter().map(|line| line.clone().labelled("path", way.as_str())).collect();
            round.once(job, &id, &lines, Some(way), journal, sender, events);
            if round.signal.is_some() || journal.closed() {
                break;
            }
        }
        let end = RunEnd {
            id,
            finished: clock::timestamp(),
            written: journal.written(),
            interrupted: round.signal.is_some(),
        };
        round.line(journal, RunLine::End(end));
        round.closed = journal.closed();
        round.hopeless |= journal.failed();
        round
    }

    /// Writes a line of the run; a file that has failed before gets no more.
    fn line(&mut self, journal: &mut Journal, line: RunLine) {
        self.input.line(line.json().as_bytes());
        if !journal.failed()
            && let Err(why) = journal.run(&line)
            && !journal.closed()
        {
            self.broken.push(why);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one call, whose every part is another's")]
    fn once(
        &mut self,
        job: &Job,
        id: &str,
        lines: &[Line],
        way: Option<&Way>,
        journal: &mut Journal,
        sender: &SyncSender<Event>,
        events: &Receiver<Event>,
    ) {
        let mut tool_flags = job.tool_flags.clone();
        if let Some(proxy) = way.and_then(Way::proxy) {
            tool_flags.proxy = Some(proxy.to_owned());
        }
        let progress = Progress::of(lines);
        let (tools, extra, verbose) = (&job.tools, &job.profile.tools, job.args.verbose);
        let order = Order { lines, tools, extra, tool_flags: &tool_flags, verbose };
        let sink = Sink { id, journal, input: &mut self.input, progress: &progress };
        let outcome = Run::start(order, sink, sender).finish(events);
        progress.clear();
        self.broken.extend(outcome.broken);
        self.signal = self.signal.or(outcome.signal);
    }

    /// What the round means.
    pub(super) fn assess(&mut self, job: &Job, baseline: Option<&Baseline>) -> Assessment {
        let compared = baseline.map(|baseline| baseline.compared(&self.input));
        let basis = Basis {
            profile: &job.profile,
            plan: &job.lines,
            baseline: compared.as_ref(),
            interfaces: &job.args.expect_interface,
            narrowed: false,
        };
        assess::assess(&basis, &mut self.input)
    }
}

/// The line at the beginning of a run.
fn start(job: &Job, id: &str) -> RunStart {
    let planned: u64 = job.lines.iter().map(|line| line.count).sum();
    let ways: Vec<String> = job.ways.iter().map(|way| way.as_str().to_owned()).collect();
    let file = job.args.choice.profile.as_ref().filter(|name| std::path::Path::new(name).is_file());
    let absolute = |name: &String| std::path::absolute(name).ok().map(|path| path.display().to_string());
    RunStart {
        id: id.to_owned(),
        profile: ProfileId {
            name: job.profile.name.clone(),
            version: job.profile.version.clone(),
            sha256: job.profile.digest.clone(),
            file: file.and_then(absolute),
        },
        chosen: job.args.choice.chosen(job.args.tool_flags.sample, ways.clone()),
        planned: planned * ways.len().max(1) as u64,
        started: clock::timestamp(),
        host: netcheck_os::user::host_name(),
        tool: format!("netcheck {}", env!("CARGO_PKG_VERSION")),
        // What is secret stands in the environment and in files; an argument that repeats it is hidden.
        flags: std::env::args().skip(1).map(|flag| env_secrets::hide(&flag)).collect(),
        series: job.series.clone(),
        seconds: None,
    }
}
