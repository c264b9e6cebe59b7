//! What resolvers answer for the names of a rehearsal, and which answer is another one than before.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use netcheck_record::record::Record;

use super::system::{ANSWER, Change};

/// The most names that are followed, and addresses of each.
const MOST: usize = 256;
/// So many answers have to agree before another one is a change.
const STEADY: u32 = 2;
/// A name that changes more often than this answers with another address each time.
const VARIES: u32 = 4;

/// The answers for each name.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers(BTreeMap<String, Name>);

#[derive(Clone, Debug, Default)]
struct Name {
    /// Every address so far.
    known: BTreeSet<IpAddr>,
    /// The answer of the newest record.
    newest: (f64, BTreeSet<IpAddr>),
    /// How many answers agreed with earlier ones since the last change.
    agreed: u32,
    changes: u32,
}

impl Answers {
    /// Notes the answer of a record whose check began at `at`; a change, where the answer shares no address with any
    /// earlier one. Names with several sets of addresses answer with one after the other, which is none.
    pub(super) fn note(&mut self, record: &Record, at: f64) -> Option<Change> {
        let answer: BTreeSet<IpAddr> =
            serde_json::from_value(record.facts.get("dns")?.get("addresses")?.clone())
                .ok()
                .filter(|answer: &BTreeSet<IpAddr>| !answer.is_empty() && answer.len() <= MOST)?;
        let host = host(&record.target)?;
        if self.0.len() >= MOST && !self.0.contains_key(host) {
            return None;
        }
        let name = self.0.entry(host.to_owned()).or_default();
        let new = answer.is_disjoint(&name.known);
        let changed = new && name.agreed >= STEADY && name.changes < VARIES && at > name.newest.0;
        let before = std::mem::take(&mut name.newest.1);
        let change = changed.then(|| Change {
            at: record.ts.clone(),
            what: format!("{ANSWER}{host}"),
            before: Some(listed(&before)),
            after: Some(listed(&answer)),
        });
        name.changes += u32::from(new && !name.known.is_empty());
        name.agreed = if new { 1 } else { name.agreed.saturating_add(1) };
        if name.known.len() < MOST {
            name.known.extend(answer.iter().copied());
        }
        // A connection that lasted is written when it ends, with an old answer.
        name.newest = if at >= name.newest.0 { (at, answer) } else { (name.newest.0, before) };
        change
    }
}

fn listed(addresses: &BTreeSet<IpAddr>) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The host of a canonical target.
fn host(target: &str) -> Option<&str> {
    let rest = target.split_once("://")?.1;
    rest.split(['/', '?', ':']).next().filter(|host| !host.is_empty() && !host.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The changes that these answers for one name are, as `time: words`.
    fn changes(answers: &[(f64, &[&str])]) -> Vec<String> {
        let mut known = Answers::default();
        let told = answers.iter().filter_map(|(at, addresses)| {
            let text = format!(
                r#"{{"v":1,"ts":"t","check":"udp","target":"stun://a.example:3478","verdict":"pass","stages":[],"facts":{{"dns":{{"addresses":{}}}}}}}"#,
                serde_json::json!(addresses)
            );
            let record = serde_json::from_str(&text).unwrap();
            known.note(&record, *at).map(|change| format!("{at}: {}", change.words()))
        });
        told.collect()
    }

    #[test]
    fn an_answer_that_shares_no_address_with_earlier_ones_is_a_change() {
        let (one, other) = (["192.0.2.1", "192.0.2.2"], ["192.0.2.9"]);
        let told = changes(&[(1.0, &one), (2.0, &one), (3.0, &other), (4.0, &other)]);
        assert_eq!(told, ["3: DNS answer for a.example: before 192.0.2.1, 192.0.2.2, now 192.0.2.9"]);
    }

    #[test]
    fn a_part_of_the_addresses_and_answers_that_vary_from_the_start_are_none() {
        let told =
            changes(&[(1.0, &["192.0.2.1", "192.0.2.2"]), (2.0, &["192.0.2.2"]), (3.0, &["192.0.2.1"])]);
        assert!(told.is_empty(), "{told:?}");
        let told = changes(&[
            (1.0, &["192.0.2.1"]),
            (2.0, &["192.0.2.2"]),
            (3.0, &["192.0.2.3"]),
            (4.0, &["192.0.2.1"]),
        ]);
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn the_old_answer_of_a_connection_that_lasted_is_no_change_back() {
        let (one, other) = (["192.0.2.1"], ["192.0.2.9"]);
        let told = changes(&[(1.0, &one), (5.0, &one), (20.0, &other), (2.0, &one), (30.0, &other)]);
        assert_eq!(told.len(), 1, "{told:?}");
    }
}
