//! What a check saw of one target, handed to the diagnosis.

use netcheck_net::path_observations::PathObservations;
use netcheck_record::cause::Cause;
use netcheck_record::failure::Failure;
use netcheck_record::record::Stage;

/// What a check saw of one target.
#[derive(Debug)]
pub struct Observed {
    /// What stopped it, where something did.
    pub failure: Option<Failure>,
    /// The stages taken.
    pub stages: Vec<Stage>,
    /// What was wrong and did not stop it: the failure, and the cause where it was plain.
    pub degraded: Vec<(Failure, Option<Cause>)>,
    /// What the path below the protocol saw.
    pub path: PathObservations,
}
