//! The script of a run, and what it answered: fetched once, asked once for each scheme and host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use tokio::sync::{OnceCell, Semaphore};

use super::observed::ScriptFault;
use super::route::Route;

/// A script as it was fetched.
#[derive(Debug)]
pub(super) struct Script {
    pub url: String,
    pub text: Arc<str>,
    pub bytes: usize,
    pub us: u64,
}

/// A script as its address gave it, or why it cannot be used.
pub(super) type Fetched = Result<Arc<Script>, ScriptFault>;
/// A script's answer: the proxies, the facts to record, and its fault.
pub(super) type Answered = Arc<(Route, Map<String, Value>, Option<ScriptFault>)>;
/// An answer that is computed once, however many targets wait for it.
pub(super) type Asked = Arc<OnceCell<Answered>>;

/// How many evaluations may run at once, each with [`SMALL`] memory. One that needs more runs alone.
pub(super) const AT_ONCE: u32 = 4;
/// The memory of an evaluation that runs beside others, in bytes: all together have as much as one that runs alone.
pub(super) const SMALL: usize = 8 << 20;

/// Places for evaluations.
#[derive(Debug)]
pub(super) struct Places(pub(super) Semaphore);

impl Default for Places {
    fn default() -> Self {
        Places(Semaphore::new(AT_ONCE as usize))
    }
}

/// The script of a run, and what it said.
#[derive(Debug, Default)]
pub struct Scripts {
    pub(super) fetched: OnceCell<Option<Fetched>>,
    pub(super) asked: Arc<Mutex<HashMap<String, Asked>>>,
    /// How many evaluations were ended for their time or memory.
    pub(super) ended: Arc<Mutex<usize>>,
    pub(super) places: Places,
}
