//! Rehearsals of half a minute to a minute: an idle timeout is named, a maximum lifetime is none, and a change of the
//! route is named.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set its stage has failed")]
#![expect(clippy::disallowed_methods, reason = "haproxy is ready when its port answers")]
#![expect(dead_code, reason = "the short tests use the rest")]

mod rehearse;

use std::process::Command;

use netcheck_lab::world::probe::tools;
use rehearse::{Haproxy, profile, rehearsed};

/// The output as words, whatever the width of the lines.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The timeout is long beside the half second that ages may differ by: a busy machine notices an end late.
#[test]
fn an_idle_timeout_of_haproxy_is_named_and_pings_prevent_it() {
    let proxy = Haproxy::start("  timeout client 8s\n  timeout tunnel 8s");
    let shown = rehearse::rehearse(&[proxy.target()], &["--for", "50s"]);
    assert_eq!(shown.code, Some(1), "{}{}", shown.stdout, shown.stderr);
    assert_eq!(shown.stdout.matches("\n- ").count(), 1, "{}", shown.stdout);
    let told = words(&shown.stdout);
    let idle = format!("Connections to {} that are idle for ", proxy.target());
    assert!(told.contains(&idle) && told.contains(" are cut."), "{}", shown.stdout);
    assert!(told.contains("that was pinged lived longer"), "{}", shown.stdout);
    assert!(shown.page.contains("Does it hold for the length of the show?"));
    assert!(shown.stderr.contains("up to 0 MB of media"), "{}", shown.stderr);
    let (first, last) = (&shown.lines[0]["run"], &shown.lines.last().unwrap()["run"]);
    assert_eq!(first["seconds"], 50.0);
    assert_eq!((&first["id"], last["interrupted"].as_bool()), (&last["id"], Some(false)));
    assert!(shown.lines.iter().any(|line| line["labels"]["rehearsal"] == "idle"));
}

#[test]
fn a_maximum_lifetime_is_told_from_an_idle_timeout() {
    let proxy = Haproxy::start("  timeout client 1h\n  timeout tunnel 1h").with_lifetime(6);
    let shown = rehearse::rehearse(&[proxy.target()], &["--for", "50s"]);
    let told = words(&shown.stdout);
    assert_eq!(shown.code, Some(1), "{}{}", shown.stdout, shown.stderr);
    assert_eq!(shown.stdout.matches("\n- ").count(), 1, "{}", shown.stdout);
    let sentence = format!("Every connection to {} ends ", proxy.target());
    assert!(
        told.contains(&sentence) && told.contains("after it opens, whether it is used or idle."),
        "{told}"
    );
    assert!(!told.contains("that are idle for"), "{told}");
}

#[test]
fn connections_that_last_are_no_finding() {
    let proxy = Haproxy::start("  timeout client 1h\n  timeout tunnel 1h");
    let shown = rehearse::rehearse(&[proxy.target()], &["--for", "30s"]);
    assert_eq!(shown.code, Some(0), "{}{}", shown.stdout, shown.stderr);
    assert!(words(&shown.stdout).contains("lasted for 30 s."), "{}", shown.stdout);
}

/// A client whose address changes after a third of the show, and a WebSocket service behind a router of its own.
const FLAP: &str = r#"
set -e
ip link set lo up
unshare -n sh -c 'echo ready; exec sleep 120' > ready & far=$!
while [ ! -s ready ]; do read -r _ < /dev/null || :; done
ip link add c type veth peer name s netns $far
ip addr add 10.20.0.2/24 dev c
ip link set c up
nsenter -t $far -n sh -c "ip link set lo up; ip addr add 10.20.0.1/24 dev s; ip link set s up; ip addr add 198.51.100.7/32 dev lo"
ip route add default via 10.20.0.1
cat > ws.py <<PY
import base64, hashlib, socketserver
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.request.recv(4096)
            if not more:
                return
            head += more
        key = [line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key")][0]
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        self.request.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        while True:
            head = self.request.recv(2, 256)
            if len(head) < 2:
                return
            length = head[1] & 127
            mask = self.request.recv(4, 256)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.request.recv(length, 256) if length else b""))
            if head[0] & 15 == 8:
                return
            if head[0] & 15 == 9:
                self.request.sendall(bytes([0x8A, length]) + data)
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
Server(("198.51.100.7", 80), Echo).serve_forever()
PY
nsenter -t $far -n python3 ws.py 2> ws.log &
tries=0
until "$TOOLS/check-wss" --private-ok --strict --timeout 1 ws://198.51.100.7/ > /dev/null; do tries=$((tries + 1)); [ $tries -lt 200 ]; done
(sleep 12; ip addr del 10.20.0.2/24 dev c; ip addr add 10.20.0.9/24 dev c; ip route add default via 10.20.0.1) &
exec "$TOOLS/netcheck" rehearse --profile profile.toml --private-ok --timeout 1 --proxy none --tools "$TOOLS" --for 36s
"#;

#[test]
fn a_change_of_the_address_in_the_middle_of_the_show_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("profile.toml"), profile(&["ws://198.51.100.7:80/".to_owned()]))
        .unwrap();
    let output = Command::new("unshare")
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
        .args(["sh", "-c", FLAP])
        .env("TOOLS", tools().unwrap())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let shown = rehearsed(folder.path(), &output);
    let told = words(&shown.stdout);
    assert_eq!(shown.code, Some(1), "{}{}", shown.stdout, shown.stderr);
    assert!(told.contains("when this machine's way to the network changed"), "{told}");
    assert!(told.contains("addresses of c: before 10.20.0.2, now 10.20.0.9"), "{told}");
    assert!(!told.contains("that are idle for") && !told.contains("Every connection"), "{told}");
    let changed = shown.lines.iter().filter(|line| line["change"]["what"] == "addresses of c").count();
    assert!(changed >= 1, "{told}");
}
