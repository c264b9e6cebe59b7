//! Checks TCP, TLS, HTTP and HTTPS targets.

mod answer;
mod check;
mod download;
mod early_reset;
mod facts;
mod fetch;
mod play;
mod playlist;
mod prove;
mod receiver;
mod responsiveness;
mod site;
mod transfer;
mod transfer_facts;
mod under_load;
mod upload;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Tcp>()
}

/// What the tool learns, for the schema of the record.
#[must_use]
pub fn facts() -> netcheck_common::facts::CheckFacts {
    netcheck_common::facts_of::<check::Tcp>()
}
