//! check-mail as people run it: the real program against scripted gateways, a resolver with a zone of its own, and messages signed here.

mod letters;
mod message;
mod post;
mod sender;
mod smtp;

use netcheck_lab::tool::Tool;

/// The program.
fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-mail"))
}
