//! A credential cache, and a ticket looked up in it.

use netcheck_kerberos::{Ccache, Principal};

/// Reads it; what is found is one of the tickets read.
pub fn decode(bytes: &[u8]) {
    let Ok(cache) = Ccache::parse(bytes) else { return };
    let realm = &cache.principal.realm;
    let wanted = Principal::ticket_granting(realm, realm);
    if let Some(found) = cache.ticket_for(&wanted) {
        assert!(found.key.is_some() && found.server.matches(&wanted));
    }
    let held: usize = cache.tickets.iter().map(|cached| cached.ticket.len()).sum();
    assert!(held <= bytes.len(), "tickets cannot be longer than the file");
    let _ = cache.principal.to_string();
}
