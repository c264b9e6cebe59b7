//! One target through the check: its attempts, its deadline, its own panic.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;

use super::input::Item;
use super::{judge, small};
use crate::check::Check;
use crate::trace::Trace;
use netcheck_diagnose::{Diagnosis, Experiments};
use netcheck_net::clock;
use netcheck_net::net::{Net, Shared};
use netcheck_net::shortage;
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
        return judge::way(C::NAME, &net, target);
    }
    let attempts = shared.flags().attempts;
    let (mut net, ts) = (Net::new(shared), clock::timestamp());
    let mut tried = 1;
    loop {
        let diagnosis = Diagnosis::new(net.clone(), experiments);
        let record = attempt(check, &diagnosis, target, &ts).await;
        let settled = matches!(record.verdict, Verdict::Pass | Verdict::Degraded);
        if settled || tried == attempts || net.left().is_zero() {
            return judge::with_attempts(record, tried, attempts);
        }
        net = net.again();
        tried += 1;
    }
}

async fn attempt<C: Check>(check: &C, net: &Diagnosis, target: &Target, ts: &str) -> Record {
    let work = async {
        // On the heap: what a check learns on its way is not carried along once it has arrived.
        let check_once = Box::pin(async {
            net.choose_proxy(target).await;
            let mut trace = Trace::<C::Facts>::new(net.clone());
            // Whether a stage stopped it is in the trace.
            drop(check.check(target, &mut trace).await);
            net.settle().await;
            trace.finish()
        });
        // What a control or an experiment lacks says nothing of the target's own stages.
        let control = Box::pin(shortage::watched(small::rounds(check, net, target)));
        let ((mut observed, facts), small_rounds) = with_control(net, check_once, control).await;
        judge::correct(net, target, &mut observed);
        let finding = if judge::needs_explaining(&observed) {
            // On the heap first: what watches it would be moved there with all of it.
            let explained = Box::pin(judge::explain(check, net, target, &facts, &observed, small_rounds));
            shortage::watched(explained).await
        } else {
            None
        };
        judge::record::<C>(net, target, observed, &facts, finding, ts.to_owned())
    };
    match AssertUnwindSafe(shortage::watched(work)).catch_unwind().await {
        Ok(record) => record,
        Err(panic) => judge::internal(C::NAME, target, ts.to_owned(), &*panic),
    }
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
            let looked = net.diagnoses() && net.fell_silent_once();
            (seen, if looked { control.await } else { 0 })
        }
        found = &mut control => (check.await, found),
    }
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
