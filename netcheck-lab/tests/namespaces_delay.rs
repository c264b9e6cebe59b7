//! A series of datagrams over lines of a known delay that lose every tenth one: loss is exact, the shortest round trip is within 10 %.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use netcheck_lab::world::probe::tools;
use serde_json::Value;

/// The record of 100 probes over a line whose packets take `delay_ms` each way.
fn series(folder: &Path, delay_ms: u32) -> Value {
    let name = format!("delay-{delay_ms}");
    let scenario = format!(
        "sentence = \"A line.\"\n[[inline]]\nat = 'router2'\ndoes = {{ delay = {delay_ms} }}\n\
         [[rules]]\nat = 'router1'\nforward = ['udp dport 19302 numgen inc mod 10 == 9 drop']\n"
    );
    fs::write(folder.join(format!("{name}.toml")), scenario).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .env("NETCHECK_SCENARIOS", folder)
        .args(["run", &name, "--"])
        .arg(tools().unwrap().join("check-udp"))
        .args(["--count", "100", "--interval", "20", "--diagnose", "never", "--format", "json"])
        .arg("stun://stun.l.google.com:19302")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("\"check\":\"udp\""));
    serde_json::from_str(line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))))
        .unwrap()
}

#[test]
fn loss_is_exact_and_the_shortest_round_trip_within_a_tenth_at_20_200_and_400_ms() {
    let folder = tempfile::tempdir().unwrap();
    for delay_ms in [10, 100, 200] {
        let record = series(folder.path(), delay_ms);
        let quality = &record["facts"]["quality"];
        assert_eq!((&quality["sent"], &quality["received"]), (&100.into(), &90.into()), "{record:#}");
        // The delay line is a program: on a busy machine most packets wait a little longer than they are told to.
        let (round_trip, shortest) = (f64::from(delay_ms * 2), quality["min_us"].as_f64().unwrap() / 1000.0);
        assert!((1.0..1.1).contains(&(shortest / round_trip)), "{shortest} of {round_trip} ms: {quality:#}");
    }
}
