//! `cargo xtask`: everything this workspace does for itself.

fn main() -> std::process::ExitCode {
    xtask::xtask()
}
