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

fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Wss>()
}
