//! `netcheck check` on fake tools: rows, table, requests, exit codes.

use crate::fake::{Stage, dropped, flat, line, netcheck, pass};
use netcheck_record::target::Target;
use serde_json::{Value, json};

#[test]
fn a_network_that_permits_everything_passes_every_row() {
    let stage = Stage::all(pass);
    let run = stage.check(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let works = run.stdout.lines().filter(|line| line.split_whitespace().nth(1) == Some("works"));
    assert_eq!(works.count(), 18, "{}", run.stdout);
    let first = "The event can run from here: everything the platform needs works.\n";
    assert!(run.stdout.starts_with(first), "{}", run.stdout);
    assert!(flat(&run.stdout).contains("`netcheck check --thorough` looks for them"), "{}", run.stdout);
    let expected: usize = stage.kept().len();
    assert!(expected > 200, "{expected} records");
}

fn ingest_from_10010(target: &Target) -> Value {
    match target.port() {
        10010..=10050 => dropped(target, "10.30.0.2"),
        _ => pass(target),
    }
}

#[test]
fn dropped_ports_are_summed_as_a_range_and_asked_for_in_one_sentence() {
    let stage = Stage::all(ingest_from_10010);
    let run = stage.check(&["--row", "ingest", "--no-controls"]);
    assert_eq!(run.code, Some(0), "a part of a range is a limit: {}", run.stderr);
    insta::assert_snapshot!(run.stdout, @"
    The event can run from here, with limits (backstage: works with limits): a
    firewall at 10.30.0.2 or at the next device drops TCP 10010-10050.

    REQUIREMENT STATUS            WORKS   CAUSE             ASK      CHANGE
    ingest      works with limits 30/153  firewall_drop     network  allow TCP
                                                                     10010-10050

    Limits:
      ingest: TCP 10010-10050 of ap-channel.spotme.com do not work; TCP 10010-10050
      of eu-channel.spotme.com do not work; TCP 10010-10050 of us-channel.spotme.com
      do not work; a firewall at 10.30.0.2 or at the next device drops TCP
      10010-10050.

    What was found:
      f1  A firewall at 10.30.0.2 or at the next device drops TCP 10010-10050 to
          ap-channel.spotme.com, eu-channel.spotme.com, us-channel.spotme.com
          (likely).
          - silence
          - a control answered

    For the network or firewall team:
      - Allow outbound TCP 10010-10050 to {eu,us,ap}-channel.spotme.com, at
        10.30.0.2 or at the next device. Needed for: live-stream ingest (required).
        Evidence: silence; a control answered. Seen 2026-11-22 07:00:00 UTC. [f1]

    A quick run does not see idle timeouts, rare packet loss or jitter; `netcheck
    check --thorough` looks for them and takes about 70 s.
    ");
}

#[test]
fn no_line_is_wider_than_80_columns() {
    let stage = Stage::all(|target| dropped(target, "2001:db8:1234:5678:9abc:def0:1234:5678"));
    let run = stage.check(&[]);
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

fn push_5223_dropped(target: &Target) -> Value {
    if target.port() == 5223 { dropped(target, "10.0.0.1") } else { pass(target) }
}

#[test]
fn apple_push_on_its_fallback_is_degraded_and_wifi_only() {
    let run = Stage::all(push_5223_dropped).check(&[]);
    assert_eq!(run.code, Some(0));
    assert!(line(&run.stdout, "apns").contains("works with limits"), "{}", run.stdout);
    assert!(flat(&run.stdout).contains("Wi-Fi only"), "{}", run.stdout);
}

#[test]
fn a_degraded_row_counts_when_it_is_strict() {
    let run = Stage::all(push_5223_dropped).check(&["--strict"]);
    assert_eq!(run.code, Some(1));
}

#[test]
fn apple_push_without_any_port_fails() {
    let run = Stage::all(|target| match target.scheme.name {
        "apns" => dropped(target, "10.0.0.1"),
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(1));
    assert!(line(&run.stdout, "apns").contains("does not work"), "{}", run.stdout);
}

#[test]
fn one_firebase_port_of_four_is_enough_and_the_closed_ones_are_named() {
    let run = Stage::all(|target| match (target.scheme.name, target.port()) {
        ("fcm", 5228 | 5229 | 443) => dropped(target, "10.0.0.1"),
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert!(line(&run.stdout, "fcm").contains("works with limits"), "{}", run.stdout);
    assert!(flat(&run.stdout).contains("closed here: 443, 5228-5229"), "{}", run.stdout);
}

#[test]
fn a_silent_host_that_need_not_answer_is_no_failure_and_no_pass() {
    let run = Stage::all(|target| match target.scheme.name {
        "stun" | "turn" if target.port() == 443 => {
            json!({ "verdict": "inconclusive", "failure": { "code": "udp.timeout", "detail": "silence" } })
        }
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(0));
    let row = line(&run.stdout, "studio-video");
    assert!(row.contains("works with limits"), "{}", run.stdout);
    assert!(flat(&run.stdout).contains("UDP 443 could not be tested"), "{}", run.stdout);
}

#[test]
fn an_unconfirmed_host_that_does_not_exist_is_not_held_against_the_network() {
    let run = Stage::all(|target| match target.host.to_string().as_str() {
        "backstage.spotme.com" => {
            json!({ "verdict": "fail", "failure": { "code": "dns.nxdomain", "detail": "no such name" } })
        }
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert!(line(&run.stdout, "core").contains(" works "), "{}", run.stdout);
    assert!(!run.stdout.contains("For the"), "{}", run.stdout);
}

#[test]
fn an_unconfirmed_host_that_a_firewall_drops_is() {
    let run = Stage::all(|target| match target.host.to_string().as_str() {
        "backstage.spotme.com" => dropped(target, "10.0.0.1"),
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(line(&run.stdout, "core").contains("does not work"), "{}", run.stdout);
}

#[test]
fn advisory_rows_are_shown_and_never_counted() {
    let run = Stage::all(|target| match target.host.to_string().as_str() {
        "api-js.mixpanel.com" => dropped(target, "10.0.0.1"),
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(0));
    assert!(line(&run.stdout, "analytics-js").contains("does not work"), "{}", run.stdout);
}

fn offline(_: &Target) -> Value {
    json!({ "verdict": "fail", "failure": { "code": "dns.timeout", "detail": "no resolver answered" },
        "cause": { "code": "offline", "who": "local", "confidence": "high", "evidence": ["no route"],
            "fix": "Connect this machine." } })
}

#[test]
fn no_network_is_said_once_and_every_row_is_there() {
    let run = Stage::all(offline).check(&[]);
    assert_eq!(run.code, Some(1));
    for row in ["core", "shortlink", "ingest", "cdn", "analytics", "apns", "fcm", "charts", "chat", "guides"]
    {
        assert!(line(&run.stdout, row).contains("offline"), "{row}: {}", run.stdout);
    }
    assert_eq!(run.stdout.matches("For the").count(), 1, "one request: {}", run.stdout);
    assert!(flat(&run.stdout).contains("this machine has no working network"), "{}", run.stdout);
}

/// What the tool of live streams cannot know of the others.
fn silent_ingest(target: &Target) -> Value {
    let address = if target.scheme.name == "rtmps" { "52.28.30.1:10000" } else { "99.86.91.11:443" };
    let path = json!({ "via": "direct", "address": address, "interface": "eth0" });
    if target.scheme.name != "rtmps" {
        return json!({ "verdict": "pass", "path": path });
    }
    json!({ "verdict": "fail", "failure": { "code": "tcp.timeout", "detail": "no answer within 5 s" }, "path": path,
        "cause": { "code": "offline", "who": "network", "confidence": "medium", "near": "10.20.0.1",
            "evidence": ["nothing beyond the first hop answers"],
            "fix": "Restore this network's way to the Internet: nothing beyond the first hop answers." } })
}

#[test]
fn one_tool_without_an_answer_is_a_block_where_the_others_reach_theirs() {
    let stage = Stage::all(silent_ingest);
    let run = stage.check(&["--row", "ingest", "--row", "cdn", "--no-controls"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    insta::assert_snapshot!(run.stdout, @"
    The event cannot run from here as it is (backstage cannot use live-stream
    ingest): a firewall at 10.20.0.1 or at the next device drops TCP 10000-10050.

    REQUIREMENT  STATUS            WORKS   CAUSE             ASK      CHANGE
    ingest       does not work     0/153   firewall_drop     network  allow TCP
                                                                      10000-10050
    cdn          works             3/3
    analytics    works             1/1
    charts       works             2/2
    chat         works             7/7
    core         works             5/5
    guides       works             2/2
    shortlink    works             1/1
    studio-live  works             2/2
    studio-video works             2/2
    advisory: needed in practice, not on the published list, never counted
    analytics-js works             1/1
    chat-live    works             1/1
    guides-api   works             1/1
    video-api    works             5/5

    What was found:
      f1  A firewall at 10.20.0.1 or at the next device drops TCP 10000-10050 to
          ap-channel.spotme.com, eu-channel.spotme.com, us-channel.spotme.com
          (likely).
          - nothing beyond the first hop answers
          - other services were reached in the same run

    For the network or firewall team:
      - Allow outbound TCP 10000-10050 to {eu,us,ap}-channel.spotme.com (now
        52.28.30.1), from this machine (eth0), at 10.20.0.1 or at the next device.
        Needed for: live-stream ingest (required). Evidence: nothing beyond the
        first hop answers; other services were reached in the same run. Seen
        2026-11-22 07:00:00 UTC. [f1]

    Backstage: live streams cannot be sent from here.
    A quick run does not see idle timeouts, rare packet loss or jitter; `netcheck
    check --thorough` looks for them and takes about 70 s.
    ");
    let wrote = stage.kept().into_iter().filter(|record| record["cause"]["code"] == "offline").count();
    assert_eq!(wrote, 153, "the records stay as the tools wrote them");
}

#[test]
fn answers_that_miss_beside_an_outage_are_no_firewall_of_this_machine() {
    let run = Stage::all(|target| match target.port() {
        10007 => json!({ "verdict": "fail", "failure": { "code": "tcp.timeout", "detail": "" },
            "cause": { "code": "local_firewall", "who": "local", "confidence": "medium", "evidence": [],
                "fix": "On this machine: Allow TCP 10007." } }),
        _ => offline(target),
    })
    .check(&[]);
    assert_eq!(run.stdout.matches("For the").count(), 1, "{}", run.stdout);
    assert!(!run.stdout.contains("On this machine"), "{}", run.stdout);
}

#[test]
fn resolvers_that_time_out_everywhere_are_one_outage() {
    let run =
        Stage::all(|_| json!({ "verdict": "fail", "failure": { "code": "dns.timeout", "detail": "" } }))
            .check(&[]);
    assert!(line(&run.stdout, "core").contains("dns_outage"), "{}", run.stdout);
}

#[test]
fn rows_without_their_tool_are_not_checked_and_never_passed() {
    let stage = Stage::empty();
    stage.tool("tcp", pass);
    let run = stage.check(&[]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(line(&run.stdout, "ingest").contains("not known         0/153"), "{}", run.stdout);
    assert!(line(&run.stdout, "core").contains("not known         5/7"), "{}", run.stdout);
    assert!(line(&run.stdout, "cdn").contains(" works "), "{}", run.stdout);
    assert!(run.stderr.contains("not here: check-wss, check-rtmps"), "{}", run.stderr);
    let folder = stage.dir.path().display();
    let said = format!("check-rtmps is not in {folder}: its 153 targets were not checked");
    assert!(run.stderr.contains(&said), "{}", run.stderr);
}

#[test]
fn a_folder_without_tools_is_exit_code_2() {
    let run = Stage::empty().check(&["--path", "direct,proxy"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert_eq!(run.stderr.matches("check-udp is not in ").count(), 1, "{}", run.stderr);
}

#[test]
fn a_tool_that_no_chosen_row_needs_may_be_missing() {
    let stage = Stage::empty();
    stage.tool("tcp", pass);
    let run = stage.check(&["--row", "cdn"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
}

#[test]
fn a_tool_that_is_killed_leaves_its_records_and_exit_code_2() {
    let stage = Stage::all(pass);
    stage.script("rtmps", "cat >/dev/null; head -n 3 rtmps.jsonl; printf '{\"v\":1,\"ts\":'; kill -9 $$");
    let run = stage.check(&[]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert!(run.stderr.contains("check-rtmps was killed"), "{}", run.stderr);
    assert!(run.stderr.contains("150 of 153 records are missing"), "{}", run.stderr);
    assert!(line(&run.stdout, "ingest").contains("not known         3/153"), "{}", run.stdout);
    assert_eq!(stage.kept().iter().filter(|record| record["check"] == "rtmps").count(), 3);
}

#[test]
fn a_tool_that_hangs_is_ended_and_the_others_are_kept() {
    let stage = Stage::all(pass);
    stage.script("udp", "exec sleep 1000");
    let run = stage.check(&["--timeout", "0.01"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("check-udp hung and was ended"), "{}", run.stderr);
    assert!(line(&run.stdout, "core").contains(" works "), "{}", run.stdout);
}

#[test]
fn a_hung_tool_whose_child_holds_its_output_open_is_ended_too() {
    let stage = Stage::empty();
    stage.script("mail", "sleep 20; true");
    let run = stage.check(&["--timeout", "0.01", "--row", "mail"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("check-mail hung"), "{}", run.stderr);
}

#[test]
fn nonsense_lines_are_left_out_and_said() {
    let stage = Stage::all(pass);
    stage.script("mail", "cat >/dev/null; echo 'Segmentation \u{1b}[31mfault'; cat mail.jsonl");
    let run = stage.check(&["-v"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("1 lines that are no records"), "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}'), "an escape sequence reached the terminal");
    assert!(line(&run.stdout, "mail").contains(" works "), "{}", run.stdout);
    assert!(stage.kept().iter().all(|record| record["v"] == 1));
}

#[test]
fn what_a_tool_says_is_shown_when_it_fails() {
    let stage = Stage::empty();
    stage.script("mail", "echo 'error: unexpected argument' >&2; exit 2");
    let run = stage.check(&["--row", "mail"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("exit code 2"), "{}", run.stderr);
    assert!(run.stderr.contains("unexpected argument"), "{}", run.stderr);
}

#[test]
fn hostile_text_in_records_reaches_no_terminal() {
    let run = Stage::all(|target| {
        let mut said = dropped(target, "10.0.0.1");
        said["cause"]["evidence"] = json!(["\u{1b}]0;owned\u{7}\u{202e}Allow TCP"]);
        said["failure"]["detail"] = "\u{1b}[2J".into();
        said
    })
    .check(&[]);
    let hostile = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!run.stdout.contains(hostile), "{:?}", run.stdout);
    assert!(run.stdout.contains("\\u{1b}]0;owned"), "{}", run.stdout);
}

#[test]
fn a_full_disk_is_exit_code_2() {
    let run = Stage::all(pass).check(&["--output", "/dev/full"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    assert!(run.stderr.contains("not every record is in it"), "{}", run.stderr);
}

#[test]
fn records_on_standard_output_leave_it_to_them() {
    let run = Stage::all(pass).check(&["--row", "cdn", "--no-controls", "--output", "-"]);
    let records = run.stdout.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok());
    assert_eq!(records.count(), run.stdout.lines().count());
    assert!(run.stderr.contains("STATUS"), "{}", run.stderr);
}

#[test]
fn usage_errors_are_exit_code_2_before_any_tool_is_started() {
    let stage = Stage::empty();
    stage.script("tcp", "touch started");
    for args in [
        vec!["--row", "nonsense"],
        vec!["--role", "king"],
        vec!["--region", "mars"],
        vec!["--timeout", "0"],
        vec!["--resolver", "dns.example"],
        vec!["--connect-to", "a"],
        vec!["--profile", "missing.toml"],
        vec!["-4", "-6"],
    ] {
        let run = stage.check(&args);
        assert_eq!(run.code, Some(2), "{args:?}: {}", run.stderr);
    }
    assert!(!stage.dir.path().join("started").exists());
}

#[test]
fn a_proxy_password_is_refused_and_printed_nowhere() {
    let run = Stage::all(pass).check(&["--proxy", "http://user:hunter2@proxy:3128"]);
    assert_eq!(run.code, Some(2));
    assert!(!run.stderr.contains("hunter2") && !run.stdout.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn flags_reach_the_tools_and_jobs_fit_the_share() {
    let stage = Stage::empty();
    stage.script("rtmps", "cat >/dev/null; echo \"$@\" > args");
    let args =
        ["--timeout", "2", "-4", "--private-ok", "--public-roots", "r.pem", "--connect-to", "a=127.0.0.1"];
    stage.check(&[&args[..], &["--row", "ingest"]].concat());
    let seen = std::fs::read_to_string(stage.dir.path().join("args")).unwrap();
    assert_eq!(
        seen.trim(),
        "--jobs 153 --timeout 2 --public-roots r.pem --connect-to a=127.0.0.1 -4 --private-ok"
    );
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let stage = Stage::all(pass);
    let mut command = stage.command(&[]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = command.stdout(writer).stderr(std::process::Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(stage.kept().len() > 200);
}

#[test]
fn help_names_the_environment_for_secrets() {
    let help = netcheck().args(["check", "--help"]).output().unwrap();
    assert!(String::from_utf8(help.stdout).unwrap().contains("NETCHECK_PROXY_PASSWORD"));
}
