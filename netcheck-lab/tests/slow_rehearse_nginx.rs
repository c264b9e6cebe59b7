//! Rehearsals of half a minute to a minute before real servers: nginx's timeouts and its reload, all parts of a show at once, and a
//! resolver whose answer changes.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot set its stage has failed"
)]
#![expect(clippy::disallowed_methods, reason = "servers are ready when their ports answer")]
#![expect(dead_code, reason = "the other tests use the rest")]

mod rehearse;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use netcheck_lab::free_port;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rehearse::nginx::Nginx;
use rehearse::{command, rehearsed};
use serde_json::Value;

/// The output as words, whatever the width of the lines.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The bounds of the idle time that the text tells, in seconds.
fn idle(told: &str) -> (f64, f64) {
    let time = told
        .split(" that are idle for ")
        .nth(1)
        .and_then(|rest| rest.split(" are cut").next())
        .unwrap_or_default();
    let numbers: Vec<f64> = time.split(' ').filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [one] => (one, one),
        [low, high] => (low, high),
        _ => panic!("{told}"),
    }
}

/// A show of 50 s on a line whose idle connections nginx ends after 8 s.
fn cut_after_eight_seconds(target: String) {
    let shown = rehearse::rehearse(&[target], &["--for", "50s"]);
    let told = words(&shown.stdout);
    assert_eq!((shown.code, shown.stdout.matches("\n- ").count()), (Some(1), 1), "{told}{}", shown.stderr);
    let (low, high) = idle(&told);
    assert!(low >= 7.5 && high <= 8.5, "{low} to {high}: {told}");
    assert!(told.contains("that was pinged lived longer"), "{told}");
}

#[test]
fn the_read_timeout_of_nginx_is_named_within_half_a_second() {
    let nginx = Nginx::start("proxy_read_timeout 8s; proxy_send_timeout 1h;", "");
    cut_after_eight_seconds(format!("ws://127.0.0.1:{}/socket", nginx.http));
}

#[test]
fn the_timeout_of_an_nginx_that_passes_tcp_on_is_named_within_half_a_second() {
    let nginx = Nginx::start("", "proxy_timeout 8s;");
    cut_after_eight_seconds(format!("ws://127.0.0.1:{}/socket", nginx.stream));
}

#[test]
fn a_reload_of_nginx_is_a_moment_and_no_limit() {
    let nginx = Nginx::start("proxy_read_timeout 1h; proxy_send_timeout 1h;", "");
    let folder = tempfile::tempdir().unwrap();
    let target = format!("ws://127.0.0.1:{}/socket", nginx.http);
    let child = command(folder.path(), &[target], &["--for", "36s"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Three active connections, opened one after the other, and eight idle ones.
    nginx.wait_for_connections(nginx.http, 11);
    nginx.reload();
    let shown = rehearsed(folder.path(), &child.wait_with_output().unwrap());
    let told = words(&shown.stdout);
    assert_eq!((shown.code, shown.stdout.matches("\n- ").count()), (Some(1), 1), "{told}{}", shown.stderr);
    assert!(told.contains("connections of different ages ended together"), "{told}");
    assert!(!told.contains("that are idle for") && !told.contains("Every connection"), "{told}");
}

/// A playlist of segments that a player takes as 400 kbit/s.
fn playlist(files: &Path) {
    let mut list = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n".to_owned();
    for number in 0..60 {
        let _ = write!(list, "#EXTINF:2.0,\n{number}.ts\n");
        fs::write(files.join(format!("{number}.ts")), vec![7; 100_000]).unwrap();
    }
    fs::write(files.join("show.m3u8"), format!("{list}#EXT-X-ENDLIST\n")).unwrap();
}

/// A coturn of this test's own.
fn coturn(folder: &Path) -> (Child, u16) {
    let port = free_port();
    let mut child = Command::new("turnserver")
        .args([
            "-n",
            "--listening-ip=127.0.0.1",
            "--listening-ip=127.0.0.2",
            "--relay-ip=127.0.0.1",
            "--no-cli",
            "--no-tls",
        ])
        .args(["--no-dtls", "--realm=lab.test", "--user=u:p", "--lt-cred-mech", "--allow-loopback-peers"])
        .args(["--log-file=stdout", "--simple-log", &format!("--listening-port={port}")])
        .arg(format!("--pidfile={}", folder.join("pid").display()))
        .arg(format!("--userdb={}", folder.join("db").display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .spawn()
        .expect("turnserver (packages.txt)");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("SQLite DB connection success")), "coturn ended");
    // It stops when nobody reads what it says.
    thread::spawn(move || lines.count());
    (child, port)
}

fn ended(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// The facts with that heading of all records of a part.
fn facts<'a>(lines: &'a [Value], part: &str, heading: &str) -> Vec<&'a Value> {
    let of = lines.iter().filter(|line| line["labels"]["rehearsal"] == part);
    of.map(|line| &line["facts"][heading]).filter(|facts| !facts.is_null()).collect()
}

#[test]
fn a_stream_a_call_a_player_a_series_and_lines_run_together_and_keep_to_the_budget() {
    let nginx = Nginx::start("proxy_read_timeout 1h; proxy_send_timeout 1h;", "");
    playlist(&nginx.dir.path().join("files"));
    let (server, turn) = coturn(nginx.dir.path());
    let targets = [
        format!("ws://127.0.0.1:{}/socket", nginx.http),
        format!("rtmp://127.0.0.1:{}/live", nginx.rtmp),
        format!("turn://127.0.0.1:{turn}"),
        format!("stun://127.0.0.1:{turn}"),
        format!("http://127.0.0.1:{}/show.m3u8", nginx.files),
    ];
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &targets, &["--for", "40s", "--bitrate", "500", "--budget", "100"])
        .env("RTMP_STREAM_KEY", "key-of-the-show")
        .env("TURN_USERNAME", "u")
        .env("TURN_PASSWORD", "p")
        .output()
        .unwrap();
    ended(server);
    let shown = rehearsed(folder.path(), &output);
    assert!(shown.stderr.contains("1 publish, 1 series, 1 relay, 1 download; up to "), "{}", shown.stderr);
    assert!(!shown.stdout.contains("\n- "), "no connection ends: {}", shown.stdout);
    let sum = |all: &[&Value], key: &str| all.iter().filter_map(|one| one[key].as_f64()).sum::<f64>();
    let published = facts(&shown.lines, "publish", "publish");
    let calls = facts(&shown.lines, "relay", "media");
    let played = facts(&shown.lines, "download", "download");
    let series = facts(&shown.lines, "series", "quality");
    // A stream that lasts as long as the show is ended by the end of the show, and keeps its figures.
    assert!(sum(&published, "bytes") > 500_000.0, "{published:#?}");
    assert!(
        calls.iter().any(|call| call["rungs"][0]["audio"][0]["received"].as_f64() > Some(0.0)),
        "{calls:#?}"
    );
    assert!(sum(&played, "bytes") > 100_000.0, "{played:#?}");
    assert!(series.len() >= 2 && series.iter().all(|one| one["sent"] == 100), "{series:#?}");
    // Each way twice: both ends of the call are here.
    let volume = sum(&published, "bytes") + sum(&calls, "bytes_each_way") * 2.0 + sum(&played, "bytes");
    assert!(volume <= 100e6 * 1.1, "{volume} bytes");
    let text = shown.lines.iter().map(Value::to_string).collect::<String>() + &shown.page + &shown.stdout;
    assert!(!text.contains("key-of-the-show"));
}

#[test]
fn a_dns_answer_that_changes_during_the_show_is_named_with_before_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let (server, turn) = coturn(folder.path());
    let (port, hosts) = (free_port(), folder.path().join("hosts"));
    fs::write(&hosts, "127.0.0.1 relay.lab.test\n").unwrap();
    let resolver = Command::new("/usr/sbin/dnsmasq")
        .args(["--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--listen-address=127.0.0.1"])
        .args(["--bind-interfaces", "--no-resolv", "--no-hosts", "--local-ttl=1", &format!("--port={port}")])
        .arg(format!("--addn-hosts={}", hosts.display()))
        .arg(format!("--pid-file={}", folder.path().join("dnsmasq.pid").display()))
        .stderr(Stdio::null())
        .spawn()
        .expect("dnsmasq (packages.txt)");
    netcheck_lab::world::listening(([127, 0, 0, 1], port).into()).unwrap();
    let target = format!("stun://relay.lab.test:{turn}");
    let child =
        command(folder.path(), &[target], &["--for", "40s", "--resolver", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
    let timeline = folder.path().join("rehearsal.jsonl");
    while !fs::read_to_string(&timeline).unwrap_or_default().contains("\"rehearsal\":\"series\"") {
        thread::yield_now();
    }
    fs::write(&hosts, "127.0.0.2 relay.lab.test\n").unwrap();
    kill(Pid::from_raw(i32::try_from(resolver.id()).unwrap()), Signal::SIGHUP).unwrap();
    let shown = rehearsed(folder.path(), &child.wait_with_output().unwrap());
    ended(resolver);
    ended(server);
    let changed = "DNS answer for relay.lab.test: before 127.0.0.1, now 127.0.0.2";
    assert!(words(&shown.stdout).contains(changed), "{}{}", shown.stdout, shown.stderr);
    assert!(shown.page.contains(changed), "{}", shown.stdout);
    assert_eq!(shown.code, Some(0), "{}", shown.stdout);
}
