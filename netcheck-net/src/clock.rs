//! The one place that sets timers.
#![expect(clippy::disallowed_methods, reason = "this is the one place")]

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt;

pub use netcheck_record::clock::{now, seconds, timestamp, unix};

/// Runs `work` for at most `bound`; `None` when it did not end by then.
pub fn within<T>(bound: Duration, work: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    // Not an `async fn`: that would hold the work twice, as what it was given and as what it waits for.
    tokio::time::timeout(bound, work).map(Result::ok)
}

/// Waits.
pub async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
