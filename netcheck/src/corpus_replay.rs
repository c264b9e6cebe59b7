//! Every input the fuzzer kept, fed to the decoder it was kept for.

use netcheck_lab::corpus::replay;

#[path = "../fuzz/decoders/profile.rs"]
mod profile;
#[path = "../fuzz/decoders/report.rs"]
mod report;
#[path = "../fuzz/decoders/run_line.rs"]
mod run_line;

const HOME: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn kept_files_of_records_are_reported_well() {
    replay(HOME, "report", report::decode);
}

#[test]
fn kept_lines_of_runs_are_read_well() {
    replay(HOME, "run_line", run_line::decode);
}

#[test]
fn kept_profiles_are_read_well() {
    replay(HOME, "profile", profile::decode);
}
