//! Ways, interfaces, baselines and watching.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use netcheck_record::target::Target;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::fake::{Stage, dropped, finish, flat, line, netcheck, pass};

fn by_proxy_only(target: &Target) -> Value {
    dropped(target, "10.0.0.1")
}

#[test]
fn both_ways_are_run_and_shown_side_by_side() {
    let stage = Stage::empty();
    stage.tool("mail", by_proxy_only);
    // The fake tells the ways apart as the real ones do: by --proxy.
    stage.script(
        "mail",
        "cat >/dev/null; case \"$*\" in *'--proxy none'*) sed 's/\"labels\":{/\"labels\":{\"path\":\"direct\",/' mail.jsonl;; \
         *) sed 's/\"labels\":{/\"labels\":{\"path\":\"proxy\",/; s/\"verdict\":\"fail\"/\"verdict\":\"pass\"/' mail.jsonl;; esac",
    );
    let run = stage.check(&[
        "--row",
        "mail",
        "--no-controls",
        "--path",
        "direct,proxy",
        "--proxy",
        "http://127.0.0.1:9",
    ]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert!(flat(&run.stdout).contains("REQUIREMENT DIRECT PROXY"), "{}", run.stdout);
    assert!(flat(&run.stdout).contains("mail does not work works"), "{}", run.stdout);
    assert_eq!(stage.kept().len(), 2);
    let of = |args: &[&str]| {
        let output = netcheck().current_dir(stage.dir.path()).args(args).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (_, report) = of(&["report", "netcheck.jsonl", "--row", "mail"]);
    assert!(line(&report, "mail").contains(" works "), "{report}");
    assert!(flat(&report).contains("by the way out: direct does not work, proxy works"), "{report}");
    // The proxy's way breaks; the other, which never worked, must not hide it.
    let whole = fs::read_to_string(stage.journal()).unwrap();
    let broken = whole.replace(r#""verdict":"pass""#, r#""verdict":"fail""#);
    fs::write(stage.dir.path().join("later.jsonl"), broken).unwrap();
    let (code, diff) = of(&["diff", "netcheck.jsonl", "later.jsonl"]);
    assert_eq!(code, Some(1), "{diff}");
    assert!(diff.starts_with("Broken (1):\n  - mail (proxy): "), "{diff}");
}

#[test]
fn several_proxies_are_compared_as_they_were_named() {
    let stage = Stage::empty();
    stage.tool("mail", by_proxy_only);
    let passes = |way: &str| {
        format!(
            "sed 's#\"labels\":{{#\"labels\":{{\"path\":\"{way}\",#; s/\"verdict\":\"fail\"/\"verdict\":\"pass\"/' mail.jsonl"
        )
    };
    let fails = |way: &str| format!("sed 's#\"labels\":{{#\"labels\":{{\"path\":\"{way}\",#' mail.jsonl");
    stage.script(
        "mail",
        &format!(
            "cat >/dev/null; case \"$*\" in *'--proxy none'*) {};; *'--proxy http://a.example:3128'*) {};; *) {};; esac",
            fails("direct"),
            fails("http://a.example:3128"),
            passes("pac+file:///p.pac")
        ),
    );
    let paths = "direct,http://a.example:3128,pac+file:///p.pac";
    let run = stage.check(&["--row", "mail", "--no-controls", "--path", paths]);
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let shown = flat(&run.stdout);
    assert!(shown.contains("REQUIREMENT DIRECT http://a.example:3128 pac+file:///p.pac"), "{}", run.stdout);
    assert!(shown.contains("mail does not work does not work works"), "{}", run.stdout);
    let refused = stage.check(&["--path", "direct,nowhere"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("direct, proxy, or what --proxy takes"), "{}", refused.stderr);
}

fn through_a_tunnel(target: &Target) -> Value {
    let interface = if target.port() == 5223 { "tun0" } else { "eth0" };
    json!({ "verdict": "pass", "path": { "via": "direct", "local": "10.0.0.2:4", "interface": interface,
        "tunnel": interface == "tun0" } })
}

#[test]
fn the_interface_of_each_row_is_shown_where_there_are_two() {
    let run = Stage::all(through_a_tunnel).check(&["--row", "apns", "--row", "cdn"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stdout.contains("apns         eth0, tun0 (tunnel)"), "{}", run.stdout);
    assert!(run.stdout.contains("cdn          eth0\n"), "{}", run.stdout);
}

#[test]
fn a_row_that_leaves_through_another_interface_than_expected_fails() {
    let stage = Stage::all(through_a_tunnel);
    assert_eq!(stage.check(&["--row", "cdn", "--expect-interface", "cdn=eth0"]).code, Some(0));
    let run = stage.check(&["--row", "cdn", "--expect-interface", "cdn=tun0"]);
    assert_eq!(run.code, Some(1));
    assert!(flat(&run.stdout).contains("leaves through eth0, expected tun0"), "{}", run.stdout);
    assert!(flat(&run.stdout).contains("Everyone: cdn does not leave through tun0."), "{}", run.stdout);
    assert_eq!(stage.check(&["--row", "cdn", "--expect-interface", "moon=eth0"]).code, Some(2));
}

fn cdn_down(target: &Target) -> Value {
    if target.host.to_string() == "us-stream.spotme.com" { dropped(target, "10.0.0.1") } else { pass(target) }
}

#[test]
fn what_fails_on_another_network_too_was_known_before_and_is_no_pass() {
    let stage = Stage::all(cdn_down);
    assert_eq!(stage.check(&["--row", "cdn", "--output", "open.jsonl"]).code, Some(1));
    let run = stage.check(&["--row", "cdn", "--baseline", "open.jsonl"]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert!(line(&run.stdout, "cdn").contains("does not work"), "{}", run.stdout);
    assert!(flat(&run.stdout).contains("the service's fault, known before"), "{}", run.stdout);
    assert!(flat(&run.stdout).contains("may be of the same network"), "{}", run.stdout);
    let ignored = stage.check(&["--row", "cdn", "--baseline", "open.jsonl", "--ignore-known"]);
    assert_eq!(ignored.code, Some(0), "{}", ignored.stdout);
    assert_eq!(stage.check(&["--baseline", "missing.jsonl"]).code, Some(2));
}

#[test]
fn watching_shows_what_changed_until_it_is_interrupted() {
    let stage = Stage::all(pass);
    stage.tool("mail", |target| dropped(target, "10.0.0.1"));
    // The second round passes.
    stage.script(
        "mail",
        "cat >/dev/null; if [ -e again ]; then sed 's/\"verdict\":\"fail\"/\"verdict\":\"pass\"/' mail.jsonl; \
         else touch again; cat mail.jsonl; fi",
    );
    let mut command = stage.command(&["--row", "mail", "--watch", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Fixed (1)") {
        assert!(stdout.read_line(&mut text).unwrap() > 0, "it ended by itself: {text}");
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(finish(child).code, Some(130));
    assert!(text.contains("Since the last time"), "{text}");
}

#[test]
fn a_killed_tool_makes_its_round_incomplete_and_does_not_end_the_watch() {
    let stage = Stage::all(pass);
    stage.script(
        "mail",
        "cat >/dev/null; if [ -e again ]; then cat mail.jsonl; else touch again; kill -KILL $$; fi",
    );
    let mut command = stage.command(&["--row", "mail", "--watch", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("Since the last time") {
        assert!(stdout.read_line(&mut text).unwrap() > 0, "it ended by itself: {text}");
    }
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    let run = finish(child);
    assert!(run.stderr.contains("check-mail was killed (signal: 9 (SIGKILL))"), "{}", run.stderr);
    assert!(text.contains("not known         0/1"), "{text}");
}
