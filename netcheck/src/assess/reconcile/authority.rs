//! An authority that no public root knows, and that signed for unrelated services: whoever owns it is on the way to both.

use std::collections::{BTreeMap, BTreeSet};

use netcheck_record::cause::{Confidence, Reason, Who};
use netcheck_record::failure::Code;

use super::{cause, change};
use crate::records::Observation;
use crate::target::site;

/// From so many unrelated services on, each with an address and a certificate of its own, it is nobody's own authority.
const UNRELATED: usize = 2;

#[derive(Default)]
struct Signed<'a> {
    sites: BTreeSet<String>,
    addresses: BTreeSet<std::net::IpAddr>,
    certificates: BTreeSet<&'a str>,
}

/// Turns untrusted certificates that look like each service's own into the one finding that they are.
pub(super) fn apply(observations: &mut [Observation]) {
    let shared = shared(observations);
    for observation in observations.iter_mut().filter(|one| untrusted(one)) {
        let Some((authority, sites)) =
            authority(observation).and_then(|authority| shared.get_key_value(authority))
        else {
            continue;
        };
        let seen = format!("{authority} signed the certificates of {sites} unrelated sites of this run");
        change(observation, cause(Reason::TlsInspection, Who::Network, Confidence::Medium), seen);
    }
}

/// The authorities, and for how many sites each signed.
fn shared(observations: &[Observation]) -> BTreeMap<String, usize> {
    let mut signed: BTreeMap<&str, Signed<'_>> = BTreeMap::new();
    for observation in observations.iter().filter(|one| untrusted(one)) {
        let leaf = observation.marks.as_ref().and_then(|marks| marks.leaf.as_deref());
        let (Some(authority), Some(leaf)) = (authority(observation), leaf) else { continue };
        let one = signed.entry(authority).or_default();
        one.sites.insert(site(observation.endpoint.host()));
        one.addresses.extend(observation.address());
        one.certificates.insert(leaf);
    }
    let many = |one: &Signed<'_>| {
        [one.sites.len(), one.addresses.len(), one.certificates.len()]
            .into_iter()
            .all(|count| count >= UNRELATED)
    };
    let counted = signed.into_iter().filter(|(_, one)| many(one));
    counted.map(|(authority, one)| (authority.to_owned(), one.sites.len())).collect()
}

/// Whether a certificate that nobody trusts was put down to the service, or to nobody.
fn untrusted(observation: &Observation) -> bool {
    let open = matches!(
        observation.reason().unwrap_or(Reason::Unknown),
        Reason::ServiceMisconfigured | Reason::Unknown
    );
    let code = observation.code == Some(Code::TlsUntrusted);
    code && open && observation.direct() && !observation.usable()
}

/// Who signed the certificate, where that is not the service itself.
fn authority(observation: &Observation) -> Option<&str> {
    let marks = observation.marks.as_ref()?;
    marks.issuer.as_deref().filter(|issuer| marks.subject.as_deref() != Some(issuer))
}
