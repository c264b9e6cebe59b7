//! What no single tool can know and a whole run shows: causes put right before they are summed up. What was observed stays.

mod authority;
mod clock;
mod false_offline;
mod hijack;
mod portal;
mod proxy_only;
mod unproven_udp_block;

use std::rc::Rc;

use netcheck_record::cause::{Confidence, Reason, Who};

use crate::records::{CauseKey, Detail, Observation};

/// Puts right what the tools could not know of each other.
pub(super) fn apply(observations: &mut [Observation]) {
    proxy_only::apply(observations);
    false_offline::apply(observations);
    portal::apply(observations);
    authority::apply(observations);
    clock::apply(observations);
    hijack::apply(observations);
    unproven_udp_block::apply(observations);
}

/// Gives an observation another cause; what was seen stays beside the reason for the change.
pub(super) fn change(observation: &mut Observation, cause: CauseKey, evidence: String) {
    let mut detail = observation.detail.as_deref().cloned().unwrap_or_default();
    detail.evidence.push(evidence);
    detail.fix.clear();
    observation.cause = Some(Rc::new(cause));
    observation.detail = Some(Rc::new(detail));
}

/// A cause of the network's.
fn cause(reason: Reason, who: Who, confidence: Confidence) -> CauseKey {
    CauseKey { reason, who, confidence, near: None, action: None }
}

/// A cause and the sentences it rests on.
fn proven(observation: &Observation, reason: Reason) -> Option<(CauseKey, Rc<Detail>)> {
    let cause = observation.cause.as_ref()?;
    let shown = cause.reason == reason && cause.confidence == Confidence::High;
    shown.then(|| ((**cause).clone(), observation.detail.clone().unwrap_or_default()))
}

#[cfg(test)]
mod tests;
