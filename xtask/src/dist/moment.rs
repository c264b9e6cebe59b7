//! When and from what a release was made, as far as its files say: never the clock.

use std::env;
use std::process::Command;

use jiff::Timestamp;

use crate::workspace::root;

/// Seconds after 1970: SOURCE_DATE_EPOCH, else the time of the commit, else 0.
///
/// # Errors
/// SOURCE_DATE_EPOCH is not a number.
pub(crate) fn epoch() -> Result<u64, String> {
    if let Ok(set) = env::var("SOURCE_DATE_EPOCH") {
        return set.parse().map_err(|_| "SOURCE_DATE_EPOCH: seconds after 1970".into());
    }
    Ok(git(&["log", "-1", "--format=%ct"]).and_then(|time| time.parse().ok()).unwrap_or(0))
}

/// The commit, where git knows it.
pub(crate) fn revision() -> Option<String> {
    git(&["rev-parse", "HEAD"])
}

/// The moment as RFC 3339 has it.
pub(crate) fn rfc3339(epoch: u64) -> String {
    let seconds = i64::try_from(epoch).unwrap_or(0);
    Timestamp::from_second(seconds).map(|moment| moment.to_string()).unwrap_or_default()
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root()).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
