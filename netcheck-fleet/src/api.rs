//! What agents, operators and hubs send each other, and where.

use serde::{Deserialize, Serialize};

use crate::key::PublicKey;
use crate::office::Office;
use crate::outbox::Refused;

/// The path of the plan.
pub const PLAN: &str = "/v1/plan";
/// The path of enrolment.
pub const ENROLL: &str = "/v1/enroll";
/// The path of the runs, with the id behind it.
pub const RUNS: &str = "/v1/runs/";
/// The path of runs that no hub will see.
pub const REFUSED: &str = "/v1/refused";
/// The path of one-time tokens.
pub const TOKENS: &str = "/v1/tokens";
/// The path of the offices, with `tenant/office` behind it.
pub const OFFICES: &str = "/v1/offices/";
/// The path of the matrix.
pub const MATRIX: &str = "/v1/matrix";

/// What a new agent sends.
#[derive(Debug, Serialize, Deserialize)]
pub struct Enrollment {
    /// The one-time token.
    pub token: String,
    /// The agent's key.
    pub key: PublicKey,
}

/// What the hub answers to it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// The office the token was made for.
    pub office: Office,
}

/// What the hub answers to a run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Stored {
    /// The run that is stored.
    pub stored: String,
    /// Runs that the hub wants once more.
    #[serde(default)]
    pub again: Vec<String>,
}

/// Runs that no hub will see.
#[derive(Debug, Serialize, Deserialize)]
pub struct Lost {
    /// Their names.
    pub refused: Vec<Refused>,
}

/// What an operator asks for when an office is to be enrolled.
#[derive(Debug, Serialize, Deserialize)]
pub struct NewToken {
    /// The office.
    pub office: Office,
}

/// The one-time token.
#[derive(Debug, Serialize, Deserialize)]
pub struct Token {
    /// The token.
    pub token: String,
    /// From when on it does not hold, in seconds since 1970.
    pub expires: i64,
}

/// An address at a hub.
#[must_use]
pub fn url(hub: &str, path: &str) -> String {
    format!("{}{path}", hub.trim_end_matches('/'))
}
