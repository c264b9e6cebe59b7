//! check-udp against scripted servers: every code it can produce, and what must not be reported.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says so by failing")]
#![expect(
    clippy::disallowed_methods,
    reason = "the ban on sockets is for the product, not for its test servers"
)]

mod answers;
mod descriptors;
mod nat;
mod quic;
mod series;
mod stun;
mod turn;

use netcheck_lab::tool::{Outcome, Tool};

/// The tool under test.
fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-udp")).args(["--timeout", "1"])
}

/// Runs it with these arguments.
fn check(args: &[&str]) -> Outcome {
    tool().args(args).run()
}
