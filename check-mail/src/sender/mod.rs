//! `sender://`: the sending identity of a domain, as the mail gateway inside this network sees it in the DNS.

mod problems;

use std::net::IpAddr;

use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::clock;
use netcheck_common::diagnose::Finding;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::trace::{Stopped, Trace};

use crate::dkim_key::DkimKey;
use crate::dmarc::DmarcPolicy;
use crate::facts::{Facts, IdentityFacts};
use crate::mail_host::MailHost;
use crate::names::{Lookup, Names};
use crate::spf::{SpfFacts, SpfResult, SpfSender};

const SPF: Layer = layer("spf");
const DKIM: Layer = layer("dkim");
const DMARC: Layer = layer("dmarc");
const HOST: Layer = layer("host");
const PTR: Layer = layer("ptr");

/// Addresses of the mail host that are evaluated where no `--sender` is given.
const MOST_ADDRESSES: usize = 4;

const fn layer(name: &'static str) -> Layer {
    Layer::new(name, Code::DnsTimeout, Code::DnsUnreachable, Code::DnsUnreachable)
}

/// A sending identity, as its owner publishes it.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The domain.
    pub domain: String,
    /// The addresses it sends from.
    pub published: Vec<IpAddr>,
    /// The local part of its envelope sender.
    pub local_part: String,
    /// Its mail host.
    pub host: String,
    /// The names of its DKIM keys.
    pub selectors: Vec<String>,
}

impl Identity {
    fn spf_sender(&self) -> SpfSender<'_> {
        SpfSender { domain: &self.domain, local_part: &self.local_part, helo: &self.host }
    }
}

/// Checks one identity.
///
/// # Errors
/// A stage failed: the DNS could not be asked, or receivers refuse mail from the address.
pub async fn check(identity: &Identity, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let names = look_up_domain(identity, trace).await?;
    let mut questions =
        IdentityQuestions { identity, names: &names, facts: IdentityFacts::default(), lost: Vec::new() };
    questions.run(trace).await;
    let IdentityQuestions { mut facts, lost, .. } = questions;
    let outcome = judge(identity, &mut facts, lost, trace).await;
    trace.facts.sender = Some(facts);
    outcome
}

/// The stage `dns`: whether the domain exists.
async fn look_up_domain(identity: &Identity, trace: &mut Trace<Facts>) -> Result<Names, Stopped> {
    let net = trace.net();
    let literal = identity.domain.parse::<IpAddr>().is_ok();
    if literal {
        // An address literal has no SPF record (RFC 7208 section 4.3).
        let spf = SpfFacts { result: Some(SpfResult::None), ..SpfFacts::default() };
        trace.facts.sender = Some(IdentityFacts { spf: Some(spf), ..IdentityFacts::default() });
    }
    let work = async {
        if literal {
            let detail = "an IP address has no sending identity: name a domain";
            return Err(Failure::new(Code::InputInvalid, detail));
        }
        let names = Names::of(&net)?;
        match ask_domain(&identity.domain, &names, &net).await? {
            Lookup::NoName => Err(Failure::new(Code::DnsNxdomain, "the domain does not exist")),
            _ => Ok(names),
        }
    };
    trace.stage(Layer::DNS, work).await
}

async fn ask_domain(domain: &str, names: &Names, net: &Net) -> Result<Lookup<Vec<u8>>, Failure> {
    let mut asking = Box::pin(names.texts(domain));
    match clock::within(net.patience(), &mut asking).await {
        Some(texts) => texts,
        None => {
            net.resolver_is_silent();
            asking.await
        }
    }
}

/// The questions after the first one: each may stay unanswered without stopping the others.
struct IdentityQuestions<'a> {
    identity: &'a Identity,
    names: &'a Names,
    facts: IdentityFacts,
    lost: Vec<Failure>,
}

impl IdentityQuestions<'_> {
    async fn run(&mut self, trace: &mut Trace<Facts>) {
        let (identity, names) = (self.identity, self.names);
        let first = identity.published.first().copied();
        let host = MailHost::look_up(&identity.host, first, names);
        self.facts.host = self.keep(trace, HOST, host).await;
        let addresses = self.addresses();
        let sender = identity.spf_sender();
        let spf = SpfFacts::of(&sender, &addresses, names);
        self.facts.spf = self.keep(trace, SPF, spf).await;
        if let Some(lost) = self.facts.spf.as_ref().and_then(|spf| spf.lost.clone()) {
            self.lost.push(lost);
        }
        let keys = DkimKey::look_up(&identity.domain, &identity.selectors, names);
        self.facts.dkim = self.keep(trace, DKIM, keys).await.unwrap_or_default();
        let policy = DmarcPolicy::look_up(&identity.domain, names);
        self.facts.dmarc = self.keep(trace, DMARC, policy).await;
        let host = self.facts.host.clone().unwrap_or_else(|| MailHost::of(&identity.host, first));
        if let Some(host) = self.keep(trace, PTR, host.confirm(names)).await {
            self.facts.host = Some(host);
        }
    }

    /// The addresses SPF is evaluated for: the published ones, else the mail host's own.
    fn addresses(&self) -> Vec<IpAddr> {
        match &self.facts.host {
            Some(host) if self.identity.published.is_empty() => {
                host.addresses.iter().copied().take(MOST_ADDRESSES).collect()
            }
            _ => self.identity.published.clone(),
        }
    }

    async fn keep<T>(
        &mut self,
        trace: &mut Trace<Facts>,
        layer: Layer,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Option<T> {
        let bound = trace.net().left();
        let answer = trace.optional_stage(layer, bound, work).await;
        answer.map_err(|failure| self.lost.push(failure)).ok()
    }
}

async fn judge(
    identity: &Identity,
    facts: &mut IdentityFacts,
    lost: Vec<Failure>,
    trace: &mut Trace<Facts>,
) -> Result<(), Stopped> {
    facts.unanswered = lost.iter().map(|failure| failure.detail.clone()).collect();
    let found = problems::find(identity, facts);
    if !found.is_empty() {
        facts.in_order_elsewhere = problems::elsewhere(identity, &found, trace.net().flags()).await;
    }
    let addressed = facts.host.as_ref().is_some_and(|host| !host.addresses.is_empty());
    let refused = problems::is_refused(facts);
    let mut fatal = None;
    for problem in found {
        let cause = problem.cause(&facts.in_order_elsewhere, addressed);
        if refused && matches!(problem.failure.code, Code::MailNoSpf | Code::MailSpfExcludes) {
            fatal = Some(problem.failure.clone());
        }
        trace.degrade(problem.failure, Some(cause));
    }
    let unknown = facts.spf.as_ref().is_none_or(|spf| spf.result == Some(SpfResult::Temperror));
    for failure in lost {
        // The way to TCP 53 has rules of its own (see Names::truncated).
        let truncated = failure.underlying.is_some();
        let cause = (!truncated).then(|| unanswered(&failure));
        if unknown && fatal.is_none() {
            fatal = Some(failure.clone());
        }
        trace.degrade(failure, cause);
    }
    match fatal {
        Some(failure) => Err(trace.fail(failure)),
        None => Ok(()),
    }
}

fn unanswered(failure: &Failure) -> Cause {
    let fix = "Have the resolver of this network answer the query, or ask the operator of that DNS zone why it does not answer.";
    Cause::new(Reason::Unknown, Who::Dns, fix).with_evidence(failure.detail.clone())
}

/// Why the domain itself could not be looked up, where the answer of the resolver says so.
#[must_use]
pub fn explain(domain: &str, failure: &Failure) -> Option<Finding> {
    let (who, fix) = if failure.code == Code::DnsNxdomain {
        (
            Who::Service,
            format!(
                "Check the spelling of {domain}. If it is right, register the domain and publish its SPF, DKIM and DMARC records (DNS, TXT); \
                 if other networks resolve it, have the resolver of this network answer {domain}."
            ),
        )
    } else if matches!(failure.code, Code::DnsServfail | Code::DnsRefused | Code::DnsMalformed) {
        (
            Who::Dns,
            format!(
                "Have the resolver of this network answer the TXT records of {domain} (DNS, UDP and TCP 53)."
            ),
        )
    } else {
        return None;
    };
    let reason = if who == Who::Service { Reason::SenderIdentity } else { Reason::Unknown };
    Some(Finding { verdict: None, cause: Cause::new(reason, who, fix).with_evidence(failure.detail.clone()) })
}
