//! The second act: from what was observed to a cause, by the few control experiments that tell the candidates apart.

pub mod distance;

use crate::cause::Cause;
use crate::net::Net;
use crate::record::Verdict;
use crate::target::Target;
use crate::trace::Observed;

/// What a diagnosis finds.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Another verdict than the failure alone would give.
    pub verdict: Option<Verdict>,
    /// The cause.
    pub cause: Cause,
}

/// Control experiments of a run.
#[derive(Debug, Default)]
pub struct Experiments {}

/// Watches a silent attempt.
#[derive(Debug)]
pub struct Watch {}

impl Watch {
    pub(crate) fn over(_net: &Net, _to: std::net::SocketAddr) -> Self {
        Watch {}
    }
}

/// Explains.
pub async fn explain(_target: &Target, _observed: &Observed, _net: &Net) -> Option<Finding> {
    None
}
