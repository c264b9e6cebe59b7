//! Checks whether push notifications of Apple and Google can be received and sent from here.

mod address;
mod asn;
mod explain;
mod facts;
mod hold;
mod networks;
mod origin;
mod prefixes;
mod push;
mod roots;
mod sender;
mod service;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<push::Push>()
}

/// What the tool learns, for the schema of the record.
#[must_use]
pub fn facts() -> netcheck_common::facts::CheckFacts {
    netcheck_common::facts_of::<push::Push>()
}
