//! Checks TCP, TLS, HTTP and HTTPS targets.

mod answer;
mod check;
mod prove;
mod stand;

fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Tcp>()
}
