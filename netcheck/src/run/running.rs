//! A tool that is running, and what its end says.

use std::collections::VecDeque;
use std::process::{Child, ExitStatus};
use std::time::Instant;

/// How many of a tool's last words are kept.
const LAST_WORDS: usize = 20;

/// A tool that is running.
pub(super) struct Running {
    /// The process. Only the run waits for it, so that its pid stays its own.
    pub(super) child: Child,
    /// How many records it owes.
    pub(super) expected: u64,
    /// How many have come.
    pub(super) got: u64,
    /// How many lines were none.
    pub(super) garbage: u64,
    /// Its standard output and error, as far as they are open.
    pub(super) streams: u8,
    /// Whether it was ended because it took too long.
    pub(super) hung: bool,
    /// When it is ended by force.
    pub(super) until: Instant,
    words: VecDeque<String>,
}

impl Running {
    /// A tool that owes `expected` records until `until`.
    pub(super) fn new(child: Child, expected: u64, until: Instant) -> Running {
        Running {
            child,
            expected,
            got: 0,
            garbage: 0,
            streams: 2,
            hung: false,
            until,
            words: VecDeque::new(),
        }
    }

    /// Keeps what it says, the last of it.
    pub(super) fn keep_last_words(&mut self, line: String) {
        if self.words.len() == LAST_WORDS {
            self.words.pop_front();
        }
        self.words.push_back(line);
    }
}

/// What a tool's end says, where it is not the right one.
pub(super) fn verdict(tool: &str, running: &Running, status: ExitStatus) -> Option<String> {
    let missing = running.expected.saturating_sub(running.got);
    let how = match status.code() {
        Some(0 | 1) if missing == 0 && running.garbage == 0 => return None,
        Some(0 | 1) if missing == 0 && running.garbage == 1 => "printed a line that is no record".to_owned(),
        Some(0 | 1) if missing == 0 => format!("printed {} lines that are no records", running.garbage),
        Some(code) => format!("ended with exit code {code}"),
        None if running.hung => "hung and was ended".into(),
        None => format!("was killed ({status})"),
    };
    let words = match running.words.back() {
        Some(words) => format!(": {words}"),
        None => String::new(),
    };
    let lack = match (missing, running.expected) {
        (0, _) => String::new(),
        (1, 1) => "; its record is missing".to_owned(),
        (1, expected) => format!("; 1 of {expected} records is missing"),
        (missing, expected) => format!("; {missing} of {expected} records are missing"),
    };
    Some(format!("check-{tool} {how}{lack}{words}"))
}
