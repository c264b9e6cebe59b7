//! check-mail as people run it: the real program against scripted gateways, a resolver with a zone of its own, and messages signed here.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test ends the test")]

mod defects;
mod delay;
mod gateway;
mod hostile;
mod message;
mod messages;
mod received;
mod sender;
mod smtp;
mod spf;

use netcheck_lab::tool::Tool;

/// The program.
fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-mail"))
}
