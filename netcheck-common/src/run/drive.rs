//! Drives targets through the check: bounded in number, on as many cores as there is work for.
//!
//! A lane is a thread with an event loop of its own that takes targets from the common source. The first lane is the
//! main thread; each next one is spawned when the last is full, so that a run of few targets stays on one thread.

use std::convert::Infallible;
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use futures_util::future::OptionFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::watch;

use super::attempt::{self, one};
use super::output::{Outbox, Output};
use super::source::Source;
use crate::check::Check;
use netcheck_diagnose::Experiments;
use netcheck_net::net::Shared;
use netcheck_record::record::{Record, Verdict};

/// Fewer targets at once than this are no work for a lane.
const LEAST: usize = 16;

/// Appends a record's line.
pub(super) type Line = Box<dyn Fn(Record, &mut Vec<u8>) + Send + Sync>;

/// What all lanes of a run share.
pub(super) struct Workers<C> {
    pub(super) check: C,
    pub(super) shared: Arc<Shared>,
    pub(super) experiments: Arc<Experiments>,
    pub(super) source: Source,
    pub(super) line: Line,
    pub(super) tally: Tally,
    pub(super) lanes: Lanes,
}

/// How many lanes there may be, and those that were spawned.
pub(super) struct Lanes {
    /// How many targets each may have in flight: the first, and those spawned later.
    rooms: Vec<usize>,
    spawned: AtomicUsize,
    threads: Mutex<Vec<JoinHandle<()>>>,
    stop: watch::Receiver<()>,
}

/// What the exit code is made of.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) failed: AtomicBool,
    pub(super) troubled: AtomicBool,
}

/// Runs everything. It never ends: the run does, with its writer, once the last lane has let go of its way there.
pub(super) async fn drive<C: Check>(workers: &Arc<Workers<C>>, output: Output) -> Infallible {
    attempt::name_panics(C::TOOL);
    lane(workers, 0, output).await;
    std::future::pending().await
}

/// Takes targets, and hands over their records, until there are no more.
async fn lane<C: Check>(workers: &Arc<Workers<C>>, number: usize, output: Output) {
    let room = workers.lanes.rooms.get(number).copied().unwrap_or(1);
    let strict = workers.shared.flags().strict;
    let outbox = &Outbox::new(output);
    let mut running = FuturesUnordered::new();
    // Kept from one turn to the next: who waits for targets keeps its place in the line.
    let mut taking = OptionFuture::from(None);
    let (mut open, mut waiting, mut full) = (true, false, false);
    while open || !running.is_empty() || !outbox.is_empty() {
        // While the writer is behind nothing new is begun; what is under way goes on, timers and all.
        let begins = open && !workers.shared.interrupt().is_asked();
        if begins && !waiting && running.len() < room && !outbox.is_full() {
            taking = OptionFuture::from(Some(Box::pin(workers.source.take(room - running.len()))));
            waiting = true;
        }
        tokio::select! {
            biased;
            Some(()) = running.next(), if !running.is_empty() => {
                // What is ready besides goes with it: the writer's thread is woken once for all of them.
                while !outbox.is_full() && let Some(Some(())) = running.next().now_or_never() {}
            }
            () = outbox.clear(), if !outbox.is_empty() => {}
            Some(items) = &mut taking, if waiting => {
                waiting = false;
                open = !items.is_empty();
                running.extend(items.into_iter().map(|(number, item)| async move {
                    let record = one(&workers.check, &workers.shared, &workers.experiments, &item).await;
                    workers.tally.count(&record, strict);
                    outbox.add(number, |text| (workers.line)(record, text));
                }));
                if running.len() >= room && !full {
                    full = true;
                    spawn_worker(workers, outbox.output());
                }
            }
            // After a signal nothing new is begun, and all that was under way has been handed over: the run ends.
            else => std::future::pending().await,
        }
    }
}

/// One more lane, if there may be one.
fn spawn_worker<C: Check>(workers: &Arc<Workers<C>>, output: Output) {
    let number = workers.lanes.spawned.fetch_add(1, Ordering::Relaxed) + 1;
    if number >= workers.lanes.rooms.len() {
        return;
    }
    let mine = Arc::clone(workers);
    let thread = thread::Builder::new().name(format!("lane {number}")).spawn(move || {
        // Without an event loop the others do its work.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let mut stop = mine.lanes.stop.clone();
            tokio::select! {
                () = lane(&mine, number, output) => {}
                _ = stop.changed() => return,
            }
            // An experiment of the run may be in its hands while another lane waits for it.
            let _ = stop.changed().await;
        });
        runtime.shutdown_background();
    });
    if let Ok(thread) = thread {
        workers.lanes.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
    }
}

impl Lanes {
    /// As many as there are cores, for so many targets at once; all end when `stop` does.
    pub(super) fn new(jobs: usize, stop: watch::Receiver<()>) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let count = cores.min(jobs / LEAST).max(1);
        let rooms = (0..count).map(|number| jobs / count + usize::from(number < jobs % count)).collect();
        Lanes { rooms, spawned: AtomicUsize::new(0), threads: Mutex::default(), stop }
    }

    /// Waits for them, once they have been told to end. False when one met a bug of ours.
    pub(super) fn join(&self) -> bool {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        threads.into_iter().map(JoinHandle::join).filter(Result::is_err).count() == 0
    }
}

impl Tally {
    /// Takes a record into the exit code; with `strict`, `degraded` counts as a failure.
    pub(super) fn count(&self, record: &Record, strict: bool) {
        use netcheck_record::failure::Code;
        let code = record.failure.as_ref().map(|failure| failure.code);
        if matches!(code, Some(Code::InputInvalid | Code::Internal)) {
            self.troubled.store(true, Ordering::Relaxed);
        }
        let bad = match record.verdict {
            Verdict::Pass => false,
            Verdict::Degraded => strict,
            Verdict::Fail | Verdict::Inconclusive => true,
        };
        if bad && record.required() {
            self.failed.store(true, Ordering::Relaxed);
        }
    }
}
