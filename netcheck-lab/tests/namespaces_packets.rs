//! What a healthy run sends besides the checks themselves, counted on the wire.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

use std::process::{Command, Stdio};

/// Counts, at the client, what leaves it while a command runs.
const COUNTED: &str = r#"
nft -f - <<'EOF'
table inet counted {
    counter syns { }
    counter limited { }
    counter other { }
    chain out {
        type filter hook output priority 100
        oifname "lo" accept
        ip ttl < 32 counter name limited
        tcp flags & (syn | ack) == syn counter name syns
        meta l4proto tcp accept
        udp dport 53 accept
        meta l4proto { udp, icmp } counter name other
    }
}
EOF
"$@" >/run/lab/records || exit 1
nft list counters table inet counted
cat /run/lab/records
"#;

fn counted(scenario: &str, targets: &[&str]) -> (String, Vec<u64>) {
    let tools = netcheck_lab::world::probe::tools().unwrap();
    let tool = tools.join("check-tcp");
    let output = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .args(["run", scenario, "--", "sh", "-c", COUNTED, "sh"])
        .arg(tool)
        .args(["--format", "json", "--timeout", "5", "--public-roots", "/run/lab/roots.pem"])
        .args(targets)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let counts =
        text.lines().filter_map(|line| line.trim().strip_prefix("packets ")?.split(' ').next()?.parse().ok());
    (text.clone(), counts.collect())
}

#[test]
fn a_healthy_run_sends_one_limited_syn_for_each_address_of_a_bare_tcp_target_and_nothing_else() {
    let targets = [
        "https://www.spotme.com/",
        "http://install.events/",
        "tls://code.highcharts.com:443",
        "tcp://eu-channel.spotme.com:10000-10003",
        "tcp://us-channel.spotme.com:10000",
    ];
    for scenario in ["healthy", "healthy-silent-hops", "healthy-ecmp"] {
        let (text, counts) = counted(scenario, &targets);
        assert_eq!(text.matches("\"verdict\":\"pass\"").count(), 8, "{text}");
        // SYNs, those among them that travel two hops only, and what is UDP or ICMP and no question to the resolver.
        // A redirect to another site is asked for a portal with one such SYN.
        assert_eq!(counts, [8 + 2 + 1, 2 + 1, 0], "{scenario}: {text}");
    }
}

#[test]
fn web_targets_alone_send_no_control_packet() {
    let targets = ["https://www.spotme.com/", "http://captive.apple.com/", "http://www.spotme.com/"];
    let (text, counts) = counted("healthy", &targets);
    assert_eq!(counts, [3, 0, 0], "{text}");
}
