//! Responsiveness under load at 10 Mbit/s through a deep, a shallow and a fair queue: in network namespaces that this test makes
//! itself. Needs unshare(1), nsenter(1), ip(8), tc(8) and nginx.

use netcheck_lab::tool::{Outcome, Tool};
use serde_json::Value;

/// A client at 10.20.0.2, a router that sends to it at 10 Mbit/s through a queue of $QUEUE, and nginx at 10.30.0.1, which sends
/// with CUBIC, as most servers do: BBR leaves a deep queue empty. The router is its own: a sender keeps its own queue short.
/// This kernel has no fq_codel: the fair queue is one short queue for each of 64 parts of the client's ports, served in turn by HTB.
const LINE: &str = r#"
set -e
ip link set lo up
unshare -n sh -c 'echo ready; exec sleep 120' > ready & far=$!
while [ ! -s ready ]; do read -r _ < /dev/null || :; done
unshare -n sh -c 'echo ready; exec sleep 120' > routed & mid=$!
while [ ! -s routed ]; do read -r _ < /dev/null || :; done
ip link add c type veth peer name r netns $mid
ip addr add 10.20.0.2/24 dev c
ip link set c up
nsenter -t $mid -n sh -e -c "ip link set lo up; ip addr add 10.20.0.1/24 dev r; ip link set r up
  ip link add name out type veth peer name s netns $far; ip addr add 10.30.0.2/24 dev out; ip link set out up
  echo 1 > /proc/sys/net/ipv4/ip_forward"
nsenter -t $far -n sh -e -c "ip link set lo up; ip addr add 10.30.0.1/24 dev s; ip link set s up
  ip route add default via 10.30.0.2 congctl cubic"
ip route add default via 10.20.0.1
mkdir www
head -c 30000000 /dev/urandom > www/large
cat > nginx.conf <<CONF
user root; daemon off; master_process off; pid $PWD/nginx.pid; error_log $PWD/error.log;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path $PWD/b; proxy_temp_path $PWD/p; fastcgi_temp_path $PWD/f; uwsgi_temp_path $PWD/u; scgi_temp_path $PWD/t;
  server { listen 10.30.0.1:80; root $PWD/www; }
}
CONF
nsenter -t $far -n nginx -p $PWD -c $PWD/nginx.conf -e $PWD/error.log 2> nginx.log &
tries=0
until "$1" --strict --timeout 1 http://10.30.0.1/large > /dev/null; do tries=$((tries + 1)); [ $tries -lt 200 ]; done
ip link set c gso_max_segs 1
nsenter -t $far -n ip link set s gso_max_segs 1
nsenter -t $mid -n ip link set r gso_max_segs 1
case $QUEUE in
  deep) nsenter -t $mid -n tc qdisc add dev r root tbf rate 10mbit burst 16kb limit 1500000 ;;
  shallow) nsenter -t $mid -n tc qdisc add dev r root tbf rate 10mbit burst 16kb limit 60000 ;;
  fair)
    nsenter -t $mid -n sh -e <<'TC'
    tc qdisc add dev r root handle 1: htb default 1
    tc class add dev r parent 1: classid 1:1 htb rate 10mbit ceil 10mbit burst 16kb
    n=0
    while [ $n -lt 64 ]; do
      id=$(printf %x $((n + 256))); port=$(printf 0x%04x $((n * 2)))
      tc class add dev r parent 1:1 classid 1:$id htb rate 150kbit ceil 10mbit quantum 1514
      tc qdisc add dev r parent 1:$id pfifo limit 20
      tc filter add dev r parent 1: protocol ip u32 match ip dport $port 0x007e flowid 1:$id
      n=$((n + 1))
    done
TC
  ;;
esac
exec "$@"
"#;

fn over(queue: &str, seconds: &str) -> Outcome {
    let space =
        ["--user", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    Tool::new("unshare")
        .env("QUEUE", queue)
        .args(space)
        .args(["sh", "-c", LINE, "sh", env!("CARGO_BIN_EXE_check-tcp")])
        .args(["--under-load", seconds, "http://10.30.0.1/large"])
        .run()
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or(f64::NAN)
}

#[test]
fn a_deep_queue_is_less_responsive_than_a_shallow_one_and_that_less_than_a_fair_one() {
    let measured = ["deep", "shallow", "fair"].map(|queue| {
        let outcome = over(queue, "15");
        let record = outcome.one();
        assert_eq!(record["verdict"], "pass", "{queue}: {record:#}");
        let facts = record["facts"]["under_load"].clone();
        let payload = 10_000.0 * 1448.0 / 1514.0;
        assert!((0.6..1.1).contains(&(number(&facts, "throughput_kbps") / payload)), "{queue}: {facts:#}");
        assert!(number(&facts, "probes") >= 5.0, "{queue}: {facts:#}");
        facts
    });
    let [deep, shallow, fair] = measured.each_ref().map(|facts| number(facts, "rpm"));
    assert!(deep < shallow && shallow < fair, "deep {deep}, shallow {shallow}, fair {fair}");
    assert_eq!(measured[0]["class"], "poor", "{:#}", measured[0]);
    assert_eq!(measured[0]["limited_by"], "path", "{:#}", measured[0]);
    assert!(matches!(measured[0]["grade"].as_str(), Some("D" | "F")), "{:#}", measured[0]);
}
