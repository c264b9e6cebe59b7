//! "Nothing beyond the first hop answers" is no outage where the same run reached somebody else that way.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::record::{Record, Verdict};

use super::{address, direct};
use crate::target::Place;

/// A way to the outside that works: its family, and its interface where that is known.
type Way = (bool, Option<String>);

/// Turns silence that a tool took for an outage into a block, or a name's own trouble, where the run reached others
/// the same way.
pub(super) fn apply(records: &mut [Record]) {
    let open: BTreeSet<Way> = records.iter().filter_map(way_out).collect();
    let outage = |record: &&mut Record| {
        record.cause.as_ref().is_some_and(|cause| cause.code == Reason::Offline)
            && silent(record)
            && record.path.as_ref().is_none_or(|path| path.via == "direct")
            && open.iter().any(|way| along(record, way))
    };
    for record in records.iter_mut().filter(outage) {
        let named = record.failure.as_ref().is_some_and(|failure| failure.code.layer() == "dns");
        let mut cause = if named { unresolved(record) } else { dropped(record) };
        if let Some(old) = record.cause.take() {
            cause.evidence = old.evidence;
            // The last hop that answered is that of a block as well.
            cause.near = old.near.filter(|_| !named);
        }
        record.cause = Some(cause.seen("other services were reached in the same run"));
    }
}

/// A block, no farther than the tool saw.
fn dropped(record: &Record) -> Cause {
    let fix = format!("Allow {}.", Place::of(&record.target).what());
    Cause::new(Reason::FirewallDrop, Who::Network, fix).sure(Confidence::Medium)
}

fn unresolved(record: &Record) -> Cause {
    let host = Place::of(&record.target).host;
    let fix = format!("Have the resolver answer for {host}: it stayed silent while other names were found.");
    Cause::new(Reason::DnsOutage, Who::Dns, fix)
}

fn silent(record: &Record) -> bool {
    record.failure.as_ref().is_some_and(|failure| failure.code.as_str().ends_with(".timeout"))
}

/// The way of a target outside that is proven to work.
fn way_out(record: &Record) -> Option<Way> {
    let address = address(record).filter(|address| !inside(*address))?;
    let interface = record.path.as_ref()?.interface.clone();
    (record.verdict == Verdict::Pass && direct(record)).then_some((address.is_ipv6(), interface))
}

/// Whether a record went, or may have gone, that way.
fn along(record: &Record, (v6, interface): &Way) -> bool {
    let own = record.path.as_ref().and_then(|path| path.interface.as_ref());
    address(record).is_none_or(|address| address.is_ipv6() == *v6)
        && (own.is_none() || interface.is_none() || own == interface.as_ref())
}

/// Whether an address may be this side of the way to the Internet.
fn inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn record(target: &str, address: &str, more: &Value) -> Record {
        let mut record = json!({ "v": 1, "ts": "", "check": "x", "target": target, "verdict": "fail", "stages": [],
            "failure": { "code": "tcp.timeout", "detail": "" },
            "cause": { "code": "offline", "who": "network", "confidence": "medium", "near": "10.20.0.1",
                "evidence": ["nothing beyond the first hop answers"], "fix": "Restore it." },
            "path": { "via": "direct", "address": address, "interface": "eth0" } });
        for (key, value) in more.as_object().unwrap() {
            record[key] = value.clone();
        }
        serde_json::from_value(record).unwrap()
    }

    fn passed(address: &str) -> Record {
        let mut record = record("https://b:443", address, &json!({ "verdict": "pass" }));
        (record.failure, record.cause) = (None, None);
        record
    }

    fn cause(records: &mut [Record]) -> Cause {
        apply(records);
        records[0].cause.clone().unwrap()
    }

    #[test]
    fn silence_beside_a_service_that_was_reached_is_a_drop_somewhere() {
        let silent = record("rtmps://a:10000", "52.28.30.1:10000", &json!({}));
        let cause = cause(&mut [silent, passed("99.86.91.11:443")]);
        let near = "10.20.0.1".parse().ok();
        assert_eq!((cause.code, cause.who, cause.near), (Reason::FirewallDrop, Who::Network, near));
        assert_eq!(cause.fix, "Allow TCP 10000 to a (RTMPS over TCP).");
        assert_eq!(
            cause.evidence,
            ["nothing beyond the first hop answers", "other services were reached in the same run"]
        );
    }

    #[test]
    fn a_name_that_was_not_found_in_time_is_the_resolvers_matter() {
        let silent = json!({ "failure": { "code": "dns.timeout", "detail": "" }, "path": null });
        let cause = cause(&mut [record("https://a:443", "", &silent), passed("99.86.91.11:443")]);
        assert_eq!((cause.code, cause.who, cause.confidence), (Reason::DnsOutage, Who::Dns, Confidence::Low));
    }

    #[test]
    fn another_family_another_interface_and_a_neighbour_prove_nothing() {
        let silent = || record("rtmps://a:10000", "52.28.30.1:10000", &json!({}));
        let tunnel = json!({ "path": { "via": "direct", "address": "52.28.30.1:1", "interface": "tun0" } });
        for pair in [
            [silent(), passed("[2a00:1450::1]:443")],
            [record("rtmps://a:1", "", &tunnel), passed("99.86.91.11:443")],
            [silent(), passed("192.168.1.9:443")],
        ] {
            assert_eq!(cause(&mut pair.clone()).code, Reason::Offline, "{pair:?}");
        }
    }

    #[test]
    fn no_route_is_no_silence() {
        let none = json!({ "failure": { "code": "route.none", "detail": "" } });
        let records = &mut [record("https://a:443", "52.28.30.1:443", &none), passed("99.86.91.11:443")];
        assert_eq!(cause(records).code, Reason::Offline);
    }
}
