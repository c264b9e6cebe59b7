//! The rules of `netcheck allowlist`, loaded by the programs they are for.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

const PROFILES: [&str; 3] = ["spotme", "teams", "zoom"];

fn rules(format: &str) -> String {
    rules_of("spotme", format)
}

fn rules_of(profile: &str, format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_netcheck"))
        .args(["allowlist", "--profile", profile, "--format", format])
        .output()
        .unwrap();
    assert!(output.status.success(), "{profile} {format}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a program says of a file with these contents; it has to accept it.
fn accepted(program: &[&str], text: &str, name: &str) -> String {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, text).unwrap();
    let output = Command::new(program[0]).args(&program[1..]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{program:?}: {}\n{text}", said(&output));
    said(&output)
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn nft_loads_the_table_and_keeps_every_rule() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("rules.nft");
    fs::write(&file, rules("nftables")).unwrap();
    // A network namespace of its own: nothing of this machine's rules is touched.
    let script = format!("nft -f '{0}' && nft list table inet netcheck", file.display());
    let output = Command::new("unshare").args(["-Urn", "sh", "-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let table = said(&output);
    for part in [
        "set ingest_4",
        "17.0.0.0/8",
        "dport 10000-10050",
        "ip saddr 198.2.132.142",
        "@apns_4 tcp dport { 443, 2197, 5223 }",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

#[test]
fn squid_accepts_every_profile_without_a_warning() {
    for profile in PROFILES {
        let text =
            format!("{}\nhttp_access deny all\nhttp_port 127.0.0.1:3128\n", rules_of(profile, "squid"));
        let said = accepted(&["squid", "-k", "parse", "-f"], &text, "squid.conf");
        for bad in ["WARNING", "ERROR", "FATAL"] {
            assert!(!said.contains(bad), "{profile}: {said}");
        }
    }
}

#[test]
fn nft_loads_every_profile_twice_and_doubles_nothing() {
    for profile in PROFILES {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("rules.nft");
        fs::write(&file, rules_of(profile, "nftables")).unwrap();
        let (file, list) = (file.display(), "nft list table inet netcheck");
        let script = format!(
            "nft -c -f '{file}' && nft -f '{file}' && {list} && echo AGAIN && nft -f '{file}' && {list}"
        );
        let output = Command::new("unshare").args(["-Urn", "sh", "-c", &script]).output().unwrap();
        assert!(output.status.success(), "{profile}: {}", said(&output));
        let text = said(&output);
        let (once, twice) = text.split_once("AGAIN\n").unwrap();
        assert_eq!(once, twice, "{profile}");
    }
}

#[test]
fn dnsmasq_accepts_the_lines_that_fill_the_sets() {
    for profile in PROFILES {
        let rules = rules_of(profile, "nftables");
        let lines: Vec<&str> = rules.lines().filter_map(|line| line.strip_prefix("#   nftset=")).collect();
        assert!(!lines.is_empty(), "{profile}");
        let text: String = lines.iter().map(|line| format!("nftset={line}\n")).collect();
        accepted(&["dnsmasq", "--test", "-C"], &text, "dnsmasq.conf");
    }
}

#[test]
fn a_proxy_script_sends_the_platform_direct_with_and_without_a_trailing_dot() {
    // The one function of a browser's that the script calls.
    const BROWSER: &str = "function dnsDomainIs(host, domain) { return host.endsWith(domain); }\n";
    const ASK: &str = "\nfor (const host of process.argv.slice(2)) console.log(FindProxyForURL('https://' + host + '/', host));\n";
    for (profile, own) in
        [("spotme", "www.spotme.com"), ("teams", "teams.microsoft.com"), ("zoom", "us02web.zoom.us")]
    {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("proxy.js");
        fs::write(&file, format!("{BROWSER}{}{ASK}", rules_of(profile, "pac"))).unwrap();
        let hosts = [own.to_owned(), format!("{own}."), own.to_uppercase(), format!("not-{own}.example")];
        let output = Command::new("node").arg(&file).args(&hosts).output().unwrap();
        let text = said(&output);
        let ways: Vec<&str> = text.lines().collect();
        assert_eq!(ways, ["DIRECT", "DIRECT", "DIRECT", "PROXY proxy.example.com:3128"], "{profile}");
    }
}

#[test]
fn spreadsheets_and_programs_read_every_destination_by_itself() {
    const READ: &str = "import csv,json,sys\n\
        rows=list(csv.DictReader(open(sys.argv[1]+'.csv',newline='')))\n\
        rules=json.load(open(sys.argv[1]+'.json'))\n\
        peers={row['peer'] for row in rows}\n\
        wanted={to for rule in rules for to in rule['from' if rule['direction']=='in' else 'to']}\n\
        assert peers==wanted, peers^wanted\n\
        assert not any('{' in peer for peer in peers), peers\n\
        assert all(row['transport'] in ('TCP','UDP') and row['ports'] for row in rows)\n";
    for profile in PROFILES {
        let folder = TempDir::new().unwrap();
        let base = folder.path().join("rules");
        for format in ["csv", "json"] {
            fs::write(base.with_extension(format), rules_of(profile, format)).unwrap();
        }
        let output = Command::new("python3").args(["-c", READ]).arg(&base).output().unwrap();
        assert!(output.status.success(), "{profile}: {}", said(&output));
    }
}

#[test]
fn forms_without_a_free_parser_have_their_structure() {
    for profile in PROFILES {
        let asa = rules_of(profile, "cisco-acl");
        let mut objects: Vec<&str> = asa.lines().filter(|line| line.starts_with("object network ")).collect();
        let count = objects.len();
        objects.sort_unstable();
        objects.dedup();
        assert_eq!(objects.len(), count, "{profile}: an object is there twice");
        assert!(asa.contains("access-group NETCHECK in interface"), "{profile}");
        for line in asa.lines().filter(|line| line.contains(" object NETCHECK-")) {
            let name = line.split(" object ").nth(1).unwrap().split(' ').next().unwrap();
            assert!(asa.contains(&format!("object network {name}\n")), "{profile}: {line}");
        }
        let fortinet = rules_of(profile, "fortinet");
        assert_eq!(fortinet.matches("\nconfig ").count() + usize::from(fortinet.starts_with("config ")), 3);
        assert_eq!(fortinet.matches("\nend\n").count(), 3, "{profile}");
        assert_eq!(fortinet.matches("  edit ").count(), fortinet.matches("\n  next\n").count(), "{profile}");
        assert!(fortinet.contains("set nat enable") && fortinet.contains("above policies"), "{profile}");
        let urls = rules_of(profile, "paloalto-edl");
        for part in urls.split("\n## ").skip(1) {
            let (policy, entries) = part.split_once('\n').unwrap();
            assert!(policy.starts_with("outbound, "), "{policy}");
            let lines: Vec<&str> = entries.lines().filter(|line| line.ends_with('/')).collect();
            let unique: std::collections::BTreeSet<&&str> = lines.iter().collect();
            assert_eq!(unique.len(), lines.len(), "{profile}: {policy}");
        }
    }
}
