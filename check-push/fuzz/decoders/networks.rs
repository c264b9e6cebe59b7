//! A file of announced prefixes: our own list, goog.json or an ASN database, and addresses looked up in it.

use crate::networks::{Networks, Owner};

/// Puts it in place of the built-in tables and asks it.
pub fn decode(bytes: &[u8]) {
    let mut networks = Networks::default();
    if networks.read(bytes.to_vec()).is_err() {
        return;
    }
    for address in ["17.57.144.10", "8.8.8.8", "2001:4860:4860::8888", "64:ff9b::808:808", "::1"] {
        let address = address.parse().expect("an address");
        for owner in [Owner::Apple, Owner::Google] {
            let _ = networks.place(owner, address);
        }
        let _ = networks.asn(address);
    }
}
