//! What an assessment is made with besides the records.

use crate::baseline::Baseline;
use crate::plan::Line;
use crate::profile::Profile;

/// What an assessment is made with besides the records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Basis<'a> {
    /// What the platform needs.
    pub(crate) profile: &'a Profile,
    /// What was, or would be, checked.
    pub(crate) plan: &'a [Line],
    /// How failed targets ended in a run from elsewhere.
    pub(crate) baseline: Option<&'a Baseline>,
    /// The interface that a requirement has to leave through.
    pub(crate) interfaces: &'a [(String, String)],
    /// Whether only a part of what was checked is judged: `--role`, `--region`, `--row`.
    pub(crate) narrowed: bool,
}
