//! What `-v` tells on standard error: one line per stage, experiment and rule, with its answer.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use netcheck_record::escape;
use netcheck_record::secret::Secrets;

/// What a run was given in confidence: no line shows it, whatever a peer repeats.
static SECRETS: OnceLock<Secrets> = OnceLock::new();
/// How much is told: 0 nothing, 1 stages, experiments and rules, 2 each connection attempt too.
static LEVEL: AtomicU8 = AtomicU8::new(0);
/// The most characters of one line.
const LONGEST: usize = 600;

/// Sets how much is told, for the whole program, and what no line may show.
pub fn start(level: u8, secrets: Secrets) {
    let _ = SECRETS.set(secrets);
    LEVEL.store(level, Ordering::Relaxed);
}

/// Whether lines of that level are told.
#[must_use]
pub fn is_on(level: u8) -> bool {
    LEVEL.load(Ordering::Relaxed) >= level
}

/// Tells one line. `line` is made only if it is told; text from the network in it is made harmless.
pub fn tell(level: u8, line: impl FnOnce() -> String) {
    if is_on(level) {
        let line = escape::line(&line(), LONGEST);
        let line = SECRETS.get().map_or_else(|| line.clone(), |secrets| secrets.hide(&line));
        // Nobody may be reading; the records matter more.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}
