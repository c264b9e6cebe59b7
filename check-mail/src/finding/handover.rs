//! The address the receiving side took the message from, beside the published ones.

use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::failure::{Code, Failure};

use super::evidence::{Evidence, MessageFinding};
use crate::message::route::named;

/// The finding about a message that came from another address than the published ones.
pub fn find(evidence: &Evidence<'_>) -> Option<MessageFinding> {
    let hop = evidence.analysis.first_external()?;
    // A host of the receiver's gave it: the hop at the border left no field.
    if hop.from.as_deref().is_some_and(|from| evidence.analysis.sides.is_receiver(from)) {
        return None;
    }
    let address = hop.from_address.filter(|address| !address.is_loopback())?;
    if evidence.published.is_empty() || evidence.published.iter().any(|own| own.to_canonical() == address) {
        return None;
    }
    let by = named(hop.by.as_deref());
    let published: Vec<String> = evidence.published.iter().take(5).map(ToString::to_string).collect();
    let published = published.join(", ");
    let detail = format!("{by} took the message from {address}; the published address is {published}");
    let fix = format!(
        "Send from {published}, or publish {address} and have it added to the gateways' allow-lists."
    );
    let cause = Cause::new(Reason::SenderIdentity, Who::Service, fix).with_evidence(detail.clone());
    Some(MessageFinding { failure: Failure::new(Code::MailAddressMismatch, detail), cause })
}
