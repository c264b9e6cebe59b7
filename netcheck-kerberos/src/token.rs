//! The token that answers `Negotiate`: an AP-REQ in GSS-API (RFC 4121) in SPNEGO (RFC 4178). Each is used once.

use kerbcore::gss::{KRB5_MECH_OID_DER, TOK_ID_AP_REQ, initial_context_token};
use kerbcore::spnego::NegTokenInit;

use crate::time::Time;
use crate::wire::{self, Opener};

/// A fresh token: a proxy may take a second use of one for an attack.
pub(crate) fn fresh(opener: &Opener, now: Time) -> Vec<u8> {
    let request = wire::service_request(opener, now);
    NegTokenInit {
        mech_types: vec![KRB5_MECH_OID_DER.to_vec()],
        mech_token: Some(initial_context_token(TOK_ID_AP_REQ, &request)),
        mech_list_mic: None,
    }
    .encode()
}
