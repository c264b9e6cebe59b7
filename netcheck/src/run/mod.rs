//! One run of a plan: children started, their lines merged, records on disk as they come.

mod running;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use netcheck_os::child::ask_to_end;
use netcheck_record::clock;
use netcheck_record::record::Record;

use crate::child::{self, Event};
use crate::journal::Journal;
use crate::plan::Line;
use crate::progress::Progress;
use crate::records::{Input, with_run};
use crate::tool_flags::ToolFlags;
use crate::tools::Tools;
use running::{Running, verdict};

/// How long a tool gets to write what is finished, once it was asked to end.
const GRACE: Duration = Duration::from_secs(3);

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What a tool could not do, in sentences. Not empty means exit code 2.
    pub(crate) broken: Vec<String>,
    /// The signal that ended it early.
    pub(crate) signal: Option<u8>,
}

/// Where records go: to disk, to the person who waits, to what judges them.
pub(crate) struct Sink<'a> {
    /// The run's name, which every record gets.
    pub(crate) id: &'a str,
    /// The file.
    pub(crate) journal: &'a mut Journal,
    /// What the assessment reads.
    pub(crate) input: &'a mut Input,
    /// The bars.
    pub(crate) progress: &'a Progress,
}

/// What a run is started with.
pub(crate) struct Order<'a> {
    /// The plan.
    pub(crate) lines: &'a [Line],
    /// The tools there are.
    pub(crate) tools: &'a Tools,
    /// Further arguments from the profile, by tool.
    pub(crate) extra: &'a BTreeMap<String, crate::profile::Tool>,
    /// Flags to hand on.
    pub(crate) tool_flags: &'a ToolFlags,
    /// Show what the tools say.
    pub(crate) verbose: u8,
}

/// The run itself: the one loop that owns every child, the journal and the progress.
pub(crate) struct Run<'a> {
    order: Order<'a>,
    sink: Sink<'a>,
    running: BTreeMap<&'static str, Running>,
    stopping: bool,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    /// Starts every tool that has a share.
    pub(crate) fn start(order: Order<'a>, sink: Sink<'a>, events: &SyncSender<Event>) -> Run<'a> {
        let mut run =
            Run { order, sink, running: BTreeMap::new(), stopping: false, outcome: Outcome::default() };
        for (tool, program) in run.order.tools {
            let share: Vec<&Line> = run.order.lines.iter().filter(|line| line.tool == *tool).collect();
            if share.is_empty() {
                continue;
            }
            let expected = share.iter().map(|line| line.count).sum();
            let args = run.args(tool, expected);
            let text: Vec<String> = share.iter().map(|line| line.json()).collect();
            match child::start(tool, program, &args, text, events) {
                Ok(child) => {
                    let patience = Duration::from_secs_f64(run.order.tool_flags.patience(tool, expected));
                    let until = clock::now() + patience;
                    run.running.insert(tool, Running::new(child, expected, until));
                }
                Err(why) => run.outcome.broken.push(format!("check-{tool} could not be started: {why}")),
            }
        }
        run
    }

    fn args(&self, tool: &str, targets: u64) -> Vec<String> {
        let mut args = self.order.tool_flags.args(tool, targets);
        args.extend(self.order.extra.get(tool).iter().flat_map(|tool| tool.args.clone()));
        if self.order.verbose > 0 {
            args.push(format!("-{}", "v".repeat(usize::from(self.order.verbose))));
        }
        args
    }

    /// Runs until every tool has ended.
    pub(crate) fn finish(mut self, events: &Receiver<Event>) -> Outcome {
        while !self.running.is_empty() {
            match events.recv_timeout(self.pause()) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.reap();
            self.end_hung_tools();
        }
        // What tools said last may still be in the queue.
        while let Ok(event) = events.try_recv() {
            self.take(event);
        }
        self.outcome
    }

    /// Short while a child that has said its last is about to be reaped.
    fn pause(&self) -> Duration {
        let leaving = self.running.values().any(|running| running.streams == 0);
        Duration::from_millis(if leaving { 1 } else { 100 })
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Record(tool, record, line) => self.keep(tool, &record, &line),
            Event::Garbage(tool, line) => {
                self.note(tool, format!("printed a line that is no record: {line}"), |running| {
                    running.garbage += 1
                });
            }
            Event::Said(tool, line) => self.note(tool, line, |_| ()),
            Event::Ended(tool) => {
                if let Some(running) = self.running.get_mut(tool) {
                    running.streams = running.streams.saturating_sub(1);
                }
            }
            Event::Signal(signal) => {
                self.outcome.signal.get_or_insert(signal);
                self.stop();
            }
        }
    }

    fn keep(&mut self, tool: &'static str, record: &Record, line: &str) {
        if let Some(running) = self.running.get_mut(tool) {
            running.got += 1;
        }
        let Sink { id, journal, input, progress } = &mut self.sink;
        input.line(with_run(line, id).as_bytes());
        progress.record(record);
        if !journal.failed()
            && let Err(why) = journal.record(line, id)
        {
            if !journal.closed() {
                self.outcome.broken.push(why);
            }
            self.stop();
        }
    }

    fn note(&mut self, tool: &'static str, line: String, count: impl Fn(&mut Running)) {
        if self.order.verbose > 0 {
            self.sink.progress.say(&format!("check-{tool}: {line}"));
        }
        if let Some(running) = self.running.get_mut(tool) {
            count(running);
            running.keep_last_words(line);
        }
    }

    /// Asks every tool to end; at the second asking there is no grace.
    fn stop(&mut self) {
        let again = std::mem::replace(&mut self.stopping, true);
        for running in self.running.values_mut() {
            if again {
                let _ = running.child.kill();
            } else {
                ask_to_end(&mut running.child);
            }
            running.until = running.until.min(clock::now() + GRACE);
        }
    }

    /// Ends what is hung.
    fn end_hung_tools(&mut self) {
        for running in self.running.values_mut() {
            if clock::now() >= running.until {
                let _ = running.child.kill();
                running.hung = true;
                // Somebody else may hold its standard output open: its end is not waited for.
                running.streams = 0;
                running.until = clock::now() + Duration::from_secs(60);
            }
        }
    }

    fn reap(&mut self) {
        let mut gone = Vec::new();
        for (tool, running) in &mut self.running {
            if running.streams == 0
                && let Ok(Some(status)) = running.child.try_wait()
            {
                gone.push((*tool, status));
            }
        }
        for (tool, status) in gone {
            if let Some(running) = self.running.remove(tool)
                && !self.stopping
            {
                self.outcome.broken.extend(verdict(tool, &running, status));
            }
        }
    }
}
