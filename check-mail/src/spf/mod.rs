//! SPF: whether a domain lets an address send for it (RFC 7208), with the term that breaks a record.

pub mod domain_spec;
mod evaluate;
pub mod record;

use std::net::IpAddr;

use netcheck_common::failure::{Code, Failure};
use schemars::JsonSchema;
use serde::Serialize;

use crate::names::Names;
pub use evaluate::{Evaluation, SpfQuestion, check_host};

/// What an evaluation comes to (RFC 7208 section 2.6).
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SpfResult {
    /// There is no record.
    #[default]
    None,
    /// The record says nothing of the address.
    Neutral,
    /// The address may send.
    Pass,
    /// It may not.
    Fail,
    /// It probably may not.
    Softfail,
    /// A question of the evaluation drew no answer.
    Temperror,
    /// The record is broken, or exceeds a limit.
    Permerror,
}

impl SpfResult {
    /// The word of RFC 7208.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            SpfResult::None => "none",
            SpfResult::Neutral => "neutral",
            SpfResult::Pass => "pass",
            SpfResult::Fail => "fail",
            SpfResult::Softfail => "softfail",
            SpfResult::Temperror => "temperror",
            SpfResult::Permerror => "permerror",
        }
    }

    /// How bad it is for mail from the address: the worst of several speaks for all.
    fn severity(self) -> u8 {
        match self {
            SpfResult::Pass => 0,
            SpfResult::Neutral => 1,
            SpfResult::Softfail => 2,
            SpfResult::None => 3,
            SpfResult::Temperror => 4,
            SpfResult::Fail => 5,
            SpfResult::Permerror => 6,
        }
    }
}

/// The result for one address.
#[derive(Clone, Debug, Serialize, JsonSchema, PartialEq, Eq)]
pub struct SpfAddress {
    /// The address.
    pub address: IpAddr,
    /// The result.
    pub result: SpfResult,
}

/// Whose record is evaluated, for which sender.
#[derive(Clone, Copy, Debug)]
pub struct SpfSender<'a> {
    /// The domain.
    pub domain: &'a str,
    /// The local part of the envelope sender.
    pub local_part: &'a str,
    /// The name given in HELO.
    pub helo: &'a str,
}

/// What SPF says of a domain.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct SpfFacts {
    /// How many SPF records the domain has: one is right.
    pub records: usize,
    /// The address with the worst result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Its result; absent where no address was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<SpfResult>,
    /// Why the result is an error, with the term that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Every address, where there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<SpfAddress>,
    /// The other records it went through.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub includes: Vec<String>,
    /// Terms that ask the DNS; ten are allowed.
    pub lookups: usize,
    /// DNS questions asked.
    pub queries: usize,
    /// The question that drew no answer.
    #[serde(skip)]
    pub lost: Option<Failure>,
}

impl SpfFacts {
    /// Evaluates the record of `domain` for every address.
    ///
    /// # Errors
    /// The `dns.*` codes: the record itself could not be asked for.
    pub async fn of(
        sender: &SpfSender<'_>,
        addresses: &[IpAddr],
        names: &Names,
    ) -> Result<SpfFacts, Failure> {
        let SpfSender { domain, local_part, helo } = *sender;
        let texts = names.texts(domain).await?.records();
        let records = texts.iter().filter(|text| record::is_spf(text)).count();
        let mut facts = SpfFacts { records, ..SpfFacts::default() };
        for ip in addresses {
            let evaluation = check_host(&SpfQuestion { ip: *ip, domain, local_part, helo }, names).await;
            facts.addresses.push(SpfAddress { address: *ip, result: evaluation.result });
            if facts.result.is_none_or(|worst| evaluation.result.severity() > worst.severity()) {
                facts.add_result(*ip, evaluation);
            }
        }
        if facts.addresses.len() == 1 {
            facts.addresses.clear();
        }
        Ok(facts)
    }

    /// Adds the result for one address; the worst result of all addresses decides.
    fn add_result(&mut self, ip: IpAddr, evaluation: Evaluation) {
        self.address = Some(ip);
        self.result = Some(evaluation.result);
        self.queries = evaluation.queries();
        self.reason = evaluation.reason;
        self.includes = evaluation.includes;
        self.lookups = evaluation.lookups;
        self.lost = evaluation.lost;
    }

    /// What is wrong, if anything; a lost question is not a fault of the record.
    #[must_use]
    pub fn problem(&self, domain: &str) -> Option<(Code, String)> {
        if self.records == 0 {
            return Some((Code::MailNoSpf, format!("{domain} has no SPF record")));
        }
        if self.records > 1 {
            let detail = format!(
                "{domain} has {} SPF records: permerror, receivers accept none of them",
                self.records
            );
            return Some((Code::MailSpfExcludes, detail));
        }
        let (ip, result) = (self.address?, self.result?);
        match result {
            SpfResult::Pass | SpfResult::Temperror => None,
            SpfResult::Permerror => {
                let reason = self.reason.as_deref().unwrap_or("the record is broken");
                Some((
                    Code::MailSpfExcludes,
                    format!("the SPF evaluation of {domain} ends with permerror: {reason}"),
                ))
            }
            result => {
                let detail = format!("the SPF record of {domain} gives \"{}\" for {ip}", result.as_str());
                Some((Code::MailSpfExcludes, detail))
            }
        }
    }
}
