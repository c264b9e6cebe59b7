//! Published streams over lines of a known rate: in network namespaces that this test makes itself, without any
//! privilege outside of them. Needs unshare(1), nsenter(1), ip(8), tc(8), nft(8) and nginx with its RTMP module.

use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::explained;
use serde_json::Value;

/// A client at 10.20.0.2 with an RTMP ingest at 10.20.0.1. What the client sends waits in a queue that holds three
/// seconds of the line's rate: a full line loses nothing.
const LINE: &str = r#"
set -e
ip link set lo up
unshare -n sh -c 'echo ready; exec sleep 120' > ready & far=$!
while [ ! -s ready ]; do read -r _ < /dev/null || :; done
ip link add c type veth peer name s netns $far
ip addr add 10.20.0.2/24 dev c
ip link set c up
nsenter -t $far -n sh -c "ip link set lo up; ip addr add 10.20.0.1/24 dev s; ip link set s up"
cat > nginx.conf <<CONF
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
user root; daemon off; master_process off; pid $PWD/nginx.pid; error_log $PWD/error.log;
events { worker_connections 64; }
rtmp { access_log off; server { listen 10.20.0.1:1935; application live { live on; } } }
CONF
nsenter -t $far -n nginx -p $PWD -c $PWD/nginx.conf -e $PWD/error.log 2> nginx.log &
tries=0
until "$1" --strict --timeout 1 rtmp://10.20.0.1 > /dev/null; do tries=$((tries + 1)); [ $tries -lt 200 ]; done
tc qdisc add dev c root tbf rate $RATE burst 16kb latency 3s
"#;

/// The far end loses every twentieth packet of the stream.
const LOSS: &str = r#"
nsenter -t $far -n nft -f - <<RULES
table inet loss { chain input { type filter hook input priority 0; tcp dport 1935 meta length > 500 numgen inc mod 20 0 drop; }; }
RULES
"#;

/// Publishes over a line of that rate; all that the script starts ends with the tool.
fn publish(rate: &str, more: &str, args: &[&str]) -> Outcome {
    let space =
        ["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let script = format!("RATE={rate}\n{LINE}{more}exec \"$@\" rtmp://10.20.0.1/live");
    Tool::new("unshare")
        .env("RTMP_STREAM_KEY", "key")
        .args(space)
        .args(["sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_check-rtmps"), "--timeout", "4"])
        .args(args)
        .run()
}

/// The line's rate counts Ethernet, IP and TCP headers too: 66 bytes beside 1448 of a stream.
fn holds(record: &Value, line_kbps: f64) -> bool {
    let payload = line_kbps * 1448.0 / 1514.0;
    let measured = record["facts"]["publish"]["throughput_kbps"].as_f64().unwrap_or_default();
    (measured / payload - 1.0).abs() < 0.1
}

#[test]
fn a_full_line_without_loss_is_a_thin_line_and_its_rate_is_measured_within_a_tenth() {
    for (rate, kbps, bitrate) in
        [("500kbit", 500.0, "800"), ("2mbit", 2000.0, "3000"), ("10mbit", 10_000.0, "14000")]
    {
        let outcome = publish(rate, "", &["--publish", "4", "--bitrate", bitrate]);
        let record = outcome.one();
        assert_eq!(explained(record), "degraded rtmp.slow thin_line", "{record:#}");
        assert_eq!(record["facts"]["publish"]["limited_by"], "path", "{record:#}");
        assert!(holds(record, kbps), "{record:#}");
    }
}

#[test]
fn a_line_that_is_wide_enough_passes() {
    let outcome = publish("4mbit", "", &["--publish", "4", "--bitrate", "2500"]);
    assert_eq!(explained(outcome.one()), "pass - -", "{:#}", outcome.one());
    assert_eq!(outcome.one()["facts"]["publish"]["pauses"], 0);
}

#[test]
fn a_line_that_loses_packets_and_does_not_keep_up_is_a_lossy_path() {
    let outcome = publish("2mbit", LOSS, &["--publish", "4", "--bitrate", "3000"]);
    let record = outcome.one();
    assert_eq!(explained(record), "degraded rtmp.slow lossy_path", "{record:#}");
    assert!(record["facts"]["publish"]["retransmitted_bytes"].as_u64() > Some(10_000), "{record:#}");
}
