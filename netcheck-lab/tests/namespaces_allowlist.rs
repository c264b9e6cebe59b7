//! The published list is sufficient: what `netcheck allowlist` writes, loaded by nftables and by squid that let nothing
//! else through, lets the whole of the platform through; and a list without one entry fails that row, with its fix.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What came of a check behind the list.
struct Found {
    code: Option<i32>,
    table: String,
    records: Vec<Value>,
}

/// Checks the platform behind the list that `script` loads, once `edit` has changed it.
fn behind(script: &str, edit: &str) -> Found {
    let lab = Path::new(env!("CARGO_BIN_EXE_netcheck-lab"));
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/allowlist");
    let output = Command::new(lab)
        .args(["run", "healthy", "--", "sh"])
        .arg(scripts.join(script))
        .args([lab.parent().unwrap().as_os_str(), edit.as_ref()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let records = String::from_utf8_lossy(&output.stdout);
    Found {
        code: output.status.code(),
        table: String::from_utf8_lossy(&output.stderr).into_owned(),
        // The lines that begin and end the run are no records.
        records: records
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["check"].is_string())
            .collect(),
    }
}

impl Found {
    /// How many records of each row cannot be used, where they count or do not.
    fn blocked(&self, required: bool) -> BTreeMap<&str, usize> {
        let mut rows = BTreeMap::new();
        for record in &self.records {
            let usable = record["verdict"] == "pass" || record["verdict"] == "degraded";
            if !usable && record["labels"]["required"] == required {
                *rows.entry(record["labels"]["row"].as_str().unwrap()).or_default() += 1;
            }
        }
        rows
    }

    fn rows(&self) -> BTreeSet<&str> {
        self.records.iter().filter_map(|record| record["labels"]["row"].as_str()).collect()
    }

    fn fixes(&self, row: &str) -> BTreeSet<&str> {
        let own = self.records.iter().filter(|record| record["labels"]["row"] == row);
        own.filter_map(|record| record["cause"]["fix"].as_str()).collect()
    }
}

#[test]
fn everything_works_behind_a_firewall_that_permits_the_list_and_nothing_else() {
    let found = behind("firewall.sh", "");
    assert_eq!(found.code, Some(0), "{}", found.table);
    assert_eq!(found.rows().len(), 13 + 1, "13 rows and the controls: {:?}", found.rows());
    assert!(found.records.len() > 200, "{}", found.table);
    assert!(found.blocked(true).is_empty(), "{}", found.table);
    // What the list does not name is what the firewall drops: the controls, and the sender side of Android's push.
    assert_eq!(found.blocked(false), BTreeMap::from([("controls", 4), ("fcm", 1)]), "{}", found.table);
    assert!(
        found.table.contains("advisory, not counted: fcm-api://fcm.googleapis.com:443"),
        "{}",
        found.table
    );
}

#[test]
fn the_web_works_through_a_proxy_that_permits_the_list_and_nothing_else() {
    let found = behind("proxy.sh", "");
    assert_eq!(found.code, Some(0), "{}", found.table);
    assert_eq!(found.rows().len(), 9, "{:?}", found.rows());
    assert!(found.records.iter().all(|record| record["path"]["via"] == "proxy"));
    assert!(found.records.iter().all(|record| record["verdict"] == "pass"), "{}", found.table);
}

#[test]
fn a_firewalls_list_without_one_entry_fails_that_row_and_no_other() {
    let found = behind("firewall.sh", "/@guides_4 /d");
    assert_eq!(found.code, Some(1), "{}", found.table);
    assert_eq!(found.blocked(true), BTreeMap::from([("guides", 2)]), "{}", found.table);
    let hosts =
        ["fast", "images"].map(|host| format!("Allow TCP 443 to {host}.appcues.com (HTTPS over TCP)."));
    assert_eq!(found.fixes("guides"), hosts.iter().map(String::as_str).collect());
    assert!(found.table.contains("Allow outbound TCP 443 to *.appcues.com"), "{}", found.table);
}

#[test]
fn a_proxys_list_without_one_entry_fails_that_row_and_no_other() {
    let found = behind("proxy.sh", "/^http_access allow netcheck_charts /d");
    assert_eq!(found.code, Some(1), "{}", found.table);
    assert_eq!(found.blocked(true), BTreeMap::from([("charts", 2)]), "{}", found.table);
    for record in found.records.iter().filter(|record| record["labels"]["row"] == "charts") {
        assert_eq!(record["failure"]["code"], "proxy.denied", "{record}");
        assert_eq!(record["cause"]["code"], "proxy_policy", "{record}");
    }
    assert!(
        found
            .fixes("charts")
            .iter()
            .all(|fix| fix.contains("highcharts.com") && fix.contains("10.20.0.1:3128"))
    );
}
