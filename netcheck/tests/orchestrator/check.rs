//! `netcheck check` on fake tools: rows, table, requests, exit codes.

use crate::fake::{Stage, addressees, dropped, naming, netcheck, pass, row, section};
use netcheck_record::target::Target;
use serde_json::{Value, json};

#[test]
fn a_network_that_permits_everything_passes_every_row() {
    let stage = Stage::all(pass);
    let run = stage.check(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    insta::assert_snapshot!(run.stdout, @"
    The event can run from here: everything the platform needs works.

    REQUIREMENT  STATUS            WORKS   CAUSE             ASK      CHANGE
    core         works             7/7
    shortlink    works             1/1
    ingest       works             153/153
    cdn          works             3/3
    analytics    works             1/1
    apns         works             10/10
    fcm          works             16/16
    charts       works             2/2
    chat         works             9/9
    guides       works             2/2
    studio-live  works             3/3
    studio-video works             6/6
    mail         works             1/1
    advisory: needed in practice, not on the published list, never counted
    analytics-js works             1/1
    guides-api   works             2/2
    chat-live    works             2/2
    video-api    works             5/5
    video-udp    works             1/1

    A quick run does not see idle timeouts, rare packet loss or jitter; `netcheck
    check --thorough` looks for them and takes about 70 s.
    ");
    assert_eq!(stage.kept().len(), 232);
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
    insta::assert_snapshot!(row(&run.stdout, "apns"), @"apns | works with limits | 5/10 | firewall_drop | network | allow TCP 5223");
    insta::assert_snapshot!(section(&run.stdout, "Limits:"), @"apns: iPhones reach Apple's push service over TCP 443 only, which they use on Wi-Fi only; a firewall at 10.0.0.1 or at the next device drops TCP 5223.");
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
    insta::assert_snapshot!(row(&run.stdout, "apns"), @"apns | does not work | 0/10 | firewall_drop | network | allow TCP 443, 5223");
}

#[test]
fn one_firebase_port_of_four_is_enough_and_the_closed_ones_are_named() {
    let run = Stage::all(|target| match (target.scheme.name, target.port()) {
        ("fcm", 5228 | 5229 | 443) => dropped(target, "10.0.0.1"),
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    insta::assert_snapshot!(row(&run.stdout, "fcm"), @"fcm | works with limits | 4/16 | firewall_drop | network | allow TCP 443, 5228-5229");
    insta::assert_snapshot!(section(&run.stdout, "Limits:"), @"fcm: one open port is enough; closed here: 443, 5228-5229; a firewall at 10.0.0.1 or at the next device drops TCP 443, 5228-5229.");
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
    insta::assert_snapshot!(row(&run.stdout, "studio-video"), @"studio-video | works with limits | 4/6 | UDP 443 could not be tested: no answer, and the host asked need not give one");
    insta::assert_snapshot!(section(&run.stdout, "Limits:"), @"studio-video: UDP 443 could not be tested: no answer, and the host asked need not give one.");
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
    insta::assert_snapshot!(row(&run.stdout, "core"), @"core | works | 5/7");
    assert_eq!(addressees(&run.stdout), Vec::<&str>::new());
}

#[test]
fn an_unconfirmed_host_that_a_firewall_drops_is() {
    let run = Stage::all(|target| match target.host.to_string().as_str() {
        "backstage.spotme.com" => dropped(target, "10.0.0.1"),
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    insta::assert_snapshot!(row(&run.stdout, "core"), @"core | does not work | 5/7 | firewall_drop | network | allow TCP 443");
}

#[test]
fn advisory_rows_are_shown_and_never_counted() {
    let run = Stage::all(|target| match target.host.to_string().as_str() {
        "api-js.mixpanel.com" => dropped(target, "10.0.0.1"),
        _ => pass(target),
    })
    .check(&[]);
    assert_eq!(run.code, Some(0));
    insta::assert_snapshot!(row(&run.stdout, "analytics-js"), @"analytics-js | does not work | 0/1 | firewall_drop | network | allow TCP 443");
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
    insta::assert_snapshot!(run.stdout, @"
    The event cannot run from here as it is (everyone cannot use core services and 6
    more; backstage cannot use live-stream ingest and 3 more; participants cannot
    use iOS push notifications and Android push notifications): this machine has no
    working network: nothing answers.

    REQUIREMENT  STATUS            WORKS   CAUSE             ASK      CHANGE
    core         does not work     0/7     offline           person   restore the
                                                                      way out
    shortlink    does not work     0/1     offline           person   restore the
                                                                      way out
    ingest       does not work     0/153   offline           person   restore the
                                                                      way out
    cdn          does not work     0/3     offline           person   restore the
                                                                      way out
    analytics    does not work     0/1     offline           person   restore the
                                                                      way out
    apns         does not work     0/10    offline           person   restore the
                                                                      way out
    fcm          does not work     0/16    offline           person   restore the
                                                                      way out
    charts       does not work     0/2     offline           person   restore the
                                                                      way out
    chat         does not work     0/9     offline           person   restore the
                                                                      way out
    guides       does not work     0/2     offline           person   restore the
                                                                      way out
    studio-live  does not work     0/3     offline           person   restore the
                                                                      way out
    studio-video does not work     0/6     offline           person   restore the
                                                                      way out
    mail         does not work     0/1     offline           person   restore the
                                                                      way out
    advisory: needed in practice, not on the published list, never counted
    analytics-js does not work     0/1     offline           person   restore the
                                                                      way out
    guides-api   does not work     0/2     offline           person   restore the
                                                                      way out
    chat-live    does not work     0/2     offline           person   restore the
                                                                      way out
    video-api    does not work     0/5     offline           person   restore the
                                                                      way out
    video-udp    does not work     0/1     offline           person   restore the
                                                                      way out

    Limits:
      apns: advisory, not counted: apns-provider://api.push.apple.com:443 offline,
      apns-provider://api.push.apple.com:2197 offline.
      fcm: advisory, not counted: fcm-api://fcm.googleapis.com:443 offline.

    What was found:
      f1  This machine has no working network: nothing answers (proven).
          - no route

    For the person at this machine:
      - Connect this machine to the network (cable, Wi-Fi, VPN, default route), then
        run the check again. Needed for: core services, short links for app
        downloads, live-stream ingest, static assets, live playback, usage
        analytics, iOS push notifications, Android push notifications, Backstage
        CMS, support chat, CMS support content, recording and conferencing, video
        conferencing, log-in mail with time-limited links (required); usage
        analytics, event endpoint, CMS support content, live connection, support
        chat, live connection, video conferencing, signalling, video conferencing,
        better media paths (optional). Evidence: no route. Seen 2026-11-22 07:00:00
        UTC. [f1]

    Everyone: the event app and Backstage do not load or do not update; short links
    to the app do not open; images and live streams do not play; usage is not
    counted; the support chat does not open; video conferences do not work; log-in
    mail may come late or not at all.
    Backstage: live streams cannot be sent from here; charts in the Backstage CMS
    stay empty; help inside the CMS does not appear; recording and conferencing in
    the studio do not work.
    Participants: iPhones will not get notifications; Android phones will not get
    notifications.
    A quick run does not see idle timeouts, rare packet loss or jitter; `netcheck
    check --thorough` looks for them and takes about 70 s.
    ");
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
    assert_eq!(addressees(&run.stdout), ["For the person at this machine:"]);
    insta::assert_snapshot!(section(&run.stdout, "For the person at this machine:"), @"- Connect this machine to the network (cable, Wi-Fi, VPN, default route), then run the check again. Needed for: core services, short links for app downloads, live-stream ingest, static assets, live playback, usage analytics, iOS push notifications, Android push notifications, Backstage CMS, support chat, CMS support content, recording and conferencing, video conferencing, log-in mail with time-limited links (required); usage analytics, event endpoint, CMS support content, live connection, support chat, live connection, video conferencing, signalling, video conferencing, better media paths (optional). Evidence: no route. Seen 2026-11-22 07:00:00 UTC. [f1]");
}

#[test]
fn resolvers_that_time_out_everywhere_are_one_outage() {
    let run =
        Stage::all(|_| json!({ "verdict": "fail", "failure": { "code": "dns.timeout", "detail": "" } }))
            .check(&[]);
    insta::assert_snapshot!(row(&run.stdout, "core"), @"core | does not work | 0/7 | dns_outage | dns | repair the resolver");
    insta::assert_snapshot!(section(&run.stdout, "What was found:"), @"f1 The resolver does not answer (uncertain). - nothing else was reached in the same run");
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
    insta::assert_snapshot!(section(&run.stdout, "What was found:"), @r"f1 A firewall at 10.0.0.1 or at the next device drops DNS and TCP 80, 443, 2197, 5223, 5228-5230, 10000-10050 and UDP 443, 3478 to 1-courier.push.apple.com, 11-courier.push.apple.com, 21-courier.push.apple.com and 43 more (likely). - \u{1b}]0;owned\u{7}\u{202e}Allow TCP");
}

#[test]
fn a_full_disk_is_exit_code_2() {
    let run = Stage::all(pass).check(&["--output", "/dev/full"]);
    assert_eq!(run.code, Some(2), "{}", run.stdout);
    insta::assert_snapshot!(naming(&run.stderr, "/dev/full"), @"netcheck: /dev/full: No space left on device (os error 28): not every record is in it");
}

#[test]
fn records_on_standard_output_leave_it_to_them() {
    let run = Stage::all(pass).check(&["--row", "cdn", "--no-controls", "--output", "-"]);
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["v"] == 1), "{}", run.stdout);
    insta::assert_snapshot!(run.stderr, @"
    netcheck: 3 targets, 1 tool
    The event can run from here: everything the platform needs works.

    REQUIREMENT  STATUS            WORKS   CAUSE             ASK      CHANGE
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

    A quick run does not see idle timeouts, rare packet loss or jitter; `netcheck
    check --thorough` looks for them and takes about 70 s.
    ");
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
    assert_eq!(run.stdout, "");
    insta::assert_snapshot!(run.stderr, @"netcheck: --proxy: credentials do not belong on a command line: use NETCHECK_PROXY_USER and NETCHECK_PROXY_PASSWORD, or --proxy-credentials FILE");
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
    let help = String::from_utf8(netcheck().args(["check", "--help"]).output().unwrap().stdout).unwrap();
    insta::assert_snapshot!(naming(&help, "NETCHECK_PROXY_"), @"
    Proxy: `env`, `system`, `none`, pac+URL, or a URL; credentials from NETCHECK_PROXY_USER
    and NETCHECK_PROXY_PASSWORD
    ");
}
