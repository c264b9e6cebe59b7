//! What is wrong with a sending identity, and who has to change it.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::flags::{Flags, Reference};

use super::Identity;
use crate::dkim_key::DkimKey;
use crate::dmarc::DmarcPolicy;
use crate::facts::IdentityFacts;
use crate::mail_host::MailHost;
use crate::names::Names;
use crate::spf::{SpfFacts, SpfResult};

/// One problem.
pub struct Problem {
    /// What was observed.
    pub failure: Failure,
    fix: String,
}

/// Whether a receiver that follows the standards refuses such mail.
pub fn is_refused(facts: &IdentityFacts) -> bool {
    let Some(result) = facts.spf.as_ref().and_then(|spf| spf.result) else { return false };
    let enforced = facts.dmarc.as_ref().is_some_and(DmarcPolicy::enforced);
    let signed = facts.dkim.iter().any(DkimKey::sound);
    match result {
        SpfResult::Pass | SpfResult::Temperror => false,
        SpfResult::Fail | SpfResult::Permerror => true,
        SpfResult::None | SpfResult::Neutral | SpfResult::Softfail => enforced && !signed,
    }
}

/// The problems, the one that explains others first.
pub fn find(identity: &Identity, facts: &IdentityFacts) -> Vec<Problem> {
    let mut found = Vec::new();
    let domain = &identity.domain;
    let mut add = |code, detail: String, fix: String| {
        found.push(Problem { failure: Failure::new(code, detail), fix });
    };
    let host = facts.host.as_ref();
    if let Some((host, detail)) = host.and_then(|host| Some((host, host.address_problem()?))) {
        let fix = format!(
            "Publish the address that {} has in the DNS, or give it the published address.",
            host.name
        );
        add(Code::MailAddressMismatch, detail, fix);
    }
    if let Some((code, detail)) = facts.spf.as_ref().and_then(|spf| spf.problem(domain)) {
        add(code, detail, spf_fix(domain, facts.spf.as_ref()));
    }
    for (key, (code, detail)) in facts.dkim.iter().filter_map(|key| Some((key, key.problem(domain)?))) {
        let place = format!("{}._domainkey.{domain}", key.selector);
        add(code, detail, format!("Publish a usable DKIM key (DNS, TXT) at {place}."));
    }
    if let Some((host, detail)) = host.and_then(|host| Some((host, host.reverse_problem()?))) {
        let fix = format!("Give the address of {} a reverse name (DNS, PTR) whose address it is.", host.name);
        add(Code::MailPtrMismatch, detail, fix);
    }
    found
}

fn spf_fix(domain: &str, spf: Option<&SpfFacts>) -> String {
    let address =
        spf.and_then(|spf| spf.address).map_or("the sending address".to_owned(), |ip| ip.to_string());
    match spf {
        Some(SpfFacts { records: 1, result: Some(SpfResult::Permerror), reason: Some(reason), .. }) => {
            format!("Correct the SPF record (DNS, TXT) of {domain}: {reason}; it has to cover {address}.")
        }
        Some(SpfFacts { records: 2.., .. }) => {
            format!(
                "Keep one SPF record (DNS, TXT) at {domain}, which covers {address}, and remove the others."
            )
        }
        _ => format!("Publish an SPF record (DNS, TXT) for {domain} that covers {address}."),
    }
}

/// The problems that another resolver does not see.
pub async fn elsewhere(identity: &Identity, here: &[Problem], flags: &Flags) -> Vec<Code> {
    let Some(Reference::Server(server)) = flags.reference_resolver else { return Vec::new() };
    let identity = async {
        let names = Names::asking(&[server], flags)?;
        let host = MailHost::look_up(&identity.host, identity.published.first().copied(), &names).await?;
        let facts = IdentityFacts {
            spf: Some(SpfFacts::of(&identity.spf_sender(), &identity.published, &names).await?),
            dkim: DkimKey::look_up(&identity.domain, &identity.selectors, &names).await?,
            host: Some(host.confirm(&names).await?),
            ..IdentityFacts::default()
        };
        Ok::<_, Failure>(find(identity, &facts))
    };
    let Some(Ok(there)) = clock::within(flags.timeout, identity).await else {
        return Vec::new();
    };
    let mut codes: Vec<Code> = here.iter().map(|problem| problem.failure.code).collect();
    codes.retain(|code| there.iter().all(|problem| problem.failure.code != *code));
    codes.dedup();
    codes
}

impl Problem {
    /// Who has to change it; `addressed` says that the mail host has an address here, if not the right one.
    pub fn cause(&self, in_order_elsewhere: &[Code], addressed: bool) -> Cause {
        let code = self.failure.code;
        let evidence = self.failure.detail.clone();
        if !in_order_elsewhere.contains(&code) {
            return Cause::new(Reason::SenderIdentity, Who::Service, self.fix.clone())
                .with_evidence(evidence);
        }
        let another = addressed && code == Code::MailAddressMismatch;
        let reason = if another { Reason::DnsHijack } else { Reason::DnsFilter };
        let fix = "Have the resolver of this network answer these names, TXT records included, as the public DNS does.";
        Cause::new(reason, Who::Dns, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence(evidence)
            .with_evidence("the reference resolver answers without this problem")
    }
}
