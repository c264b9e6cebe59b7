//! Room for diagnoses: so many are made at once and no more, so that a sweep in which everything fails stays small.

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use crate::Diagnosis;
use netcheck_net::clock;

/// How many targets are explained at once: more than the largest requirement has. Each takes three times what a target takes
/// by itself, since two controls go with it.
const PLACES: usize = 256;

/// The places of a run.
#[derive(Debug)]
pub(crate) struct Room {
    /// For what is begun before it is asked for.
    pub(crate) ahead: Semaphore,
    explained: Semaphore,
}

impl Default for Room {
    fn default() -> Room {
        Room { ahead: Semaphore::new(PLACES), explained: Semaphore::new(PLACES) }
    }
}

/// The place of one target, taken when it is first needed and kept to the end.
#[derive(Debug)]
pub struct Place<'a> {
    net: &'a Diagnosis,
    taken: OnceCell<Option<SemaphorePermit<'a>>>,
}

impl Place<'_> {
    /// Waits for it; false where the target's deadline comes first.
    pub async fn is_taken(&self) -> bool {
        let wait = || async {
            let free = self.net.experiments.room.explained.acquire();
            clock::within(self.net.left(), free).await?.ok()
        };
        self.taken.get_or_init(wait).await.is_some()
    }
}

impl Diagnosis {
    /// A place for the explanation of this target.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place { net: self, taken: OnceCell::new() }
    }
}
