//! The rehearsal while it lasts: tools that run all the time, fed with targets when they are due, and the timeline.

use std::collections::BTreeMap;
use std::process::Child;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::time::{Duration, Instant};

use netcheck_os::child::ask_to_end;
use netcheck_record::clock;
use netcheck_record::record::{Record, Verdict};

use super::Args;
use super::lanes::{Feed, Lane};
use super::system::Snapshot;
use super::timeline::Timeline;
use crate::child::{self, Event};
use crate::env_secrets;
use crate::journal::Journal;
use crate::profile::Profile;
use crate::records::{ProfileId, RunEnd, RunLine, RunStart, with_run};
use crate::run_id;
use crate::tools::Tools;

/// How often the system is asked what has changed.
const LOOK: Duration = Duration::from_millis(500);
/// How long the tools have for what they measured, once they are asked to end.
const GRACE: Duration = Duration::from_secs(6);
/// A target that fails is tried again after this long, and each time after twice as long.
const RETRY: f64 = 2.0;
/// The longest wait before a target that fails is tried again, in seconds.
const RETRY_MOST: f64 = 60.0;

/// How a rehearsal ended.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// What could not be done, in sentences.
    pub(super) broken: Vec<String>,
    /// The signal that ended it early.
    pub(super) signal: Option<u8>,
}

/// A tool that runs.
struct Running<'a> {
    lane: &'a Lane,
    child: Child,
    lines: Option<Sender<String>>,
    feeds: Vec<FeedState<'a>>,
    streams: u8,
    last_words: String,
}

/// One target of it.
struct FeedState<'a> {
    feed: &'a Feed,
    /// When it is given next; `None` while it is measured.
    due: Option<f64>,
    given: f64,
    failures: u32,
}

/// A rehearsal that runs.
pub(super) struct Show<'a> {
    journal: &'a mut Journal,
    id: String,
    seconds: f64,
    begun: Instant,
    running: BTreeMap<&'static str, Running<'a>>,
    timeline: Timeline,
    snapshot: Snapshot,
    looked: Instant,
    verbose: bool,
    ending: Ending,
}

impl<'a> Show<'a> {
    /// Starts the tools.
    ///
    /// # Errors
    /// The timeline cannot be written.
    pub(super) fn begin(
        args: &Args,
        profile: &Profile,
        lanes: &'a [Lane],
        tools: &Tools,
        journal: &'a mut Journal,
        events: &SyncSender<Event>,
        broken: Vec<String>,
    ) -> Result<Show<'a>, String> {
        let start = start(args, profile);
        let mut show = Show {
            id: start.id.clone(),
            seconds: args.lasts.unwrap_or_default(),
            begun: clock::now(),
            running: BTreeMap::new(),
            timeline: Timeline::default(),
            snapshot: Snapshot::take(),
            looked: clock::now(),
            verbose: args.verbose > 0,
            ending: Ending { broken, signal: None },
            journal,
        };
        show.run_line(RunLine::Start(Box::new(start)))?;
        for lane in lanes {
            let Some(program) = tools.get(lane.tool) else { continue };
            let count = u64::try_from(lane.feeds.len()).unwrap_or(u64::MAX);
            let mut flags = args.tool_flags.without_measurements().args(lane.tool, count);
            flags.extend(profile.tools.get(lane.tool).iter().flat_map(|tool| tool.args.clone()));
            flags.extend(lane.args.iter().cloned());
            let (lines, share) = channel();
            match child::start(lane.part, program, &flags, share, events) {
                Ok(child) => {
                    let state = |feed| FeedState { feed, due: Some(feed.first), given: 0.0, failures: 0 };
                    let feeds = lane.feeds.iter().map(state).collect();
                    let lines = Some(lines);
                    let last_words = String::new();
                    let running = Running { lane, child, lines, feeds, streams: 2, last_words };
                    show.running.insert(lane.part, running);
                }
                Err(why) => {
                    show.ending.broken.push(format!("check-{} could not be started: {why}", lane.tool));
                }
            }
        }
        Ok(show)
    }

    /// Runs until the show is over, a signal comes or the timeline cannot be written.
    pub(super) fn last(mut self, events: &Receiver<Event>) -> (Timeline, Ending) {
        while self.now() < self.seconds && self.ending.signal.is_none() && !self.running.is_empty() {
            self.feed();
            match events.recv_timeout(self.pause()) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look();
            self.reap(true);
            if self.journal.failed() {
                break;
            }
        }
        self.stop(events);
        let end = RunEnd {
            id: self.id.clone(),
            finished: clock::timestamp(),
            written: self.journal.written(),
            interrupted: self.ending.signal.is_some(),
        };
        if !self.journal.failed()
            && let Err(why) = self.run_line(RunLine::End(end))
        {
            self.ending.broken.push(why);
        }
        (self.timeline, self.ending)
    }

    fn now(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    /// Until the next target is due, and no longer than until the system is looked at again.
    fn pause(&self) -> Duration {
        let feeds = self.running.values().flat_map(|running| &running.feeds);
        let due = feeds.filter_map(|state| state.due).fold(f64::INFINITY, f64::min);
        let wait = (due - self.now()).min(self.seconds - self.now()).max(0.001);
        LOOK.min(Duration::try_from_secs_f64(wait).unwrap_or(LOOK))
    }

    /// Gives the tools what is due.
    fn feed(&mut self) {
        let now = self.now();
        for running in self.running.values_mut() {
            let Some(lines) = &running.lines else { continue };
            for state in running.feeds.iter_mut().filter(|state| state.due.is_some_and(|due| due <= now)) {
                if lines.send(state.feed.line.clone()).is_ok() {
                    (state.due, state.given) = (None, now);
                }
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Record(part, record, line) => self.keep(part, &record, &line),
            Event::Garbage(part, line) => self.note(part, line),
            Event::Said(part, line) => self.note(part, line),
            Event::Ended(part) => {
                if let Some(running) = self.running.get_mut(part) {
                    running.streams = running.streams.saturating_sub(1);
                }
            }
            Event::Signal(signal) => {
                self.ending.signal.get_or_insert(signal);
            }
        }
    }

    fn note(&mut self, part: &'static str, line: String) {
        if self.verbose {
            super::say(&format!("{part}: {line}"));
        }
        if let Some(running) = self.running.get_mut(part) {
            running.last_words = line;
        }
    }

    /// Writes a record, and settles when its target is due again.
    fn keep(&mut self, part: &'static str, record: &Record, line: &str) {
        let now = self.now();
        self.timeline.line(&with_run(line, &self.id));
        if let Err(why) = self.journal.record(line, &self.id) {
            self.ending.broken.push(why);
        }
        let Some(running) = self.running.get_mut(part) else { return };
        let number = |state: &&mut FeedState| state.feed.is_of(record);
        let Some(state) = running.feeds.iter_mut().find(number) else { return };
        let failed = matches!(record.verdict, Verdict::Fail | Verdict::Inconclusive);
        state.failures = if failed { state.failures.saturating_add(1) } else { 0 };
        let doubled = 2_f64.powi(i32::try_from(state.failures.min(10)).unwrap_or(0));
        let wait = if failed { (RETRY * doubled / 2.0).min(RETRY_MOST) } else { 0.2 };
        state.due = Some((now + wait).max(state.given + state.feed.period));
    }

    /// Writes what has changed on this machine since the last look.
    fn look(&mut self) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = clock::now();
        let snapshot = Snapshot::take();
        for change in self.snapshot.changes(&snapshot, &clock::timestamp()) {
            let line = serde_json::json!({ "v": 1, "run": self.id, "change": change }).to_string();
            self.timeline.line(&line);
            if let Err(why) = self.journal.other(&line) {
                self.ending.broken.push(why);
            }
        }
        self.snapshot = snapshot;
    }

    /// Takes leave of tools that have ended; before the end of the show that is a fault.
    fn reap(&mut self, early: bool) {
        let mut gone = Vec::new();
        for (part, running) in &mut self.running {
            if running.streams == 0
                && let Ok(Some(status)) = running.child.try_wait()
            {
                gone.push((*part, status));
            }
        }
        for (part, status) in gone {
            if let Some(running) = self.running.remove(part)
                && early
            {
                let words = format!("check-{} ({part}) ended early ({status})", running.lane.tool);
                self.ending.broken.push(format!("{words}: {}", running.last_words));
            }
        }
    }

    /// Asks the tools to end and takes what they have measured by then.
    fn stop(&mut self, events: &Receiver<Event>) {
        for running in self.running.values_mut() {
            running.lines = None;
            ask_to_end(&mut running.child);
        }
        let until = clock::now() + GRACE;
        while !self.running.is_empty() && clock::now() < until {
            if let Ok(event) = events.recv_timeout(Duration::from_millis(20)) {
                self.take(event);
            }
            self.reap(false);
        }
        for running in self.running.values_mut() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
        while let Ok(event) = events.try_recv() {
            self.take(event);
        }
    }

    fn run_line(&mut self, line: RunLine) -> Result<(), String> {
        self.timeline.line(&line.json());
        self.journal.run(&line)
    }
}

/// The line at the beginning.
fn start(args: &Args, profile: &Profile) -> RunStart {
    RunStart {
        id: run_id::new(),
        profile: ProfileId {
            name: profile.name.clone(),
            version: profile.version.clone(),
            sha256: profile.digest.clone(),
            file: None,
        },
        chosen: args.choice.chosen(args.tool_flags.sample, Vec::new()),
        planned: 0,
        started: clock::timestamp(),
        host: netcheck_os::user::host_name(),
        tool: format!("netcheck {}", env!("CARGO_PKG_VERSION")),
        flags: std::env::args().skip(1).map(|flag| env_secrets::hide(&flag)).collect(),
        series: None,
        seconds: args.lasts,
    }
}
