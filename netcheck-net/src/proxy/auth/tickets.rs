//! The Kerberos tickets of a run.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use netcheck_kerberos::{Fault, ServiceTicket};
use tokio::sync::OnceCell;

type Ticket = Arc<OnceCell<Result<Arc<ServiceTicket>, Fault>>>;

/// The tickets of a run: each service's is obtained once.
#[derive(Default)]
pub struct Tickets(pub(super) Arc<Mutex<HashMap<String, Ticket>>>);

impl std::fmt::Debug for Tickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tickets(…)")
    }
}
