//! The function `check_host()` of RFC 7208: whether a domain lets an address send for it.

use std::net::IpAddr;

use netcheck_common::failure::Failure;

use super::SpfResult;
use super::domain_spec::{DomainSpec, MacroValues};
use super::record::{Directive, DualCidr, Mechanism, Qualifier, SpfRecord, is_spf};
use crate::names::{Lookup, Names};

/// Terms that ask the DNS, at most (RFC 7208 section 4.6.4).
const MOST_LOOKUPS: usize = 10;
/// Questions that find nothing, at most.
const MOST_VOID: usize = 2;
/// Names of one `mx` or `ptr` that are followed.
const MOST_NAMES: usize = 10;
/// Names of other records that are kept.
const LISTED: usize = 20;

/// What is evaluated.
#[derive(Clone, Debug)]
pub struct SpfQuestion<'a> {
    /// The address that sends.
    pub ip: IpAddr,
    /// The domain of the envelope sender.
    pub domain: &'a str,
    /// Its local part.
    pub local_part: &'a str,
    /// The name given in HELO.
    pub helo: &'a str,
}

/// What an evaluation found.
#[derive(Debug, Default)]
pub struct Evaluation {
    /// The result.
    pub result: SpfResult,
    /// Why it is an error, with the term that caused it.
    pub reason: Option<String>,
    /// The question that drew no answer, for `temperror`.
    pub lost: Option<Failure>,
    /// The other records it went through.
    pub includes: Vec<String>,
    /// Terms that asked the DNS.
    pub lookups: usize,
    void: usize,
    queries: usize,
    validated: Option<String>,
}

/// An end before a mechanism matched.
enum Abort {
    Temperror(Failure),
    Permerror(String),
}

type Outcome<T> = Result<T, Abort>;

/// Evaluates the records of a domain for an address.
pub async fn check_host(question: &SpfQuestion<'_>, names: &Names) -> Evaluation {
    let ip = match question.ip {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(question.ip, IpAddr::V4),
        IpAddr::V4(_) => question.ip,
    };
    let question = SpfQuestion { ip, ..question.clone() };
    let mut run = Run { question: &question, names, state: Evaluation::default() };
    let outcome = run.check(question.domain.to_owned()).await;
    let mut state = run.state;
    match outcome {
        Ok(result) => state.result = result,
        Err(Abort::Permerror(reason)) => {
            state.result = SpfResult::Permerror;
            state.reason = Some(reason);
        }
        Err(Abort::Temperror(failure)) => {
            state.result = SpfResult::Temperror;
            state.reason = Some(failure.detail.clone());
            state.lost = Some(failure);
        }
    }
    state
}

impl Evaluation {
    /// DNS questions asked.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.queries
    }
}

struct Run<'a> {
    question: &'a SpfQuestion<'a>,
    names: &'a Names,
    state: Evaluation,
}

impl Run<'_> {
    /// `check_host()` for one domain; boxed because records refer to records.
    fn check(&mut self, domain: String) -> std::pin::Pin<Box<dyn Future<Output = Outcome<SpfResult>> + '_>> {
        Box::pin(async move {
            if !is_domain(&domain) {
                return Ok(SpfResult::None);
            }
            let texts = self.asked(self.names.texts(&domain).await)?;
            let mut records = texts.records().into_iter().filter(|text| is_spf(text));
            let Some(text) = records.next() else { return Ok(SpfResult::None) };
            if records.next().is_some() {
                return Err(Abort::Permerror(format!("{domain} has more than one SPF record")));
            }
            let record = SpfRecord::parse(&text).map_err(|error| {
                Abort::Permerror(format!("\"{}\" in the record of {domain}: {}", error.term, error.reason))
            })?;
            for directive in &record.directives {
                if self.matches(directive, &domain).await? {
                    return Ok(match directive.qualifier {
                        Qualifier::Pass => SpfResult::Pass,
                        Qualifier::Fail => SpfResult::Fail,
                        Qualifier::Softfail => SpfResult::Softfail,
                        Qualifier::Neutral => SpfResult::Neutral,
                    });
                }
            }
            let Some((target, term)) = record.redirect else { return Ok(SpfResult::Neutral) };
            self.refer(&target, &term, &domain).await
        })
    }

    /// Follows `include:` or `redirect=`; a target without a record is an error.
    async fn refer(&mut self, target: &DomainSpec, term: &str, domain: &str) -> Outcome<SpfResult> {
        self.count(term)?;
        let target = self.expand(target, domain).await;
        if self.state.includes.len() < LISTED
            && let Some(name) = crate::message::hostname::clean(target.as_bytes())
        {
            self.state.includes.push(name);
        }
        match self.check(target).await? {
            SpfResult::None => Err(Abort::Permerror(format!("\"{term}\": that domain has no SPF record"))),
            result => Ok(result),
        }
    }

    async fn matches(&mut self, directive: &Directive, domain: &str) -> Outcome<bool> {
        let term = directive.text.as_str();
        match &directive.mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Network(network, prefix) => Ok(within(self.question.ip, *network, *prefix)),
            Mechanism::Include(target) => Ok(self.refer(target, term, domain).await? == SpfResult::Pass),
            Mechanism::A(target, cidr) => {
                self.count(term)?;
                let name = self.target(target.as_ref(), domain).await;
                self.covers(&name, *cidr, term).await
            }
            Mechanism::Mx(target, cidr) => {
                self.count(term)?;
                let name = self.target(target.as_ref(), domain).await;
                self.mx(&name, *cidr, term).await
            }
            Mechanism::Ptr(target) => {
                self.count(term)?;
                let name = self.target(target.as_ref(), domain).await;
                let validated = self.validated_names(term).await;
                Ok(validated.iter().any(|host| is_under(host, &name)))
            }
            Mechanism::Exists(target) => {
                self.count(term)?;
                let name = self.expand(target, domain).await;
                if !is_name(&name) {
                    return Ok(false);
                }
                let found = self.asked(self.names.addresses(&name, None).await)?;
                self.found(found, term).map(|found| !found.is_empty())
            }
        }
    }

    async fn mx(&mut self, name: &str, cidr: DualCidr, term: &str) -> Outcome<bool> {
        if !is_name(name) {
            return Ok(false);
        }
        let hosts = self.asked(self.names.exchanges(name).await)?;
        let hosts = self.found(hosts, term)?;
        if hosts.len() > MOST_NAMES {
            return Err(Abort::Permerror(format!(
                "\"{term}\": {name} has more than {MOST_NAMES} MX records"
            )));
        }
        for host in hosts {
            if self.covers(&host, cidr, term).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an address of the name is within the prefix of ours.
    async fn covers(&mut self, name: &str, cidr: DualCidr, term: &str) -> Outcome<bool> {
        if !is_name(name) {
            return Ok(false);
        }
        let ip = self.question.ip;
        let prefix = if ip.is_ipv4() { cidr.v4 } else { cidr.v6 };
        let addresses = self.asked(self.names.addresses(name, Some(ip)).await)?;
        let addresses = self.found(addresses, term)?;
        Ok(addresses.into_iter().any(|network| within(ip, network, prefix)))
    }

    /// The names of the address that lead back to it; what cannot be asked is passed over (RFC 7208 section 5.5).
    async fn validated_names(&mut self, term: &str) -> Vec<String> {
        let ip = self.question.ip;
        self.state.queries += 1;
        let Ok(names) = self.names.reverse(ip).await else { return Vec::new() };
        let mut validated = Vec::new();
        for name in names.records().into_iter().take(MOST_NAMES) {
            self.state.queries += 1;
            let _ = term;
            if let Ok(addresses) = self.names.addresses(&name, Some(ip)).await
                && addresses.records().contains(&ip)
            {
                validated.push(name);
            }
        }
        validated
    }

    async fn target(&mut self, target: Option<&DomainSpec>, domain: &str) -> String {
        match target {
            Some(target) => self.expand(target, domain).await,
            None => domain.to_owned(),
        }
    }

    async fn expand(&mut self, target: &DomainSpec, domain: &str) -> String {
        let validated = match target.needs_validated_name() {
            true => self.validated_name(domain).await,
            false => String::new(),
        };
        target.expand(&MacroValues {
            ip: self.question.ip,
            domain,
            local_part: self.question.local_part,
            sender_domain: self.question.domain,
            helo: self.question.helo,
            validated: &validated,
        })
    }

    /// The value of `%{p}`: the domain itself if it is one of the names, else one under it, else any.
    async fn validated_name(&mut self, domain: &str) -> String {
        if let Some(known) = &self.state.validated {
            return known.clone();
        }
        let names = self.validated_names("%{p}").await;
        let best = names
            .iter()
            .find(|name| name.eq_ignore_ascii_case(domain))
            .or_else(|| names.iter().find(|name| is_under(name, domain)))
            .or_else(|| names.first());
        let name = best.map_or("unknown", String::as_str).to_owned();
        self.state.validated = Some(name.clone());
        name
    }

    fn count(&mut self, term: &str) -> Outcome<()> {
        self.state.lookups += 1;
        if self.state.lookups > MOST_LOOKUPS {
            let reason = format!(
                "\"{term}\" is lookup number {}: at most {MOST_LOOKUPS} are allowed",
                self.state.lookups
            );
            return Err(Abort::Permerror(reason));
        }
        Ok(())
    }

    /// Counts a DNS query; one without an answer ends the evaluation as `temperror` (RFC 7208 section 2.6.6).
    fn asked<T>(&mut self, answer: Result<Lookup<T>, Failure>) -> Outcome<Lookup<T>> {
        self.state.queries += 1;
        answer.map_err(Abort::Temperror)
    }

    /// The records; a lookup that found none counts as void.
    fn found<T>(&mut self, lookup: Lookup<T>, term: &str) -> Outcome<Vec<T>> {
        let records = lookup.records();
        if records.is_empty() {
            self.state.void += 1;
            if self.state.void > MOST_VOID {
                let reason = format!(
                    "\"{term}\" is lookup number {} that finds nothing: at most {MOST_VOID} are allowed",
                    self.state.void
                );
                return Err(Abort::Permerror(reason));
            }
        }
        Ok(records)
    }
}

/// Whether a name can be asked for: labels of 1 to 63 bytes.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 253 && name.split('.').all(|label| (1..=63).contains(&label.len()))
}

/// Whether a name can be a sending domain: more than one label besides (RFC 7208 section 4.3).
fn is_domain(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    is_name(name) && name.contains('.')
}

fn is_under(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    let domain = domain.strip_suffix('.').unwrap_or(&domain);
    host == domain || host.strip_suffix(domain).is_some_and(|head| head.ends_with('.'))
}

fn within(ip: IpAddr, network: IpAddr, prefix: u8) -> bool {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    };
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    ip.is_ipv4() == network.is_ipv4() && bits(ip) & mask == bits(network) & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_compares_that_many_bits() {
        let within = |ip: &str, network: &str, prefix| {
            super::within(ip.parse().expect("an address"), network.parse().expect("a network"), prefix)
        };
        assert!(within("192.0.2.77", "192.0.2.0", 24) && !within("192.0.3.1", "192.0.2.0", 24));
        assert!(within("203.0.113.1", "192.0.2.0", 0) && !within("2001:db8::1", "192.0.2.0", 0));
        assert!(within("2001:db8::1", "2001:db8::", 32) && !within("2001:db9::1", "2001:db8::", 32));
        assert!(within("2001:db8::1", "2001:db8::1", 128));
    }

    #[test]
    fn a_sending_domain_has_two_labels_of_proper_length() {
        assert!(is_domain("example.org") && is_domain("example.org."));
        assert!(!is_domain("org") && !is_domain("a..org") && !is_domain(&format!("{}.org", "a".repeat(64))));
    }
}
