//! The rules of `netcheck allowlist`, loaded by the programs they are for.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

fn rules(format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_netcheck"))
        .args(["allowlist", "--format", format])
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
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
fn squid_accepts_the_configuration_without_a_warning() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("squid.conf");
    let text = format!("{}\nhttp_access deny all\nhttp_port 127.0.0.1:3128\n", rules("squid"));
    fs::write(&file, text).unwrap();
    let output = Command::new("squid").args(["-k", "parse", "-f"]).arg(&file).output().unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    for bad in ["WARNING", "ERROR", "FATAL"] {
        assert!(!said.contains(bad), "{said}");
    }
}
