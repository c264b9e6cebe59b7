//! `sender://`: the sending identity of a domain, as the mail gateway inside this network sees it in the DNS.

use std::net::IpAddr;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::flags::{Flags, Reference};
use netcheck_common::trace::{Stopped, Trace};
use serde::Serialize;

use crate::check;
use crate::host::MailHost;
use crate::key::Key;
use crate::names::{Answer, Names};
use crate::policy::Policy;
use crate::spf::{Spf, Verdict};

const SPF: Layer = layer("spf");
const DKIM: Layer = layer("dkim");
const DMARC: Layer = layer("dmarc");
const HOST: Layer = layer("host");

const fn layer(name: &'static str) -> Layer {
    Layer::new(name, Code::DnsTimeout, Code::DnsUnreachable, Code::DnsUnreachable)
}

/// Whose identity, and what is known of it beforehand.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The domain.
    pub domain: String,
    /// The address it says it sends from.
    pub published: Option<IpAddr>,
    /// Its mail host.
    pub host: String,
    /// The names its DKIM keys stand under.
    pub selectors: Vec<String>,
}

/// What the DNS says of an identity.
#[derive(Debug, Default, Serialize)]
pub struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    spf: Option<Spf>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dkim: Vec<Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dmarc: Option<Policy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<MailHost>,
    /// What the resolver of `--reference-resolver` finds in order, and this one does not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    in_order_elsewhere: Vec<Code>,
}

/// Something wrong with the identity.
struct Problem {
    failure: Failure,
    fix: String,
}

/// Checks one identity.
///
/// # Errors
/// A stage failed: the DNS could not be asked, or mail from the address cannot pass for the domain's.
pub async fn check(identity: &Identity, trace: &mut Trace<check::Facts>) -> Result<(), Stopped> {
    let mut facts = Facts::default();
    let outcome = survey(identity, &mut facts, trace).await;
    trace.facts.sender = facts.dmarc.is_some().then_some(facts);
    outcome
}

async fn survey(
    identity: &Identity,
    facts: &mut Facts,
    trace: &mut Trace<check::Facts>,
) -> Result<(), Stopped> {
    let net = trace.net();
    let names = trace
        .stage(Layer::DNS, async {
            if identity.domain.parse::<IpAddr>().is_ok() {
                return Err(Failure::new(
                    Code::InputInvalid,
                    "an address has no sending identity: name a domain",
                ));
            }
            let names = Names::of(net.flags())?;
            let texts = {
                let mut asking = Box::pin(names.texts(&identity.domain));
                match clock::within(net.patience(), &mut asking).await {
                    Some(texts) => texts,
                    None => {
                        net.resolver_is_silent();
                        asking.await
                    }
                }
            };
            match texts? {
                Answer::NoName => Err(Failure::new(Code::DnsNxdomain, "the domain does not exist")),
                _ => Ok(names),
            }
        })
        .await?;
    facts.dmarc = Some(trace.stage(DMARC, Policy::of(&identity.domain, &names)).await?);
    facts.dkim = trace.stage(DKIM, Key::all(&identity.domain, &identity.selectors, &names)).await?;
    facts.host = Some(trace.stage(HOST, MailHost::of(&identity.host, identity.published, &names)).await?);
    let spf = trace.stage(SPF, Spf::of(&identity.domain, &identity.host, identity.published, &names)).await?;
    facts.spf = Some(spf);

    let problems = problems(identity, facts);
    if !problems.is_empty() {
        facts.in_order_elsewhere = elsewhere(identity, &problems, net.flags()).await;
    }
    let refused = refused(facts);
    let mut fatal = None;
    let addressed = facts.host.as_ref().is_some_and(|host| !host.addresses.is_empty());
    for problem in problems {
        let cause = cause(&problem, &facts.in_order_elsewhere, addressed);
        let about_spf = matches!(problem.failure.code, Code::MailNoSpf | Code::MailSpfExcludes);
        if refused && about_spf {
            fatal = Some(problem.failure.clone());
        }
        trace.degrade(problem.failure, Some(cause));
    }
    match fatal {
        Some(failure) => trace.stage(layer("identity"), async { Err(failure) }).await,
        None => Ok(()),
    }
}

/// Whether a gateway that keeps the rules turns such mail away.
fn refused(facts: &Facts) -> bool {
    let Some(result) = facts.spf.as_ref().and_then(|spf| spf.result) else { return false };
    let enforced = facts.dmarc.as_ref().is_some_and(Policy::enforced);
    let signed = facts.dkim.iter().any(Key::sound);
    match result {
        Verdict::Pass => false,
        Verdict::Fail | Verdict::Permerror => true,
        _ => enforced && !signed,
    }
}

fn problems(identity: &Identity, facts: &Facts) -> Vec<Problem> {
    let mut found = Vec::new();
    let domain = &identity.domain;
    let mut add = |code, detail: String, fix: String| {
        found.push(Problem { failure: Failure::new(code, detail), fix });
    };
    let host = facts.host.as_ref();
    // First, because the rest may follow from it: the way back, and SPF records that name the host.
    if let Some((host, detail)) = host.and_then(|host| Some((host, host.address_problem()?))) {
        let fix = format!("Publish the address that {} really has, or give it the published one.", host.name);
        add(Code::MailAddressMismatch, detail, fix);
    }
    if let Some((code, detail)) = facts.spf.as_ref().and_then(|spf| spf.problem(domain)) {
        let address = identity.published.map_or("the sending address".to_owned(), |ip| ip.to_string());
        add(code, detail, format!("Publish an SPF record (TXT) for {domain} that covers {address}."));
    }
    for (key, (code, detail)) in facts.dkim.iter().filter_map(|key| Some((key, key.problem(domain)?))) {
        let place = format!("{}._domainkey.{domain}", key.selector);
        add(code, detail, format!("Publish a sound DKIM key (TXT) at {place}."));
    }
    if let Some((host, detail)) = host.and_then(|host| Some((host, host.reverse_problem()?))) {
        let fix = format!("Give the address of {} a reverse name (PTR) that leads back to it.", host.name);
        add(Code::MailPtrMismatch, detail, fix);
    }
    found
}

/// Which of the problems another resolver does not have.
async fn elsewhere(identity: &Identity, here: &[Problem], flags: &Flags) -> Vec<Code> {
    let Some(Reference::Server(server)) = flags.reference_resolver else { return Vec::new() };
    let survey = async {
        let names = Names::asking(&[server], flags)?;
        let facts = Facts {
            spf: Some(Spf::of(&identity.domain, &identity.host, identity.published, &names).await?),
            dkim: Key::all(&identity.domain, &identity.selectors, &names).await?,
            host: Some(MailHost::of(&identity.host, identity.published, &names).await?),
            ..Facts::default()
        };
        Ok::<_, Failure>(problems(identity, &facts))
    };
    let Some(Ok(there)) = clock::within(flags.timeout, survey).await else {
        return Vec::new();
    };
    let mut codes: Vec<Code> = here.iter().map(|problem| problem.failure.code).collect();
    codes.retain(|code| there.iter().all(|problem| problem.failure.code != *code));
    codes.dedup();
    codes
}

/// Who is to mend a problem; `addressed` says that the mail host has an address here, if not the right one.
fn cause(problem: &Problem, in_order_elsewhere: &[Code], addressed: bool) -> Cause {
    let code = problem.failure.code;
    let seen = problem.failure.detail.clone();
    if in_order_elsewhere.contains(&code) {
        let another = addressed && code == Code::MailAddressMismatch;
        let reason = if another { Reason::DnsHijack } else { Reason::DnsFilter };
        let fix = "Let the resolver of this network answer these names, TXT records included, as the public DNS does.";
        return Cause::new(reason, Who::Dns, fix)
            .sure(Confidence::Medium)
            .seen(seen)
            .seen("the reference resolver finds the same in order");
    }
    Cause::new(Reason::SenderIdentity, Who::Service, problem.fix.clone()).seen(seen)
}
