//! Routers that refuse, discard and limit: in network namespaces that this test makes itself, without any privilege
//! outside of them. Needs unshare(1), nsenter(1), ip(8), nft(8) and turnserver(1).

use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::explained;
use serde_json::Value;

/// A client with a router behind it: 10.20.0.2 — 10.20.0.1. The router prohibits 192.0.2.13, has no host 192.0.2.1,
/// discards what goes to 192.0.2.9; 10.30.0.2 lies behind a link of 1400 bytes, and 10.40.0.2 behind one whose far end
/// takes no more than that (and four bytes of VLAN tag) and says nothing about the rest.
const ROUTER: &str = r#"
set -e
ip link set lo up
unshare -n sh -c 'echo ready; exec sleep 120' > ready & router=$!
while [ ! -s ready ]; do read -r _ < /dev/null || :; done
unshare -n sh -c 'echo ready; exec sleep 120' > far & far=$!
while [ ! -s far ]; do read -r _ < /dev/null || :; done
ip link add c type veth peer name r netns $router
ip addr add 10.20.0.2/24 dev c
ip link set c up
nsenter -t $router -n sh -c "
  ip addr add 10.20.0.1/24 dev r; ip link set r up; ip link set lo up
  ip link add w type veth peer name s netns $far; ip addr add 10.30.0.1/24 dev w; ip link set w mtu 1400 up
  ip link add x type veth peer name y netns $far; ip addr add 10.40.0.1/24 dev x; ip link set x up
  echo 1 > /proc/sys/net/ipv4/ip_forward
  echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
  ip route add prohibit 192.0.2.13; ip route add unreachable 192.0.2.1; ip route add blackhole 192.0.2.9
"
nsenter -t $far -n sh -c "ip addr add 10.30.0.2/24 dev s; ip link set s mtu 1400 up; ip route add default via 10.30.0.1
  ip addr add 10.40.0.2/24 dev y; ip link set y mtu 1400 up"
ip route add default via 10.20.0.1
"#;

/// A STUN server at 10.30.0.2 that answers.
const SERVER: &str = r#"
nsenter -t $far -n turnserver -n --listening-ip=10.30.0.2 --no-tls --no-dtls --no-cli --stun-only \
  --log-file=stdout --pidfile=turn.pid --userdb=turn.db > turn.log 2>&1 &
until "$1" --strict --timeout 1 stun://10.30.0.2 > /dev/null; do :; done
"#;

/// Two routers, 10.20.0.1 and 10.30.0.2, and behind them 10.50.0.2: a STUN server on port 3478 that takes TCP on port 80 as
/// well, and lets no datagram to port 443 in.
const BEHIND_TWO: &str = r#"
unshare -n sh -c 'echo ready; exec sleep 120' > end & end=$!
while [ ! -s end ]; do read -r _ < /dev/null || :; done
nsenter -t $far -n sh -c "ip link add e type veth peer name f netns $end; ip addr add 10.50.0.1/24 dev e; ip link set e up
  echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/icmp_ratelimit"
nsenter -t $end -n sh -c "ip addr add 10.50.0.2/24 dev f; ip link set f up; ip route add default via 10.50.0.1
  echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
  nft 'table inet own { chain prerouting { type filter hook prerouting priority -300; udp dport 443 drop; }; }'"
nsenter -t $router -n ip route add 10.50.0.0/24 via 10.30.0.2
for port in 3478 80; do
  nsenter -t $end -n turnserver -n --listening-ip=10.50.0.2 --listening-port=$port --no-tls --no-dtls --no-cli --stun-only \
    --log-file=stdout --pidfile=turn$port.pid --userdb=turn.db > turn$port.log 2>&1 &
  until "$1" --strict --timeout 1 stun://10.50.0.2:$port > /dev/null; do :; done
done
"#;

/// A router that discards datagrams to the port of STUN.
const NO_STUN: &str = "
nsenter -t $router -n nft 'table inet firewall { chain forward { type filter hook forward priority 0; udp dport 3478 drop; }; }'
";

/// A router that discards datagrams to any other port.
const STUN_ALONE: &str = "
nsenter -t $router -n nft 'table inet firewall { chain forward { type filter hook forward priority 0; ip daddr 10.50.0.2 udp dport != 3478 drop; }; }'
";

/// A router that discards datagrams.
const NO_UDP: &str = "
nsenter -t $router -n nft 'table inet firewall { chain forward { type filter hook forward priority 0; meta l4proto udp drop; }; }'
";

/// A router that loses every tenth of the datagrams to it.
const LOSS: &str = r#"
nsenter -t $router -n nft -f - <<RULES
table inet loss { chain forward { type filter hook forward priority 0; udp dport 3478 numgen inc mod 10 0 drop; }; }
RULES
"#;

/// A router that loses every tenth echo request.
const ECHO_LOSS: &str = r#"
nsenter -t $router -n nft -f - <<RULES
table inet loss { chain forward { type filter hook forward priority 0; icmp type echo-request numgen inc mod 10 0 drop; }; }
RULES
"#;

/// Nobody on the line but the router, which is found out soon.
const NOBODY: &str = "
ip -6 addr add fd00::2/64 dev c nodad
ip ntable change name arp_cache dev c retrans 50 mcast_probes 1
ip ntable change name ndisc_cache dev c retrans 50 mcast_probes 1
";

/// A firewall on the machine itself: it rejects as iptables does by default, and prohibits port 5000.
const OWN_FIREWALL: &str = "
ip -6 addr add fd00::2/64 dev c nodad
nft -f - <<RULES
table inet own { chain output { type filter hook output priority 0;
  udp dport { 443, 3478 } reject
  udp dport 5000 reject with icmpx admin-prohibited
  icmp type echo-request reject
  icmpv6 type echo-request reject with icmpx admin-prohibited
}; }
RULES
";

/// Then the tool.
const TOOL: &str = " \"$@\"";

/// Loopback alone.
const ALONE: &str = "ip link set lo up\n";

/// Runs the tool as root of a namespace laid out by `script`; all that the script starts ends with the tool.
fn within(script: &str, args: &[&str]) -> Outcome {
    run(&format!("{script}exec"), args)
}

/// The same, with what stands before the tool at the end of the script.
fn run(script: &str, args: &[&str]) -> Outcome {
    Tool::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .args([
            "sh",
            "-c",
            &format!("{script}{TOOL}"),
            "sh",
            env!("CARGO_BIN_EXE_check-udp"),
            "--timeout",
            "1",
        ])
        .args(args)
        .run()
}

#[test]
fn an_answered_echo_passes() {
    let outcome = within(ALONE, &["icmp://127.0.0.1"]);
    assert_eq!(explained(outcome.one()), "pass - -", "{outcome:#?}");
    // The namespace's ping_group_range is closed, so the raw socket of its root is used.
    assert_eq!(outcome.one()["facts"]["icmp"]["socket"], "raw");
    assert_eq!(outcome.one()["path"]["address"], "127.0.0.1");
}

#[test]
fn an_open_ping_group_range_makes_the_datagram_socket_do() {
    let script = "ip link set lo up; echo 0 0 > /proc/sys/net/ipv4/ping_group_range\n";
    let outcome = within(script, &["icmp://127.0.0.1", "icmp://[::1]", "--count", "3", "--interval", "5"]);
    for record in &outcome.records {
        assert_eq!(explained(record), "pass - -", "{record:#}");
        assert_eq!(record["facts"]["icmp"]["socket"], "dgram");
        assert_eq!(record["facts"]["quality"]["received"], 3);
    }
    assert_eq!(outcome.records.len(), 2);
}

#[test]
fn without_any_icmp_socket_the_record_is_inconclusive_and_says_what_would_help() {
    // Mapped to an ordinary user, the program keeps no capability.
    let outcome = Tool::new("unshare")
        .args(["--user", "--map-user=1000", "--net", env!("CARGO_BIN_EXE_check-udp"), "icmp://127.0.0.1"])
        .run();
    let record = outcome.one();
    assert!(explained(record).starts_with("inconclusive icmp.not_permitted"), "{record:#}");
    assert!(record["cause"]["fix"].as_str().unwrap().contains("net.ipv4.ping_group_range"));
    assert_eq!(outcome.code, 1);
}

#[test]
fn silence_is_icmp_timeout() {
    let outcome = within(ROUTER, &["icmp://192.0.2.9", "--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "icmp.timeout", "{outcome:#?}");
    // The reason is asked for beside the wait, not after it.
    let took = outcome.one()["stages"][0]["us"].as_u64().unwrap();
    assert!((900_000..1_500_000).contains(&took), "{took}");
    let outcome =
        within(ROUTER, &["icmp://192.0.2.9", "--diagnose", "never", "--count", "3", "--interval", "5"]);
    assert_eq!(outcome.one()["failure"]["detail"], "none of 3 echo requests was answered");
}

#[test]
fn an_icmp_error_is_icmp_unreachable_with_its_sender() {
    let outcome =
        within(ROUTER, &["icmp://192.0.2.1", "icmp://192.0.2.13", "--diagnose", "never", "--ordered"]);
    let details: Vec<&str> =
        outcome.records.iter().filter_map(|record| record["failure"]["detail"].as_str()).collect();
    assert_eq!(
        details,
        [
            "ICMP host unreachable (type 3 code 1) from 10.20.0.1",
            "ICMP administratively prohibited (type 3 code 13) from 10.20.0.1",
        ]
    );
    assert!(
        outcome.records.iter().all(|record| record["failure"]["code"] == "icmp.unreachable"),
        "{outcome:#?}"
    );
}

#[test]
fn after_silence_a_probe_learns_the_reason_that_a_datagram_socket_is_not_told() {
    let script = format!("{ROUTER}echo 0 0 > /proc/sys/net/ipv4/ping_group_range\n");
    for series in [&[][..], &["--count", "3", "--interval", "5"]] {
        let args = [&["icmp://192.0.2.13", "--diagnose", "never"], series].concat();
        let outcome = within(&script, &args);
        let failure = &outcome.one()["failure"];
        assert_eq!(failure["code"], "icmp.unreachable", "{outcome:#?}");
        assert_eq!(failure["detail"], "ICMP administratively prohibited (type 3 code 13) from 10.20.0.1");
    }
}

#[test]
fn echo_requests_that_a_router_loses_are_counted() {
    let script = format!("{ROUTER}{ECHO_LOSS}");
    let outcome = within(&script, &["--count", "50", "--interval", "5", "icmp://10.30.0.2"]);
    let quality = &outcome.one()["facts"]["quality"];
    assert_eq!((&quality["sent"], &quality["received"]), (&50.into(), &45.into()), "{outcome:#?}");
}

#[test]
fn an_echo_leaves_from_the_interface_and_address_the_user_named() {
    let leaving = |from: &[&str]| {
        let args = [from, &["icmp://10.20.0.1", "--diagnose", "never"]].concat();
        within(&format!("{ROUTER}ip addr add 10.20.0.7/24 dev c\n"), &args)
    };
    let outcome = leaving(&["--interface", "c", "--source", "10.20.0.7"]);
    assert_eq!(explained(outcome.one()), "pass - -", "{outcome:#?}");
    assert_eq!(outcome.one()["path"]["local"], "10.20.0.7");
    let outcome = leaving(&["--interface", "lo"]);
    assert_ne!(outcome.one()["verdict"], "pass", "{outcome:#?}");
}

#[test]
fn a_datagram_that_is_prohibited_is_udp_prohibited_with_its_sender() {
    let targets = ["stun://192.0.2.13", "turn://192.0.2.13", "quic://192.0.2.13"];
    let outcome = within(ROUTER, &[&targets[..], &["--diagnose", "never"]].concat());
    assert_eq!(outcome.records.len(), 3);
    for record in &outcome.records {
        assert_eq!(record["failure"]["code"], "udp.prohibited", "{record:#}");
        assert!(record["failure"]["detail"].as_str().unwrap().ends_with("from 10.20.0.1"));
    }
}

/// A TURN server at 10.30.0.2 behind a router that prohibits UDP to it and lets TCP pass.
const TURN_OVER_TCP: &str = r#"
nsenter -t $far -n turnserver -n --listening-ip=10.30.0.2 --relay-ip=10.30.0.2 --no-tls --no-dtls --no-cli \
  --realm=lab.test --user=u:p --lt-cred-mech --log-file=stdout --pidfile=turn.pid --userdb=turn.db > turn.log 2>&1 &
tries=0
until "$1" --strict --timeout 1 turn://10.30.0.2 > /dev/null; do tries=$((tries + 1)); [ $tries -lt 200 ]; done
nsenter -t $router -n nft 'table inet firewall { chain forward { type filter hook forward priority 0; meta l4proto udp reject with icmpx admin-prohibited; }; }'
"#;

#[test]
fn a_rung_that_a_router_prohibits_is_its_doing_by_the_rules_of_any_target() {
    let script = format!("{ROUTER}{TURN_OVER_TCP}");
    let ladder = ["--media-ladder", "10.30.0.2", "--ladder", "udp:3478,tcp:3478"];
    let outcome = within(&script, &ladder);
    let record = outcome.one();
    assert_eq!(explained(record), "degraded udp.prohibited firewall_reject", "{record:#}");
    assert_eq!((&record["cause"]["who"], &record["cause"]["near"]), (&"network".into(), &"10.20.0.1".into()));
    assert_eq!(record["cause"]["action"]["ports"], "3478");
    assert_eq!(record["facts"]["best_transport"], "tcp:3478");
}

#[test]
fn a_next_hop_that_does_not_answer_is_this_machines_own_trouble_and_names_no_device() {
    let targets = ["stun", "turn", "quic", "h3", "icmp"]
        .iter()
        .flat_map(|scheme| [format!("{scheme}://10.20.0.77"), format!("{scheme}://[fd00::77]")]);
    let targets: Vec<String> = targets.collect();
    let args: Vec<&str> = targets.iter().map(String::as_str).collect();
    let outcome = within(&format!("{ROUTER}{NOBODY}"), &args);
    assert_eq!(outcome.records.len(), 10, "{outcome:#?}");
    for record in &outcome.records {
        let echo = record["target"].as_str().unwrap().starts_with("icmp");
        let code = if echo { "icmp.unreachable" } else { "udp.prohibited" };
        assert_eq!(explained(record), format!("fail {code} offline"), "{record:#}");
        assert_eq!(record["cause"]["who"], "local", "{record:#}");
        assert_eq!(record["cause"].get("near"), None, "{record:#}");
    }
}

#[test]
fn a_firewall_of_this_machine_that_rejects_datagrams_is_local() {
    let targets = ["stun", "turn", "quic", "h3", "icmp"]
        .iter()
        .flat_map(|scheme| [format!("{scheme}://10.30.0.2"), format!("{scheme}://[fd00::77]")]);
    let targets: Vec<String> =
        targets.chain(["stun://10.30.0.2:5000".into(), "stun://[fd00::77]:5000".into()]).collect();
    let args: Vec<&str> = targets.iter().map(String::as_str).collect();
    let outcome = within(&format!("{ROUTER}{OWN_FIREWALL}"), &args);
    assert_eq!(outcome.records.len(), 12, "{outcome:#?}");
    for record in &outcome.records {
        assert_eq!(explained(record), "fail route.denied local_firewall", "{record:#}");
        assert_eq!(record["cause"]["who"], "local", "{record:#}");
        assert_eq!(record["cause"].get("near"), None, "{record:#}");
    }
}

/// What comes of a server on port 443 that stays silent, beside a silent control on port 3478.
fn beside_a_silent_control(firewall: &str, line: &str) -> Value {
    let script = format!("{ROUTER}{BEHIND_TWO}{firewall}");
    let input = format!("printf '%s' '{line}' |");
    let outcome = run(&format!("{script}{input}"), &["--control", "stun:10.50.0.2:3478"]);
    outcome.one().clone()
}

#[test]
fn a_silent_control_proves_nothing_where_datagrams_for_the_target_get_farther() {
    let record = beside_a_silent_control(
        NO_STUN,
        r#"{"target": "stun://10.50.0.2:443", "labels": {"known_to_answer": false}}"#,
    );
    assert_eq!(explained(&record), "inconclusive udp.timeout unknown", "{record:#}");
    let record = beside_a_silent_control(NO_STUN, "stun://10.50.0.2:443");
    assert_eq!(explained(&record), "fail udp.timeout firewall_drop", "{record:#}");
    assert_eq!(record["cause"]["confidence"], "low", "{record:#}");
}

#[test]
fn udp_that_dies_at_the_same_hop_as_the_controls_does_is_blocked_for_certain() {
    let record = beside_a_silent_control(NO_UDP, "stun://10.50.0.2:443");
    assert_eq!(explained(&record), "fail udp.timeout udp_blocked", "{record:#}");
    assert_eq!(record["cause"]["confidence"], "high", "{record:#}");
    assert_eq!(record["cause"]["near"], "10.20.0.1", "{record:#}");
}

#[test]
fn where_a_datagram_of_the_run_was_answered_udp_as_such_is_not_blocked() {
    let script = format!("{ROUTER}{BEHIND_TWO}{STUN_ALONE}");
    let args = ["--jobs", "1", "--ordered", "stun://10.50.0.2", "quic://10.50.0.2"];
    let outcome = within(&script, &args);
    let records: Vec<String> = outcome.records.iter().map(explained).collect();
    assert_eq!(records, ["pass - -", "fail quic.timeout firewall_drop"], "{outcome:#?}");
    assert_eq!(outcome.records[1]["cause"]["confidence"], "medium");
}

#[test]
fn no_route_is_route_none() {
    let outcome =
        within(ALONE, &["icmp://192.0.2.1", "stun://192.0.2.1", "quic://192.0.2.1", "--diagnose", "never"]);
    assert_eq!(outcome.records.len(), 3);
    assert!(outcome.records.iter().all(|record| record["failure"]["code"] == "route.none"), "{outcome:#?}");
}

#[test]
fn a_router_that_says_how_large_packets_may_be_is_no_fault() {
    let outcome = within(ROUTER, &["icmp://10.30.0.2", "--mtu"]);
    assert_eq!(explained(outcome.one()), "pass - -", "{outcome:#?}");
    let expected = serde_json::json!({"path": 1400, "reported_by": "10.20.0.1"});
    assert_eq!(outcome.one()["facts"]["mtu"], expected);
}

#[test]
fn large_packets_that_vanish_are_mtu_blackhole() {
    let outcome = within(ROUTER, &["icmp://10.40.0.2", "--mtu", "--deadline", "20"]);
    assert_eq!(explained(outcome.one()), "degraded icmp.timeout mtu_blackhole", "{outcome:#?}");
    assert_ne!(outcome.one()["cause"]["confidence"], "high");
    let mtu = &outcome.one()["facts"]["mtu"];
    assert_eq!((&mtu["path"], &mtu["black_hole"]), (&1404.into(), &true.into()));
}

/// A line so slow that this machine's own queue holds a handful of datagrams at the most.
const FULL: &str = "tc qdisc add dev c root tbf rate 128kbit burst 250 limit 250\n";
/// A queue that holds none.
const CLOSED: &str = "tc qdisc add dev c root pfifo limit 0\n";

#[test]
fn a_full_queue_of_this_machine_is_waited_out_and_is_no_loss_on_the_way() {
    let script = format!("{ROUTER}{SERVER}{FULL}");
    let outcome = within(&script, &["stun://10.30.0.2"; 60]);
    assert_eq!(outcome.records.len(), 60);
    for record in &outcome.records {
        assert_eq!(explained(record), "pass - -", "{record:#}");
        assert_eq!(record["facts"]["stun"]["requests"], 1, "{record:#}");
    }
}

#[test]
fn a_queue_that_stays_full_blames_no_target() {
    let outcome = within(&format!("{ROUTER}{SERVER}{CLOSED}"), &["stun://10.30.0.2", "--diagnose", "never"]);
    assert_eq!(explained(outcome.one()), "inconclusive internal -", "{outcome:#?}");
    assert_eq!(outcome.code, 2);
}

#[test]
fn loss_of_a_tenth_is_measured_as_a_tenth() {
    let script = format!("{ROUTER}{SERVER}{LOSS}");
    let outcome = within(&script, &["--count", "500", "--interval", "10", "stun://10.30.0.2"]);
    let loss = outcome.one()["facts"]["quality"]["loss"].as_f64();
    let loss = loss.unwrap_or_else(|| panic!("{outcome:#?}"));
    assert!((0.07..=0.13).contains(&loss), "{loss}");
    assert_eq!(outcome.one()["facts"]["quality"]["sent"], 500);
}
