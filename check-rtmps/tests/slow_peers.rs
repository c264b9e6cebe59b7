//! Streams to servers of others on lines of a known rate: what the record calls delivered is what the server's own TCP received. Needs
//! unshare(1), ip(8), tc(8), ss(8), node, npm and python3; npm and PyPI are asked once for the servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// One namespace whose loopback interface is the line: a server, the tool, and what `ss` says of the server's socket meanwhile.
const LINE: &str = r#"
set -e
ip link set lo mtu 1500 gso_max_segs 1 up
tc qdisc add dev lo root tbf rate $RATE burst 16kb latency 300ms
sh -c "$SERVER" > server.log 2>&1 &
tries=0
until ss -tlnH 'sport = :1935' | grep -q LISTEN; do tries=$((tries + 1)); [ $tries -lt 300 ]; sleep 0.1; done
"$TOOL" --publish 8 --bitrate $KBPS --diagnose never --format json rtmp://127.0.0.1:1935/live > record.json &
tool=$!
while kill -0 $tool 2> /dev/null; do
  echo "$(date +%s.%N) $(ss -tinHO state established 'sport = :1935')"
  sleep 0.1
done > samples
"#;

/// node-media-server, with what RTMP needs.
const NODE: &str = r#"
const NodeMediaServer = require("node-media-server");
const config = { bind: "127.0.0.1", auth: { play: false, publish: false }, rtmp: { port: 1935 }, store: { path: "data" } };
new NodeMediaServer(config).run();
"#;

/// The server of pyrtmp.
const PYTHON: &str = r#"
import asyncio, logging
from pyrtmp.rtmp import SimpleRTMPServer
logging.disable(logging.CRITICAL)
async def serve():
    server = SimpleRTMPServer()
    await server.create(host="127.0.0.1", port=1935)
    await server.start()
    await server.wait_closed()
asyncio.run(serve())
"#;

fn ran(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The bitrate in kbit/s that the server's TCP received, from its first 20 kB to the end.
fn received_kbps(samples: &str) -> f64 {
    let sample = |line: &str| {
        let bytes = line.split("bytes_received:").nth(1)?.split(' ').next()?.parse::<f64>().ok()?;
        Some((line.split(' ').next()?.parse::<f64>().ok()?, bytes))
    };
    let all: Vec<(f64, f64)> =
        samples.lines().filter_map(sample).filter(|(_, bytes)| *bytes > 20_000.0).collect();
    let most = all.last().unwrap().1;
    // The socket stays open for a moment after the last byte.
    let (first, last) = (all[0], all.iter().find(|(_, bytes)| *bytes >= most * 0.999).unwrap());
    (last.1 - first.1) * 8.0 / 1000.0 / (last.0 - first.0)
}

/// Publishes more than the line takes, on lines of three rates.
fn delivered_is_what_the_server_received(folder: &Path, server: &str) {
    for (rate, kbps, line) in
        [("500kbit", "1000", 500.0), ("2mbit", "4000", 2000.0), ("10mbit", "20000", 10_000.0)]
    {
        let space = ["--user", "--map-root-user", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"];
        let mut command = Command::new("unshare");
        command.args(space).args(["sh", "-c", LINE]).current_dir(folder);
        command.env("RATE", rate).env("KBPS", kbps).env("SERVER", server).env("RTMP_STREAM_KEY", "a-key");
        ran(command.env("TOOL", env!("CARGO_BIN_EXE_check-rtmps")));
        let text = fs::read_to_string(folder.join("record.json")).unwrap();
        let record: Value = serde_json::from_str(&text).unwrap();
        let publish = &record["facts"]["publish"];
        let received = received_kbps(&fs::read_to_string(folder.join("samples")).unwrap());
        let delivered = publish["throughput_kbps"].as_f64().unwrap();
        assert!(
            (delivered / received - 1.0).abs() < 0.1,
            "{rate}: {delivered} told, {received} received: {record:#}"
        );
        assert!(delivered < line, "{rate}: {delivered}");
        assert_eq!(record["failure"]["code"], "rtmp.slow", "{rate}: {record:#}");
    }
}

#[test]
fn what_node_media_server_receives_is_what_is_told_at_half_a_megabit_two_and_ten() {
    let folder = tempfile::tempdir().unwrap();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers");
    for file in ["package.json", "package-lock.json"] {
        fs::copy(own.join(file), folder.path().join(file)).unwrap();
    }
    let install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    ran(Command::new("npm").args(install).current_dir(folder.path()));
    fs::write(folder.path().join("server.js"), NODE).unwrap();
    delivered_is_what_the_server_received(folder.path(), "exec node server.js");
}

#[test]
fn what_pyrtmp_receives_is_what_is_told_at_half_a_megabit_two_and_ten() {
    let folder = tempfile::tempdir().unwrap();
    ran(Command::new("python3").args(["-m", "venv", "venv"]).current_dir(folder.path()));
    let install = ["install", "--quiet", "--disable-pip-version-check", "pyrtmp==0.3.1", "bitstring==4.1.4"];
    ran(Command::new(folder.path().join("venv/bin/pip")).args(install).current_dir(folder.path()));
    fs::write(folder.path().join("server.py"), PYTHON).unwrap();
    delivered_is_what_the_server_received(folder.path(), "exec venv/bin/python server.py");
}
