//! Checks the mail path: SMTP gateway, sender identity, received messages.

mod address;
mod check;
mod dkim_key;
mod dkim_signature;
mod dkim_tags;
mod dmarc;
mod facts;
mod finding;
mod mail_host;
mod message;
mod message_file;
mod names;
mod platform;
mod sender;
mod smtp;
mod spf;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Mail>()
}

/// What the tool learns, for the schema of the record.
#[must_use]
pub fn facts() -> netcheck_common::facts::CheckFacts {
    netcheck_common::facts_of::<check::Mail>()
}
