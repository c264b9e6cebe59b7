//! What is wrong with a message on its way here, and who has to change it.

mod delay;
mod evidence;
mod file;
mod filter;
mod handover;
mod signature;

use netcheck_common::failure::Code;

use crate::message::defects::Defect;

pub use delay::is_too_late;
pub use evidence::{Evidence, MessageFinding};

/// Everything that is wrong, the most important first.
#[must_use]
pub fn find_all(evidence: &Evidence<'_>) -> Vec<MessageFinding> {
    let mut found = Vec::new();
    found.extend(delay::find(evidence));
    if let Some(incomplete) = file::find(evidence) {
        let late = is_too_late(&evidence.analysis.route);
        found.insert(if late { found.len() } else { 0 }, incomplete);
    }
    found.extend(filter::find(evidence));
    let signature =
        if evidence.defects.iter().any(Defect::hides_body) { None } else { signature::find(evidence) };
    let (changed, invalid) = match signature {
        Some(finding) if finding.failure.code == Code::MailBodyChanged => (Some(finding), None),
        other => (None, other),
    };
    found.extend(changed);
    found.extend(handover::find(evidence));
    found.extend(delay::find_before_first_hop(evidence));
    found.extend(delay::find_unknown(evidence));
    found.extend(invalid);
    found
}
