//! One target through the check: its attempts, its deadline, its own panic.

use std::cell::Cell;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::input::Item;
use super::output::report_error;
use super::{judge, mss_control};
use crate::check::Check;
use crate::trace::Trace;
use netcheck_diagnose::{Diagnosis, Experiments};
use netcheck_net::clock;
use netcheck_net::local_limits;
use netcheck_net::net::{Net, Shared};
use netcheck_record::escape;
use netcheck_record::record::{Record, Verdict};
use netcheck_record::spec::Rejected;
use netcheck_record::target::{Invalid, Target};

/// The record of what stood next in the input.
pub(super) async fn one<C: Check>(
    check: &C,
    shared: &Arc<Shared>,
    experiments: &Arc<Experiments>,
    item: &Item,
) -> Record {
    let target = match item {
        Item::Bad(bad) => return judge::invalid(C::NAME, bad),
        Item::Target(target) => target,
    };
    if let Some(why) = shared.proxy_fault(target) {
        let (text, why, labels) = (target.to_string(), Invalid::new(why), target.labels.clone());
        return judge::invalid(C::NAME, &Rejected { text, why, labels });
    }
    if shared.flags().list_proxies {
        let net = Net::new(shared);
        net.choose_proxy(target).await;
        return judge::proxy_list(C::NAME, &net, target);
    }
    let attempts = shared.flags().attempts;
    let (mut net, ts) = (Net::new(shared).about(target), clock::timestamp());
    let mut tried = 1;
    loop {
        let diagnosis = Diagnosis::new(net.clone(), experiments);
        let record = attempt(check, &diagnosis, target, &ts).await;
        let settled = matches!(record.verdict, Verdict::Pass | Verdict::Degraded);
        if settled || tried == attempts || net.left().is_zero() {
            return judge::with_attempts(record, tried, attempts);
        }
        net = net.next_attempt();
        tried += 1;
    }
}

async fn attempt<C: Check>(check: &C, net: &Diagnosis, target: &Target, ts: &str) -> Record {
    let place = net.place();
    // On the heap first: whatever holds a future by value and moves it keeps room for it twice.
    let work = Box::pin(local_limits::scope(async {
        // On the heap: what a check learns on its way is not carried along once it has arrived.
        let check_once = Box::pin(async {
            net.choose_proxy(target).await;
            let mut trace = Trace::<C::Facts>::new(net.clone());
            // Whether a stage stopped it is in the trace.
            drop(check.check(target, &mut trace).await);
            net.settle().await;
            Box::new(trace.finish())
        });
        // What a control or an experiment lacks says nothing of the target's own stages.
        let control = Box::pin(local_limits::scope(mss_control::rounds(check, net, target, &place)));
        let (mut seen, small_rounds) = with_control(net, check_once, control).await;
        let (observed, facts) = &mut *seen;
        judge::correct(net, target, observed);
        judge::ecn(net, target, observed).await;
        let finding = if judge::needs_explanation(observed) && place.is_taken().await {
            // On the heap first: what watches it would be moved there with all of it.
            let explained = Box::pin(judge::explain(check, net, target, facts, observed, small_rounds));
            local_limits::scope(explained).await
        } else {
            None
        };
        let (observed, facts) = *seen;
        judge::record::<C>(net, target, observed, &facts, finding, ts.to_owned())
    }));
    match in_target(AssertUnwindSafe(work).catch_unwind()).await {
        Ok(record) => record,
        Err(panic) => judge::internal(C::NAME, target, ts.to_owned(), &*panic),
    }
}

thread_local! {
    /// Whether this thread is polling a target: a panic there becomes the target's record.
    static IN_TARGET: Cell<bool> = const { Cell::new(false) };
}

/// Marks the thread while the work of a target is polled.
async fn in_target<T>(mut work: impl Future<Output = T> + Unpin) -> T {
    std::future::poll_fn(|context| {
        IN_TARGET.set(true);
        let polled = work.poll_unpin(context);
        IN_TARGET.set(false);
        polled
    })
    .await
}

/// Names every panic on standard error, but those of a target: they are its record.
pub(super) fn name_panics(tool: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        if IN_TARGET.get() {
            return;
        }
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let why = escape::line(&panic.to_string(), 300);
        report_error(&format!("{tool}: a bug of this tool in the thread {thread}: {why}"));
    }));
}

/// Runs a check, and beside a stage that stays silent its control; a check that is never silent costs none.
async fn with_control<T>(
    net: &Net,
    mut check: impl Future<Output = T> + Unpin,
    mut control: impl Future<Output = u8> + Unpin,
) -> (T, u8) {
    tokio::select! {
        biased;
        seen = &mut check => {
            let looked = net.diagnoses() && net.was_silent();
            (seen, if looked { control.await } else { 0 })
        }
        found = &mut control => (check.await, found),
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
