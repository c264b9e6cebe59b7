//! What a run was given with its proxies: which of them cannot be used, and what of them nobody may see.

use super::Shared;
use crate::secret::Secrets;
use crate::target::Target;

impl Shared {
    /// What a run was given in confidence, besides what its check was.
    pub(crate) fn secrets(&self) -> Secrets {
        self.choice.secrets().collect()
    }

    /// Why the proxy that a target should go through cannot be used, where that is so.
    pub(crate) fn proxy_fault(&self, target: &Target) -> Option<&str> {
        self.choice.fault(target)
    }
}
