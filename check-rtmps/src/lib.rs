//! Checks RTMP and RTMPS ingest targets.

mod acknowledgements;
mod amf;
mod check;
mod chunk;
mod client;
mod connect;
mod delivery;
mod event;
mod explain;
mod facts;
mod handshake;
mod handshake_bytes;
mod key;
mod limit;
mod media;
mod publish;
mod reach;
mod session;
mod slow;
mod stream;
mod track;
mod writer;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Rtmps>()
}

/// What the tool learns, for the schema of the record.
#[must_use]
pub fn facts() -> netcheck_common::facts::CheckFacts {
    netcheck_common::facts_of::<check::Rtmps>()
}
