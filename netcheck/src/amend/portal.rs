//! One device that answers for everybody: a portal, or whatever shows the same certificate for unrelated services.

use std::collections::{BTreeMap, BTreeSet};

use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::record::Record;

use super::direct;
use crate::standing;
use crate::survey::row_of;
use crate::target::Place;

/// From so many unrelated services on, one certificate is no mistake of theirs.
const UNRELATED: usize = 3;

/// Turns TLS faults that look like each service's own into the one finding that they are.
pub(super) fn apply(records: &mut [Record]) {
    let portal = records.iter().filter(|record| direct(record)).find_map(proven);
    let shared = shared(records);
    if portal.is_none() && shared.is_empty() {
        return;
    }
    let reached: BTreeSet<u16> = records
        .iter()
        .filter(|record| direct(record) && standing::usable(record))
        .filter(|record| leaf(record).is_none_or(|leaf| !shared.contains_key(leaf)))
        .filter_map(|record| Place::of(&record.target).port)
        .collect();
    for record in records.iter_mut().filter(|record| stopped(record, portal.is_some())) {
        let place = Place::of(&record.target);
        let count = leaf(record).and_then(|leaf| shared.get(leaf));
        // Where nobody gets through a port, whoever answers there answers for all.
        if count.is_none() && place.port.is_none_or(|port| reached.contains(&port)) {
            continue;
        }
        let mut cause = match &portal {
            Some(portal) => {
                Cause::new(Reason::CaptivePortal, portal.who, portal.fix.clone()).near(portal.near)
            }
            None => {
                let fix = format!(
                    "Let {} reach the service itself: a device on the way answers in its place.",
                    place.what()
                );
                Cause::new(Reason::TransparentProxy, Who::Network, fix)
            }
        };
        cause.evidence = record.cause.take().map(|old| old.evidence).unwrap_or_default();
        cause = match count {
            Some(count) => {
                cause.seen(format!("{count} unrelated sites of this run show the same certificate"))
            }
            None => cause.seen(format!("nobody is reached on port {}", place.port.unwrap_or_default())),
        };
        if portal.is_some() {
            cause = cause.seen("a portal is proven in the same run");
        }
        record.cause = Some(cause.sure(Confidence::Medium));
    }
}

/// The cause of a portal that a control proved.
fn proven(record: &Record) -> Option<Cause> {
    let cause = record.cause.as_ref()?;
    (cause.code == Reason::CaptivePortal && cause.confidence == Confidence::High).then(|| cause.clone())
}

/// Certificates shown for unrelated services, and for how many sites.
fn shared(records: &[Record]) -> BTreeMap<String, usize> {
    let mut shown: BTreeMap<String, (BTreeSet<String>, BTreeSet<&str>)> = BTreeMap::new();
    for record in records.iter().filter(|record| stopped(record, false)) {
        if let Some(leaf) = leaf(record) {
            let (sites, rows) = shown.entry(leaf.to_owned()).or_default();
            sites.insert(site(&Place::of(&record.target).host));
            rows.insert(row_of(record));
        }
    }
    shown
        .into_iter()
        .filter(|(_, (sites, rows))| sites.len() >= UNRELATED && rows.len() >= UNRELATED)
        .map(|(leaf, (sites, _))| (leaf, sites.len()))
        .collect()
}

/// Whether TLS ended with a fault that was put down to the service, or to nobody; beside a portal, to inspection too.
fn stopped(record: &Record, portal: bool) -> bool {
    let tls = record.failure.as_ref().is_some_and(|failure| failure.code.layer() == "tls");
    let reason = record.cause.as_ref().map_or(Reason::Unknown, |cause| cause.code);
    let open = match reason {
        Reason::ServiceMisconfigured | Reason::Unknown => true,
        Reason::TlsInspection => portal,
        _ => false,
    };
    tls && open && direct(record) && !standing::usable(record)
}

/// The certificate that was shown.
fn leaf(record: &Record) -> Option<&str> {
    record.facts.get("tls")?.get("sha256")?.as_str()
}

/// The last two labels of a name: what one organisation registers, or more than that.
fn site(host: &str) -> String {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host.to_owned();
    }
    let labels: Vec<&str> = host.rsplitn(3, '.').take(2).collect();
    labels.join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(row: &str, target: &str, more: &Value) -> Record {
        let mut record = json!({ "v": 1, "ts": "", "check": "x", "target": target, "verdict": "fail", "stages": [],
            "failure": { "code": "tls.name_mismatch", "detail": "" }, "facts": { "tls": { "sha256": "6eb7" } },
            "cause": { "code": "service_misconfigured", "who": "service", "confidence": "low",
                "evidence": ["the certificate is for other names"], "fix": "Nothing in this network." },
            "path": { "via": "direct" }, "labels": { "row": row } });
        for (key, value) in more.as_object().unwrap() {
            record[key] = value.clone();
        }
        serde_json::from_value(record).unwrap()
    }

    fn impostors() -> Vec<Record> {
        let target = |row: &str, host: &str| record(row, &format!("https://{host}:443"), &json!({}));
        vec![target("core", "www.spotme.com"), target("charts", "code.highcharts.com"), target("fcm", "g.co")]
    }

    fn without_leaf() -> Record {
        let alpn = json!({ "failure": { "code": "tls.alpn", "detail": "" }, "facts": {} });
        record("apns", "apns://1-courier.push.apple.com:443", &alpn)
    }

    fn portal() -> Record {
        let cause = json!({ "code": "captive_portal", "who": "network", "confidence": "high", "evidence": [],
            "fix": "Log in to this network's portal." });
        let failure = json!({ "code": "http.redirect_foreign", "detail": "" });
        record("controls", "http://captive.apple.com:80/", &json!({ "failure": failure, "cause": cause }))
    }

    fn passed() -> Record {
        let mut record = record("guides", "https://fast.appcues.com:443", &json!({ "verdict": "pass" }));
        (record.failure, record.cause) = (None, None);
        record
    }

    fn reasons(mut records: Vec<Record>) -> Vec<Reason> {
        apply(&mut records);
        records.iter().filter_map(|record| Some(record.cause.as_ref()?.code)).collect()
    }

    #[test]
    fn one_certificate_for_three_services_is_a_device_in_their_place() {
        let mut records = impostors();
        apply(&mut records);
        let cause = records[0].cause.as_ref().unwrap();
        assert_eq!((cause.code, cause.who), (Reason::TransparentProxy, Who::Network));
        assert_eq!(
            cause.fix,
            "Let TCP 443 to www.spotme.com (HTTPS over TCP) reach the service itself: a device on the way answers in its place."
        );
        assert_eq!(cause.evidence[1], "3 unrelated sites of this run show the same certificate");
    }

    #[test]
    fn a_proven_portal_explains_every_tls_fault_of_a_port_that_nobody_gets_through() {
        let records = [vec![portal(), without_leaf()], impostors()].concat();
        assert_eq!(reasons(records.clone()), [Reason::CaptivePortal; 5]);
        // Whose own certificate the portal happens to show is not reached either.
        let own = record(
            "video-api",
            "https://video.api.vonage.com:443",
            &json!({ "verdict": "pass", "cause": null }),
        );
        assert_eq!(reasons([records, vec![own]].concat()), [Reason::CaptivePortal; 5]);
    }

    #[test]
    fn a_fault_of_one_service_stays_its_own() {
        let two = impostors().into_iter().take(2).collect();
        assert_eq!(reasons(two), [Reason::ServiceMisconfigured; 2]);
        let one_owner =
            ["a", "b", "c"].map(|row| record(row, &format!("https://{row}.example.com:443"), &json!({})));
        assert_eq!(reasons(one_owner.into()), [Reason::ServiceMisconfigured; 3]);
        let open = vec![portal(), without_leaf(), passed()];
        assert_eq!(reasons(open), [Reason::CaptivePortal, Reason::ServiceMisconfigured]);
    }
}
