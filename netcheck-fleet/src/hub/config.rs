//! The hub's configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use netcheck_record::file;
use serde::{Deserialize, Serialize};

/// `hub.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The brokers: `nats://host:4222`.
    pub nats: Vec<String>,
    /// A file with the broker's user and password, a line each.
    #[serde(default)]
    pub nats_credentials: Option<PathBuf>,
    /// How many brokers keep each message.
    #[serde(default = "one")]
    pub replicas: usize,
    /// How many days records and statuses are kept.
    #[serde(default = "days")]
    pub days: u64,
    /// Certificate chain and key, PEM; without them the hub speaks HTTP, for a proxy before it.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The key.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// Who may see and do what.
    pub operators: Vec<Operator>,
}

/// A person or program that uses the hub.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// For the audit.
    pub name: String,
    /// SHA-256 of the token, in hexadecimal digits.
    pub token_sha256: String,
    /// What it may do.
    pub role: Role,
    /// Whose offices; without one: all.
    #[serde(default)]
    pub tenant: Option<String>,
}

/// What an operator may do; each may do what the ones before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See.
    Read,
    /// Replace the plan.
    Plan,
    /// Enrol and revoke offices.
    Admin,
}

fn one() -> usize {
    1
}

fn days() -> u64 {
    30
}

impl Config {
    /// Reads it; paths in it are relative to it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path) -> Result<Self, String> {
        let fault = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
        let text = file::text(path, 1 << 20).map_err(|why| fault(&why))?;
        let mut config: Config = toml::from_str(&text).map_err(|why| fault(&why))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for file in [&mut config.nats_credentials, &mut config.certificate, &mut config.key] {
            *file = file.as_ref().map(|file| folder.join(file));
        }
        if config.certificate.is_some() != config.key.is_some() {
            return Err(fault(&"certificate and key belong together"));
        }
        Ok(config)
    }
}
