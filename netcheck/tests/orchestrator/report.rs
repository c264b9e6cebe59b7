//! Reports, comparisons, rules and profiles from the command line.

use std::collections::BTreeSet;
use std::fs;
use std::process::Output;

use netcheck_lab::formats;
use netcheck_record::target::Target;
use serde_json::Value;

use crate::fake::{Stage, dropped, netcheck, pass, row};

fn hostile(target: &Target) -> Value {
    if target.scheme.name != "https" {
        return pass(target);
    }
    let mut said = dropped(target, "10.0.0.1");
    said["failure"]["detail"] = "</td><script>alert(1)</script>\u{1b}[2J=1+1".into();
    said["cause"]["fix"] =
        "\"><img src=x onerror=alert(1)> [x](javascript:alert(1)) https://evil.example".into();
    said["cause"]["evidence"] = serde_json::json!(["<svg onload=alert(1)>", "]]>"]);
    said
}

/// Records of every row, and what `netcheck` makes of them.
fn of(stage: &Stage, args: &[&str]) -> Output {
    netcheck().current_dir(stage.dir.path()).args(args).output().unwrap()
}

fn report(stage: &Stage, format: &str) -> String {
    let output = of(stage, &["report", "netcheck.jsonl", "--format", format]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn checked(say: crate::fake::Say) -> Stage {
    let stage = Stage::all(say);
    stage.check(&[]);
    stage
}

#[test]
fn every_form_names_every_row() {
    let stage = checked(pass);
    let json: Value = serde_json::from_str(&report(&stage, "json")).unwrap();
    let requirements = json["requirements"].as_array().unwrap().iter();
    let names: Vec<String> = requirements.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
    let text = report(&stage, "text");
    for name in &names {
        assert!(row(&text, name).starts_with(&format!("{name} | works | ")), "{}", row(&text, name));
    }
    let (markdown, page) = (report(&stage, "markdown"), report(&stage, "html"));
    for name in &names {
        let advisory = markdown.contains(&format!("\n| {name} (advisory) | works |"));
        assert!(advisory || markdown.contains(&format!("\n| {name} | works |")), "{name}: {markdown}");
        assert!(page.contains(name), "{name}");
    }
    let expected: BTreeSet<String> = names.into_iter().collect();
    let csv = formats::csv(&report(&stage, "csv"));
    // The records of the controls are no requirement's.
    let judged = csv.into_iter().map(|line| line["requirement"].clone()).filter(|name| name != "controls");
    assert_eq!(judged.collect::<BTreeSet<_>>(), expected);
    assert_eq!(formats::junit(&report(&stage, "junit")).into_keys().collect::<BTreeSet<_>>(), expected);
    let metrics = formats::metrics(&report(&stage, "prometheus")).into_keys();
    let works = metrics.filter(|name| name.starts_with("netcheck_requirement_works"));
    let measured = works.map(|name| name.split('"').nth(3).unwrap().to_owned());
    assert_eq!(measured.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn a_row_without_records_keeps_its_place() {
    let stage = Stage::all(pass);
    stage.check(&["--row", "cdn"]);
    let text = fs::read_to_string(stage.journal()).unwrap();
    let records: Vec<&str> = text.lines().filter(|line| !line.contains("\"run\":{")).collect();
    let bare = records.join("\n").replace("\"run\":", "\"was\":");
    fs::write(stage.journal(), bare + "\n").unwrap();
    assert_eq!(row(&report(&stage, "text"), "ingest"), "ingest | not known | 0/153 | nothing was checked");
    assert_eq!(formats::junit(&report(&stage, "junit"))["ingest"], "error: not known: nothing was checked");
    let status =
        "netcheck_requirement_status{profile=\"spotme\",requirement=\"ingest\",status=\"not known\"}";
    assert_eq!(formats::metrics(&report(&stage, "prometheus"))[status], 1.0);
}

#[test]
fn hostile_text_is_text_in_a_page() {
    let page = report(&checked(hostile), "html");
    for bad in [
        "<script>alert",
        "<script src",
        "<img",
        "<svg onload",
        "\u{1b}",
        "javascript:alert(1)\"",
        "http-equiv=\"refresh",
    ] {
        assert!(!page.contains(bad), "{bad}");
    }
    assert!(page.contains("&lt;script&gt;"), "the text itself is kept");
    assert!(
        page.contains("content=\"default-src 'none'; "),
        "the page's policy forbids everything it does not name"
    );
}

#[test]
fn a_page_loads_nothing() {
    let page = report(&checked(hostile), "html");
    for part in ["src=", "href=\"http", "url(", "@import", "<link", "<iframe", "<object", "<base", "<form"] {
        // What stands in escaped text is no markup.
        let markup = page.replace("&lt;img src=x", "");
        assert!(!markup.contains(part), "{part}");
    }
}

#[test]
fn hostile_text_is_text_in_markdown_csv_junit_and_numbers() {
    let stage = checked(hostile);
    let markdown = report(&stage, "markdown");
    assert!(!markdown.contains("<img") && !markdown.contains("[x](") && !markdown.contains("https://evil"));
    let (csv, junit, prometheus) =
        (report(&stage, "csv"), report(&stage, "junit"), report(&stage, "prometheus"));
    assert!(![&csv, &junit, &prometheus].into_iter().any(|text| text.contains('\u{1b}')));
    // Each is still what its readers can read.
    assert_eq!(formats::csv(&csv).len(), 232);
    assert_eq!(formats::junit(&junit)["ingest"], "passed");
    let works = "netcheck_requirement_works{profile=\"spotme\",requirement=\"ingest\",role=\"backstage\"}";
    assert_eq!(formats::metrics(&prometheus)[works], 1.0);
}

#[test]
fn a_cell_is_never_a_formula() {
    let stage = Stage::empty();
    let record = r#"{"v":1,"ts":"=1+1","check":"tcp","target":"tcp://a:1","verdict":"pass","stages":[]}"#;
    fs::write(stage.journal(), format!("{record}\n")).unwrap();
    let lines = formats::csv(&report(&stage, "csv"));
    assert_eq!(lines.iter().map(|line| line["time"].as_str()).collect::<Vec<_>>(), ["'=1+1"]);
}

#[test]
fn lines_that_are_no_records_are_left_out_and_said() {
    let stage = Stage::empty();
    let record = r#"{"v":1,"ts":"","check":"tcp","target":"tcp://a:1","verdict":"pass","stages":[]}"#;
    fs::write(stage.journal(), format!("{record}\nnonsense\n{{\"v\":1}}\n")).unwrap();
    let output = of(&stage, &["report", "netcheck.jsonl"]);
    assert_eq!(output.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"netcheck: 2 lines are not records and were ignored.");
    insta::assert_snapshot!(row(&String::from_utf8(output.stdout).unwrap(), "unlabelled"), @"unlabelled | works | 1/1");
}

#[test]
fn the_answer_comes_first_and_by_role() {
    let stage = checked(|target| match target.scheme.name {
        "apns" | "rtmps" => dropped(target, "10.0.0.1"),
        _ => pass(target),
    });
    let page = report(&stage, "html");
    let answer = page.find("Participants: iPhones will not get notifications.").unwrap();
    assert!(answer < page.find("<h2 id=\"findings\">What was found").unwrap());
    assert!(answer < page.find("<h2 id=\"requests\">What to ask for").unwrap());
    assert!(page.contains("Backstage: live streams cannot be sent from here."));
    assert_eq!(page.matches("<i class=\"fail\"").count(), 153);
}

#[test]
fn what_broke_between_two_runs_is_exit_code_1_and_a_range() {
    let stage = checked(pass);
    fs::copy(stage.journal(), stage.dir.path().join("before.jsonl")).unwrap();
    stage.tool("rtmps", |target| dropped(target, "10.0.0.1"));
    stage.check(&[]);
    let broke = of(&stage, &["diff", "before.jsonl", "netcheck.jsonl"]);
    let text = String::from_utf8(broke.stdout).unwrap();
    assert_eq!(broke.status.code(), Some(1), "{text}");
    insta::assert_snapshot!(text, @"
    Broken (153):
      - ingest: rtmps://ap-channel.spotme.com port 10000-10050: pass → firewall_drop
      - ingest: rtmps://eu-channel.spotme.com port 10000-10050: pass → firewall_drop
      - ingest: rtmps://us-channel.spotme.com port 10000-10050: pass → firewall_drop
    ");
    let fixed = of(&stage, &["diff", "netcheck.jsonl", "before.jsonl"]);
    assert_eq!(fixed.status.code(), Some(0));
    insta::assert_snapshot!(String::from_utf8(fixed.stdout).unwrap(), @"
    Fixed (153):
      - ingest: rtmps://ap-channel.spotme.com port 10000-10050: firewall_drop → pass
      - ingest: rtmps://eu-channel.spotme.com port 10000-10050: firewall_drop → pass
      - ingest: rtmps://us-channel.spotme.com port 10000-10050: firewall_drop → pass
    ");
    // Nobody has to have UDP 3478: it is shown, and breaks nothing.
    stage
        .tool("udp", |target| if target.port() == 3478 { dropped(target, "10.0.0.1") } else { pass(target) });
    stage.tool("rtmps", pass);
    stage.check(&[]);
    let advisory = of(&stage, &["diff", "before.jsonl", "netcheck.jsonl"]);
    let text = String::from_utf8(advisory.stdout).unwrap();
    assert_eq!(advisory.status.code(), Some(0), "{text}");
    insta::assert_snapshot!(text, @"
    Broken (2):
      - controls, not counted: stun://stun.cloudflare.com port 3478: pass →
        firewall_drop
      - video-udp, not counted: stun://hlg.tokbox.com port 3478: pass →
        firewall_drop
    ");
    let same = of(&stage, &["diff", "netcheck.jsonl", "netcheck.jsonl"]);
    assert_eq!(String::from_utf8(same.stdout).unwrap(), "Nothing changed.\n");
}

#[test]
fn what_the_second_run_did_not_check_is_named_and_is_exit_code_1() {
    let stage = checked(pass);
    let lines = fs::read_to_string(stage.journal()).unwrap();
    let without: Vec<&str> = lines.lines().filter(|line| !line.contains("\"row\":\"ingest\"")).collect();
    fs::write(stage.dir.path().join("without.jsonl"), without.join("\n")).unwrap();
    fs::write(stage.dir.path().join("empty.jsonl"), "").unwrap();
    let gone = of(&stage, &["diff", "netcheck.jsonl", "without.jsonl"]);
    assert_eq!(gone.status.code(), Some(2), "the second run is not whole");
    insta::assert_snapshot!(String::from_utf8(gone.stdout).unwrap(), @"
    The second run: 153 planned targets have no record (79 of 232).
    The second has no record of ingest.
    Only in the first: not checked any more (153):
      - ingest: rtmps://ap-channel.spotme.com port 10000-10050: pass
      - ingest: rtmps://eu-channel.spotme.com port 10000-10050: pass
      - ingest: rtmps://us-channel.spotme.com port 10000-10050: pass
    ");
    let all = of(&stage, &["diff", "netcheck.jsonl", "empty.jsonl"]);
    assert_eq!(all.status.code(), Some(2));
    let text = String::from_utf8(all.stdout).unwrap();
    insta::assert_snapshot!(text.lines().take(2).collect::<Vec<_>>().join("\n"), @"
    The second run: There is no record: nothing was checked of 232 planned targets.
    The second has no record of analytics, analytics-js, apns, cdn, charts, chat,
    ");
}

#[test]
fn a_new_profile_is_sound_and_never_overwrites() {
    let stage = Stage::empty();
    assert_eq!(of(&stage, &["profile", "new", "mine.toml"]).status.code(), Some(0));
    assert_eq!(of(&stage, &["profile", "validate", "mine.toml"]).status.code(), Some(0));
    assert_eq!(of(&stage, &["profile", "new", "mine.toml"]).status.code(), Some(2));
    fs::write(stage.dir.path().join("bad.toml"), "format = 9\nname = \"x\"\n").unwrap();
    let bad = of(&stage, &["profile", "validate", "bad.toml"]);
    assert_eq!(bad.status.code(), Some(2));
    insta::assert_snapshot!(String::from_utf8(bad.stderr).unwrap(), @"
    netcheck: bad.toml: format 9 is not known: this version reads 1
      it has no [[row]]: write one with name, function, role, source and a [[row.probe]]
    ");
}

#[test]
fn a_profile_is_made_from_targets_alone() {
    let stage = Stage::empty();
    let targets = [
        "wss://event.example.com/socket",
        "rtmps://{eu,us}-live.example.com:10000-10050",
        "turn://192.0.2.7",
    ];
    let mut args = vec!["profile", "new", "own.toml", "--name", "summit"];
    targets.iter().for_each(|target| args.extend(["--target", target]));
    let made = of(&stage, &args);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let text = fs::read_to_string(stage.dir.path().join("own.toml")).unwrap();
    let settings = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    insta::assert_snapshot!(settings.collect::<Vec<_>>().join("\n"), @r#"
    format = 1  # (mandatory)
    name = "summit"  # (mandatory) a-z, 0-9 and -
    title = "summit"
    [[row]]
    name = "wss-1"  # (mandatory) one line of every report; at most 24 of a-z, 0-9 and -
    function = "wss to event.example.com"  # (mandatory) what people do with it
    without = "event.example.com cannot be reached"  # what they notice when it does not work
    role = "all"  # (mandatory) who needs it
    source = "our own list"  # (mandatory) who says that it is needed
    [[row.permit]]
    to = ["event.example.com"]
    tcp = "443"
    [[row.probe]]
    target = "wss://event.example.com/socket"  # (mandatory)
    [[row]]
    name = "rtmps-2"  # (mandatory) one line of every report; at most 24 of a-z, 0-9 and -
    function = "rtmps to eu-live.example.com"  # (mandatory) what people do with it
    without = "eu-live.example.com cannot be reached"  # what they notice when it does not work
    role = "all"  # (mandatory) who needs it
    source = "our own list"  # (mandatory) who says that it is needed
    [[row.permit]]
    to = ["eu-live.example.com"]
    tcp = "10000-10050"
    [[row.permit]]
    to = ["us-live.example.com"]
    tcp = "10000-10050"
    [[row.probe]]
    target = "rtmps://{eu,us}-live.example.com:10000-10050"  # (mandatory)
    [[row]]
    name = "turn-3"  # (mandatory) one line of every report; at most 24 of a-z, 0-9 and -
    function = "turn to 192.0.2.7"  # (mandatory) what people do with it
    without = "192.0.2.7 cannot be reached"  # what they notice when it does not work
    role = "all"  # (mandatory) who needs it
    source = "our own list"  # (mandatory) who says that it is needed
    [[row.permit]]
    to = ["192.0.2.7/32"]
    udp = "3478"
    [[row.probe]]
    target = "turn://192.0.2.7"  # (mandatory)
    "#);
    let plan = of(&stage, &["plan", "--profile", "own.toml"]);
    assert_eq!(plan.status.code(), Some(0), "{}", String::from_utf8_lossy(&plan.stderr));
    let planned = String::from_utf8(plan.stdout).unwrap();
    let planned = planned.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["target"].clone());
    assert_eq!(planned.collect::<Vec<_>>(), targets);
    let wrong = of(&stage, &["profile", "new", "wrong.toml", "--target", "gopher://example.com"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(!stage.dir.path().join("wrong.toml").exists());
}

#[test]
fn a_port_may_be_a_number_and_a_fault_says_what_to_write() {
    let stage = Stage::empty();
    let profile = |permit: &str| {
        let text = format!(
            "format = 1\nname = \"p\"\n[[row]]\nname = \"web\"\nfunction = \"web\"\nrole = \"all\"\nsource = \"me\"\n\
             [[row.permit]]\nto = [\"www.example.com\"]\n{permit}\n[[row.probe]]\ntarget = \"https://www.example.com\"\n"
        );
        fs::write(stage.dir.path().join("p.toml"), text).unwrap();
        let said = of(&stage, &["profile", "validate", "p.toml"]);
        (said.status.code(), String::from_utf8(said.stderr).unwrap())
    };
    assert_eq!(profile("tcp = 443"), (Some(0), String::new()));
    assert_eq!(profile("tcp = \"80,443\"").0, Some(0));
    let (code, said) = profile("");
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(said, @r#"netcheck: p.toml: row "web": a permit names no ports: write tcp = 443, or udp"#);
    let (code, said) = profile("tcp = [443]");
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(said, @r#"
    netcheck: profile p.toml: TOML parse error at line 10, column 7
       |
    10 | tcp = [443]
       |       ^^^^^
    write 443, "80,443" or "10000-10050"
    "#);
}

#[test]
fn a_shown_profile_can_be_read_back() {
    let stage = Stage::empty();
    let shown = of(&stage, &["profile", "show", "--toml"]);
    fs::write(stage.dir.path().join("shown.toml"), &shown.stdout).unwrap();
    let output = of(&stage, &["plan", "--profile", "shown.toml"]);
    assert_eq!(output.stdout, of(&stage, &["plan"]).stdout);
}

#[test]
fn rules_come_in_every_form() {
    let stage = Stage::empty();
    for format in [
        "text",
        "csv",
        "json",
        "squid",
        "nftables",
        "pf",
        "pac",
        "paloalto-edl",
        "paloalto-edl-ip",
        "cisco-acl",
        "fortinet",
    ] {
        let output = of(&stage, &["allowlist", "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert!(!output.stdout.is_empty(), "{format}");
    }
}
