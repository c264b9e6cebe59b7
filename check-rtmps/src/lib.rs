//! Checks RTMP and RTMPS ingest targets.

mod amf;
mod check;
mod chunk;
mod connect;
mod dialogue;
mod event;
mod explain;
mod facts;
mod greet;
mod handshake;
mod key;
mod media;
mod meter;
mod places;
mod publish;
mod session;
mod writer;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Rtmps>()
}
