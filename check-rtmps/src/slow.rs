//! The failure and the cause of a stream that was slow, paused, or not read to its end.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::fix;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::fix::{Destination, Fix};
use netcheck_common::rung::Limit;
use netcheck_common::target::Target;

use crate::explain::{INTACT, place};
use crate::facts::PublishFacts;

/// From this share of bytes sent again on, packets are lost on the path.
const LOSS: f64 = 0.01;

/// What was observed.
pub fn failure(facts: &PublishFacts) -> Failure {
    let mut parts = Vec::new();
    if facts.falls_short() {
        parts.push(format!("{} of {} kbit/s were delivered", facts.throughput_kbps, facts.bitrate_kbps));
    } else if let Some(slowest) = facts.slowest_kbps.filter(|_| facts.short) {
        parts.push(format!("{slowest} of {} kbit/s were delivered in the slowest 2 s", facts.bitrate_kbps));
    }
    if facts.pauses > 0 {
        let times = if facts.pauses == 1 { "once".to_owned() } else { format!("{} times", facts.pauses) };
        parts.push(format!("delivery paused {times}, for up to {:.1} s", seconds(facts.longest_pause_ms)));
    }
    Failure::new(Code::RtmpSlow, parts.join("; "))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds for people")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

/// Why it was so; `proven`: the service has proven itself by a public certificate.
pub fn cause(target: &Target, facts: &PublishFacts, proven: bool) -> Cause {
    let cause = match facts.limited_by {
        Some(Limit::Receiver) => receiver(target, proven),
        Some(Limit::Sender) => sender(target),
        Some(Limit::Path) if facts.loss < LOSS => thin_line(target, facts),
        Some(Limit::Path) => lossy_path(target),
        None => unknown(target, facts),
    };
    let cause = cause.with_evidence(format!(
        "{} of {} kbit/s arrived in {} s, measured by the {}",
        facts.throughput_kbps,
        facts.bitrate_kbps,
        facts.seconds,
        match facts.measured_by {
            "tcp" => "peer's TCP acknowledgements",
            "answer" => "server's answer after the last frame",
            "acknowledgements" => "server's RTMP acknowledgements",
            _ => "socket alone",
        }
    ));
    match facts.retransmitted_bytes {
        Some(bytes) => {
            cause.with_evidence(format!("TCP sent {bytes} bytes again ({:.1} %)", facts.loss * 100.0))
        }
        None => cause,
    }
}

fn receiver(target: &Target, proven: bool) -> Cause {
    let fix = fix::service(target, "it reads the stream too slowly");
    let seen =
        "the receive window of the peer was full for most of the time: it reads slower than it is sent to";
    if proven {
        let cause = Cause::new(Reason::ServiceDown, Who::Service, fix).with_confidence(Confidence::Medium);
        cause.with_evidence(seen).with_evidence(INTACT)
    } else {
        Cause::new(Reason::Unknown, Who::Service, fix).with_evidence(seen)
    }
}

fn sender(target: &Target) -> Cause {
    let fix = format!("Run this check on a less busy machine: it cannot send {} fast enough.", place(target));
    Cause::new(Reason::Unknown, Who::Local, fix)
        .with_evidence("the send buffer of this machine held the stream back")
}

fn thin_line(target: &Target, facts: &PublishFacts) -> Cause {
    let fix = format!(
        "Give {} at least {} kbit/s upstream: {} kbit/s arrive.",
        place(target),
        facts.bitrate_kbps,
        facts.throughput_kbps
    );
    let cause = Cause::new(Reason::ThinLine, Who::Network, fix).with_confidence(Confidence::Medium);
    cause.with_evidence(
        "neither the receive window nor the send buffer held the stream back, and no bytes were lost",
    )
}

fn lossy_path(target: &Target) -> Cause {
    let fix = Fix::RepairPath { destination: Destination::of(target) };
    let cause = Cause::new(Reason::LossyPath, Who::Network, fix).with_confidence(Confidence::Medium);
    cause.with_evidence("neither the receive window nor the send buffer held the stream back")
}

fn unknown(target: &Target, facts: &PublishFacts) -> Cause {
    let fix = format!(
        "Measure {} from another network: {} of {} kbit/s arrive, and what limits them is not known from here.",
        place(target),
        facts.throughput_kbps,
        facts.bitrate_kbps
    );
    Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence("the connection is not a direct one")
}

/// The cause where nothing shows that the server read the stream to its end.
pub fn not_read(target: &Target) -> Cause {
    let fix = fix::service(target, "nothing shows that it read the stream to its end");
    Cause::new(Reason::Unknown, Who::Service, fix)
        .with_evidence("the server answered neither the last command nor with RTMP acknowledgements")
}
