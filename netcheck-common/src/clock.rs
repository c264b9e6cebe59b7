//! The one place that reads clocks and sets timers.
#![expect(clippy::disallowed_methods, reason = "this is the one place")]

#[cfg(feature = "net")]
use std::future::Future;
#[cfg(feature = "net")]
use std::time::Duration;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[cfg(feature = "net")]
use futures_util::FutureExt;

/// The monotonic clock.
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// Seconds since 1970 by this machine's clock.
#[must_use]
pub fn unix() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The time of day as records have it: RFC 3339, UTC, milliseconds.
#[must_use]
pub fn timestamp() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanos = i128::try_from(since.as_nanos()).unwrap_or_default();
    jiff::Timestamp::from_nanosecond(nanos).map(|stamp| format!("{stamp:.3}")).unwrap_or_default()
}

/// Runs `work` for at most `bound`; `None` when it did not end by then.
#[cfg(feature = "net")]
pub fn within<T>(bound: Duration, work: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    // Not an `async fn`: that would hold the work twice, as what it was given and as what it waits for.
    tokio::time::timeout(bound, work).map(Result::ok)
}

/// Waits.
#[cfg(feature = "net")]
pub async fn pause(duration: Duration) {
    tokio::time::sleep(duration).await;
}
