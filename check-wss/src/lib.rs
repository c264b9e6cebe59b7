//! Checks WebSocket targets.

mod after_upgrade;
mod check;
mod connection;
mod exchange_causes;
mod extra_connections;
mod facts;
mod header;
mod hold;
mod idle_causes;
mod idle_timeout;
mod situation;
mod upgrade;
mod upgrade_causes;
mod upgrade_io;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Wss>()
}

/// What the tool learns, for the schema of the record.
#[must_use]
pub fn facts() -> netcheck_common::facts::CheckFacts {
    netcheck_common::facts_of::<check::Wss>()
}
