//! hls.js in headless Chromium and --download on the same lines: the bitrate that the player settles on is the one that was played
//! here. Needs unshare(1), nsenter(1), ip(8), tc(8), ffmpeg, nginx, chromium and npm.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The bitrates of the playlist, in kbit/s.
const BITRATES: [u32; 5] = [400, 800, 1400, 2800, 5000];

/// A client at 10.20.0.2 and nginx at 10.20.0.1 with the playlist, the line at $RATE: first the tool, then the browser.
const LINE: &str = r#"
set -e
ip link set lo up
unshare -n sh -c 'echo ready; exec sleep 300' > ready & far=$!
while [ ! -s ready ]; do read -r _ < /dev/null || :; done
ip link add c type veth peer name s netns $far
ip addr add 10.20.0.2/24 dev c
ip link set c up
nsenter -t $far -n sh -c "ip link set lo up; ip addr add 10.20.0.1/24 dev s; ip link set s up"
cat > nginx.conf <<CONF
user root; daemon off; master_process off; pid $PWD/nginx.pid; error_log $PWD/error.log;
events { worker_connections 64; }
http {
  access_log $PWD/access.log;
  types { text/html html; text/javascript js; application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
  client_body_temp_path $PWD/b; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/t;
  server { listen 10.20.0.1:80; root $HLS; location /level { return 204; } }
}
CONF
nsenter -t $far -n nginx -p $PWD -c $PWD/nginx.conf -e $PWD/error.log 2> nginx.log &
tries=0
until "$TOOL" --strict --timeout 1 http://10.20.0.1/index.html > /dev/null; do tries=$((tries + 1)); [ $tries -lt 200 ]; done
ip link set c gso_max_segs 1
nsenter -t $far -n ip link set s gso_max_segs 1
nsenter -t $far -n tc qdisc add dev s root tbf rate $RATE burst 16kb latency 300ms
"$TOOL" --download 20 http://10.20.0.1/master.m3u8 > record.json
timeout 45 chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
  --disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required --user-data-dir=$PWD/profile \
  --remote-debugging-port=0 http://10.20.0.1/index.html > chromium.log 2>&1 || :
"#;

fn ran(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// hls.js as tests/player/package-lock.json pins it.
fn library(folder: &Path) -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/player");
    for file in ["package.json", "package-lock.json"] {
        fs::copy(own.join(file), folder.join(file)).unwrap();
    }
    ran(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder));
    folder.join("node_modules/hls.js/dist/hls.min.js")
}

/// Two minutes of noise in every bitrate.
fn video(hls: &Path) {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25,noise=alls=80:allf=t",
        "-t",
        "120",
    ]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "50"]);
    for _ in BITRATES {
        command.args(["-map", "0:v"]);
    }
    for (number, kbps) in BITRATES.iter().enumerate() {
        let rate = format!("{kbps}k");
        for name in ["b:v", "maxrate:v", "minrate:v", "bufsize:v"] {
            command.args([format!("-{name}:{number}"), rate.clone()]);
        }
    }
    let map: Vec<String> = (0..BITRATES.len()).map(|number| format!("v:{number}")).collect();
    command.args([
        "-f",
        "hls",
        "-hls_time",
        "2",
        "-hls_playlist_type",
        "vod",
        "-var_stream_map",
        &map.join(" "),
    ]);
    command.args(["-master_pl_name", "master.m3u8", "-hls_segment_filename", "v%v_%d.ts", "v%v.m3u8"]);
    ran(command.current_dir(hls).stdin(std::process::Stdio::null()));
}

/// What the tool played at most, and what the browser loaded most often in its last ten seconds, in kbit/s.
fn both(hls: &Path, rate: &str) -> (u64, u64, Value) {
    let folder = tempfile::tempdir().unwrap();
    let space =
        ["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut command = Command::new("unshare");
    command.args(space).args(["sh", "-c", LINE]).env("RATE", rate).env("HLS", hls);
    ran(command.env("TOOL", env!("CARGO_BIN_EXE_check-tcp")).current_dir(folder.path()));
    let record: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("record.json")).unwrap()).unwrap();
    let log = fs::read_to_string(folder.path().join("access.log")).unwrap();
    let level = |line: &str| line.split("/level?kbps=").nth(1)?.split('&').next()?.parse::<u64>().ok();
    let levels: Vec<u64> = log.lines().filter_map(level).collect();
    let last = levels.iter().rev().take(10);
    let settled = last.clone().max_by_key(|one| last.clone().filter(|other| other == one).count());
    let played = record["facts"]["download"]["playback"]["played_kbps"].as_u64().unwrap_or_default();
    (played, settled.copied().unwrap_or_default(), record)
}

#[test]
fn a_browser_settles_on_the_bitrate_that_was_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let hls = folder.path().join("hls");
    fs::create_dir(&hls).unwrap();
    fs::copy(library(folder.path()), hls.join("hls.min.js")).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/player/index.html"), hls.join("index.html"))
        .unwrap();
    video(&hls);
    for rate in ["1mbit", "3mbit", "6mbit", "20mbit"] {
        let (played, settled, record) = both(&hls, rate);
        assert!(settled > 0, "{rate}: the browser played nothing");
        assert_eq!(played, settled, "{rate}: here, in the browser; {record:#}");
    }
}
