//! A file that is not one whole message as received.

use netcheck_common::cause::{Cause, Reason, Who};
use netcheck_common::failure::{Code, Failure};

use super::evidence::{Evidence, MessageFinding};

/// The finding about the file.
pub fn find(evidence: &Evidence<'_>) -> Option<MessageFinding> {
    let (first, rest) = evidence.defects.split_first()?;
    let detail = rest.iter().fold(first.sentence(), |text, defect| format!("{text}; {}", defect.sentence()));
    let route = &evidence.analysis.route;
    let shown = match route.total {
        Some(total) => format!("{} hops can be read; the message took {total} s", route.hops),
        None => format!("{} hops can be read", route.hops),
    };
    let fix = "Save the message itself from the mailbox it arrived in (\"show original\", \"save as .eml\") and check that file.";
    let cause =
        Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(detail.clone()).with_evidence(shown);
    Some(MessageFinding { failure: Failure::new(Code::MailIncomplete, detail), cause })
}
