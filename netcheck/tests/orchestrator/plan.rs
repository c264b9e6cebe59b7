//! The plan: what would be checked, as every tool reads it.

use std::process::Command;

use netcheck_record::spec::{Line, Sampling, Spec};
use serde_json::Value;

fn plan(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_netcheck")).arg("plan").args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn ingest_is_three_lines_and_153_targets() {
    insta::assert_snapshot!(plan(&["--row", "ingest", "--no-controls"]), @r#"
    {"target":"rtmps://eu-channel.spotme.com:10000-10050","labels":{"row":"ingest","service":"live-ingest","role":"backstage","region":"eu","required":true,"function":"live-stream ingest"}}
    {"target":"rtmps://us-channel.spotme.com:10000-10050","labels":{"row":"ingest","service":"live-ingest","role":"backstage","region":"us","required":true,"function":"live-stream ingest"}}
    {"target":"rtmps://ap-channel.spotme.com:10000-10050","labels":{"row":"ingest","service":"live-ingest","role":"backstage","region":"ap","required":true,"function":"live-stream ingest"}}
    "#);
}

#[test]
fn push_is_asked_on_its_port_and_on_the_fallback() {
    insta::assert_snapshot!(plan(&["--row", "apns", "--row", "fcm", "--no-controls"]), @r#"
    {"target":"apns://{1,11,21,31,41}-courier.push.apple.com:5223","labels":{"row":"apns","role":"participants","region":"all","required":true,"function":"iOS push notifications"}}
    {"target":"apns://{1,11,21,31,41}-courier.push.apple.com:443","labels":{"row":"apns","role":"participants","region":"all","required":true,"function":"iOS push notifications","way":"fallback"}}
    {"target":"apns-provider://api.push.apple.com:443,2197","labels":{"row":"apns","role":"participants","region":"all","required":false,"function":"iOS push notifications"}}
    {"target":"fcm://{mtalk,alt1-mtalk,alt4-mtalk,alt8-mtalk}.google.com:5228-5230,443","labels":{"row":"fcm","role":"participants","region":"all","required":true,"function":"Android push notifications","way":"any"}}
    {"target":"fcm-api://fcm.googleapis.com:443","labels":{"row":"fcm","role":"participants","region":"all","required":false,"function":"Android push notifications"}}
    "#);
}

#[test]
fn a_role_gets_its_own_rows_and_everybodys() {
    let rows = |args: &[&str]| {
        let mut rows: Vec<String> = plan(&[args, &["--required-only", "--no-controls"]].concat())
            .lines()
            .map(|line| {
                serde_json::from_str::<Value>(line).unwrap()["labels"]["row"].as_str().unwrap().to_owned()
            })
            .collect();
        rows.dedup();
        rows.join(" ")
    };
    insta::assert_snapshot!(rows(&["--role", "participants"]), @"core shortlink cdn analytics apns fcm chat studio-video mail");
    insta::assert_snapshot!(rows(&["--role", "backstage"]), @"core shortlink ingest cdn analytics charts chat guides studio-live studio-video mail");
}

#[test]
fn a_region_leaves_the_other_regions_out() {
    let plan = plan(&["--region", "eu", "--row", "ingest", "--row", "cdn", "--no-controls"]);
    let targets = plan.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["target"].clone());
    assert_eq!(
        targets.collect::<Vec<_>>(),
        ["rtmps://eu-channel.spotme.com:10000-10050", "https://eu-stream.spotme.com"]
    );
}

#[test]
fn every_line_is_taken_by_exactly_one_tool() {
    for line in plan(&[]).lines() {
        let taken = ["tcp", "wss", "rtmps", "udp", "push", "mail"]
            .iter()
            .filter(|tool| matches!(Spec::line(line, tool, Sampling::default()), Ok(Line::Spec(_))))
            .count();
        assert_eq!(taken, 1, "{line}");
    }
}

#[test]
fn the_proxies_of_a_plan_are_shown_without_a_packet_to_a_target() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("p.pac");
    let text = "function FindProxyForURL(url, host) { \
                if (shExpMatch(host, '*.spotme.com')) return 'PROXY proxy.corp.test:3128; DIRECT'; return 'DIRECT'; }";
    std::fs::write(&script, text).unwrap();
    let tools = std::path::Path::new(env!("CARGO_BIN_EXE_netcheck")).parent().unwrap();
    let pac = format!("pac+file://{}", script.display());
    let shown = plan(&[
        "--proxies",
        "--proxy",
        &pac,
        "--tools",
        tools.to_str().unwrap(),
        "--row",
        "ingest",
        "--row",
        "apns",
    ]);
    let lines: Vec<Vec<&str>> = shown
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect())
        .collect();
    assert_eq!(lines[0], ["REQUIREMENT", "TARGETS", "PROXIES", "WHY"]);
    assert_eq!(lines[1][..3], ["ingest", "153", "http://proxy.corp.test:3128; DIRECT"], "{shown}");
    assert_eq!(lines[1][3], format!("flag: PAC file file://{}", script.display()), "{shown}");
    assert_eq!(
        (lines[2][0], lines[2][2], lines[2][3]),
        ("apns", "DIRECT", "no proxy setting is for it"),
        "{shown}"
    );
}
