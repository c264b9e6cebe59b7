//! What the check learns besides what every check learns.

use schemars::JsonSchema;
use serde::Serialize;

/// What the check learns.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Facts {
    /// The network the service was reached in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub networks: Option<Found>,
    /// The autonomous system of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Why the service refuses a sender without credentials, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How the idle hold went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Held>,
}

/// Where an address is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// Whose network it is in: `apple` or `google`; absent when it is in none of the service's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<&'static str>,
    /// The announced prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The /16 (IPv6: /32) of the address: several of them show that more than one path works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<String>,
}

/// How an idle hold went.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Held {
    /// How long the connection was idle, in milliseconds.
    pub idle_ms: u64,
    /// `quiet` (nothing happened), `service` (closed by the service, inside TLS) or `cut`.
    pub ended: &'static str,
    /// Whether it was still open after the hold: the close request was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alive: Option<bool>,
    /// Whether a new connection's close request was answered, where the idle one's was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_alive: Option<bool>,
}
