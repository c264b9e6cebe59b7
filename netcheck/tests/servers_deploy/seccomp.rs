//! deploy/seccomp/netcheck.json: enough for every check, without any right, and no more.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::place::{Outcome, Place, outcome, repository, required};

/// Runs a tool on targets, confined, in a lab network.
fn tool(scenario: &str, line: &str) -> Outcome {
    let (tool, arguments) = line.split_once(' ').unwrap();
    let place = Place::new();
    place
        .run(scenario, &format!("NETCHECK_PROGRAM={tool} netcheck {arguments} || echo \"ended with $?\" >&2"))
}

/// Runs a command under the profile alone, with every right this test has.
fn filtered(command: &[&str]) -> Outcome {
    let place = Place::new();
    let mut python = Command::new("/usr/bin/python3");
    python.arg(place.path("confine.py")).arg(place.path("netcheck.json")).args(command);
    outcome(&mut python)
}

#[test]
fn the_whole_profile_passes_for_nobody_without_capabilities_under_the_filter() {
    let place = Place::new();
    let script = "netcheck check --output - 2>table.txt\ncat table.txt >&2";
    let run = place.run("healthy", script);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let records = run.records();
    assert!(records.len() > 200, "{}", records.len());
    for record in records.iter().filter(|record| required(record)) {
        assert_eq!(record["verdict"], "pass", "{record}");
    }
    for tool in ["tcp", "wss", "rtmps", "udp", "push", "mail"] {
        assert!(records.iter().any(|record| record["check"] == tool), "{tool}");
    }
}

#[test]
fn the_substitute_has_no_rights() {
    let place = Place::new();
    // The same way in, to a program that tells what it is.
    let script = "mount --bind /bin/cat /run/netcheck/netcheck\nnetcheck /proc/self/status";
    let status = place.run("healthy", script).stdout;
    let value = |key: &str| {
        let line =
            status.lines().find(|line| line.starts_with(key)).unwrap_or_else(|| panic!("{key}: {status}"));
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(value("Seccomp:"), "2");
    assert_eq!(value("NoNewPrivs:"), "1");
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:"] {
        assert_eq!(value(set), "0000000000000000", "{set}");
    }
    if nix::unistd::Uid::effective().is_root() {
        assert_eq!(value("Uid:"), "65532");
    }
}

#[test]
fn what_the_profile_does_not_name_is_refused_whatever_the_rights() {
    let python = |code: &str| filtered(&["/usr/bin/python3", "-c", code]);
    assert_eq!(python("import socket; socket.socket().close()").code, Some(0));
    let listen = "import socket; socket.socket().listen()";
    let free = outcome(Command::new("/usr/bin/python3").args(["-c", listen]));
    assert_eq!(free.code, Some(0), "{}", free.stderr);
    for forbidden in [
        listen,
        "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
        "import os; os.chroot('/')",
        "import os; os.setuid(os.getuid())",
    ] {
        let run = python(forbidden);
        assert!(run.stderr.contains("Errno 1]"), "{forbidden}: {}{}", run.stdout, run.stderr);
    }
    let namespace = filtered(&["/usr/bin/unshare", "--user", "--map-root-user", "true"]);
    assert!(namespace.stderr.contains("Operation not permitted"), "{}", namespace.stderr);
}

#[test]
fn raw_icmp_is_the_one_check_that_says_what_it_lacks() {
    let place = Place::new();
    let script = "sysctl -qw net.ipv4.ping_group_range='1 0'\n\
                  NETCHECK_PROGRAM=check-udp netcheck icmp://www.spotme.com stun://hlg.tokbox.com:443 --ordered || true";
    let run = place.run("healthy", script);
    let records = run.records();
    assert_eq!(records[0]["verdict"], "inconclusive", "{}{}", run.stdout, run.stderr);
    assert_eq!(records[0]["failure"]["code"], "icmp.not_permitted");
    assert_eq!(records[1]["verdict"], "pass");
}

#[test]
fn the_filter_does_not_blunt_a_diagnosis() {
    for (scenario, cause, near) in [
        ("drop-hop2", "firewall_drop", "10.30.0.2"),
        ("reset-hop1", "firewall_reject", "10.20.0.1"),
        ("reject-prohibited", "firewall_reject", "10.30.0.2"),
    ] {
        let run = tool(scenario, "check-rtmps rtmps://eu-channel.spotme.com:10000");
        let record = &run.records()[0];
        assert_eq!(record["cause"]["code"], cause, "{scenario}: {record}{}", run.stderr);
        assert_eq!(record["cause"]["near"], near, "{scenario}: {record}");
    }
}

#[test]
fn a_container_runtime_starts_the_program_under_the_profile() {
    let place = Place::new();
    let script = r#"
        for program in "$0" "${0%/*}/check-tcp"; do
            install -D "$program" "rootfs/usr/bin/${program##*/}"
            ldd "$program" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "rootfs$library"; done
        done
        mkdir -p rootfs/proc rootfs/dev
        runc spec
        /usr/bin/python3 bundle.py
        exec runc run --bundle . "netcheck-$$""#;
    place.give("bundle.py", include_str!("bundle.py"));
    let mut shell = Command::new("bash");
    shell.args(["-ec", script, env!("CARGO_BIN_EXE_netcheck")]).current_dir(place.path(""));
    let run = outcome(&mut shell);
    // Nothing answers at this resolver, and saying so takes the orchestrator, a tool, threads and sockets.
    let records = run.records();
    assert_eq!((run.code, records.len()), (Some(1), 3), "{}{}", run.stdout, run.stderr);
    assert!(records.iter().all(|record| record["failure"]["code"] == "dns.unreachable"), "{}", run.stdout);
}

#[test]
fn the_units_filter_permits_what_the_profile_permits() {
    let listed = outcome(Command::new("systemd-analyze").arg("syscall-filter")).stdout;
    let unit = fs::read_to_string(repository("deploy/systemd/netcheck.service")).unwrap();
    let lines = unit.lines().filter_map(|line| line.strip_prefix("SystemCallFilter="));
    let (taken, left): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with('~'));
    let words = |lines: Vec<&str>| -> Vec<String> {
        let words = lines.iter().flat_map(|line| line.trim_start_matches('~').split_whitespace());
        words.flat_map(|word| group(&listed, word)).collect()
    };
    let (left, taken) = (words(left), words(taken));
    let profile: Value =
        serde_json::from_str(&fs::read_to_string(repository("deploy/seccomp/netcheck.json")).unwrap())
            .unwrap();
    let mut seen = 0;
    for rule in profile["syscalls"].as_array().unwrap() {
        for name in rule["names"].as_array().unwrap() {
            let name = name.as_str().unwrap().to_owned();
            assert!(left.contains(&name) && !taken.contains(&name), "{name}");
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

/// The system calls of a group, as `systemd-analyze syscall-filter` lists them: groups may name groups.
fn group(listed: &str, name: &str) -> Vec<String> {
    if !name.starts_with('@') {
        return vec![name.to_owned()];
    }
    let after = listed.lines().skip_while(|line| line.trim() != name || line.starts_with(' ')).skip(1);
    let members = after.take_while(|line| line.starts_with(' ')).map(str::trim);
    members.filter(|line| !line.starts_with('#')).flat_map(|member| group(listed, member)).collect()
}
