//! Checks the mail path: SMTP gateway, sender identity, received messages.

mod address;
mod answer;
mod check;
mod complaint;
mod dialog;
mod gateway;
mod host;
mod key;
mod letter;
mod message;
mod names;
mod platform;
mod policy;
mod reply;
mod seal;
mod sender;
mod spf;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Mail>()
}
