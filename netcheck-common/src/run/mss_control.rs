//! The control for large packets that vanish: the same check with small segments, while the first is still silent.

use std::time::Duration;

use crate::check::Check;
use crate::trace::Trace;
use netcheck_diagnose::{Diagnosis, Place};
use netcheck_net::clock;
use netcheck_os::Sense;
use netcheck_record::target::Target;

/// How often it is run both ways: chance, or a balancer with one dead server, does not take sides each time.
pub(super) const ROUNDS: u8 = 3;
/// The least time a silent one has to answer where the other has: a lost segment is sent again after 200 ms and after 600 ms,
/// so loss is not taken for a packet that is too large.
const MOMENT: Duration = Duration::from_millis(700);

/// Waits for a stage to fall silent, then runs the check with small segments and, beside it, once more as it was, as
/// often as there is time for. How often that was, if only the small segments got through each time; else 0.
pub(super) async fn rounds<C: Check>(check: &C, net: &Diagnosis, target: &Target, place: &Place<'_>) -> u8 {
    if !net.diagnoses() {
        return std::future::pending().await;
    }
    let silent = net.silence().await;
    if Sense::SmallSegments.is_blind() {
        return 0;
    }
    if !place.is_taken().await {
        return 0;
    }
    // Boxed only now: hardly any target gets here, and each would carry two more checks with it.
    Box::pin(both(check, net, target, silent)).await
}

async fn both<C: Check>(check: &C, net: &Diagnosis, target: &Target, silent: &'static str) -> u8 {
    let end = clock::now() + net.timeout().mul_f64(0.55).min(net.left());
    let left = || end.saturating_duration_since(clock::now());
    for round in 0..ROUNDS {
        let begun = clock::now();
        let mut small = Trace::<C::Facts>::new(net.with_small_mss());
        let mut full = Trace::<C::Facts>::new(net.detached());
        // Each goes first in its turn.
        let second = async |second: bool| {
            if second {
                tokio::task::yield_now().await;
            }
        };
        let passed = async {
            second(round % 2 == 1).await;
            let ended = clock::within(left(), Box::pin(check.check(target, &mut small))).await;
            let moment = (begun.elapsed() * 2).max(MOMENT);
            let whole = moment <= left();
            clock::pause(moment.min(left())).await;
            ended.is_some() && whole
        };
        let again = async {
            second(round % 2 == 0).await;
            drop(Box::pin(check.check(target, &mut full)).await);
            std::future::pending::<()>().await;
        };
        let ended = tokio::select! {
            biased;
            ended = passed => ended,
            () = again => false,
        };
        if !ended && round > 0 {
            return round;
        }
        // A control that never came to the silent stage proves nothing.
        if !(small.has_passed(silent) && full.has_begun(silent) && !full.has_passed(silent)) {
            return 0;
        }
    }
    ROUNDS
}
