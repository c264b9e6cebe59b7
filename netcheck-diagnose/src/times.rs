//! What the genuine certificates of a run say about the time: a wrong clock puts them all out of their validity alike.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use netcheck_net::tls::Chain;
use netcheck_record::target::Host;

/// How many chains and hosts are remembered.
const REMEMBERED: usize = 64;

/// The chains that end in a public root, and how they stand to this machine's clock.
#[derive(Debug, Default)]
pub(crate) struct Times(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// From when and until when those are valid that are valid now.
    valid: HashSet<(i64, i64)>,
    /// Whose are not valid yet, and whose no longer.
    early: HashSet<String>,
    late: HashSet<String>,
}

impl Times {
    /// Notes a chain that is valid now.
    pub(crate) fn valid(&self, chain: &Chain) {
        let mut known = self.known();
        if known.valid.len() < REMEMBERED {
            known.valid.insert((chain.not_before(), chain.not_after()));
        }
    }

    /// Notes a host whose chain is not valid yet (`early`) or no longer. How many other hosts' are out the same way.
    pub(super) fn out(&self, host: &Host, early: bool) -> usize {
        let mut known = self.known();
        let hosts = if early { &mut known.early } else { &mut known.late };
        let host = host.to_string();
        if hosts.len() < REMEMBERED {
            hosts.insert(host.clone());
        }
        hosts.iter().filter(|known| **known != host).count()
    }

    /// Whether any chain of this run is valid now.
    pub(super) fn any_valid(&self) -> bool {
        !self.known().valid.is_empty()
    }

    /// Whether a chain is valid now that is not at that time: then it is not now.
    pub(super) fn deny(&self, time: i64) -> bool {
        self.known().valid.iter().any(|(from, to)| time < *from || *to < time)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
