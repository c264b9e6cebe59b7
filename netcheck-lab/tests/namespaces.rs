//! The world: it is closed, it is the platform, it needs no root, and nothing of it stays behind.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;

const LAB: &str = env!("CARGO_BIN_EXE_netcheck-lab");

fn lab(arguments: &[&str]) -> Output {
    Command::new(LAB).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Asks a service with openssl, which knows nothing of us; the whole chain has to be right.
fn handshake(scenario: &str, to: &str, name: &str, roots: &str) -> String {
    let command = [
        "run",
        scenario,
        "--",
        "openssl",
        "s_client",
        "-brief",
        "-verify_return_error",
        "-connect",
        to,
        "-servername",
        name,
        "-CAfile",
        roots,
        "-alpn",
        "apns-security-v3,h2,http/1.1",
    ];
    text(&lab(&command))
}

#[test]
fn the_client_has_no_way_out_but_the_lab() {
    let route = text(&lab(&["run", "healthy", "--", "ip", "route", "get", "17.57.144.1"]));
    assert!(route.contains("via 10.20.0.1 dev eth0"), "{route}");
    let links = text(&lab(&["run", "healthy", "--", "ip", "-o", "link"]));
    let names: Vec<&str> = links.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(names.len(), 2, "{links}");
    assert!(names[1].starts_with("eth0"), "{links}");
}

#[test]
fn services_prove_themselves_by_name_and_address() {
    let page = handshake("healthy", "www.spotme.com:443", "www.spotme.com", "/run/lab/roots.pem");
    assert!(page.contains("Verification: OK"), "{page}");
    let courier = handshake("healthy", "17.57.144.20:443", "courier.push.apple.com", "/run/lab/apple.pem");
    assert!(courier.contains("Verification: OK"), "{courier}");
    let ingest = handshake("healthy", "13.228.50.1:10050", "ap-channel.spotme.com", "/run/lab/roots.pem");
    assert!(ingest.contains("Verification: OK"), "{ingest}");
}

#[test]
fn a_fault_is_where_the_scenario_puts_it() {
    let reset = handshake("reset-hop1", "52.28.30.1:10000", "eu-channel.spotme.com", "/run/lab/roots.pem");
    assert!(reset.contains("Connection refused"), "{reset}");
    let rules =
        text(&lab(&["run", "reset-hop1", "--", "ip", "netns", "exec", "router1", "nft", "list", "ruleset"]));
    assert!(rules.contains("reject with tcp reset"), "{rules}");
}

#[test]
fn worlds_exist_side_by_side() {
    let worlds: Vec<_> =
        (0..3).map(|_| thread::spawn(|| lab(&["run", "healthy-dual-stack", "--", "true"]))).collect();
    for world in worlds {
        let output = world.join().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
}

#[test]
fn an_ordinary_user_can_build_a_world() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("netcheck-lab");
    fs::copy(LAB, &program).unwrap();
    let scenarios = dir.path().join("scenarios");
    fs::create_dir(&scenarios).unwrap();
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/healthy.toml"),
        scenarios.join("healthy.toml"),
    )
    .unwrap();
    let open = |path: &Path| {
        assert!(Command::new("chmod").args(["-R", "a+rX"]).arg(path).status().unwrap().success())
    };
    open(dir.path());
    // Root becomes nobody; anyone else is ordinary already.
    let mut command = if nix::unistd::Uid::effective().is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    command.env("NETCHECK_SCENARIOS", &scenarios).args(["run", "healthy", "--", "ip", "route"]);
    let output = command.current_dir(dir.path()).output().unwrap();
    assert!(text(&output).contains("default via 10.20.0.1"), "{}", text(&output));
}

#[test]
fn a_killed_lab_leaves_nothing_behind() {
    let mut lab = Command::new(LAB)
        .args(["run", "healthy", "--", "sh", "-c", "readlink /proc/self/ns/pid; exec sleep 1000"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(lab.stdout.take().unwrap());
    let mut namespace = String::new();
    out.read_line(&mut namespace).unwrap();
    let namespace = namespace.trim().to_owned();
    assert!(inhabitants(&namespace) > 3, "{namespace}");
    end(&mut lab);
    // The command inside held the other end.
    assert_eq!(out.read(&mut [0]).unwrap(), 0);
    for _ in 0..10_000 {
        if inhabitants(&namespace) == 0 {
            return;
        }
        thread::yield_now();
    }
    panic!("{} processes stay in {namespace}", inhabitants(&namespace));
}

fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// How many processes live in a process namespace.
fn inhabitants(namespace: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lives =
        |path: &Path| fs::read_link(path.join("ns/pid")).is_ok_and(|link| link.as_os_str() == namespace);
    processes.filter(|entry| lives(&entry.path())).count()
}

#[test]
fn a_scenario_that_does_not_exist_is_refused() {
    let output = lab(&["run", "no-such-scenario", "--", "true"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("no-such-scenario.toml"), "{}", text(&output));
}

#[test]
fn a_command_line_that_is_not_understood_is_refused() {
    let output = lab(&["walk"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("usage:"), "{}", text(&output));
}
