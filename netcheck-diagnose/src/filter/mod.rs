//! What a filter matches (`--prove filter`): minimal pairs, one change and the opposite outcome, each side repeated.
//!
//! It describes a rule for the person who owns it. Nothing of what passes is kept or used.

mod connection;
mod datagram;
mod hello;
mod host;
pub mod names;
mod proxy;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Value, json};

use crate::hello_probe::Destination;
use crate::{Diagnosis, Observed};
use netcheck_record::cause::Confidence;
use netcheck_record::failure::Code;
use netcheck_record::target::Target;

/// How many connections one question may take.
pub const CONNECTIONS: usize = 24;
/// How often each side of a pair is tried.
const TIMES: usize = 2;

/// One change, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pair {
    /// What was changed against what the check sent.
    pub change: String,
    /// What came of what the check sent: `lost`.
    pub first: &'static str,
    /// What came of the changed one: `lost`, `answered`, or `both` where it differed from time to time.
    pub second: &'static str,
}

impl Pair {
    /// What came of one change to what was lost.
    #[must_use]
    pub fn new(change: String, second: Outcome) -> Pair {
        Pair { change, first: Outcome::Lost.as_str(), second: second.as_str() }
    }
}

/// What a filter matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filter {
    /// `sni_exact`, `sni_suffix` (a name and all below it), `sni_below` (only those below it), `sni_wildcard`, `sni_contains`,
    /// the same with `host_` for the Host header and with `connect_` for a proxy, `alpn`, `hello_length`, `hello_segments`,
    /// `packet_length`, `hello_content`, `tls`, `quic_version`, `port`, `address`, `udp`, or `unknown` where the pairs do not
    /// show it.
    pub matches: &'static str,
    /// The name, protocol, port, address or length that is matched.
    pub value: Option<String>,
    /// Whether upper and lower case differ for it, where that was tried.
    pub case_sensitive: Option<bool>,
    /// Whether it reads the first TCP segment only, where that was tried.
    pub first_segment_only: Option<bool>,
    /// What was compared.
    pub pairs: Vec<Pair>,
    /// How sure that is.
    pub confidence: Confidence,
    /// The rule in words.
    pub rule: String,
}

impl Filter {
    /// No comparison shows what is matched.
    #[must_use]
    pub fn unknown(pairs: Vec<Pair>) -> Filter {
        Filter {
            matches: "unknown",
            value: None,
            case_sensitive: None,
            first_segment_only: None,
            pairs,
            confidence: Confidence::Low,
            rule: "The comparisons do not show what the filter matches.".to_owned(),
        }
    }

    /// A rule, of medium confidence.
    #[must_use]
    pub fn new(matches: &'static str, value: Option<String>, pairs: Vec<Pair>, rule: String) -> Filter {
        Filter { matches, value, rule, confidence: Confidence::Medium, ..Filter::unknown(pairs) }
    }

    /// Writes it into the facts of the target, and returns the rule in words.
    #[must_use]
    pub fn note(self, net: &Diagnosis) -> String {
        net.fact("filter", "matches", self.matches);
        let tried = [
            ("value", self.value.map(Value::from)),
            ("case_sensitive", self.case_sensitive.map(Value::from)),
            ("first_segment_only", self.first_segment_only.map(Value::from)),
        ];
        for (key, value) in tried.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            net.fact("filter", key, value);
        }
        net.fact("filter", "pairs", json!(self.pairs));
        net.fact("filter", "confidence", json!(self.confidence));
        net.fact("filter", "rule", self.rule.clone());
        self.rule
    }
}

/// What several equal attempts came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Each was answered.
    Answered,
    /// None was answered.
    Lost,
    /// Some were answered, or it could not be found out.
    Both,
}

impl Outcome {
    /// Of several equal attempts, whether each was answered.
    #[must_use]
    pub fn of(answers: &[bool]) -> Outcome {
        match (answers.contains(&true), answers.contains(&false)) {
            (true, false) => Outcome::Answered,
            (false, true) => Outcome::Lost,
            (true, true) | (false, false) => Outcome::Both,
        }
    }

    /// As records have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Lost => "lost",
            Outcome::Both => "both",
        }
    }
}

/// Counts connections, and refuses those beyond the bound.
#[derive(Debug, Default)]
pub struct Allowance(AtomicUsize);

impl Allowance {
    /// Whether so many more may be made.
    #[must_use]
    pub fn take(&self, connections: usize) -> bool {
        self.0.fetch_add(connections, Ordering::Relaxed) + connections <= CONNECTIONS
    }

    /// Tries one side of a pair as often as each is tried. A try that says nothing, or is one too many, is no outcome.
    pub async fn repeat(&self, one: impl AsyncFn() -> Option<bool>) -> Outcome {
        if !self.take(TIMES) {
            return Outcome::Both;
        }
        let answers: Option<Vec<bool>> = join_all((0..TIMES).map(|_| one())).await.into_iter().collect();
        answers.map_or(Outcome::Both, |answers| Outcome::of(&answers))
    }
}

/// Finds out what a filter matches that stops datagrams to this port, by how far those to other ports and addresses get.
pub async fn of_datagrams(to: SocketAddr, addresses: &[IpAddr], net: &Diagnosis) -> Filter {
    Box::pin(datagram::identify(to, addresses, net)).await
}

/// Finds out what the filter matches that stopped this target; none where the failure is not a filter's.
pub async fn identify(target: &Target, observed: &Observed, net: &Diagnosis) -> Option<Filter> {
    let failure = observed.failure.as_ref()?;
    if failure.code == Code::ProxyDenied && net.diagnoses() {
        return Some(Box::pin(proxy::identify(target, net)).await);
    }
    if failure.code.layer() == "tls"
        && observed.path.proxy.is_some()
        && net.diagnoses()
        && let Some(sent) = observed.path.hello.clone()
    {
        let to = Destination::Proxied(target);
        return Some(Box::pin(hello::identify(target, to, &sent, failure, net)).await);
    }
    let to = observed.path.peer.filter(|_| observed.path.proxy.is_none() && net.diagnoses())?;
    match failure.code.layer() {
        "tcp" => Some(Box::pin(connection::identify(net, to, &observed.path.addresses, failure)).await),
        "tls" if observed.path.hello.is_some() => {
            let sent = observed.path.hello.clone()?;
            let to = Destination::Direct(to);
            Some(Box::pin(hello::identify(target, to, &sent, failure, net)).await)
        }
        "http" if target.scheme.name == "http" && failure.code != Code::HttpProxyAuth => {
            Some(Box::pin(host::identify(target, to, failure, net)).await)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_outcome_counts_only_where_each_attempt_had_it() {
        assert_eq!(Outcome::of(&[true, true]), Outcome::Answered);
        assert_eq!(Outcome::of(&[false, false]), Outcome::Lost);
        assert_eq!(Outcome::of(&[true, false]), Outcome::Both);
        assert_eq!(Outcome::of(&[]), Outcome::Both);
    }
}
