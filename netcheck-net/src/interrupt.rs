//! The end of a run by a signal, as measurements that last learn of it: each ends early and keeps what it has measured.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock;

/// Whether a signal has ended the run, and how many targets keep what they have measured so far.
#[derive(Debug)]
pub struct Interrupt {
    asked: watch::Sender<bool>,
    measuring: watch::Sender<usize>,
}

impl Default for Interrupt {
    fn default() -> Self {
        Interrupt { asked: watch::Sender::new(false), measuring: watch::Sender::new(0) }
    }
}

/// A target whose measurement ends early when a signal comes. The end of the run waits until it is dropped.
#[derive(Debug)]
pub struct Measuring(Arc<Interrupt>);

impl Drop for Measuring {
    fn drop(&mut self) {
        self.0.measuring.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Interrupt {
    /// Counts a target that keeps what it has measured.
    #[must_use]
    pub fn measure(self: &Arc<Self>) -> Measuring {
        self.measuring.send_modify(|count| *count += 1);
        Measuring(Arc::clone(self))
    }

    /// Asks all measurements to end.
    pub fn ask(&self) {
        self.asked.send_replace(true);
    }

    /// Whether a signal has come.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Resolves once a signal has come.
    pub async fn asked(&self) {
        // The sender lives as long as this does.
        let _ = self.asked.subscribe().wait_for(|asked| *asked).await;
    }

    /// Resolves once no target is measuring, at the latest after `bound`.
    pub async fn settled(&self, bound: Duration) {
        let mut measuring = self.measuring.subscribe();
        let _ = clock::within(bound, measuring.wait_for(|count| *count == 0)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_waits_for_measurements_and_only_so_long() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let interrupt = Arc::<Interrupt>::default();
            interrupt.settled(Duration::from_secs(600)).await;
            let measuring = interrupt.measure();
            interrupt.ask();
            interrupt.asked().await;
            assert!(interrupt.is_asked());
            interrupt.settled(Duration::from_millis(1)).await;
            assert_eq!(*interrupt.measuring.borrow(), 1, "the bound was reached");
            drop(measuring);
            interrupt.settled(Duration::from_secs(600)).await;
        });
    }
}
