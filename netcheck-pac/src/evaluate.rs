//! One question put to a script, bounded; names resolved by a function.

use std::fmt;
use std::net::IpAddr;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use netcheck_record::clock;

use crate::engine::{Event, Question, start};

/// What a script may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long it may compute; waiting for names does not count.
    pub time: Duration,
    /// How many bytes it may hold.
    pub memory: usize,
    /// How many names it may ask for in one call.
    pub names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { time: Duration::from_secs(2), memory: 32 << 20, names: 20 }
    }
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The script's own words, or why there are none.
    pub answer: Result<String, PacFault>,
    /// The names it asked for, in order.
    pub names: Vec<String>,
}

/// Why a script gives no answer. A browser goes direct then, without a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PacFault {
    /// It did not end in time.
    Timeout,
    /// It wanted more memory than it may have.
    Memory,
    /// It cannot be read, or it threw.
    Thrown(String),
    /// It has no function `FindProxyForURL`.
    NoFunction,
    /// The function returned something else than text.
    NoText(&'static str),
}

impl fmt::Display for PacFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PacFault::Timeout => f.write_str("the script did not end in time"),
            PacFault::Memory => f.write_str("the script used more than its memory limit"),
            PacFault::Thrown(what) => write!(f, "the script failed: {what}"),
            PacFault::NoFunction => f.write_str("the script has no function FindProxyForURL"),
            PacFault::NoText(kind) => write!(f, "FindProxyForURL returned {kind} instead of a string"),
        }
    }
}

impl std::error::Error for PacFault {}

/// Puts a question and waits for the answer. `resolve` is called with a name, and with `None` for this machine's own
/// addresses.
pub fn evaluate(
    question: Question,
    limits: Limits,
    mut resolve: impl FnMut(Option<&str>) -> Vec<IpAddr>,
) -> Evaluation {
    let (send, events) = channel();
    let mut left = limits.time;
    let Ok(stop) = start(question, limits, move |event| drop(send.send(event))) else {
        return Evaluation { answer: Err(PacFault::Memory), names: Vec::new() };
    };
    let mut names = Vec::new();
    loop {
        let begun = clock::now();
        let event = events.recv_timeout(left);
        left = left.saturating_sub(begun.elapsed());
        match event {
            Ok(Event::Done(evaluation)) => return evaluation,
            Ok(Event::Own { reply }) => drop(reply.send(resolve(None))),
            Ok(Event::Name { name, reply }) => {
                drop(reply.send(resolve(Some(&name))));
                names.push(name);
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                stop.stop();
                return Evaluation { answer: Err(PacFault::Timeout), names };
            }
        }
    }
}
