//! check-udp against coturn (packages.txt): challenges, full allocations and echoes over UDP, TCP and TLS.
use std::collections::HashMap;
use std::net::UdpSocket;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::{Outcome, Tool};
use serde_json::Value;

use crate::{Log, free_port};

/// A coturn of this test's own; it ends with it.
struct Coturn {
    child: Child,
    port: u16,
    tls: u16,
    root: String,
    log: Log,
    _dir: tempfile::TempDir,
}

impl Drop for Coturn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Coturn {
    /// Starts it and waits until it says that it listens.
    fn start(more: &[&str]) -> Coturn {
        let dir = tempfile::tempdir().unwrap();
        let root = Authority::new("Lab Root");
        let leaf = root.leaf(&["turn.test", "127.0.0.1"]);
        std::fs::write(dir.path().join("cert.pem"), leaf.chain_pem()).unwrap();
        std::fs::write(dir.path().join("key.pem"), leaf.key_pem()).unwrap();
        let (port, tls) = (free_port(), free_port());
        let file = |name: &str| dir.path().join(name).display().to_string();
        let mut child = Command::new("turnserver")
            .args(["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--no-cli", "--no-dtls"])
            .args(["--realm=lab.test", "--user=u:p", "--lt-cred-mech", "--allow-loopback-peers"])
            .args(["--log-file=stdout", "--simple-log"])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--tls-listening-port={tls}"))
            .arg(format!("--cert={}", file("cert.pem")))
            .arg(format!("--pkey={}", file("key.pem")))
            .arg(format!("--pidfile={}", file("pid")))
            .arg(format!("--userdb={}", file("db")))
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .spawn()
            .expect("turnserver of the package coturn");
        let log = Log::of(child.stdout.take().unwrap());
        log.wait_for(LISTENS);
        Coturn { child, port, tls, root: root.pem(), log, _dir: dir }
    }

    fn tool(&self, credentials: Option<&str>, args: &[&str]) -> Tool {
        let tool = Tool::new(env!("CARGO_BIN_EXE_check-udp")).file("roots.pem", &self.root);
        let tool = match credentials {
            Some(password) => tool.env("TURN_USERNAME", "u").env("TURN_PASSWORD", password),
            None => tool,
        };
        tool.args(["--public-roots", "roots.pem", "--ordered"]).args(args)
    }

    fn check(&self, credentials: Option<&str>, args: &[&str]) -> Outcome {
        self.tool(credentials, args).run()
    }

    /// One server over UDP, TCP and TLS.
    fn targets(&self) -> [String; 3] {
        [
            format!("turn://127.0.0.1:{}", self.port),
            format!("turn://127.0.0.1:{}?transport=tcp", self.port),
            format!("turns://127.0.0.1:{}", self.tls),
        ]
    }

    fn all(&self, credentials: Option<&str>, more: &[&str]) -> Outcome {
        let targets = self.targets();
        let args: Vec<&str> = targets.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.check(credentials, &args)
    }
}

/// What coturn says last when it starts.
const LISTENS: &str = "SQLite DB connection success";

fn verdicts(outcome: &Outcome) -> Vec<&str> {
    outcome.records.iter().filter_map(|record| record["verdict"].as_str()).collect()
}

fn turn<'a>(record: &'a Value, key: &str) -> &'a Value {
    &record["facts"]["turn"][key]
}

#[test]
fn real_coturn_answers_stun_and_challenges_over_every_transport() {
    let coturn = Coturn::start(&[]);
    let outcome = coturn.all(None, &[&format!("stun://127.0.0.1:{}", coturn.port)]);
    assert_eq!(verdicts(&outcome), ["pass"; 4], "{outcome:#?}");
    let transports: Vec<&Value> =
        outcome.records[..3].iter().map(|record| turn(record, "transport")).collect();
    assert_eq!(transports, ["udp", "tcp", "tls"]);
    assert!(outcome.records[..3].iter().all(|record| turn(record, "realm") == "lab.test"));
    assert!(outcome.records[3]["facts"]["stun"]["software"].as_str().unwrap().starts_with("Coturn"));
}

#[test]
fn real_coturn_relays_an_echo_over_every_transport() {
    let coturn = Coturn::start(&[]);
    let outcome = coturn.all(Some("p"), &["--count", "20", "--interval", "5"]);
    assert_eq!(verdicts(&outcome), ["pass"; 3], "{outcome:#?}");
    for record in &outcome.records {
        assert_eq!(turn(record, "echo"), "measured");
        assert!(turn(record, "relayed").as_str().unwrap().starts_with("127.0.0.1:"));
        assert_eq!(record["facts"]["quality"]["received"], 20, "{record:#}");
    }
}

#[test]
fn real_coturn_gets_every_allocation_back() {
    let coturn = Coturn::start(&["--verbose"]);
    let outcome = coturn.all(Some("p"), &["--count", "2", "--interval", "1"]);
    assert_eq!(verdicts(&outcome), ["pass"; 3], "{outcome:#?}");
    for _ in 0..3 {
        coturn.log.wait_for("refreshed, realm=<lab.test>, username=<u>, lifetime=0");
    }
}

#[test]
fn real_coturn_gets_an_allocation_back_from_a_check_that_is_stopped() {
    let coturn = Coturn::start(&["--verbose"]);
    for (target, number) in coturn.targets().iter().zip([2, 15, 2]) {
        let running = coturn
            .tool(Some("p"), &[target, "--count", "2000", "--interval", "20", "--timeout", "20"])
            .start();
        // The echo has begun: the check is in the middle of its series.
        coturn.log.wait_for("CREATE_PERMISSION processed, success");
        if number == 2 {
            running.interrupt()
        } else {
            running.terminate()
        }
        assert_eq!(running.wait().code, 128 + number, "{target}");
        coturn.log.wait_for("refreshed, realm=<lab.test>, username=<u>, lifetime=0");
    }
}

#[test]
fn real_coturn_refuses_a_wrong_password_as_turn_error() {
    let coturn = Coturn::start(&[]);
    let outcome = coturn.all(Some("hunter2"), &[]);
    for record in &outcome.records {
        assert_eq!(record["failure"]["code"], "turn.error", "{record:#}");
        assert!(record["failure"]["detail"].as_str().unwrap().contains("401"));
    }
    assert!(!outcome.stdout.contains("hunter2"));
}

#[test]
fn real_coturn_without_authentication_is_an_open_relay() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let mut child = Command::new("turnserver")
        .args(["-n", "--no-auth", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--no-cli"])
        .args(["--no-tls", "--no-dtls", "--log-file=stdout", "--simple-log", "--allow-loopback-peers"])
        .arg(format!("--listening-port={port}"))
        .arg(format!("--pidfile={}", dir.path().join("pid").display()))
        .arg(format!("--userdb={}", dir.path().join("db").display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("turnserver of the package coturn");
    Log::of(child.stdout.take().unwrap()).wait_for(LISTENS);
    let outcome = Tool::new(env!("CARGO_BIN_EXE_check-udp")).arg(format!("turn://127.0.0.1:{port}")).run();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(verdicts(&outcome), ["pass"], "{outcome:#?}");
    assert_eq!(turn(outcome.one(), "open"), true);
}

#[test]
fn real_coturn_climbs_the_whole_ladder() {
    let coturn = Coturn::start(&[]);
    let rungs = format!("udp:{0},udp:{0},tcp:{0},tls:{1}", coturn.port, coturn.tls);
    let outcome = coturn.check(None, &["--media-ladder", "127.0.0.1", "--ladder", &rungs]);
    assert_eq!(verdicts(&outcome), ["pass"], "{outcome:#?}");
    let ladder = outcome.one()["facts"]["ladder"].as_array().unwrap();
    assert!(ladder.iter().all(|rung| rung["ok"] == true), "{ladder:#?}");
    assert_eq!(outcome.one()["facts"]["best_transport"], format!("udp:{}", coturn.port));
}

#[test]
fn real_coturn_carries_media_between_two_relays_over_every_transport() {
    let coturn = Coturn::start(&["--verbose"]);
    let outcome = coturn.all(Some("p"), &["--relay", "2", "--relay-rung", "360p"]);
    assert_eq!(verdicts(&outcome), ["pass"; 3], "{outcome:#?}");
    let announced = outcome.stderr.lines().next().unwrap_or_default();
    assert!(announced.starts_with("check-udp: --relay sends up to 0."), "{announced}");
    for record in &outcome.records {
        let media = &record["facts"]["media"];
        assert_eq!((&media["highest"], &media["words"]), (&"360p".into(), &"360p holds".into()), "{media:#}");
        for rung in media["rungs"].as_array().unwrap() {
            let received: Vec<_> = ["audio", "video"]
                .iter()
                .flat_map(|kind| rung[kind].as_array().unwrap())
                .map(|flow| (flow["sent"].as_u64().unwrap(), flow["received"].as_u64().unwrap()))
                .collect();
            assert_eq!(received.len(), 4, "both ways: {media:#}");
            assert!(received.iter().all(|(sent, received)| sent == received && *sent > 0), "{media:#}");
            assert_eq!(received[0].0, 50, "50 packets of audio a second");
        }
    }
    // One for each echo, and two for each transport's media.
    for _ in 0..9 {
        coturn.log.wait_for("refreshed, realm=<lab.test>, username=<u>, lifetime=0");
    }
}

/// A gateway before a server: it counts the datagrams that leave through it, and clears their DSCP, because it sends
/// each of them anew.
struct Gateway {
    port: u16,
    told: mpsc::Receiver<u32>,
}

impl Gateway {
    fn before(server: u16) -> Gateway {
        let front = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let port = front.local_addr().unwrap().port();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let (mut ways, mut space): (HashMap<_, Arc<UdpSocket>>, _) = (HashMap::new(), [0; 2048]);
            for count in 1.. {
                let Ok((length, client)) = front.recv_from(&mut space) else { return };
                let back = ways.entry(client).or_insert_with(|| {
                    let back = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
                    back.connect(("127.0.0.1", server)).unwrap();
                    let (front, reader) = (Arc::clone(&front), Arc::clone(&back));
                    std::thread::spawn(move || {
                        let mut space = [0; 2048];
                        while let Ok(length) = reader.recv(&mut space) {
                            let _ = front.send_to(&space[..length], client);
                        }
                    });
                    back
                });
                let _ = back.send(&space[..length]);
                let _ = tell.send(count);
            }
        });
        Gateway { port, told }
    }

    /// Waits until so many datagrams have left.
    fn wait_for(&self, count: u32) {
        while self.told.recv_timeout(Duration::from_secs(60)).expect("datagrams leave") < count {}
    }
}

#[test]
fn sigint_during_a_call_through_real_coturn_keeps_the_figures_so_far() {
    let coturn = Coturn::start(&["--verbose"]);
    let gateway = Gateway::before(coturn.port);
    let target = format!("turn://127.0.0.1:{}", gateway.port);
    let args = ["--relay", "180", "--relay-rung", "240p", "--timeout", "20", &target];
    let running = coturn.tool(Some("p"), &args).start();
    // 186 packets of media a second.
    gateway.wait_for(600);
    running.interrupt();
    let outcome = running.wait();
    assert_eq!(outcome.code, 130, "{}", outcome.stderr);
    let media = &outcome.one()["facts"]["media"];
    assert_eq!(media["interrupted"], true, "{:#}", outcome.one());
    let rung = &media["rungs"][0];
    assert!((1.0..180.0).contains(&rung["seconds"].as_f64().unwrap()), "{media:#}");
    let flows: Vec<&Value> =
        ["audio", "video"].iter().flat_map(|kind| rung[kind].as_array().unwrap()).collect();
    assert_eq!(flows.len(), 4, "{media:#}");
    for flow in flows {
        assert_eq!(flow["interrupted"], true, "{media:#}");
        assert!(flow["received"].as_u64().unwrap() > 50, "{media:#}");
    }
    // One for the echo, and two for the call.
    for _ in 0..3 {
        coturn.log.wait_for("refreshed, realm=<lab.test>, username=<u>, lifetime=0");
    }
}

#[test]
fn sigint_during_a_series_to_real_coturn_keeps_the_figures_so_far() {
    let coturn = Coturn::start(&[]);
    for scheme in ["stun", "turn"] {
        let gateway = Gateway::before(coturn.port);
        let target = format!("{scheme}://127.0.0.1:{}", gateway.port);
        // One target at once: after the signal there is room for no other.
        let args = [target.as_str(), "--count", "5000", "--timeout", "20", "--jobs", "1"];
        let running = coturn.tool(Some("p"), &args).start();
        gateway.wait_for(30);
        running.interrupt();
        let outcome = running.wait();
        assert_eq!(outcome.code, 130, "{}", outcome.stderr);
        let quality = &outcome.one()["facts"]["quality"];
        assert_eq!(quality["interrupted"], true, "{:#}", outcome.one());
        let sent = quality["sent"].as_u64().unwrap();
        assert!((20..5000).contains(&sent), "{quality:#}");
    }
}

/// A call of a second, marked as `--dscp` says.
fn marked_call(coturn: &Coturn, port: u16, class: &str) -> Value {
    let target = format!("turn://127.0.0.1:{port}");
    let args = ["--relay", "1", "--relay-rung", "240p", "--dscp", class, &target];
    coturn.check(Some("p"), &args).one()["facts"].clone()
}

#[test]
fn real_coturn_keeps_the_classes_of_audio_and_video() {
    let coturn = Coturn::start(&[]);
    let facts = marked_call(&coturn, coturn.port, "media");
    let media = &facts["media"];
    assert!(media["dscp"].as_str().unwrap().starts_with("audio: EF arrived as "), "{facts:#}");
    for (kind, class) in [("audio", 46), ("video", 34)] {
        let flow = &media["rungs"][0][kind][0];
        let received: Vec<u64> =
            flow["dscp_received"].as_array().unwrap().iter().filter_map(Value::as_u64).collect();
        // coturn now and then sends a packet with the class of the one before it.
        assert!(received.contains(&class) && !received.contains(&0), "{flow:#}");
        assert_eq!(flow["dscp"], class, "{flow:#}");
    }
    // One class for both is a fact of the whole.
    assert_eq!(marked_call(&coturn, coturn.port, "af11")["dscp"], 10);
}

#[test]
fn a_gateway_that_clears_the_classes_is_seen() {
    let coturn = Coturn::start(&[]);
    let gateway = Gateway::before(coturn.port);
    let facts = marked_call(&coturn, gateway.port, "media");
    let told = "audio: EF arrived as CS0 (no mark); video: AF41 arrived as CS0 (no mark)";
    assert_eq!(facts["media"]["dscp"], told, "{facts:#}");
}

#[test]
fn real_coturn_that_limits_the_rate_holds_no_higher_rung_than_fits() {
    // coturn limits what one allocation takes and gives, in bytes a second: 360p and audio fit, 720p does not.
    let coturn = Coturn::start(&["--max-bps=200000"]);
    let target = &coturn.targets()[0];
    let outcome = coturn.check(Some("p"), &["--relay", "8", "--relay-rung", "720p", target]);
    let media = &outcome.one()["facts"]["media"];
    let highest = media["highest"].as_str().unwrap_or("-");
    assert!(["240p", "360p", "480p"].contains(&highest), "{:#}", outcome.one());
    assert!(media["words"].as_str().unwrap().ends_with("does not"), "{media:#}");
}

#[test]
fn real_coturn_that_denies_its_own_address_as_a_peer_is_told_as_policy() {
    let coturn = Coturn::start(&["--denied-peer-ip=127.0.0.1"]);
    let target = &coturn.targets()[0];
    let outcome = coturn.check(Some("p"), &["--relay", "1", target]);
    let record = outcome.one();
    assert_eq!(record["verdict"], "degraded", "{record:#}");
    assert_eq!(
        (&record["failure"]["code"], &record["cause"]["code"]),
        (&"turn.error".into(), &"service_refused".into())
    );
    assert_eq!(turn(record, "echo"), "refused");
}

/// A squid that lets everybody CONNECT anywhere; it ends with its test.
struct Squid {
    child: Child,
    port: u16,
    _dir: tempfile::TempDir,
}

impl Squid {
    fn start() -> Squid {
        let (dir, port) = (tempfile::tempdir().unwrap(), free_port());
        let config = dir.path().join("squid.conf");
        let lines = format!(
            "http_port 127.0.0.1:{port}\npid_filename none\ncache deny all\naccess_log none\ncache_log /dev/null\n\
             coredump_dir /tmp\nshutdown_lifetime 0 seconds\nvisible_hostname proxy.lab.test\nhttp_access allow all\n"
        );
        std::fs::write(&config, lines).unwrap();
        let child = Command::new("squid")
            .arg("-N")
            .arg("-f")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("squid of the package squid-openssl");
        netcheck_lab::world::listening(([127, 0, 0, 1], port).into()).unwrap();
        Squid { child, port, _dir: dir }
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn real_squid_carries_turn_over_tls_and_nothing_over_udp() {
    let (coturn, squid) = (Coturn::start(&[]), Squid::start());
    let proxy = format!("http://127.0.0.1:{}", squid.port);
    let outcome = coturn.all(Some("p"), &["--proxy", &proxy]);
    assert_eq!(verdicts(&outcome), ["pass"; 3], "{outcome:#?}");
    let ways: Vec<&Value> = outcome.records.iter().map(|record| &record["path"]["via"]).collect();
    assert_eq!(ways, ["direct", "proxy", "proxy"]);
    assert!(outcome.records.iter().all(|record| turn(record, "echo") == "measured"), "{outcome:#?}");
}
