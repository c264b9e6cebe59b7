//! Downloads and uploads over lines of a known rate, from and to nginx, with HLS made by ffmpeg: in network namespaces that this
//! test makes itself, without any privilege outside of them. Needs unshare(1), nsenter(1), ip(8), tc(8), ffmpeg and nginx.

use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::explained;
use serde_json::Value;

/// A client at 10.20.0.2 and nginx at 10.20.0.1, both directions of the line at $RATE. nginx has an HLS playlist of three
/// bitrates, a large file, a copy of it that is sent at 100 kB/s, a small page, and a place to send to.
const LINE: &str = r#"
set -e
ip link set lo up
unshare -n sh -c 'echo ready; exec sleep 120' > ready & far=$!
while [ ! -s ready ]; do read -r _ < /dev/null || :; done
ip link add c type veth peer name s netns $far
ip addr add 10.20.0.2/24 dev c
ip link set c up
nsenter -t $far -n sh -c "ip link set lo up; ip addr add 10.20.0.1/24 dev s; ip link set s up"
mkdir hls bodies
if [ "$HLS" ]; then
  ffmpeg -v error -f lavfi -i testsrc2=size=320x180:rate=25,noise=alls=60:allf=t -t 24 -c:v libx264 -preset ultrafast -g 50 \
    -map 0:v -map 0:v -map 0:v -b:v:0 350k -maxrate:v:0 350k -bufsize:v:0 350k -b:v:1 900k -maxrate:v:1 900k -bufsize:v:1 900k \
    -b:v:2 2000k -maxrate:v:2 2000k -bufsize:v:2 2000k -f hls -hls_time 2 -hls_playlist_type vod \
    -var_stream_map 'v:0 v:1 v:2' -master_pl_name master.m3u8 -hls_segment_filename hls/v%v_%d.ts hls/v%v.m3u8 < /dev/null
fi
head -c 20000000 /dev/urandom > hls/large
echo small > hls/page
cat > nginx.conf <<CONF
user root; daemon off; master_process off; pid $PWD/nginx.pid; error_log $PWD/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_max_body_size 0; client_body_temp_path $PWD/bodies; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f;
  uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/t;
  server {
    listen 10.20.0.1:80; root $PWD/hls;
    location /paced/ { alias $PWD/hls/; limit_rate 100k; }
    location /take { proxy_pass http://127.0.0.1:81; }
  }
  server { listen 127.0.0.1:81; location / { return 204; } }
}
CONF
nsenter -t $far -n nginx -p $PWD -c $PWD/nginx.conf -e $PWD/error.log 2> nginx.log &
tries=0
until "$1" --strict --timeout 1 http://10.20.0.1/page > /dev/null; do tries=$((tries + 1)); [ $tries -lt 200 ]; done
# Packets of a line, not the bundles of them that a virtual one carries.
ip link set c gso_max_segs 1
nsenter -t $far -n ip link set s gso_max_segs 1
if [ "$RATE" ]; then
  tc qdisc add dev c root tbf rate $RATE burst 16kb latency 300ms
  nsenter -t $far -n tc qdisc add dev s root tbf rate $RATE burst 16kb latency 300ms
fi
exec "$@"
"#;

/// Runs the tool over a line of that rate, without a bound where it is empty; all that the script starts ends with the tool.
fn over(rate: &str, hls: bool, args: &[&str]) -> Outcome {
    let space =
        ["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    Tool::new("unshare")
        .env("RATE", rate)
        .env("HLS", if hls { "1" } else { "" })
        .args(space)
        .args(["sh", "-c", LINE, "sh", env!("CARGO_BIN_EXE_check-tcp")])
        .args(args)
        .run()
}

/// Whether `measured` is the payload of a line of so many kbit/s, which counts 66 bytes of headers beside 1448, within 15 %.
fn fits(measured: &Value, line_kbps: f64) -> bool {
    let payload = line_kbps * 1448.0 / 1514.0;
    (measured.as_f64().unwrap_or_default() / payload - 1.0).abs() < 0.15
}

#[test]
fn a_playlist_names_the_bitrate_that_holds_at_1_3_and_6_mbit() {
    for (rate, kbps, words) in [
        ("1mbit", 1000.0, "240p holds, 360p does not"),
        ("3mbit", 3000.0, "480p holds, 720p does not"),
        ("6mbit", 6000.0, "720p holds, 1080p does not"),
    ] {
        let outcome = over(rate, true, &["--download", "6", "http://10.20.0.1/master.m3u8"]);
        let record = outcome.one();
        let download = &record["facts"]["download"];
        assert_eq!(explained(record), "pass - -", "{record:#}");
        assert_eq!(download["words"], words, "{record:#}");
        assert_ne!(download["limited_by"], "sender", "{record:#}");
        assert_eq!(download["connections"], 1, "{record:#}");
        assert!(fits(&download["throughput_kbps"], kbps), "{record:#}");
        assert_eq!(download["playback"]["live"], false);
        assert_eq!(download["playback"]["variants_kbps"].as_array().map(Vec::len), Some(3), "{record:#}");
    }
}

#[test]
fn a_line_below_the_lowest_bitrate_is_thin() {
    let outcome = over("200kbit", true, &["--download", "8", "http://10.20.0.1/master.m3u8"]);
    let record = outcome.one();
    assert_eq!(explained(record), "degraded http.timeout thin_line", "{record:#}");
    assert_eq!(record["facts"]["download"]["words"], "240p does not hold", "{record:#}");
}

#[test]
fn any_address_is_fetched_and_a_server_that_paces_is_no_thin_line() {
    let outcome = over("6mbit", false, &["--download", "4", "http://10.20.0.1/large"]);
    let download = &outcome.one()["facts"]["download"];
    assert_eq!(download["words"], "720p holds, 1080p does not", "{download:#}");
    assert!(download["playback"].is_null(), "{download:#}");
    let outcome = over("6mbit", false, &["--download", "4", "http://10.20.0.1/paced/large"]);
    let record = outcome.one();
    let download = &record["facts"]["download"];
    assert_eq!(explained(record), "pass - -", "{record:#}");
    assert_eq!(download["limited_by"], "sender", "{record:#}");
    assert_eq!(download["words"], "240p holds; the sender sends no faster", "{record:#}");
}

#[test]
fn a_small_page_says_nothing_of_the_line() {
    let outcome = over("1mbit", false, &["--download", "1", "http://10.20.0.1/page"]);
    let record = outcome.one();
    assert_eq!(explained(record), "pass - -", "{record:#}");
    assert_eq!(record["facts"]["download"]["words"], "too few bytes to tell", "{record:#}");
    assert!(record["facts"]["download"]["throughput_kbps"].is_null(), "{record:#}");
    assert_eq!(record["facts"]["download"]["segments"], 1, "{record:#}");
}

#[test]
fn the_volume_is_announced_and_kept() {
    let args = ["--download", "20", "--upload", "20", "--budget", "2", "http://10.20.0.1/large"];
    let outcome = over("", false, &args);
    assert!(
        outcome
            .stderr
            .contains("--download receives up to 2 MB in 20 s and --upload sends up to 2 MB in 20 s"),
        "{}",
        outcome.stderr
    );
    let large = outcome.one();
    let download = &large["facts"]["download"];
    assert_eq!(download["budget_reached"], true, "{large:#}");
    assert!((2_000_000..2_600_000).contains(&download["bytes"].as_u64().unwrap()), "{large:#}");
}

#[test]
fn an_upload_is_what_the_peer_acknowledged() {
    for (rate, kbps, words) in
        [("1mbit", 1000.0, "240p holds, 360p does not"), ("6mbit", 6000.0, "720p holds, 1080p does not")]
    {
        let outcome = over(rate, false, &["--upload", "4", "http://10.20.0.1/take"]);
        let record = outcome.one();
        let upload = &record["facts"]["upload"];
        assert_eq!(explained(record), "pass - -", "{record:#}");
        assert_eq!(
            (&upload["measured_by"], &upload["limited_by"]),
            (&"tcp".into(), &"path".into()),
            "{record:#}"
        );
        assert_eq!((&upload["words"], &upload["status"]), (&words.into(), &204.into()), "{record:#}");
        assert!(fits(&upload["throughput_kbps"], kbps), "{record:#}");
    }
}

#[test]
fn an_address_that_refuses_the_upload_is_degraded_and_names_the_status() {
    let outcome = over("", false, &["--upload", "2", "http://10.20.0.1/page"]);
    let record = outcome.one();
    assert_eq!(explained(record), "degraded http.status unknown", "{record:#}");
    assert_eq!(record["facts"]["upload"]["status"], 405, "{record:#}");
}
