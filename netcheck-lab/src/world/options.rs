//! What kind of world a scenario wants, besides its faults.

use serde::Deserialize;

/// What kind of world.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The client has IPv6.
    pub v6: bool,
    /// How many days the true date lies after the client's clock: the certificates and `Date` follow the true one.
    pub clock: i64,
    /// The client's own trust store has the corporate authority.
    pub corporate_trust: bool,
    /// Sites whose certificate has expired.
    pub expired: Vec<String>,
    /// Sites whose certificate is for another name.
    pub wrong_name: Vec<String>,
    /// Sites whose certificate nobody signed.
    pub self_signed: Vec<String>,
    /// Sites that know no TLS newer than 1.1.
    pub old_tls: Vec<String>,
    /// Sites that answer 503.
    pub down: Vec<String>,
    /// Sites that do not send their intermediate certificate.
    pub incomplete_chain: Vec<String>,
    /// Sites whose certificate is for TLS clients.
    pub wrong_purpose: Vec<String>,
    /// Sites whose intermediate authority may sign for another zone only.
    pub constrained: Vec<String>,
    /// Sites whose intermediate certificate has expired.
    pub expired_intermediate: Vec<String>,
    /// Sites that insist on a cipher suite of TLS 1.2 without AEAD.
    pub old_suite: Vec<String>,
    /// What the authority is called that signs what is inspected.
    pub inspector: Option<String>,
}
