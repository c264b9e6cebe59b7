//! The control for large packets that vanish: the same check with small segments, while the first is still silent.

use crate::check::Check;
use crate::clock;
use crate::net::Net;
use crate::target::Target;
use crate::trace::Trace;

/// Waits for a stage to fall silent, then runs the check with small segments and, beside it, once more as it was,
/// so that a loss by chance is not taken for a black hole. True when only the small segments got through.
pub(super) async fn pass<C: Check>(check: &C, net: &Net, target: &Target) -> bool {
    if !net.diagnoses() {
        return std::future::pending().await;
    }
    let silent = net.silence().await;
    // Boxed only now: hardly any target gets here, and each would carry two more checks with it.
    Box::pin(both(check, net, target, silent)).await
}

async fn both<C: Check>(check: &C, net: &Net, target: &Target, silent: &'static str) -> bool {
    let bound = net.timeout().mul_f64(0.55).min(net.left());
    let again = |way: Net| async move {
        let mut trace = Trace::<C::Facts>::new(way);
        let _ = clock::within(bound, Box::pin(check.check(target, &mut trace))).await;
        trace
    };
    let (small, full) = tokio::join!(again(net.small()), again(net.aside()));
    // A control that never came to the silent stage proves nothing.
    small.has_passed(silent) && full.has_begun(silent) && !full.has_passed(silent)
}
