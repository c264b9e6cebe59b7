//! Exit codes: what counts, and what counts for more.

use netcheck_lab::closed_port;

use crate::peer::{asking, quiet, tool};
use netcheck_lab::dns::Zone;

/// A target that fails: its name does not exist.
const MISSING: &str = "tcp://www.lab.example:9";

#[test]
fn what_passes_is_zero_and_what_fails_is_one() {
    let server = quiet();
    let good = format!("tcp://127.0.0.1:{}", server.port);
    assert_eq!(tool(&[&good]).run().code, 0);
    assert_eq!(asking(Zone::new(), &[MISSING]).code, 1);
    assert_eq!(asking(Zone::new(), &[&good, MISSING, &good]).code, 1);
}

#[test]
fn degraded_is_zero_unless_it_is_strict() {
    let idle = format!("tcp://127.0.0.1:{}", closed_port());
    assert_eq!(tool(&[&idle]).run().code, 0);
    assert_eq!(tool(&["--strict", &idle]).run().code, 1);
    let server = quiet();
    assert_eq!(tool(&["--strict", &format!("tcp://127.0.0.1:{}", server.port)]).run().code, 0);
}

#[test]
fn advisory_targets_are_shown_and_not_counted() {
    let line =
        |required: &str| format!("{{\"target\":\"{MISSING}\",\"labels\":{{\"required\":{required}}}}}\n");
    let nobody = format!("127.0.0.1:{}", closed_port());
    let run = |text: &str| tool(&["--diagnose", "never", "--resolver", &nobody]).stdin(text).run();
    let advisory = run(&line("false"));
    assert_eq!((advisory.code, advisory.one()["verdict"].as_str()), (0, Some("fail")));
    assert_eq!(run(&line("true")).code, 1);
    assert_eq!(run(&line("\"false\"")).code, 1);
    assert_eq!(run(&format!("{}{MISSING}\n", line("false"))).code, 1);
}

#[test]
fn bad_input_outweighs_a_failure() {
    let nobody = format!("127.0.0.1:{}", closed_port());
    let text = format!("{MISSING}\nnonsense\n");
    let outcome = tool(&["--diagnose", "never", "--resolver", &nobody]).stdin(text).run();
    assert_eq!((outcome.records.len(), outcome.code), (2, 2));
}

#[test]
fn help_and_version_are_answers() {
    for flag in ["--help", "-h", "--version"] {
        let outcome = tool(&[flag]).run();
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""));
        assert!(outcome.stdout.contains("check-tcp"), "{outcome:?}");
    }
    let help = tool(&["--help"]).run().stdout;
    for flag in [
        "--timeout",
        "--deadline",
        "--jobs",
        "--rate",
        "--attempts",
        "--ordered",
        "--strict",
        "-4",
        "-6",
        "--resolver",
        "--reference-resolver",
        "--connect-to",
        "--proxy",
        "--private-ok",
        "--interface",
        "--source",
        "--public-roots",
        "--diagnose",
        "--format",
        "--seed",
        "--sample",
        "-v",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}
