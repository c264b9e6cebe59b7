//! An office whose PAC file sends one name direct, and whose router lets TCP 443 out for the proxy alone.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use netcheck_lab::world::probe::tools;
use netcheck_lab::world::product::ProductRun;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The script of the office.
const SCRIPT: &str = "function FindProxyForURL(url, host) {
  if (host == 'www.spotme.com') return 'DIRECT';
  if (dnsDomainIs(host, '.intercom.io')) return 'PROXY 10.20.0.9:3128; PROXY 10.20.0.1:3128';
  return 'PROXY 10.20.0.1:3128';
}";

/// Requirements with one target each, and the two that differ by the way they take.
const PROFILE: &str = "format = 1
name = 'office'
[[row]]
name = 'site'
function = 'the site'
role = 'all'
source = 'test'
[[row.permit]]
to = ['www.spotme.com']
tcp = '443'
[[row.probe]]
target = 'https://www.spotme.com/'
[[row]]
name = 'studio'
function = 'the studio'
role = 'all'
source = 'test'
[[row.permit]]
to = ['streamyard.com']
tcp = '443'
[[row.probe]]
target = 'https://streamyard.com/'
";

struct Office {
    folder: TempDir,
}

impl Office {
    fn new() -> Office {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("office.pac"), SCRIPT).unwrap();
        fs::write(folder.path().join("profile.toml"), PROFILE).unwrap();
        Office { folder }
    }

    fn script(&self) -> String {
        format!("file://{}/office.pac", self.folder.path().display())
    }

    fn check(&self, flag: &str, value: &str) -> ProductRun {
        let profile = self.folder.path().join("profile.toml");
        let arguments =
            ["--no-controls", "--timeout", "2", "--profile", profile.to_str().unwrap(), flag, value];
        ProductRun::check("direct-dropped", &arguments).unwrap()
    }
}

/// The text without its line breaks.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn status<'a>(answer: &'a Value, name: &str) -> &'a str {
    let requirements = answer["requirements"].as_array().unwrap();
    requirements.iter().find(|one| one["name"] == name).unwrap()["status"].as_str().unwrap()
}

#[test]
fn a_name_that_the_script_sends_direct_and_a_router_drops_is_told_so() {
    let office = Office::new();
    let pac = format!("pac+{}", office.script());
    let said = format!(
        "www.spotme.com goes DIRECT by your PAC file {}, and TCP 443 is dropped there",
        office.script()
    );
    for (flag, value) in
        [("--proxy", pac.clone()), ("--path", pac.clone()), ("--path", format!("direct,{pac}"))]
    {
        let run = office.check(flag, &value);
        let answer = run.answer().unwrap();
        assert_eq!(run.code, Some(1), "{}", run.screen);
        assert_eq!(status(&answer, "site"), "does not work", "{}", run.screen);
        let findings = answer["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{value}: {}", run.screen);
        assert_eq!(
            (&findings[0]["cause"], &findings[0]["near"]),
            (&json!("firewall_drop"), &json!("10.20.0.1"))
        );
        let request = &answer["requests"][0];
        assert_eq!(request["to"], "network");
        assert!(request["text"].as_str().unwrap().contains(&said), "{value}: {request:#}");
        for format in ["text", "html", "markdown"] {
            let report = run.report(&["--format", format]).unwrap();
            let text = flat(&String::from_utf8_lossy(&report.stdout));
            for part in [" goes DIRECT by your PAC file ", ", and TCP 443 is dropped there"] {
                assert!(text.contains(part), "{value}, {format}: {text}");
            }
        }
    }
    // The healthy twin: with every name through the proxy, everything works.
    let run = office.check("--proxy", "http://10.20.0.1:3128");
    assert_eq!((run.code, run.answer().unwrap()["findings"].clone()), (Some(0), json!([])), "{}", run.screen);
}

/// Runs the command, then a check of a target of its own, and shows how many packets had left after each.
const COUNTED: &str = "iptables -I OUTPUT -o eth0
packets() { echo \"COUNTED $(iptables -nvxL OUTPUT | awk 'NR == 3 { print $1 }')\"; }
\"$0\" \"$@\"; packets; \"${0%netcheck}check-tcp\" --proxy none tcp://10.20.0.1:9 >/dev/null || true; packets";

/// The plan's proxies in the office with these variables, and how many packets left this machine for it.
fn planned(office: &Office, variables: &[&str], arguments: &[&str]) -> (String, u64) {
    let tools = tools().unwrap();
    let output = Command::new(tools.join("netcheck-lab"))
        .args(["run", "direct-dropped", "--", "env"])
        .args(variables)
        .args(["sh", "-ec", COUNTED])
        .arg(tools.join("netcheck"))
        .args([Path::new("plan"), Path::new("--proxies"), Path::new("--tools"), &tools])
        .args(arguments)
        .current_dir(office.folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let parts: Vec<&str> = said.split("COUNTED ").collect();
    let count = |at: usize| parts[at].trim().parse::<u64>().unwrap();
    assert!(count(2) > count(1), "the packet of a check is not counted: {said}");
    (parts[0].to_owned(), count(1))
}

/// The way and the reason of a requirement.
fn ways<'a>(table: &'a str, row: &str) -> Vec<(&'a str, &'a str)> {
    table
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>())
        .filter(|words| words.first() == Some(&row))
        .map(|words| (words[2], words[3]))
        .collect()
}

#[test]
fn the_plan_shows_each_requirements_way_and_sends_nothing_to_a_target() {
    let office = Office::new();
    let pac = format!("pac+{}", office.script());
    let (table, packets) = planned(&office, &[], &["--proxy", &pac]);
    let by_script = format!("flag: PAC file {}", office.script());
    assert_eq!(packets, 0, "{table}");
    assert_eq!(ways(&table, "cdn"), [("http://10.20.0.1:3128", by_script.as_str())], "{table}");
    let chat = ("http://10.20.0.9:3128; http://10.20.0.1:3128", by_script.as_str());
    assert!(ways(&table, "chat").contains(&chat), "{table}");
    assert!(ways(&table, "core").contains(&("DIRECT", by_script.as_str())), "{table}");
    let own = "its own client takes no proxy; a browser would go through http://10.20.0.1:3128";
    assert_eq!(ways(&table, "apns"), [("DIRECT", own)], "{table}");
    assert_eq!(ways(&table, "video-udp"), [("DIRECT", "no proxy setting is for it")], "{table}");

    let variables = ["https_proxy=http://10.20.0.1:3128", "no_proxy=spotme.com"];
    let (table, packets) = planned(&office, &variables, &["--proxy", "env"]);
    assert_eq!(packets, 0, "{table}");
    let exempt = ("DIRECT", "environment: exempt by \"spotme.com\"");
    assert!(ways(&table, "core").contains(&exempt), "{table}");
    assert_eq!(ways(&table, "analytics"), [("http://10.20.0.1:3128", "environment")], "{table}");
    assert_eq!(ways(&table, "ingest"), [("DIRECT", "no proxy setting is for it")], "{table}");
}
