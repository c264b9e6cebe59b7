//! From what was observed to the record: the verdict, and the cause if one can be shown.

use std::any::Any;

use serde_json::{Map, Value, json};

use crate::check::Check;
use netcheck_diagnose::{self as diagnose, Diagnosis, Finding, Observed};
use netcheck_net::clock;
use netcheck_net::net::Net;
use netcheck_net::proxy::Step;
use netcheck_net::tls::Trust;
use netcheck_os::{Sense, sense};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::code_kind::CodeKind;
use netcheck_record::escape;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::record::{Record, VERSION, Verdict};
use netcheck_record::scheme::Scheme;
use netcheck_record::spec::Rejected;
use netcheck_record::target::Target;

use super::mss_control;

/// A line as it may be shown: bounded, harmless, without user information.
pub(super) fn shown(line: &str) -> String {
    // Before it is cut: user information may be longer than what is shown.
    let Some((before, after)) = line.rsplit_once('@') else { return escape::line(line, 300) };
    let scheme = before.split_once("://").and_then(|(scheme, _)| Scheme::named(scheme));
    let scheme = scheme.map_or(String::new(), |scheme| format!("{}://", scheme.name));
    escape::line(&format!("{scheme}…@{after}"), 300)
}

fn bare(check: &str, target: String, ts: String, verdict: Verdict) -> Record {
    Record {
        v: VERSION,
        ts,
        check: check.to_owned(),
        target,
        verdict,
        stages: Vec::new(),
        failure: None,
        cause: None,
        path: None,
        facts: Map::new(),
        labels: None,
    }
}

/// The record of a line that is no target.
pub(super) fn invalid(check: &str, line: &Rejected) -> Record {
    let mut record = bare(check, shown(&line.text), clock::timestamp(), Verdict::Inconclusive);
    record.failure = Some(Failure::new(Code::InputInvalid, line.why.0.clone()));
    record.labels.clone_from(&line.labels);
    record
}

/// The record of a target that met a bug of ours.
pub(super) fn internal(check: &str, target: &Target, ts: String, panic: &(dyn Any + Send)) -> Record {
    let what = panic.downcast_ref::<String>().map(String::as_str);
    let what = what.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
    let mut record = bare(check, target.to_string(), ts, Verdict::Inconclusive);
    let what = escape::line(what, 300);
    record.failure = Some(Failure::new(Code::Internal, format!("a bug of this tool: {what}")));
    record.labels.clone_from(&target.labels);
    record
}

/// The record of a target that was only asked which proxies it would take.
pub(super) fn proxy_list(check: &str, net: &Net, target: &Target) -> Record {
    let list: Vec<String> = net.steps(target).iter().map(Step::to_string).collect();
    net.fact("proxy", "list", json!(list));
    let mut record = bare(check, target.to_string(), clock::timestamp(), Verdict::Inconclusive);
    record.facts = net.take_observations().facts;
    record.labels.clone_from(&target.labels);
    record
}

/// Notes how many attempts were made, where more than one was allowed.
pub(super) fn with_attempts(mut record: Record, tried: u32, allowed: u32) -> Record {
    if allowed > 1 {
        record.facts.insert("attempts".into(), json!(tried));
    }
    record
}

/// A public name that leads to a known product's block page, and nothing there proves to be the service.
fn block_page_address(net: &Diagnosis, target: &Target, observed: &mut Observed) {
    if observed.failure.is_some()
        || observed.path.trust == Some(Trust::Public)
        || target.host.name().is_none()
    {
        return;
    }
    let peer: Vec<_> = observed.path.peer.map(|peer| peer.ip()).into_iter().collect();
    if let Some((vendor, address)) = net.block_address(&peer) {
        let detail = format!("{address} is an address of {vendor}'s block pages");
        observed.failure = Some(Failure::new(Code::DnsBogon, detail));
    }
}

/// SYNs that ask for ECN are lost on the path: every connection begins with a wait.
pub(super) async fn ecn(net: &Diagnosis, target: &Target, observed: &mut Observed) {
    let peer = observed.path.peer.filter(|_| observed.path.first_syn_lost && net.diagnoses());
    let Some(peer) = peer else { return };
    if let Some(cause) = Box::pin(diagnose::ecn::unanswered(target, peer, net)).await {
        let failure = Failure::new(Code::TcpTimeout, "SYNs with ECN are not answered; works without ECN");
        observed.degraded.push((failure, Some(cause)));
    }
}

/// Corrects what was seen by what only the whole shows.
pub(super) fn correct(net: &Diagnosis, target: &Target, observed: &mut Observed) {
    private_answer(target, observed);
    ipv6_broken(net, target, observed);
    block_page_address(net, target, observed);
}

/// Looks for the cause of what went wrong, and for what the user asked about it.
pub(super) async fn explain<C: Check>(
    check: &C,
    net: &Diagnosis,
    target: &Target,
    facts: &C::Facts,
    observed: &Observed,
    small_rounds: u8,
) -> Option<Finding> {
    let found = cause(check, net, target, facts, observed, small_rounds).await;
    let asked = clock::within(net.left(), check.examine(target, observed, net)).await.flatten();
    let Some(sentence) = asked else { return found };
    // What the user asked about is answered where no rule knows the cause, too.
    let mut finding = match (found, &observed.failure) {
        (Some(finding), _) => finding,
        (None, Some(failure)) => Finding::of(unknown(failure)),
        (None, None) => return None,
    };
    finding.cause = finding.cause.with_evidence(sentence);
    Some(finding)
}

async fn cause<C: Check>(
    check: &C,
    net: &Diagnosis,
    target: &Target,
    facts: &C::Facts,
    observed: &Observed,
    small_rounds: u8,
) -> Option<Finding> {
    let explained = async {
        // What a configured proxy says of itself does not depend on the protocol behind it.
        if observed.failure.as_ref().is_some_and(|failure| failure.code.layer() == "proxy") {
            return Box::pin(diagnose::explain(target, observed, net)).await;
        }
        if let Some(finding) = Box::pin(diagnose::inspected(target, observed, net)).await {
            return Some(finding);
        }
        let own = Box::pin(check.explain(target, facts, observed, net)).await;
        net.tell(1, || format!("rules of check-{}: {}", C::NAME, outcome_text(own.as_ref())));
        match own {
            Some(finding) => Some(finding),
            None => Box::pin(diagnose::explain(target, observed, net)).await,
        }
    };
    // Whether large packets vanish shows only by small segments.
    if observed.failure.as_ref().is_some_and(|failure| diagnose::is_silence_above_tcp(failure.code)) {
        net.note_sense(Sense::SmallSegments);
    }
    match &observed.failure {
        Some(failure) if small_rounds > 0 && diagnose::is_silence_above_tcp(failure.code) => {
            // A few rounds are few: what else was sent in full tells as well.
            let answered = observed
                .path
                .peer
                .zip(observed.path.hello.as_ref())
                .is_some_and(|(to, sent)| net.was_answered(to, sent));
            if small_rounds < mss_control::ROUNDS && answered {
                return clock::within(net.left(), explained).await.flatten();
            }
            // What repeated pairs prove of a ClientHello says more than one or two rounds of the whole check.
            if small_rounds < mss_control::ROUNDS && failure.code == Code::TlsTimeout {
                let found = clock::within(net.left(), explained).await.flatten();
                if let Some(found) = found.filter(|found| found.cause.confidence >= Confidence::Medium) {
                    return Some(found);
                }
            }
            let found = diagnose::mtu_blackhole(target, failure, small_rounds);
            net.tell(1, || format!("rule small segments: {}", found.summary()));
            Some(found)
        }
        // What the deadline cuts off stays unexplained; rules that need no packet come through all the same.
        _ => clock::within(net.left(), explained).await.flatten(),
    }
}

/// What a pass of the diagnosis came to, for `-v`.
fn outcome_text(finding: Option<&Finding>) -> String {
    finding.map_or("do not apply".to_owned(), Finding::summary)
}

/// The record of a target.
pub(super) fn record<C: Check>(
    net: &Diagnosis,
    target: &Target,
    mut observed: Observed,
    own: &C::Facts,
    finding: Option<Finding>,
    ts: String,
) -> Record {
    // What the diagnosis learned has been written since the trace ended.
    let learned = net.take_observations();
    let (verdict, mut failure, cause) = verdict(target, &mut observed, finding);
    let cause = cause.map(|cause| net.limit_confidence(cause));
    if failure.is_some() && learned.restated.is_some() {
        failure = learned.restated;
    }
    if verdict == Verdict::Pass {
        observed.stages.iter_mut().for_each(|stage| stage.ok = true);
    }
    let mut facts = observed.path.facts;
    for (key, value) in learned.facts {
        match (facts.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (_, value) => {
                facts.insert(key, value);
            }
        }
    }
    if let Ok(Value::Object(own)) = serde_json::to_value(own) {
        facts.extend(own);
    }
    let blind = sense::blind();
    if !blind.is_empty() {
        facts.insert("system".into(), json!({ "blind": blind }));
    }
    Record {
        v: VERSION,
        ts,
        check: C::NAME.to_owned(),
        target: target.to_string(),
        verdict,
        stages: observed.stages,
        failure,
        cause,
        path: observed.path.path,
        facts,
        labels: target.labels.clone(),
    }
}

/// Something stopped the check, or is wrong besides, and nobody has said yet why.
pub(super) fn needs_explanation(observed: &Observed) -> bool {
    observed.failure.is_some() || observed.degraded.iter().any(|(_, cause)| cause.is_none())
}

fn verdict(
    target: &Target,
    observed: &mut Observed,
    finding: Option<Finding>,
) -> (Verdict, Option<Failure>, Option<Cause>) {
    if let Some(failure) = observed.failure.take() {
        let usual = default_verdict(target, failure.code);
        return match finding {
            // A control experiment showed that nothing is wrong.
            Some(Finding { verdict: Some(Verdict::Pass), .. }) => (Verdict::Pass, None, None),
            Some(Finding { verdict, cause }) => (verdict.unwrap_or(usual), Some(failure), Some(cause)),
            None => {
                let cause = unknown(&failure);
                (usual, Some(failure), (usual == Verdict::Fail).then_some(cause))
            }
        };
    }
    let Some((failure, cause)) = std::mem::take(&mut observed.degraded).into_iter().next() else {
        return match finding {
            Some(Finding { verdict: Some(verdict), cause }) => (verdict, None, Some(cause)),
            _ => (Verdict::Pass, None, None),
        };
    };
    match (cause, finding) {
        (None, Some(Finding { verdict, cause })) => {
            (verdict.unwrap_or(Verdict::Degraded), Some(failure), Some(cause))
        }
        (cause, _) => (Verdict::Degraded, Some(failure), cause),
    }
}

/// The verdict a failure means before anything more is known.
fn default_verdict(target: &Target, code: Code) -> Verdict {
    let silent = matches!(code, Code::UdpTimeout | Code::QuicTimeout);
    if code.kind() == CodeKind::NotProbed || silent && target.flag("known_to_answer") == Some(false) {
        return Verdict::Inconclusive;
    }
    Verdict::Fail
}

fn unknown(failure: &Failure) -> Cause {
    Cause::new(
        Reason::Unknown,
        Who::Unknown,
        "Nothing certain can be asked for yet; compare from another network.",
    )
    .with_evidence(failure.detail.clone())
}

/// A public name with a private address: right only if TLS proves the service behind it.
fn private_answer(target: &Target, observed: &mut Observed) {
    if !observed.path.private_answer {
        return;
    }
    let addresses: Vec<String> = observed.path.addresses.iter().take(4).map(ToString::to_string).collect();
    let what = format!("{} has only addresses that are not public: {}", target.host, addresses.join(", "));
    if observed.path.trust == Some(Trust::Public) {
        // The service is there: what failed above its TLS is not the resolver's doing.
        if observed.failure.is_some() {
            return;
        }
        observed.degraded.insert(0, (Failure::new(Code::DnsBogon, what), None));
        return;
    }
    let then = observed
        .failure
        .as_ref()
        .map_or(String::new(), |failure| format!("; there, {}: {}", failure.code, failure.detail));
    observed.failure = Some(Failure::new(Code::DnsBogon, format!("{what}{then}")));
}

/// IPv6 announced and dead, IPv4 fine: people wait at every page and nobody knows why.
fn ipv6_broken(net: &Diagnosis, target: &Target, observed: &mut Observed) {
    let families = &observed.path.families;
    let last = |v6: bool| families.iter().rev().find(|family| family.address.is_ipv6() == v6);
    let (Some(four), Some(six)) = (last(false), last(true)) else { return };
    if four.failure.is_some() {
        return;
    }
    let (address, code) = (six.address, six.failure);
    let Some(code) = code.filter(|code| {
        matches!(
            code,
            Code::TcpTimeout | Code::TcpHostUnreachable | Code::TcpNetUnreachable | Code::TcpProhibited
        )
    }) else {
        return;
    };
    let authority = target.authority();
    let cause = diagnose::ipv6_broken(net, target)
        .with_evidence(format!("IPv6 to [{address}] ended with {code}"))
        .with_evidence("IPv4 to the same service connected");
    let failure = Failure::new(code, format!("IPv6 to {authority} does not work; IPv4 does"));
    observed.degraded.push((failure, Some(cause)));
}
