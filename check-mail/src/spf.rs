//! SPF: whether a domain lets an address send for it (RFC 7208), evaluated by mail-auth with its limits of lookups.

use std::borrow::Borrow;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use mail_auth::spf::verify::SpfParameters;
use mail_auth::{MX, Parameters, RecordSet, ResolverCache, SpfResult, Txt};
use netcheck_common::failure::{Code, Failure};
use serde::Serialize;

use crate::message::hop;
use crate::names::Names;

/// How many names of other records go into a record.
const LISTED: usize = 20;

/// What an evaluation comes to (RFC 7208 section 2.6).
#[derive(Clone, Copy, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// There is no record.
    None,
    /// The record says nothing of the address.
    Neutral,
    /// The address may send.
    Pass,
    /// It may not.
    Fail,
    /// It probably may not.
    Softfail,
    /// The record is broken, or asks for more lookups than allowed.
    Permerror,
}

/// What SPF says of a domain.
#[derive(Clone, Debug, Serialize)]
pub struct Spf {
    /// How many SPF records the domain has: one is right.
    pub records: usize,
    /// The address that was evaluated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What it came to; absent where no address was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Verdict>,
    /// The other records it went through.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<String>,
    /// How many questions that took.
    pub queries: usize,
}

impl Spf {
    /// Evaluates the record of `domain` for `address`.
    ///
    /// # Errors
    /// The `dns.*` codes: the DNS could not be asked.
    pub async fn of(
        domain: &str,
        host: &str,
        address: Option<IpAddr>,
        names: &Names,
    ) -> Result<Spf, Failure> {
        let texts = names.texts(domain).await?.records();
        let records = texts.iter().filter(|text| is_spf(text)).count();
        let mut spf = Spf { records, address, result: None, includes: Vec::new(), queries: 0 };
        let Some(ip) = address else { return Ok(spf) };
        spf.result = Some(match records {
            0 => Verdict::None,
            1 => spf.evaluate(domain, host, ip, names).await?,
            _ => Verdict::Permerror,
        });
        Ok(spf)
    }

    async fn evaluate(
        &mut self,
        domain: &str,
        host: &str,
        ip: IpAddr,
        names: &Names,
    ) -> Result<Verdict, Failure> {
        let asked = Asked::default();
        let sender = format!("postmaster@{domain}");
        let parameters = Parameters::new(SpfParameters::verify_mail_from(ip, host, host, &sender))
            .with_txt_cache(&asked)
            .with_mx_cache(&asked)
            .with_ptr_cache(&asked)
            .with_ipv4_cache(&asked)
            .with_ipv6_cache(&asked);
        let result = names.authenticator.check_host(parameters).await.result();
        let log = asked.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.queries = log.queries;
        self.includes = log.texts.iter().filter_map(|name| hop::host(name.as_bytes())).collect();
        self.includes.retain(|name| name != domain);
        Ok(match result {
            SpfResult::Pass => Verdict::Pass,
            SpfResult::Fail => Verdict::Fail,
            SpfResult::SoftFail => Verdict::Softfail,
            SpfResult::Neutral => Verdict::Neutral,
            SpfResult::None => Verdict::None,
            SpfResult::PermError => Verdict::Permerror,
            SpfResult::TempError => return Err(self.lost(domain, names).await),
        })
    }

    /// Which question of the evaluation drew no answer: mail-auth knows only that one did.
    async fn lost(&self, domain: &str, names: &Names) -> Failure {
        let known = self.includes.iter().map(String::as_str).chain([domain]);
        for name in known {
            let Ok(texts) = names.texts(name).await else { continue };
            for target in texts.records().iter().filter(|text| is_spf(text)).flat_map(|text| targets(text)) {
                if let Err(failure) = names.texts(&target).await {
                    return failure;
                }
            }
        }
        Failure::new(Code::DnsServfail, "a name that the SPF record asks for could not be resolved")
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn problem(&self, domain: &str) -> Option<(Code, String)> {
        if self.records == 0 {
            return Some((Code::MailNoSpf, format!("{domain} has no SPF record")));
        }
        if self.records > 1 {
            let detail = format!("{domain} has {} SPF records, which makes all of them void", self.records);
            return Some((Code::MailSpfExcludes, detail));
        }
        let ip = self.address?;
        let says = match self.result? {
            Verdict::Pass => return None,
            Verdict::Fail => "fail",
            Verdict::Softfail => "softfail",
            Verdict::Neutral => "neutral",
            Verdict::None => "nothing",
            Verdict::Permerror => {
                let detail =
                    format!("the SPF record of {domain} is broken, or asks for more than ten lookups");
                return Some((Code::MailSpfExcludes, detail));
            }
        };
        Some((Code::MailSpfExcludes, format!("the SPF record of {domain} says {says} to {ip}")))
    }
}

fn is_spf(text: &[u8]) -> bool {
    let version = text.get(..6).is_some_and(|head| head.eq_ignore_ascii_case(b"v=spf1"));
    version && text.get(6).is_none_or(|byte| *byte == b' ')
}

/// The names an SPF record sends one on to.
fn targets(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let words = text.split(' ').map(|word| word.trim_start_matches(['+', '-', '~', '?']));
    let names =
        words.filter_map(|word| word.strip_prefix("include:").or_else(|| word.strip_prefix("redirect=")));
    names.filter_map(|name| hop::host(name.as_bytes())).take(LISTED).collect()
}

/// What mail-auth asks for on the way: a cache that remembers only the questions.
#[derive(Default)]
struct Asked(Mutex<Log>);

#[derive(Default)]
struct Log {
    queries: usize,
    texts: Vec<String>,
}

impl Asked {
    fn note(&self, change: impl FnOnce(&mut Log)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

macro_rules! asked {
    ($key:ty, $value:ty, $answered:expr) => {
        impl ResolverCache<$key, $value> for Asked {
            fn get<Q: Hash + Eq + ?Sized>(&self, _: &Q) -> Option<$value>
            where
                $key: Borrow<Q>,
            {
                self.note(|log| log.queries += 1);
                None
            }

            fn remove<Q: Hash + Eq + ?Sized>(&self, _: &Q) -> Option<$value>
            where
                $key: Borrow<Q>,
            {
                None
            }

            fn insert(&self, key: $key, _: $value, _: std::time::Instant) {
                let answered: fn(&mut Log, $key) = $answered;
                self.note(|log| answered(log, key));
            }
        }
    };
}

asked!(Box<str>, Txt, |log, name| {
    if log.texts.len() < LISTED {
        log.texts.push(name.into_string());
    }
});
asked!(Box<str>, RecordSet<MX>, |_, _| {});
asked!(Box<str>, RecordSet<Ipv4Addr>, |_, _| {});
asked!(Box<str>, RecordSet<Ipv6Addr>, |_, _| {});
asked!(IpAddr, RecordSet<Box<str>>, |_, _| {});
