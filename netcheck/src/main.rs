//! `netcheck`: the orchestrator as it ships.

fn main() -> std::process::ExitCode {
    netcheck::main()
}
