//! One reason for everything: no network, no resolver, no proxy, a portal before all. It is said once.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::Code;
use netcheck_record::record::Record;

use crate::standing;
use crate::target::Place;

/// One reason for everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outage {
    /// The cause that every row shares.
    pub(crate) reason: Reason,
    /// Whom to ask.
    pub(crate) who: Who,
    /// What it means, for people.
    pub(crate) sentence: String,
    /// What to do, ready to paste.
    pub(crate) request: String,
}

/// The one reason for everything, where there is one.
pub(crate) fn of(records: &[&Record]) -> Option<Outage> {
    let said: Vec<&Record> = records.iter().copied().filter(|record| !mute(record)).collect();
    if said.is_empty() {
        return None;
    }
    if let Some(outage) = portal(&said).or_else(|| diverted(&said)) {
        return Some(outage);
    }
    let telling = said.iter().filter(|record| !beyond(record));
    let Some(signs) = telling.map(|record| sign(record)).collect::<Option<Vec<Reason>>>() else {
        return no_address(&said);
    };
    // Where a proxy is the only way out, what does not use it finds no network at all.
    let reason = [Reason::ProxyDown, Reason::Offline, Reason::DnsOutage]
        .into_iter()
        .find(|each| signs.contains(each))?;
    let shown = said.iter().filter_map(|record| record.cause.as_ref()).find(|cause| cause.code == reason);
    let near = shown.and_then(|cause| cause.near);
    let who = shown.map(|cause| cause.who);
    let (who, sentence, request) = match reason {
        Reason::ProxyDown => (who.unwrap_or(Who::Proxy), no_proxy(), proxy_request()),
        Reason::Offline => (who.unwrap_or(Who::Local), offline(near), offline_request(near)),
        _ => (who.unwrap_or(Who::Dns), no_names(), names_request()),
    };
    Some(Outage {
        reason,
        who,
        sentence: format!("{sentence} Every row that does not work has this one reason."),
        request,
    })
}

/// A portal that a control proved, where nothing outside was reached: what else is blocked shows after the log-in.
fn portal(said: &[&Record]) -> Option<Outage> {
    let proven = |cause: &&Cause| cause.code == Reason::CaptivePortal && cause.confidence == Confidence::High;
    let cause = said.iter().filter_map(|record| record.cause.as_ref()).find(proven)?;
    let closed = said.iter().all(|record| !standing::usable(record));
    closed.then(|| Outage {
        reason: Reason::CaptivePortal,
        who: cause.who,
        sentence: "This network's portal wants somebody to log in first: nothing outside was reached. \
                   Every row that does not work has this one reason."
            .into(),
        request: "Log in to this network's portal, or exempt this machine from it, then run the check again."
            .into(),
    })
}

/// A resolver that gives an address of the network's own for every name, a control's too: what portals do.
fn diverted(said: &[&Record]) -> Option<Outage> {
    let own = |record: &&Record| {
        let bogon = record.failure.as_ref().is_some_and(|failure| failure.code == Code::DnsBogon);
        bogon && record.cause.as_ref().is_some_and(|cause| cause.code == Reason::DnsHijack)
    };
    let names: BTreeSet<String> = said.iter().map(|record| Place::of(&record.target).host).collect();
    (names.len() > 1 && said.iter().all(own)).then(|| Outage {
        reason: Reason::DnsHijack,
        who: Who::Dns,
        sentence: "Every name leads to an address of this network's own: to a portal that wants somebody to log in, or to \
                   a resolver that diverts everything. Every row that does not work has this one reason."
            .into(),
        request: "Log in to this network's portal, or have the resolver answer public names with their public addresses, \
                  then run the check again."
            .into(),
    })
}

/// A resolver that answers, and gives not one address: neither for the platform nor for a control.
fn no_address(said: &[&Record]) -> Option<Outage> {
    let unresolved = |record: &&&Record| {
        let code = record.failure.as_ref().map(|failure| failure.code);
        !standing::usable(record) && code.is_some_and(|code| code.layer() == "dns" && code != Code::DnsBogon)
    };
    if said.iter().filter(unresolved).count() < said.len() {
        return None;
    }
    let cause = said.iter().find_map(|record| record.cause.as_ref());
    Some(Outage {
        reason: cause.map_or(Reason::DnsOutage, |cause| cause.code),
        who: cause.map_or(Who::Dns, |cause| cause.who),
        sentence: "No name could be resolved: the resolver answers, and gives not one address, not even for a control. \
                   Every row has this one reason."
            .into(),
        request: "Have the resolver of this machine answer public names, or configure one that does, then run the \
                  check again."
            .into(),
    })
}

fn offline(near: Option<IpAddr>) -> String {
    match near {
        Some(near) => {
            format!("This machine has no working network: nothing beyond {near} answers, not even a control.")
        }
        None => "This machine has no working network: nothing answered, not even a control.".into(),
    }
}

fn offline_request(near: Option<IpAddr>) -> String {
    match near {
        Some(near) => format!("Restore the way to the Internet behind {near}, then run the check again."),
        None => "Connect this machine to the network (cable, Wi-Fi, VPN, default route), then run the check again.".into(),
    }
}

fn no_names() -> String {
    "No name could be resolved: no resolver answers this machine.".into()
}

fn names_request() -> String {
    "Make a resolver reachable from this machine (UDP and TCP 53), or configure one that is, then run the check again."
        .into()
}

fn no_proxy() -> String {
    "The configured proxy does not work, and nothing gets past it.".into()
}

fn proxy_request() -> String {
    "Bring the proxy back, or correct the proxy settings of this machine, then run the check again.".into()
}

/// Records that say nothing about a network either way.
fn mute(record: &Record) -> bool {
    let code = record.failure.as_ref().map(|failure| failure.code);
    // A sender's identity is a matter of names alone, and a resolver's cache outlives the network.
    let names_alone = Place::of(&record.target).scheme == "sender" && standing::usable(record);
    names_alone || matches!(code, Some(Code::InputInvalid | Code::IcmpNotPermitted | Code::Internal))
}

/// Silence that fits an outage as well: beside one, a cause inferred from missing answers says nothing of its own.
fn beyond(record: &Record) -> bool {
    let silent = record.failure.as_ref().is_some_and(|failure| failure.code.as_str().ends_with(".timeout"));
    let inferred = record.cause.as_ref().is_some_and(|cause| {
        cause.code == Reason::LocalFirewall && cause.confidence < Confidence::High && cause.near.is_none()
    });
    !standing::usable(record) && silent && inferred
}

fn sign(record: &Record) -> Option<Reason> {
    if standing::usable(record) {
        return None;
    }
    let cause = record.cause.as_ref().map(|cause| cause.code);
    if let Some(reason @ (Reason::Offline | Reason::DnsOutage | Reason::ProxyDown)) = cause {
        return Some(reason);
    }
    if cause.is_some_and(|cause| cause != Reason::Unknown) {
        return None;
    }
    match record.failure.as_ref()?.code {
        Code::RouteNone => Some(Reason::Offline),
        Code::DnsTimeout | Code::DnsUnreachable => Some(Reason::DnsOutage),
        Code::ProxyUnreachable | Code::ProxyTimeout => Some(Reason::ProxyDown),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(target: &str, verdict: &str, code: &str, cause: Value) -> Record {
        let mut record =
            json!({ "v": 1, "ts": "", "check": "x", "target": target, "verdict": verdict, "stages": [] });
        if verdict != "pass" {
            record["failure"] = json!({ "code": code, "detail": "" });
        }
        if let Some(reason) = cause["code"].as_str() {
            record["cause"] = json!({ "code": reason, "who": cause["who"], "confidence": "medium", "evidence": [],
                "fix": "", "near": "10.20.0.1" });
        }
        serde_json::from_value(record).unwrap()
    }

    fn of_all(records: &[Record]) -> Option<Outage> {
        of(&records.iter().collect::<Vec<_>>())
    }

    #[test]
    fn one_target_that_works_means_the_network_does() {
        let down = record("tcp://a:1", "fail", "route.none", json!({}));
        assert_eq!(of_all(std::slice::from_ref(&down)).map(|outage| outage.reason), Some(Reason::Offline));
        assert_eq!(of_all(&[down, record("tcp://b:1", "pass", "", json!({}))]), None);
    }

    #[test]
    fn names_from_a_cache_are_no_network() {
        let down = record("tcp://a:1", "fail", "tcp.timeout", json!({ "code": "offline", "who": "network" }));
        let outage = of_all(&[down, record("sender://a", "pass", "", json!({}))]).unwrap();
        assert_eq!((outage.reason, outage.who), (Reason::Offline, Who::Network));
        assert!(outage.sentence.contains("beyond 10.20.0.1"), "{}", outage.sentence);
    }

    #[test]
    fn a_dead_proxy_explains_what_goes_round_it_too() {
        let proxied =
            record("https://a:443", "fail", "proxy.timeout", json!({ "code": "proxy_down", "who": "proxy" }));
        let direct =
            record("apns://b:5223", "fail", "tcp.timeout", json!({ "code": "offline", "who": "network" }));
        assert_eq!(of_all(&[proxied, direct]).map(|outage| outage.reason), Some(Reason::ProxyDown));
    }

    #[test]
    fn a_resolver_that_knows_no_name_is_one_reason() {
        let filter = json!({ "code": "dns_filter", "who": "dns" });
        let absent = record("tcp://a:1", "fail", "dns.nxdomain", filter);
        let silent = record("tcp://b:1", "fail", "dns.timeout", json!({}));
        let outage = of_all(&[absent.clone(), silent]).unwrap();
        assert_eq!((outage.reason, outage.who), (Reason::DnsFilter, Who::Dns));
        assert_eq!(of_all(&[absent, record("tcp://c:1", "fail", "tcp.timeout", json!({}))]), None);
    }

    #[test]
    fn every_name_led_astray_is_one_reason_and_some_names_are_not() {
        let diverted =
            |target| record(target, "fail", "dns.bogon", json!({ "code": "dns_hijack", "who": "dns" }));
        let all = [diverted("tcp://a:1"), diverted("tcp://b:1")];
        assert_eq!(of_all(&all).map(|outage| outage.reason), Some(Reason::DnsHijack));
        assert_eq!(of_all(&all[..1]), None);
        assert_eq!(of_all(&[all.to_vec(), vec![record("tcp://c:1", "pass", "", json!({}))]].concat()), None);
    }

    #[test]
    fn a_block_among_timeouts_is_no_outage() {
        let silent = record("tcp://a:1", "fail", "dns.timeout", json!({}));
        let blocked =
            record("tcp://b:1", "fail", "tcp.timeout", json!({ "code": "firewall_drop", "who": "network" }));
        assert_eq!(of_all(&[silent, blocked]), None);
    }

    #[test]
    fn missing_answers_beside_an_outage_are_part_of_it() {
        let down = record("tcp://a:1", "fail", "tcp.timeout", json!({ "code": "offline", "who": "network" }));
        let mut own =
            record("tcp://b:1", "fail", "tcp.timeout", json!({ "code": "local_firewall", "who": "local" }));
        own.cause.as_mut().unwrap().near = None;
        let outage = of_all(&[down.clone(), own.clone()]).unwrap();
        assert_eq!((outage.reason, outage.who), (Reason::Offline, Who::Network));
        assert_eq!(of_all(std::slice::from_ref(&own)), None);
        own.cause.as_mut().unwrap().confidence = Confidence::High;
        assert_eq!(of_all(&[down, own]), None);
    }

    #[test]
    fn a_portal_before_everything_is_one_reason_and_before_a_part_it_is_not() {
        let mut page = record(
            "http://a:80/",
            "fail",
            "http.redirect_foreign",
            json!({ "code": "captive_portal", "who": "network" }),
        );
        page.cause.as_mut().unwrap().confidence = Confidence::High;
        let dropped =
            record("tcp://b:1", "fail", "tcp.timeout", json!({ "code": "firewall_drop", "who": "network" }));
        let all = [page.clone(), dropped];
        assert_eq!(of_all(&all).map(|outage| outage.reason), Some(Reason::CaptivePortal));
        assert_eq!(of_all(&[page, record("tcp://c:1", "pass", "", json!({}))]), None);
    }

    #[test]
    fn no_record_is_no_outage() {
        assert_eq!(of_all(&[]), None);
    }
}
