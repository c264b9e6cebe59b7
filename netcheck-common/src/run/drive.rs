//! Drives targets through the check: bounded in number and pace, each alone with its own panic.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use super::input::{Input, Item};
use super::output::Output;
use super::{End, judge, small};
use crate::check::Check;
use crate::clock;
use crate::net::{Net, Shared};
use crate::record::{Record, Verdict};
use crate::shortage;
use crate::spec::{Rejected, Spec};
use crate::target::{Invalid, Target};
use crate::trace::Trace;

/// How many finished records may wait for an earlier one under `--ordered`.
const HELD: usize = 4096;
/// How many finished records are handed over at once.
const BATCH: usize = 64;

/// What the exit code is made of.
#[derive(Default)]
struct Tally {
    failed: bool,
    troubled: bool,
}

/// Runs everything.
pub(super) async fn drive<C: Check>(
    check: &C,
    shared: &Arc<Shared>,
    specs: Vec<Spec>,
    own: Vec<Target>,
    mut output: Output,
) -> End {
    // A bug in one target is that target's record: its message goes into the record, not to the terminal.
    std::panic::set_hook(Box::new(|_| {}));
    let flags = shared.flags();
    let mut input = Input::new(C::NAME, flags.sampling(), own, specs);
    let mut tally = Tally::default();
    let mut running = FuturesUnordered::new();
    let mut pace = Pace::new(flags.rate);
    let jobs = jobs(flags.jobs);
    let (mut number, mut open) = (0u64, true);
    while open || !running.is_empty() {
        let room = open && running.len() < jobs && output.held() < HELD;
        tokio::select! {
            biased;
            end = output.broken() => return end,
            Some(done) = running.next(), if !running.is_empty() => {
                let mut batch: Vec<(u64, Record)> = vec![done];
                // What is ready besides goes with it: the writer's thread is woken once for all of them.
                while batch.len() < BATCH && let Some(Some(done)) = running.next().now_or_never() {
                    batch.push(done);
                }
                batch.iter().for_each(|(_, record)| tally.count(record, flags.strict));
                if let Err(end) = output.records(batch).await {
                    return end;
                }
            }
            item = async { pace.wait().await; input.next().await }, if room => match item {
                None => open = false,
                Some(item) => {
                    pace.taken();
                    running.push(one(check, shared, number, item));
                    number += 1;
                }
            },
        }
    }
    match output.finish().await {
        Ok(()) => End::Done { failed: tally.failed, troubled: tally.troubled },
        Err(end) => end,
    }
}

async fn one<C: Check>(check: &C, shared: &Arc<Shared>, number: u64, item: Item) -> (u64, Record) {
    match item {
        Item::Bad(bad) => (number, judge::invalid(C::NAME, bad)),
        Item::Target(target) => {
            if let Some(why) = shared.proxy_fault(&target) {
                let (text, why, labels) = (target.to_string(), Invalid::new(why), target.labels.clone());
                return (number, judge::invalid(C::NAME, Rejected { text, why, labels }));
            }
            let attempts = shared.flags().attempts;
            let mut tried = 1;
            loop {
                let record = attempt(check, shared, &target).await;
                if tried == attempts || matches!(record.verdict, Verdict::Pass | Verdict::Degraded) {
                    return (number, judge::with_attempts(record, tried, attempts));
                }
                tried += 1;
            }
        }
    }
}

async fn attempt<C: Check>(check: &C, shared: &Arc<Shared>, target: &Target) -> Record {
    let ts = clock::timestamp();
    let net = Net::new(shared);
    let work = async {
        let mut trace = Trace::<C::Facts>::new(net.clone());
        let small_ones_pass = {
            // Whether a stage stopped it is in the trace.
            let check_once = Box::pin(async { drop(check.check(target, &mut trace).await) });
            with_control(&net, check_once, Box::pin(small::pass(check, &net, target))).await
        };
        net.settle().await;
        Box::pin(judge::judge(check, &net, target, trace.finish(), small_ones_pass, ts.clone())).await
    };
    match AssertUnwindSafe(shortage::watched(work)).catch_unwind().await {
        Ok(record) => record,
        Err(panic) => judge::internal(C::NAME, target, ts.clone(), &*panic),
    }
}

/// Runs a check, and beside a stage that stays silent its control; a check that is never silent costs none.
async fn with_control(
    net: &Net,
    mut check: impl Future<Output = ()> + Unpin,
    mut control: impl Future<Output = bool> + Unpin,
) -> bool {
    tokio::select! {
        biased;
        () = &mut check => net.diagnoses() && net.fell_silent_once() && control.await,
        found = &mut control => {
            check.await;
            found
        }
    }
}

/// More targets at once than descriptors would only wait for each other.
fn jobs(asked: u32) -> usize {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let asked = asked as usize;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return asked };
    let wanted = (asked as u64).saturating_mul(4).saturating_add(64);
    if wanted > soft {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted.min(hard), hard);
    }
    // Some are for the program itself; what is short all the same is waited for.
    let own = (hard / 4).clamp(16, 64);
    let limit = usize::try_from(hard.saturating_sub(own)).unwrap_or(usize::MAX).max(1);
    if asked > limit {
        super::output::complain(&format!(
            "--jobs {asked} lowered to {limit}: the system's limit of open files"
        ));
    }
    asked.min(limit)
}

impl Tally {
    fn count(&mut self, record: &Record, strict: bool) {
        use crate::failure::Code;
        let code = record.failure.as_ref().map(|failure| failure.code);
        self.troubled |= matches!(code, Some(Code::InputInvalid | Code::Internal));
        let bad = match record.verdict {
            Verdict::Pass => false,
            Verdict::Degraded => strict,
            Verdict::Fail | Verdict::Inconclusive => true,
        };
        self.failed |= bad && record.required();
    }
}

#[cfg(test)]
#[path = "drive_tests.rs"]
mod tests;

/// `--rate`: new targets a second.
struct Pace {
    gap: Option<Duration>,
    next: Instant,
}

impl Pace {
    fn new(rate: Option<f64>) -> Self {
        Pace { gap: rate.map(|rate| Duration::from_secs_f64(1.0 / rate)), next: clock::now() }
    }

    async fn wait(&self) {
        if self.gap.is_some() {
            clock::pause(self.next.saturating_duration_since(clock::now())).await;
        }
    }

    fn taken(&mut self) {
        if let Some(gap) = self.gap {
            // A pause in the input earns no burst afterwards.
            self.next = self.next.max(clock::now()) + gap;
        }
    }
}
