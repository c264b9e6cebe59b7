//! Checks WebSocket targets.

mod bracket;
mod check;
mod evidence;
mod facts;
mod header;
mod hold;
mod judge;
mod line;
mod opening;
mod talk;
mod upgrade;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Wss>()
}
