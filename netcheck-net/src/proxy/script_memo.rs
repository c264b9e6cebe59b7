//! The script of a run, and what it answered: fetched once, asked once for each scheme and host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use tokio::sync::OnceCell;

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

pub(super) type Fetched = Result<Arc<Script>, ScriptFault>;
pub(super) type Answered = Arc<(Route, Map<String, Value>, Option<ScriptFault>)>;
pub(super) type Asked = Arc<OnceCell<Answered>>;

/// The script of a run, and what it said.
#[derive(Debug, Default)]
pub struct Scripts {
    pub(super) fetched: OnceCell<Option<Fetched>>,
    pub(super) asked: Arc<Mutex<HashMap<String, Asked>>>,
    pub(super) timeouts: Arc<Mutex<usize>>,
}
