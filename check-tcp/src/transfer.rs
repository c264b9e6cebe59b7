//! What `--download` and `--upload` have in common: time, volume, and the verdict on a line that is too thin.

use std::time::Duration;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::fix;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::fix::{Destination, Fix};
use netcheck_common::rung::{self, Limit};
use netcheck_common::target::Target;

use crate::answer::Remark;

/// How long to transfer, and how much at most.
#[derive(Clone, Copy, Debug)]
pub struct TransferPlan {
    /// How long.
    pub span: Duration,
    /// How many bytes.
    pub budget: u64,
}

/// The name of the highest rung on a line of so many kbit/s, and the same in words.
pub fn rung(kbps: Option<f64>, limit: Option<Limit>) -> (Option<&'static str>, String) {
    let Some(kbps) = kbps else { return (None, "too few bytes to tell".to_owned()) };
    let (holds, fails) = rung::highest_at(kbps);
    let (holds, fails) = (holds.map(|rung| rung.name), fails.map(|rung| rung.name));
    let words = match (holds, limit) {
        (Some(holds), Some(Limit::Sender)) => format!("{holds} holds; the sender sends no faster"),
        _ => rung::words(holds, fails),
    };
    (holds, words)
}

/// Bytes in a time as kbit/s.
#[expect(clippy::cast_precision_loss, reason = "2^52 bytes are more than any run transfers")]
pub fn kbps(bytes: u64, took: Duration) -> f64 {
    rounded(bytes as f64 * 8.0 / 1000.0 / took.as_secs_f64().max(0.001))
}

/// Three digits after the point.
pub fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// A server that refuses the transfer itself: the path is open.
pub fn refused(target: &Target, failure: Failure, proven: bool) -> Remark {
    let fix = fix::service(target, "it refuses the transfer");
    let cause = if proven {
        Cause::new(Reason::ServiceRefused, Who::Service, fix).with_confidence(Confidence::Medium)
    } else {
        Cause::new(Reason::Unknown, Who::Unknown, fix)
    };
    Remark { cause: cause.with_evidence(failure.detail.clone()), failure }
}

/// Too little arrives for the lowest rung, or for playback without stalls.
pub fn slow(target: &Target, detail: String, kbps: f64, limit: Option<Limit>, lost: bool) -> Remark {
    let (reason, who, fix) = match limit {
        Some(Limit::Path) if lost => {
            (Reason::LossyPath, Who::Network, Fix::RepairPath { destination: Destination::of(target) })
        }
        Some(Limit::Path) => {
            let text = format!("Give {} more of the line: {kbps} kbit/s arrive.", target.authority());
            (Reason::ThinLine, Who::Network, text.into())
        }
        Some(Limit::Receiver | Limit::Sender) | None => {
            let text = format!(
                "Measure {} from another network: {kbps} kbit/s arrive, and what limits them is not known from here.",
                target.authority()
            );
            (Reason::Unknown, Who::Unknown, text.into())
        }
    };
    let sure = if reason == Reason::Unknown { Confidence::Low } else { Confidence::Medium };
    let seen = match limit {
        Some(Limit::Path) if lost => "packets were lost or came out of order",
        Some(Limit::Path) => "packets wait in a queue on the path while the transfer runs",
        Some(Limit::Receiver) => "the receive window of the peer was full for most of the time",
        Some(Limit::Sender) => "the sender paused, and no packet was lost",
        None => "nothing shows what limits the transfer",
    };
    let cause = Cause::new(reason, who, fix).with_confidence(sure).with_evidence(detail.clone());
    Remark { failure: Failure::new(Code::HttpTimeout, detail), cause: cause.with_evidence(seen) }
}
