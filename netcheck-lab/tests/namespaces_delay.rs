//! A series of datagrams over lines of a known delay that lose every tenth one: loss is exact, and round trips and jitter are those
//! that the client's own interface saw, however late the busy machine lets a program read.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use netcheck_lab::world::probe::tools;
use serde_json::Value;

/// Runs a command, and prints after it the round trip of each STUN request that was answered, in order of sending and in
/// microseconds: from the moment the kernel hands it to the interface to the moment it takes the answer from there. The
/// delay line is a program and holds packets longer than it should on a busy machine; this is what really happened.
const WIRE: &str = r#"
import json, socket, struct, subprocess, sys
SO_TIMESTAMPNS, OUTGOING = 35, 4
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
tap.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
tap.setblocking(False)
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE)
sys.stdout.write(done.stdout.decode())
sent, answered = {}, {}
while True:
    try:
        packet, notes, _, source = tap.recvmsg(2048, 256)
    except BlockingIOError:
        break
    if source[1] != 0x0800 or source[0] == "lo" or packet[9] != 17:
        continue
    seconds, nanos = struct.unpack("qq", notes[0][2][:16])
    at = seconds * 1_000_000 + nanos // 1000
    datagram = packet[(packet[0] & 15) * 4:]
    ports, message = struct.unpack(">HH", datagram[:4]), datagram[8:]
    if source[2] == OUTGOING and ports[1] == 19302:
        sent.setdefault(message[8:20], at)
    elif source[2] != OUTGOING and ports[0] == 19302:
        answered.setdefault(message[8:20], at)
print(json.dumps({"wire": [answered[id] - at if id in answered else None for id, at in sent.items()]}))
"#;

/// The record of 100 probes over a line whose packets take `delay_ms` each way, and their round trips on the wire.
fn series(folder: &Path, delay_ms: u32) -> (Value, Vec<Option<f64>>) {
    let name = format!("delay-{delay_ms}");
    let scenario = format!(
        "sentence = \"A line.\"\n[[inline]]\nat = 'router2'\ndoes = {{ delay = {delay_ms} }}\n\
         [[rules]]\nat = 'router1'\nforward = ['udp dport 19302 numgen inc mod 10 == 9 drop']\n"
    );
    fs::write(folder.join(format!("{name}.toml")), scenario).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .env("NETCHECK_SCENARIOS", folder)
        .args(["run", &name, "--", "python3", "-c", WIRE])
        .arg(tools().unwrap().join("check-udp"))
        .args(["--count", "100", "--interval", "20", "--diagnose", "never", "--format", "json"])
        .arg("stun://stun.l.google.com:19302")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |of: &str| {
        let line = text.lines().find(|line| line.contains(of));
        let line = line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        serde_json::from_str::<Value>(line).unwrap()
    };
    let wire = line("\"wire\"")["wire"].as_array().unwrap().iter().map(Value::as_f64).collect();
    (line("\"check\":\"udp\""), wire)
}

/// The median of the round trips, and the mean difference of neighbouring ones.
fn figures(wire: &[Option<f64>]) -> (f64, f64) {
    let mut sorted: Vec<f64> = wire.iter().copied().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len().div_ceil(2) - 1];
    let pairs = wire.windows(2).filter_map(|pair| Some((pair[0]? - pair[1]?).abs()));
    let (sum, count) = pairs.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
    (median, sum / count)
}

#[test]
fn loss_is_exact_and_round_trips_and_jitter_are_those_of_the_wire_at_20_200_and_400_ms() {
    let folder = tempfile::tempdir().unwrap();
    for delay_ms in [10, 100, 200] {
        let (record, wire) = series(folder.path(), delay_ms);
        let quality = &record["facts"]["quality"];
        assert_eq!((&quality["sent"], &quality["received"]), (&100.into(), &90.into()), "{record:#}");
        assert_eq!(quality["timed_by"], "kernel", "{quality:#}");
        let (median, jitter) = figures(&wire);
        let (told, told_jitter) =
            (quality["median_us"].as_f64().unwrap(), quality["jitter_us"].as_f64().unwrap());
        assert!(median >= f64::from(delay_ms * 2) * 1000.0, "{median} us: the line holds each packet");
        assert!((told / median - 1.0).abs() < 0.1, "{told} of {median} us: {quality:#}");
        // What is left is the time from reading the clock to the interface, on the way out.
        assert!((told_jitter - jitter).abs() < (jitter * 0.1).max(1000.0), "{told_jitter} of {jitter} us");
    }
}
