//! The address that was reached, held against the networks of the service.

use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::target::Target;
use netcheck_common::trace::Trace;

use crate::facts::{Facts, Found};
use crate::networks::{self, Networks};
use crate::service::Service;

/// Notes where the address is; a failure when it is in none of the service's networks.
pub fn locate(
    known: &Networks,
    service: Service,
    target: &Target,
    trace: &mut Trace<Facts>,
) -> Option<Failure> {
    let net = trace.net();
    // Through a proxy the address is the proxy's.
    if net.proxy_for(target).is_some() {
        return None;
    }
    let address = net.peer()?.ip();
    let place = known.place(service.owner(), address);
    trace.facts.networks = Some(Found {
        owner: place.map(|_| service.owner().as_str()),
        prefix: place.map(|place| place.prefix.to_string()),
        block: networks::block(address).map(|block| block.to_string()),
    });
    trace.facts.asn = place.map_or_else(|| known.asn(address), |place| place.asn);
    let rule = service.owner().rule();
    place.is_none().then(|| Failure::new(Code::PushWrongNetwork, format!("{address} is not in {rule}")))
}

/// The service is genuine and elsewhere: a rule for its networks does not cover it, or our table is old.
#[must_use]
pub fn cause(service: Service, target: &Target, failure: &Failure) -> Cause {
    let (host, port, rule) = (&target.host, target.port(), service.owner().rule());
    let fix = format!(
        "A rule for {rule} does not cover the address {host} has here: allow TCP {port} to {host} by name, or check what the resolver answers for it."
    );
    Cause::new(Reason::Unknown, Who::Unknown, fix)
        .with_evidence(failure.detail.clone())
        .with_evidence("the certificate is genuine, so the service was reached all the same")
}
