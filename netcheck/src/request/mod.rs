//! What to ask of whom: the fixes of many records as few sentences, ready to paste.

mod fix;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netcheck_record::cause::{Reason, Who};
use netcheck_record::record::{Record, Verdict};

use crate::ports;
use crate::standing::{self, Standing};
use crate::target::Place;

/// As many hosts are named in a sentence.
const NAMED: usize = 3;

/// Records of one row that fail for the same reason at the same place.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    /// Why, as a cause or a failure code.
    pub(crate) code: &'static str,
    /// The cause, where one was inferred.
    pub(crate) reason: Reason,
    /// Whom to ask.
    pub(crate) who: Who,
    /// Where.
    pub(crate) near: Option<IpAddr>,
    /// The records.
    pub(crate) records: Vec<&'a Record>,
}

/// The records in groups, the largest first.
pub(crate) fn groups<'a>(records: &[&'a Record]) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(&'static str, Who, Option<IpAddr>), Vec<&'a Record>> = BTreeMap::new();
    for record in records {
        let cause = record.cause.as_ref();
        let who = cause.map_or(Who::Unknown, |cause| cause.who);
        let near = cause.and_then(|cause| cause.near);
        groups.entry((standing::fate(record), who, near)).or_default().push(record);
    }
    let reason = |records: &[&Record]| {
        records.first().and_then(|record| record.cause.as_ref()).map_or(Reason::Unknown, |cause| cause.code)
    };
    let mut groups: Vec<Group> = groups
        .into_iter()
        .map(|((code, who, near), records)| Group { code, reason: reason(&records), who, near, records })
        .collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.records.len()));
    groups
}

/// The first few hosts by name; the last of them says how many more there are.
fn few(mut hosts: Vec<String>) -> Vec<String> {
    let more = hosts.len().saturating_sub(NAMED);
    hosts.truncate(NAMED);
    if let Some(last) = hosts.last_mut().filter(|_| more > 0) {
        last.push_str(&format!(" and {more} more"));
    }
    hosts
}

/// The ports of records as a rule names them: `TCP 10010-10050`, or both transports.
pub(crate) fn ports(records: &[&Record]) -> String {
    let mut by_transport: BTreeMap<&str, Vec<u16>> = BTreeMap::new();
    for place in records.iter().map(|record| Place::of(&record.target)) {
        by_transport.entry(place.transport()).or_default().extend(place.port);
    }
    let text = |(transport, ports): (&str, Vec<u16>)| match ports::text(ports) {
        ports if ports.is_empty() => transport.to_owned(),
        ports => format!("{transport} {ports}"),
    };
    by_transport.into_iter().map(text).collect::<Vec<_>>().join(", ")
}

impl Group<'_> {
    /// Its ports as a rule names them.
    pub(crate) fn ports(&self) -> String {
        ports(&self.records)
    }

    /// Its hosts, the first few by name.
    pub(crate) fn hosts(&self) -> String {
        let hosts: BTreeSet<String> =
            self.records.iter().map(|record| Place::of(&record.target).host).collect();
        few(hosts.into_iter().collect()).join(", ")
    }

    /// What to ask for: one sentence for hosts that need the same, the records' own words where they agree.
    pub(crate) fn fixes(&self) -> Vec<String> {
        type Needs = (Vec<u16>, BTreeSet<String>);
        let mut by_words: BTreeMap<String, BTreeMap<String, Needs>> = BTreeMap::new();
        for record in &self.records {
            let place = Place::of(&record.target);
            let (words, protocol) = fix::template(record, &place);
            let (ports, protocols) = by_words.entry(words).or_default().entry(place.host).or_default();
            ports.extend(place.port);
            protocols.extend(protocol);
        }
        let mut fixes = Vec::new();
        for (words, hosts) in by_words {
            let mut same: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
            for (host, (numbers, protocols)) in hosts {
                let protocols = protocols.into_iter().collect::<Vec<_>>().join(", ");
                // A sentence that names no port is the same for all of them.
                let ports = if fix::names_port(&words) { ports::text(numbers) } else { String::new() };
                same.entry((ports, protocols)).or_default().push(host);
            }
            for ((ports, protocols), hosts) in same {
                let hosts = if self.reason == Reason::DnsOutage { few(hosts) } else { hosts };
                fixes.push(fix::filled(&words, &hosts, &ports, &protocols));
            }
        }
        fixes.dedup();
        fixes
    }
}

/// One sentence a region: how much does not work there, why, and where.
pub(crate) fn sentences(standing: &Standing) -> Vec<String> {
    let mut by_region: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in &standing.decisive {
        by_region.entry(standing::label(record, "region").unwrap_or("all")).or_default().push(record);
    }
    let mut sentences = Vec::new();
    for (region, bad) in by_region {
        for group in groups(&bad) {
            sentences.push(sentence(standing, region, &group));
        }
    }
    sentences
}

fn sentence(standing: &Standing, region: &str, group: &Group) -> String {
    let place = if region == "all" { String::new() } else { format!(" ({region})") };
    let near = match group.near {
        // A drop leaves the dropping device as the last answer, or the one before it; who answers is there.
        Some(address) if silent(group.reason) => format!(", at or after {address}"),
        Some(address) => format!(", at {address}"),
        None => String::new(),
    };
    let sure =
        group.records.iter().filter_map(|record| record.cause.as_ref()).map(|cause| cause.confidence).min();
    let sure = match sure {
        Some(netcheck_record::cause::Confidence::High) => " (proven)",
        Some(netcheck_record::cause::Confidence::Medium) => " (likely)",
        Some(netcheck_record::cause::Confidence::Low) => " (a guess)",
        None => "",
    };
    let verb = match group.records.first() {
        Some(record) if record.verdict == Verdict::Degraded => "works with a flaw",
        Some(record) if record.verdict == Verdict::Inconclusive && sure != " (proven)" => {
            "could not be found out"
        }
        _ => "does not work",
    };
    format!(
        "{}{place}: {} to {} {verb}: {}{sure}{near}.",
        standing.name,
        group.ports(),
        group.hosts(),
        group.code
    )
}

/// Whether a cause shows itself by silence, so that its place is not known exactly.
pub(crate) fn silent(reason: Reason) -> bool {
    matches!(reason, Reason::FirewallDrop | Reason::UdpBlocked | Reason::MtuBlackhole | Reason::Unknown)
}

/// What became of the ports, by host, where a row has ranges: `10000-10009 pass · 10010-10050 firewall_drop`.
pub(crate) fn port_fates(standing: &Standing) -> Vec<(String, String)> {
    let mut hosts: BTreeMap<(String, String), Vec<(u16, String)>> = BTreeMap::new();
    for record in &standing.records {
        let place = Place::of(&record.target);
        if let Some(port) = place.port {
            let key = (place.host, place.scheme);
            hosts.entry(key).or_default().push((port, standing::fate(record).to_owned()));
        }
    }
    hosts
        .into_iter()
        // One fate for all is in the sentence already.
        .filter(|(_, fates)| fates.len() > 2 && fates.iter().any(|(_, fate)| *fate != fates[0].1))
        .map(|((host, _), fates)| (host, ports::fates(fates)))
        .collect()
}

/// One thing to ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// A sentence, ready to paste.
    pub(crate) fix: String,
    /// The rows that need it.
    pub(crate) rows: Vec<String>,
}

/// Every request, by whom it concerns.
pub(crate) fn requests(standings: &[Standing]) -> Vec<(Who, Vec<Request>)> {
    type Asked<'a> = (Vec<&'a Record>, Vec<String>);
    let mut all: BTreeMap<Who, Vec<Request>> = BTreeMap::new();
    let mut names: BTreeMap<(Who, Reason, String), Asked> = BTreeMap::new();
    for standing in standings {
        // Whoever need not answer is no reason to ask anybody.
        let asking = |record: &&&Record| !standing::need_not_answer(record);
        let decisive: Vec<&Record> = standing.decisive.iter().filter(asking).copied().collect();
        for group in groups(&decisive) {
            if of_names(group.reason) {
                for record in group.records {
                    let (words, _) = fix::template(record, &Place::of(&record.target));
                    let (records, rows) = names.entry((group.who, group.reason, words)).or_default();
                    records.push(record);
                    add(rows, &standing.name);
                }
                continue;
            }
            let lines = all.entry(group.who).or_default();
            for fix in group.fixes() {
                match lines.iter_mut().find(|line| line.fix == fix) {
                    Some(line) => add(&mut line.rows, &standing.name),
                    None => lines.push(Request { fix, rows: vec![standing.name.clone()] }),
                }
            }
        }
    }
    for ((who, reason, _), (records, rows)) in names {
        let group = Group { code: reason.as_str(), reason, who, near: None, records };
        let requests = group.fixes().into_iter().map(|fix| Request { fix, rows: rows.clone() });
        all.entry(who).or_default().extend(requests);
    }
    all.retain(|_, lines| !lines.is_empty());
    all.into_iter().collect()
}

/// Whether a request is about a resolver: it is one for all rows, whatever their ports.
fn of_names(reason: Reason) -> bool {
    matches!(reason, Reason::DnsOutage | Reason::DnsFilter | Reason::DnsHijack)
}

fn add(rows: &mut Vec<String>, row: &str) {
    if !rows.iter().any(|each| each == row) {
        rows.push(row.to_owned());
    }
}

/// What the rows of some requests need in full, where it is more than the hosts that were asked: a firewall that
/// permits only the witnesses blocks the rest.
pub(crate) fn in_full<'a>(who: Who, lines: &[Request], standings: &'a [Standing]) -> Vec<(&'a str, &'a str)> {
    if !matches!(who, Who::Network | Who::Proxy | Who::Dns) {
        return Vec::new();
    }
    let asked = |standing: &&Standing| {
        !standing.permits.is_empty() && lines.iter().any(|line| line.rows.contains(&standing.name))
    };
    standings
        .iter()
        .filter(asked)
        .map(|standing| (standing.name.as_str(), standing.permits.as_str()))
        .collect()
}

#[cfg(test)]
mod tests;
