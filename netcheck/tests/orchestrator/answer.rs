//! The run's answer through the real program: one cause, one request, a headline that is true.

use std::fs;
use std::process::Output;

use netcheck_lab::formats;
use netcheck_record::target::Target;
use serde_json::{Value, json};

use crate::fake::{Stage, dropped, flat, naming, netcheck, pass, report, row, without_age};

/// `netcheck` with these arguments, in the folder of the stage.
fn of(stage: &Stage, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        netcheck().current_dir(stage.dir.path()).args(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

fn here(mut said: Value) -> Value {
    said["path"] = json!({ "via": "direct", "local": "10.20.0.10:4000", "interface": "eth0" });
    said
}

fn ingest_dropped(target: &Target) -> Value {
    here(if target.scheme.name == "rtmps" { dropped(target, "10.30.0.2") } else { pass(target) })
}

#[test]
fn a_run_has_its_lines_and_every_record_its_name() {
    let stage = Stage::all(pass);
    assert_eq!(stage.check(&["--row", "cdn", "--no-controls"]).code, Some(0));
    let text = fs::read_to_string(stage.journal()).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (first, last) = (&lines[0]["run"], &lines[lines.len() - 1]["run"]);
    let records = &lines[1..lines.len() - 1];
    assert_eq!((first["planned"].as_u64(), last["written"].as_u64()), (Some(3), Some(records.len() as u64)));
    assert_eq!((&first["profile"]["name"], &last["interrupted"]), (&json!("spotme"), &json!(false)));
    assert_eq!(first["profile"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(first["flags"].as_array().unwrap().last(), Some(&json!("--no-controls")));
    for key in ["started", "host", "tool"] {
        assert!(first[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {first}");
    }
    assert!(records.iter().all(|record| record["run"] == first["id"] && record["v"] == 1));
    assert_eq!(first["id"], last["id"]);
}

#[test]
fn the_first_hundred_lines_of_a_run_are_never_green() {
    let stage = Stage::all(pass);
    stage.check(&[]);
    let text = fs::read_to_string(stage.journal()).unwrap();
    let part: Vec<&str> = text.lines().take(101).collect();
    fs::write(stage.dir.path().join("part.jsonl"), part.join("\n") + "\n").unwrap();
    fs::write(stage.dir.path().join("empty.jsonl"), "").unwrap();
    for format in ["text", "markdown", "json", "html", "junit"] {
        let (code, out, _) = of(&stage, &["report", "part.jsonl", "--format", format]);
        assert_eq!(code, Some(2), "{format}");
        assert!(flat(&out).contains("planned targets have no record"), "{format}: {out}");
        assert!(!out.contains("everything the platform needs works"), "{format}");
        assert_eq!(of(&stage, &["report", "empty.jsonl", "--format", format]).0, Some(2), "{format}");
    }
    let (_, metrics, _) = of(&stage, &["report", "part.jsonl", "--format", "prometheus"]);
    let metrics = formats::metrics(&metrics);
    assert_eq!(metrics["netcheck_run_written{profile=\"spotme\"}"], 100.0);
    assert_eq!(metrics["netcheck_run_planned{profile=\"spotme\"}"], 232.0);
}

#[test]
fn a_second_run_of_one_file_says_so_and_an_old_file_is_kept() {
    let stage = Stage::all(pass);
    let file = fs::File::create(stage.journal()).unwrap();
    file.lock().unwrap();
    let second = stage.check(&["--row", "cdn"]);
    assert_eq!(second.code, Some(2), "{}", second.stderr);
    insta::assert_snapshot!(second.stderr, @"netcheck: netcheck.jsonl: another run writes it: wait for its end, or name another --output");
    drop(file);
    fs::write(stage.journal(), "of an earlier run\n").unwrap();
    assert_eq!(stage.check(&["--row", "cdn"]).code, Some(0));
    let old = fs::read_to_string(stage.dir.path().join("netcheck.jsonl.1")).unwrap();
    assert_eq!(old, "of an earlier run\n");
}

#[test]
fn a_request_says_what_a_firewalls_form_asks_for() {
    let stage = Stage::all(ingest_dropped);
    assert_eq!(stage.check(&[]).code, Some(1));
    let answer = report(&stage, &[]);
    assert_eq!(answer["findings"].as_array().map(Vec::len), Some(1));
    let rule = json!({ "rule": "{eu,us,ap}-channel.spotme.com", "protocol": "TCP", "ports": "10000-10050" });
    let request = json!({
        "to": "network",
        "required": true,
        "finding": "f1",
        "action": "allow",
        "direction": "outbound",
        "source": { "address": "10.20.0.10", "interface": "eth0" },
        "destinations": [rule],
        "requirements": ["ingest"],
        "reason": "live-stream ingest",
        "near": "10.30.0.2",
        "evidence": "silence; a control answered",
        "seen": "2026-11-22T07:00:00Z",
        "text": "Allow outbound TCP 10000-10050 to {eu,us,ap}-channel.spotme.com, from 10.20.0.10 (eth0), at 10.30.0.2 \
                 or at the next device. Needed for: live-stream ingest (required). Evidence: silence; a control \
                 answered. Seen 2026-11-22 07:00:00 UTC.",
    });
    assert_eq!(answer["requests"], json!([request]));
    let (_, csv, _) = of(&stage, &["report", "netcheck.jsonl", "--requests", "--format", "csv"]);
    let lines = formats::csv(&csv);
    assert_eq!(lines.len(), 1);
    let cells: Vec<String> = lines[0].iter().map(|(column, value)| format!("{column}={value}")).collect();
    insta::assert_snapshot!(cells.join("\n"), @"
    action=allow
    addresses=
    destination={eu,us,ap}-channel.spotme.com
    direction=outbound
    evidence=silence; a control answered
    finding=f1
    interface=eth0
    near=10.30.0.2
    ports=10000-10050
    protocol=TCP
    public_address=
    reason=live-stream ingest
    required=required
    requirements=ingest
    seen=2026-11-22T07:00:00Z
    source=10.20.0.10
    text=Allow outbound TCP 10000-10050 to {eu,us,ap}-channel.spotme.com, from 10.20.0.10 (eth0), at 10.30.0.2 or at the next device. Needed for: live-stream ingest (required). Evidence: silence; a control answered. Seen 2026-11-22 07:00:00 UTC.
    to=network
    ");
    let (_, markdown, _) = of(&stage, &["report", "netcheck.jsonl", "--requests", "--format", "markdown"]);
    insta::assert_snapshot!(markdown, @"
    ## For the network or firewall team

    - Allow outbound TCP 10000-10050 to {eu,us,ap}-channel.spotme.com, from 10.20.0.10 (eth0), at 10.30.0.2 or at the next device. Needed for: live-stream ingest (required). Evidence: silence; a control answered. Seen 2026-11-22 07:00:00 UTC.
    ");
}

#[test]
fn every_form_gives_a_requirement_the_same_status() {
    let stage = Stage::all(ingest_dropped);
    stage.check(&[]);
    let form = |format: &str| of(&stage, &["report", "netcheck.jsonl", "--format", format]).1;
    assert_eq!(
        report(&stage, &[])["roles"],
        json!({ "all": "works", "backstage": "does not work", "participants": "works" })
    );
    assert_eq!(formats::junit(&form("junit"))["ingest"], "failure: does not work");
    let metrics = formats::metrics(&form("prometheus"));
    let value = |name: &str, labels: &str| metrics[&format!("netcheck_{name}{{profile=\"spotme\"{labels}}}")];
    assert_eq!(value("requirement_status", ",requirement=\"ingest\",status=\"does not work\""), 1.0);
    assert_eq!(value("requirement_works", ",requirement=\"ingest\",role=\"backstage\""), 0.0);
    // The time is that of the check, and not of the report.
    assert_eq!(value("run_timestamp_seconds", ""), 1_795_330_800.0);
    let csv = formats::csv(&form("csv"));
    let ingest = csv.iter().filter(|line| line["target"].starts_with("rtmps://"));
    let judged: Vec<_> = ingest.map(|line| (line["status"].as_str(), line["finding"].as_str())).collect();
    assert_eq!(judged, vec![("does not work", "f1"); 153]);
}

#[test]
fn a_baseline_of_the_same_network_is_warned_about_and_blames_nobody() {
    let stage = Stage::all(ingest_dropped);
    stage.check(&["--output", "before.jsonl"]);
    let run = stage.check(&["--baseline", "before.jsonl"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    insta::assert_snapshot!(row(&run.stdout, "ingest"), @"ingest | does not work | 0/153 | firewall_drop | network | allow TCP 10000-10050");
    insta::assert_snapshot!(naming(&flat(&run.stdout).replace(". ", ".\n"), "baseline"), @"
    Known before, from the baseline run: live-stream ingest.
    The baseline was made on the same network: it cannot show that the service is at fault.
    ");
    let answer = report(&stage, &["--baseline", "before.jsonl"]);
    assert_eq!(
        (&answer["findings"][0]["cause"], &answer["findings"][0]["known"]),
        (&json!("firewall_drop"), &json!(true))
    );
    let ingest =
        answer["requirements"].as_array().unwrap().iter().find(|one| one["name"] == "ingest").unwrap();
    assert_eq!((&ingest["status"], &ingest["known"]), (&json!("does not work"), &json!(true)));
    let ignored = of(&stage, &["report", "netcheck.jsonl", "--baseline", "before.jsonl", "--ignore-known"]);
    assert_eq!(ignored.0, Some(0), "{}", ignored.1);
}

#[test]
fn a_proxys_way_is_not_tried_where_no_proxy_is_configured() {
    let stage = Stage::all(pass);
    let run = stage.check(&["--row", "cdn", "--path", "direct,proxy"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    insta::assert_snapshot!(run.stdout, @"
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
    studio-video works             4/4
    advisory: needed in practice, not on the published list, never counted
    analytics-js works             1/1
    chat-live    works             1/1
    guides-api   works             1/1
    video-api    works             5/5
    video-udp    works             1/1

    A quick run does not see idle timeouts, rare packet loss or jitter; `netcheck
    check --thorough` looks for them and takes about 70 s.
    No proxy is configured: only the direct way was checked.
    ");
    assert_eq!(stage.check(&["--row", "cdn", "--path", "proxy"]).code, Some(2));
}

#[test]
fn a_thorough_run_says_beforehand_how_long_it_takes() {
    let stage = Stage::empty();
    stage.tool("tcp", pass);
    stage.script("wss", "cat >/dev/null; echo \"$@\" > wss.args");
    stage.script("udp", "cat >/dev/null; echo \"$@\" > udp.args");
    let run = stage.check(&["--row", "cdn", "--row", "studio-video", "--thorough", "--no-controls"]);
    insta::assert_snapshot!(naming(&run.stderr, "thorough"), @"netcheck: thorough: this takes about 70 s");
    let args = |tool: &str| fs::read_to_string(stage.dir.path().join(format!("{tool}.args"))).unwrap();
    insta::assert_snapshot!(args("wss"), @"--jobs 2 --hold 65");
    insta::assert_snapshot!(args("udp"), @"--jobs 2 --count 50 --interval 20 --mtu");
    assert_eq!(naming(&flat(&run.stdout), "A quick run does not see"), "");
}

#[test]
fn a_thorough_run_with_a_stream_key_publishes_a_few_streams_at_a_time() {
    let stage = Stage::empty();
    stage.script("rtmps", "cat >/dev/null; echo \"$@\" > rtmps.args");
    let args = || fs::read_to_string(stage.dir.path().join("rtmps.args")).unwrap();
    let ingest = ["--row", "ingest", "--no-controls"];
    let thorough = [&ingest[..], &["--thorough"]].concat();
    let run = stage.check_with(&thorough, &[("RTMP_STREAM_KEY", "key-of-the-stream")]);
    insta::assert_snapshot!(naming(&run.stderr, "thorough"), @"netcheck: thorough: this takes about 239 s, publishes a stream to each of 153 ingest targets");
    insta::assert_snapshot!(args(), @"--jobs 4 --publish 5");
    stage.check_with(&ingest, &[("RTMP_STREAM_KEY", "key-of-the-stream")]);
    insta::assert_snapshot!(args(), @"--jobs 153");
    let run = stage.check(&thorough);
    insta::assert_snapshot!(naming(&run.stderr, "thorough"), @"netcheck: thorough: this takes about 70 s");
    insta::assert_snapshot!(args(), @"--jobs 153");
}

#[test]
fn records_of_another_profile_are_judged_by_that_or_said_to_be_of_another() {
    let stage = Stage::empty();
    fs::write(
        stage.dir.path().join("mine.toml"),
        "format = 1\nname = \"mine\"\n[[row]]\nname = \"web\"\nrole = \"all\"\nfunction = \"the web\"\nsource = \"me\"\n\
         [[row.permit]]\nto = [\"www.example.com\"]\ntcp = \"443\"\n[[row.probe]]\ntarget = \"https://www.example.com\"\n",
    )
    .unwrap();
    let line = json!({ "v": 1, "ts": "2026-11-22T07:00:00Z", "check": "tcp", "target": "https://www.example.com:443",
        "verdict": "pass", "stages": [], "labels": { "row": "web", "role": "all", "required": true } });
    fs::write(stage.dir.path().join("said.jsonl"), format!("{line}\n")).unwrap();
    stage.script("tcp", "cat >/dev/null; cat said.jsonl");
    let run = stage.check(&["--profile", "mine.toml"]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let answer = report(&stage, &[]);
    assert_eq!(
        (&answer["run"]["profile"]["name"], &answer["requirements"][0]["status"]),
        (&json!("mine"), &json!("works"))
    );
    let (code, other, _) = of(&stage, &["report", "netcheck.jsonl", "--profile", "spotme"]);
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(naming(&flat(&other).replace(". ", ".\n"), "profile"), @r#"These records are of the profile "mine", and not of "spotme"."#);
}

#[test]
fn rounds_of_one_watch_are_judged_by_the_newest_and_shown_as_a_timeline() {
    let stage = Stage::empty();
    let record = |run: &str, verdict: &str, second: u32| {
        let mut one = json!({ "v": 1, "run": run, "ts": format!("2026-11-22T07:00:{second:02}Z"), "check": "tcp",
            "target": "https://eu-stream.spotme.com:443", "verdict": verdict, "stages": [],
            "labels": { "row": "cdn", "role": "all", "required": true } });
        if verdict == "fail" {
            one["failure"] = json!({ "code": "tcp.timeout", "detail": "" });
        }
        one
    };
    let mut text = String::new();
    for (run, verdict, second) in [("a", "fail", 1), ("b", "pass", 2)] {
        let start = json!({ "v": 1, "run": { "id": run, "series": "s", "planned": 1, "profile": { "name": "spotme" },
            "started": format!("2026-11-22T07:00:{second:02}Z"), "chosen": { "row": ["cdn"], "region": ["eu"], "no_controls": true } } });
        let end = json!({ "v": 1, "run": { "id": run, "finished": "2026-11-22T07:00:09Z", "written": 1, "interrupted": false } });
        text.push_str(&format!("{start}\n{}\n{end}\n", record(run, verdict, second)));
    }
    fs::write(stage.journal(), text).unwrap();
    let (code, out, _) = of(&stage, &["report", "netcheck.jsonl"]);
    assert_eq!(code, Some(0), "{out}");
    insta::assert_snapshot!(without_age(&out), @"
    The event can run from here: everything the platform needs works.

    REQUIREMENT STATUS            WORKS   CAUSE             ASK      CHANGE
    cdn         works             1/1

    Earlier rounds:
      2026-11-22T07:00:01Z does not work: cdn

    A quick run does not see idle timeouts, rare packet loss or jitter; `netcheck
    check --thorough` looks for them and takes about 70 s.
    ");
}

#[test]
fn text_fits_terminals_of_every_width_and_breaks_no_word() {
    let stage = Stage::all(ingest_dropped);
    stage.check(&[]);
    for width in ["60", "80", "132", "200"] {
        let mut command = netcheck();
        command.current_dir(stage.dir.path()).args(["report", "netcheck.jsonl"]).env("COLUMNS", width);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width.parse().unwrap(), "{width}: {widest}");
        for word in ["studio-video", "{eu,us,ap}-channel.spotme.com", "works", "10000-10050"] {
            assert!(text.contains(word), "{width}: {word} is broken\n{text}");
        }
    }
}
