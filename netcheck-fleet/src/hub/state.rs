//! What every request sees.

use std::sync::Mutex;

use tokio::sync::broadcast;

use super::board::Board;
use super::config::Config;
use super::rates::Rates;
use super::store::Store;

/// The hub.
pub(super) struct Hub {
    /// How it was set up.
    pub(super) config: Config,
    /// The broker.
    pub(super) store: Store,
    /// The last status of every cell.
    pub(super) board: Mutex<Board>,
    /// How often callers came.
    pub(super) rates: Mutex<Rates>,
    /// The offices that changed on the board.
    pub(super) changes: broadcast::Sender<String>,
}
