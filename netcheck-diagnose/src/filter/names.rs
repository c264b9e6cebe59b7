//! Which names a filter matches: the same request under names that differ in one way each.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::{Filter, Outcome, Pair};
use crate::hello::CONTROL_NAME;
use netcheck_record::cause::Confidence;

/// How a name is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The name itself.
    Exact,
    /// The name, and all names below it.
    Suffix,
    /// All names below a zone, and not the zone's own.
    Below,
    /// One label and this zone: `*.zone`.
    Wildcard,
    /// Wherever it stands in a name.
    Contains,
}

/// Where the name stands that is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The server name of TLS (SNI).
    ServerName,
    /// The Host header of HTTP.
    Host,
    /// The name in a proxy's CONNECT.
    Connect,
}

/// The names that are matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// How they are matched.
    pub how: How,
    /// The name or zone.
    pub value: String,
    /// Whether upper and lower case differ.
    pub case_sensitive: bool,
}

impl Names {
    /// The names it stands for, in words.
    pub fn words(&self) -> String {
        let value = &self.value;
        let names = match self.how {
            How::Exact => format!("is {value}"),
            How::Suffix => format!("is {value} or ends in .{value}"),
            How::Below => format!("ends in .{value}"),
            How::Wildcard => format!("is one label before .{value}"),
            How::Contains => format!("contains {value}"),
        };
        match self.case_sensitive {
            true => names + ", in this case only",
            false => names,
        }
    }

    /// The filter that matches them, proven by pairs of which each side was repeated.
    #[must_use]
    pub fn filter(self, subject: Subject, pairs: Vec<Pair>, rule: String) -> Filter {
        Filter {
            case_sensitive: Some(self.case_sensitive),
            confidence: Confidence::High,
            ..Filter::new(self.matches(subject), Some(self.value), pairs, rule)
        }
    }

    /// The word of `facts.filter.matches`.
    const fn matches(&self, subject: Subject) -> &'static str {
        match (subject, self.how) {
            (Subject::ServerName, How::Exact) => "sni_exact",
            (Subject::ServerName, How::Suffix) => "sni_suffix",
            (Subject::ServerName, How::Below) => "sni_below",
            (Subject::ServerName, How::Wildcard) => "sni_wildcard",
            (Subject::ServerName, How::Contains) => "sni_contains",
            (Subject::Host, How::Exact) => "host_exact",
            (Subject::Host, How::Suffix) => "host_suffix",
            (Subject::Host, How::Below) => "host_below",
            (Subject::Host, How::Wildcard) => "host_wildcard",
            (Subject::Host, How::Contains) => "host_contains",
            (Subject::Connect, How::Exact) => "connect_exact",
            (Subject::Connect, How::Suffix) => "connect_suffix",
            (Subject::Connect, How::Below) => "connect_below",
            (Subject::Connect, How::Wildcard) => "connect_wildcard",
            (Subject::Connect, How::Contains) => "connect_contains",
        }
    }
}

/// A label that nobody uses.
fn unrelated(seed: u64, name: &str) -> String {
    let mut hasher = DefaultHasher::new();
    (seed, name, "filter").hash(&mut hasher);
    format!("n{:06x}", hasher.finish() & 0x00ff_ffff)
}

/// The zone above a name, where it has one below the top level.
fn zone(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, zone)| zone).filter(|zone| zone.contains('.'))
}

/// Whether the own name is lost, a foreign one answered, and which other names are lost too; the own one is tried once
/// more at the end: what changed meanwhile is no rule.
pub(super) async fn compare(
    own: &str,
    seed: u64,
    pairs: &mut Vec<Pair>,
    ask: impl AsyncFn(&str) -> Outcome,
) -> Option<Names> {
    let control = ask(CONTROL_NAME).await;
    pairs.push(Pair::new(format!("a foreign name: {CONTROL_NAME}"), control));
    if control != Outcome::Answered || ask(own).await != Outcome::Lost {
        return None;
    }
    let names = examine(own, seed, pairs, &ask).await?;
    (ask(own).await == Outcome::Lost).then_some(names)
}

/// Asks under other names, where the own one is lost and a foreign one is answered; none where what comes back fits no rule.
pub async fn examine(
    own: &str,
    seed: u64,
    pairs: &mut Vec<Pair>,
    ask: impl AsyncFn(&str) -> Outcome,
) -> Option<Names> {
    let label = unrelated(seed, own);
    let mut lost = async |what: &str, name: String| {
        let outcome = ask(&name).await;
        pairs.push(Pair::new(format!("{what}: {name}"), outcome));
        match outcome {
            Outcome::Lost => Some(true),
            Outcome::Answered => Some(false),
            Outcome::Both => None,
        }
    };
    let below = lost("a name below it", format!("{label}.{own}")).await?;
    let extended = lost("the name with a domain appended", format!("{own}.{label}.example")).await?;
    let (how, value) = match (below, extended) {
        (true, true) => match zone(own) {
            Some(zone) if lost("its zone in a foreign name", format!("{zone}.{label}.example")).await? => {
                (How::Contains, zone.to_owned())
            }
            Some(_) | None => (How::Contains, own.to_owned()),
        },
        (true, false) => {
            let mut value = own;
            while let Some(zone) = zone(value) {
                if !lost("another name of the zone", format!("{label}.{zone}")).await? {
                    break;
                }
                value = zone;
            }
            match value == own || lost("the zone itself", value.to_owned()).await? {
                true => (How::Suffix, value.to_owned()),
                false => (How::Below, value.to_owned()),
            }
        }
        (false, false) => match zone(own) {
            Some(zone) if lost("another name of the zone", format!("{label}.{zone}")).await? => {
                (How::Wildcard, zone.to_owned())
            }
            Some(_) | None => (How::Exact, own.to_owned()),
        },
        (false, true) => return None,
    };
    let upper = own.to_ascii_uppercase();
    let case_sensitive = !lost("the name in upper case", upper).await?;
    Some(Names { how, value, case_sensitive })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(own: &str, rule: impl Fn(&str) -> bool) -> Option<(How, String, bool)> {
        let ask = async |name: &str| if rule(name) { Outcome::Lost } else { Outcome::Answered };
        let names = examine(own, 7, &mut Vec::new(), ask).await?;
        Some((names.how, names.value, names.case_sensitive))
    }

    #[tokio::test]
    async fn rules_of_each_kind_are_recovered() {
        let own = "www.spotme.com";
        let lower = |name: &str| name.to_ascii_lowercase();
        assert_eq!(found(own, |name| name == own).await, Some((How::Exact, own.into(), true)));
        assert_eq!(found(own, |name| lower(name) == own).await, Some((How::Exact, own.into(), false)));
        let below = |name: &str| lower(name).ends_with(".spotme.com");
        assert_eq!(found(own, below).await, Some((How::Below, "spotme.com".into(), false)));
        let suffix = |name: &str| lower(name) == "spotme.com" || lower(name).ends_with(".spotme.com");
        assert_eq!(found(own, suffix).await, Some((How::Suffix, "spotme.com".into(), false)));
        let below = |name: &str| name == own || name.ends_with(".www.spotme.com");
        assert_eq!(found(own, below).await, Some((How::Suffix, own.into(), true)));
        let level = |name: &str| name.strip_suffix(".spotme.com").is_some_and(|label| !label.contains('.'));
        assert_eq!(found(own, level).await, Some((How::Wildcard, "spotme.com".into(), true)));
        let contains = |name: &str| name.contains("spotme.com");
        assert_eq!(found(own, contains).await, Some((How::Contains, "spotme.com".into(), true)));
    }

    #[tokio::test]
    async fn what_fits_no_rule_stays_unknown() {
        assert_eq!(found("www.spotme.com", |name| name.starts_with("www.")).await, None);
        let both = async |_: &str| Outcome::Both;
        assert_eq!(examine("www.spotme.com", 7, &mut Vec::new(), both).await, None);
    }
}
