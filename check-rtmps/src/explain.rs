//! Causes that only RTMP shows: what the service's own answers mean for the path. The common diagnosis finds the others.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::{Diagnosis, Finding, fix, intercepted_by};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::http::Answer;
use netcheck_common::record::Verdict;
use netcheck_common::signature::{self, Page};
use netcheck_common::target::Target;
use netcheck_common::tls::Trust;
use netcheck_common::trace::Observed;

use crate::facts::Facts;

/// What a public certificate proves of everything inside TLS.
pub const INTACT: &str =
    "TLS ends at the service's own certificate: no device on the path can read or answer what is inside";

/// The service, as a person asks for it.
pub fn place(target: &Target) -> String {
    format!("{} {} (TCP)", target.scheme.name.to_uppercase(), target.authority())
}

/// The cause of a refusal by the service, where the failure is one: the path is open then.
///
/// A reset counts only inside TLS that the service has proven to be its own: a plain one may be anybody's.
pub fn refusal(target: &Target, failure: &Failure, proven: bool) -> Option<Cause> {
    let spoken = failure.code == Code::RtmpRejected;
    if !(spoken || failure.code == Code::RtmpClosed || failure.code == Code::RtmpReset && proven) {
        return None;
    }
    let confidence = match (spoken, proven) {
        (true, true) => Confidence::High,
        (true, false) | (false, true) => Confidence::Medium,
        (false, false) => Confidence::Low,
    };
    let fix = format!(
        "No network change needed: {} is open; ask the service for the right application or stream key.",
        place(target)
    );
    let cause = Cause::new(Reason::ServiceRefused, Who::Service, fix).with_confidence(confidence);
    let cause = cause
        .with_evidence("the RTMP handshake finished: what was sent came back in S2")
        .with_evidence(failure.detail.clone());
    Some(if proven { cause.with_evidence(INTACT) } else { cause })
}

/// The cause of an S2 that repeats something else, from a server that answers `connect`.
pub fn no_echo(target: &Target) -> Cause {
    let fix = fix::service(target, "it does not echo C1 in S2");
    Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
        .with_evidence("S2 does not repeat C1 from byte 8 on")
        .with_evidence("the peer answered connect in RTMP; some servers never echo")
}

/// Explains a failure of the stages `rtmp` and `connect` where RTMP itself shows the cause.
pub async fn explain(
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    net: &Diagnosis,
) -> Option<Finding> {
    let failure = observed.failure.as_ref()?;
    if facts.rtmp.as_ref().is_some_and(|rtmp| rtmp.crowded) {
        let fix = "Allow the target more time (--deadline), or more handshakes at once (--per-host).";
        let cause = Cause::new(Reason::Unknown, Who::Local, fix).with_evidence(failure.detail.clone());
        return Some(Finding::with(Verdict::Inconclusive, cause));
    }
    let proven = observed.path.trust == Some(Trust::Public);
    let greeting = stopped_at(observed, "rtmp");
    let foreign = matches!(failure.code, Code::RtmpNotRtmp | Code::RtmpBadVersion | Code::RtmpBadEcho);
    let confidence = if proven && foreign {
        Confidence::Medium
    } else if proven && greeting && failure.code == Code::RtmpClosed {
        Confidence::Low
    } else if proven && !greeting && failure.code == Code::RtmpTimeout {
        return Some(Finding::of(hung(target, failure)));
    } else if greeting && failure.code == Code::RtmpNotRtmp {
        return Some(another_protocol(target, facts, observed, failure, net).await);
    } else {
        return None;
    };
    let fix = fix::service(target, "what answers there is no RTMP server");
    let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).with_confidence(confidence);
    Some(Finding::of(cause.with_evidence(failure.detail.clone()).with_evidence(INTACT)))
}

/// The cause of silence after the handshake, inside TLS that the service has proven to be its own: no device can distinguish
/// RTMP there from anything else, and one that goes by sizes would have cut the handshake, which is the largest exchange.
fn hung(target: &Target, failure: &Failure) -> Cause {
    let fix = fix::service(target, "it finishes the RTMP handshake and answers nothing after it");
    Cause::new(Reason::ServiceDown, Who::Service, fix)
        .with_confidence(Confidence::Medium)
        .with_evidence(failure.detail.clone())
        .with_evidence(INTACT)
        .with_evidence("the RTMP handshake passed: 3,073 bytes in each direction")
}

/// Whether the check stopped in that stage.
fn stopped_at(observed: &Observed, stage: &str) -> bool {
    observed.stages.last().is_some_and(|last| last.stage == stage)
}

/// Something else than RTMP answered, and nothing proves who it was: a known page, a device on the path, or the
/// service itself.
async fn another_protocol(
    target: &Target,
    facts: &Facts,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    if let Some(page) = signature::match_page(&page(&observed.path.first_bytes)) {
        let reason = match page.page {
            Page::Block => Reason::BlockPage,
            Page::Portal => Reason::CaptivePortal,
        };
        let cause = Cause::new(reason, Who::Network, fix::allow(target)).with_confidence(Confidence::Medium);
        let whose = format!("the answer is one of {} ({})", page.vendor, page.mark);
        return Finding::of(cause.with_evidence(failure.detail.clone()).with_evidence(whose));
    }
    if let Some(peer) = observed.path.peer.filter(|_| observed.path.proxy.is_none())
        && let Some(finding) = intercepted_by(target, peer, failure, net).await
    {
        return finding;
    }
    let speaks = facts.rtmp.as_ref().and_then(|rtmp| rtmp.speaks);
    let fix = match speaks {
        Some("tls") => format!("Check rtmps://{} instead: the port speaks TLS.", target.authority()).into(),
        _ => fix::service(target, "what answers there is no RTMP server"),
    };
    let cause =
        Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).with_evidence(failure.detail.clone());
    Finding::of(cause.with_evidence("no sign of a device on the path"))
}

/// The beginning of an HTTP answer, as far as it came: enough to look for marks in its headers and its page.
fn page(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    // A page without a head is one, too.
    let body = if head.starts_with("HTTP/") { body } else { &text };
    Answer { headers, body: body.as_bytes().to_vec(), ..Answer::default() }
}
