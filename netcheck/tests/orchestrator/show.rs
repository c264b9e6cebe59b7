//! `quality` and `rehearse` with tools that say what they are told: what is composed of their records, and in which order.

use std::fs;
use std::process::Stdio;

use crate::fake::{Outcome, Stage, finish, netcheck};

/// Runs the program in the folder of these tools.
fn run(stage: &Stage, args: &[&str]) -> Outcome {
    let mut command = netcheck();
    command
        .args(args)
        .arg("--tools")
        .arg(stage.dir.path())
        .current_dir(stage.dir.path())
        .env_remove("TURN_USERNAME");
    finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

/// A record of check-tcp.
fn record(check: &str, target: &str, verdict: &str, rest: &str) -> String {
    format!(
        r#"{{"v":1,"ts":"2026-11-30T10:00:00.000Z","check":"{check}","target":"{target}","verdict":"{verdict}","stages":[]{rest}}}"#
    )
}

const LOAD: &str = "https://video.example.com:443/large";

#[test]
fn quality_names_the_part_that_breaks_under_load_and_the_responsiveness() {
    let stage = Stage::empty();
    let load = record(
        "tcp",
        LOAD,
        "pass",
        r#","facts":{"under_load":{"throughput_kbps":9600.0,"rpm":212.0,"class":"poor","added_us":480500,"grade":"F","limited_by":"path"}}"#,
    );
    let good = record(
        "udp",
        "stun://stun.example.com:3478",
        "pass",
        r#","facts":{"quality":{"loss":0.0,"mos":4.3}}"#,
    );
    let bad = record(
        "udp",
        "stun://stun.example.com:3478",
        "degraded",
        r#","failure":{"code":"udp.lossy","detail":"12 of 100 probes lost"},"facts":{"quality":{"loss":0.12,"mos":2.1}}"#,
    );
    stage.script("tcp", &format!("cat > /dev/null; echo \"$@\" > tcp.args; echo '{load}'"));
    // The datagrams are measured alone first, then while downloads fill the line.
    stage
        .script("udp", &format!("cat > /dev/null; if mkdir once; then echo '{good}'; else echo '{bad}'; fi"));
    let args =
        ["quality", "--load", "https://video.example.com/large", "--datagrams", "stun://stun.example.com"];
    let shown = run(&stage, &[&args[..], &["--seconds", "5", "--budget", "40"]].concat());
    insta::assert_snapshot!(shown.stdout, @"
    First datagrams breaks, while downloads fill the line.
    datagrams: 12.0 % lost, MOS 2.1, 12 of 100 probes lost. What limits it is not
    known.
    Responsiveness under load: 212 round trips per minute (poor); the load adds
    480.5 ms of delay (grade F). Limited by the path: packets wait in a queue or are
    lost.

    alone       datagrams  holds          0.0 % lost, MOS 4.3
    under load  datagrams  does not hold  12.0 % lost, MOS 2.1, 12 of 100 probes
                                          lost
    under load  load       holds          9.6 Mbit/s downloaded
    ");
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    insta::assert_snapshot!(shown.stderr, @"netcheck: 2 measurements, about 10 s: receives up to 40 MB, sends about 0 MB");
    let args = fs::read_to_string(stage.dir.path().join("tcp.args")).unwrap();
    assert_eq!(args.trim(), "--jobs 1 --under-load 5 --budget 40");
}

#[test]
fn quality_without_a_key_publishes_nothing() {
    let stage = Stage::empty();
    let shown =
        run(&stage, &["quality", "--load", "https://a.example/x", "--publish", "rtmps://b.example/live"]);
    assert_eq!(shown.code, Some(2));
    insta::assert_snapshot!(shown.stderr, @"netcheck: --publish needs the stream key in RTMP_STREAM_KEY");
    let shown = run(&stage, &["quality", "--load", "stun://a.example"]);
    insta::assert_snapshot!(shown.stderr, @"netcheck: --load: an address that begins with https://");
}

/// A tool that answers each line at once with a record of its target and labels.
fn answering(verdict: &str) -> String {
    format!(
        r#"exec 3>&1; while IFS= read -r line; do
  target=$(printf %s "$line" | sed 's/.*"target":"\([^"]*\)".*/\1/'); labels=$(printf %s "$line" | sed 's/.*"labels":\({{[^}}]*}}\).*/\1/')
  printf '{{"v":1,"ts":"%s","check":"wss","target":"%s","verdict":"{verdict}","stages":[],"labels":%s}}\n' "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$target" "$labels" >&3
done; trap 'exit 143' TERM; while :; do sleep 0.05; done"#
    )
}

const PROFILE: &str = "format = 1\nname = \"show\"\n[[row]]\nname = \"line\"\nfunction = \"a line\"\nrole = \"all\"\nsource = \"test\"\n\
    [[row.probe]]\ntarget = \"wss://a.example/socket\"\n";

#[test]
fn a_rehearsal_writes_its_timeline_as_it_goes_and_makes_the_page_again_from_it() {
    let stage = Stage::empty();
    fs::write(stage.dir.path().join("profile.toml"), PROFILE).unwrap();
    stage.script("wss", &answering("fail"));
    let shown = run(&stage, &["rehearse", "--profile", "profile.toml", "--for", "10s"]);
    assert_eq!(shown.code, Some(1), "{}{}", shown.stdout, shown.stderr);
    assert!(shown.stdout.starts_with("Not every measurement passed in 10 s: "), "{}", shown.stdout);
    let file = |name: &str| fs::read_to_string(stage.dir.path().join(name)).unwrap();
    let lines: Vec<serde_json::Value> =
        file("rehearsal.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // Each of four connections is tried at once, after 2 s, and after 4 s more.
    let records = lines.iter().filter(|line| line["target"].is_string()).count();
    assert!((9..=16).contains(&records), "{records}");
    assert_eq!(lines[0]["run"]["seconds"], 10.0);
    assert_eq!(lines.last().unwrap()["run"]["written"], records);
    let page = file("rehearsal.html");
    fs::remove_file(stage.dir.path().join("rehearsal.html")).unwrap();
    let again = run(&stage, &["rehearse", "--read", "rehearsal.jsonl"]);
    assert_eq!((again.code, &again.stdout), (Some(1), &shown.stdout), "{}", again.stderr);
    assert_eq!(file("rehearsal.html"), page);
    let report =
        netcheck().args(["report", "rehearsal.jsonl"]).current_dir(stage.dir.path()).output().unwrap();
    assert_eq!(String::from_utf8(report.stderr).unwrap(), "", "the lines are known to every reader");
}

#[test]
fn a_tool_that_ends_early_is_named_and_makes_exit_code_2() {
    let stage = Stage::empty();
    fs::write(stage.dir.path().join("profile.toml"), PROFILE).unwrap();
    stage.script("wss", "echo 'no such flag' >&2; exit 2");
    let shown = run(&stage, &["rehearse", "--profile", "profile.toml", "--for", "10s"]);
    assert_eq!(shown.code, Some(2), "{}", shown.stdout);
    // Which of the parts is seen first is chance, and so is whether the other is still waited for.
    assert!(
        shown.stderr.contains("ended early") && shown.stderr.contains("no such flag"),
        "{}",
        shown.stderr
    );
}
