//! What a run was given with its proxies: which of them cannot be used, and what of them nobody may see.

use super::Shared;
use netcheck_record::secret::Secrets;
use netcheck_record::target::Target;

impl Shared {
    /// What a run was given in confidence, besides what its check was.
    pub fn secrets(&self) -> Secrets {
        self.choice.secrets().collect()
    }

    /// Why the proxy that a target should go through cannot be used, where that is so.
    pub fn proxy_fault(&self, target: &Target) -> Option<&str> {
        self.choice.fault(target)
    }
}
