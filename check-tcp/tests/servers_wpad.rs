//! The proxy script that a network announces, by DHCP and by DNS, from dnsmasq in namespaces of the test's own. Needs root:
//! dnsmasq changes its group.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::process::{Command, Stdio};

use serde_json::Value;

/// A client beside a server with dnsmasq and a web server; then the tool, as the client. `$DNSMASQ` are its options.
const NETWORK: &str = "
PATH=/usr/sbin:/usr/bin:/sbin:/bin
ip link set lo up
unshare --net sleep 60 & SERVER=$!
until [ \"$(readlink /proc/$SERVER/ns/net)\" != \"$(readlink /proc/$$/ns/net)\" ]; do :; done
ip link add eth0 type veth peer name eth1 netns $SERVER
ip addr add 10.77.0.2/24 dev eth0; ip link set eth0 up
within() { nsenter --target $SERVER --net \"$@\"; }
within ip addr add 10.77.0.1/24 dev eth1; within ip link set eth1 up; within ip link set lo up
ip route add default via 10.77.0.1
mount --bind resolv.conf /etc/resolv.conf
within dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --group=root --interface=eth1 --bind-interfaces --no-hosts --no-resolv --leasefile-ro --no-ping $DNSMASQ 2>/dev/null & DAEMON=$!
within python3 -m http.server 80 --bind 10.77.0.1 --directory . >/dev/null 2>&1 & WEB=$!
TRIES=0
until within sh -c 'ss -Htln \"sport = :80\" | grep -q . && ss -Hln | grep -q \":67 \\|:53 \"'; do TRIES=$((TRIES + 1)); [ $TRIES -lt 1000 ]; done
\"$0\" \"$@\" || true
kill $WEB $DAEMON $SERVER
";

const SCRIPT: &str = "function FindProxyForURL(url, host) { return 'PROXY 10.77.0.9:3128'; }";

/// What the tool says of the way to a service in a network whose dnsmasq has these options.
fn way(options: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("resolv.conf", "search office.lab.test\nnameserver 10.77.0.1\n"),
        ("wpad.dat", SCRIPT),
        ("announced.pac", SCRIPT),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(["sh", "-ec", NETWORK, env!("CARGO_BIN_EXE_check-tcp")])
        .args(["--proxy", "system", "--list-proxies", "--timeout", "3", "https://service.example"])
        .env("DNSMASQ", options)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let record: Value = serde_json::from_slice(&output.stdout).unwrap();
    record["facts"]["proxy"].clone()
}

#[test]
fn a_script_is_found_by_dhcp() {
    let proxy =
        way("--port=0 --dhcp-range=10.77.0.50,10.77.0.60 --dhcp-option=252,http://10.77.0.1/announced.pac");
    assert_eq!(proxy["list"], serde_json::json!(["http://10.77.0.9:3128"]), "{proxy}");
    assert_eq!(
        (&proxy["source"], &proxy["pac"]["url"]),
        (&"wpad".into(), &"http://10.77.0.1/announced.pac".into())
    );
}

#[test]
fn a_script_is_found_by_dns_in_the_domain_or_above_it() {
    let proxy = way("--address=/wpad.lab.test/10.77.0.1");
    assert_eq!(proxy["list"], serde_json::json!(["http://10.77.0.9:3128"]), "{proxy}");
    assert_eq!(proxy["pac"]["url"], "http://wpad.lab.test/wpad.dat");
}

#[test]
fn a_network_that_announces_nothing_is_direct_and_healthy() {
    let proxy = way("--address=/other.test/10.77.0.1");
    assert_eq!(proxy, serde_json::json!({ "list": ["DIRECT"] }));
}
