//! Browser-sized ClientHellos over healthy networks that are hard on them: none may be said to lose them for their size.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::world::ends_with_parent;
use crate::world::probe::tools;

/// A network in which nothing drops a packet for its size, or for what it holds.
struct Hard {
    name: &'static str,
    faults: &'static str,
    /// Flags of the tools.
    flags: &'static [&'static str],
    /// Whether there is QUIC: a proxy carries none, and the lab's server has IPv4 alone.
    quic: bool,
}

const LOSS: &str = "[[rules]]\nat = \"router2\"\nforward = [\"numgen random mod 100 < 20 drop\"]\n";
const LOSS_BOTH: &str = "[world]\nv6 = true\n\
     [[rules]]\nat = \"router2\"\nforward = [\"numgen random mod 100 < 20 drop\"]\n";
const FAR: &str = "[[inline]]\nat = \"router2\"\ndoes = { delay = 320 }\n";
const NARROW: &str = "[world]\nv6 = true\n[[rules]]\nat = \"router2\"\nip = [\"link set outer mtu 1280\"]\n\
     [[rules]]\nat = \"inet\"\nip = [\"link set eth0 mtu 1280\"]\n";
const PROXY: &str = "env = { https_proxy = \"http://10.20.0.1:3128\", all_proxy = \"http://10.20.0.1:3128\" }\n[proxy]\n\
     [[rules]]\nat = \"router1\"\nforward = [\"meta l4proto { tcp, udp } drop\"]\n";
const PROXY_LOSS: &str = "env = { https_proxy = \"http://10.20.0.1:3128\", all_proxy = \"http://10.20.0.1:3128\" }\n[proxy]\n\
     [[rules]]\nat = \"router2\"\nforward = [\"numgen random mod 100 < 20 drop\"]\n";

const NETWORKS: [Hard; 9] = [
    Hard { name: "20 % loss", faults: LOSS, flags: &["-4"], quic: true },
    Hard { name: "20 % loss, IPv6", faults: LOSS_BOTH, flags: &["-6"], quic: false },
    Hard { name: "640 ms", faults: FAR, flags: &["-4", "--timeout", "10"], quic: true },
    Hard { name: "MTU 1280 behind hop 2", faults: NARROW, flags: &["-4"], quic: true },
    Hard { name: "MTU 1280 behind hop 2, IPv6", faults: NARROW, flags: &["-6"], quic: false },
    Hard { name: "IPv6", faults: "[world]\nv6 = true\n", flags: &["-6"], quic: false },
    Hard { name: "CONNECT", faults: PROXY, flags: &[], quic: false },
    Hard { name: "CONNECT, 20 % loss behind the proxy", faults: PROXY_LOSS, flags: &[], quic: false },
    Hard { name: "20 % loss, a timeout of 2 s", faults: LOSS, flags: &["-4", "--timeout", "2"], quic: true },
];

/// What is checked, by tool; each has IPv4 and IPv6 addresses.
const TCP: [(&str, &[&str]); 2] = [
    ("check-tcp", &["https://www.spotme.com/", "https://code.highcharts.com/", "tls://streamyard.com:443"]),
    ("check-wss", &["wss://backstage.spotme.com/"]),
];
const QUIC: (&str, &[&str]) = ("check-udp", &["quic://www.spotme.com"]);

/// What several runs in one network came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The network.
    pub network: &'static str,
    /// Targets checked.
    pub targets: usize,
    /// Targets that passed.
    pub passed: usize,
    /// Causes of the others that speak of a size: each is a false alarm.
    pub false_alarms: Vec<String>,
}

/// Checks the targets that often in each network, in a world of its own each time.
///
/// # Errors
/// A world cannot be built, or a tool wrote no record.
pub fn run(runs: usize, mut tell: impl FnMut(&Row) -> io::Result<()>) -> io::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let lab = tools()?.join("netcheck-lab");
    let mut rows = Vec::new();
    for (number, hard) in NETWORKS.iter().enumerate() {
        let name = format!("hard-{number}");
        let scenario = format!("sentence = \"{}.\"\n{}", hard.name, hard.faults);
        fs::write(folder.path().join(format!("{name}.toml")), scenario)?;
        let mut row = Row { network: hard.name, ..Row::default() };
        for _ in 0..runs {
            for record in hard.check(&lab, folder.path(), &name)? {
                row.add(&record);
            }
        }
        tell(&row)?;
        rows.push(row);
    }
    Ok(rows)
}

impl Hard {
    fn check(&self, lab: &Path, folder: &Path, name: &str) -> io::Result<Vec<Value>> {
        let mut records = Vec::new();
        for (tool, targets) in TCP.iter().chain(self.quic.then_some(&QUIC)) {
            let output = ends_with_parent(lab)
                .env("NETCHECK_SCENARIOS", folder)
                .args(["run", name, "--"])
                .arg(tools()?.join(tool))
                .args(["--public-roots", "/run/lab/roots.pem", "--format", "json"])
                .args(self.flags)
                .args(*targets)
                .output()?;
            let lines = String::from_utf8_lossy(&output.stdout);
            let found: Vec<Value> =
                lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            if found.len() != targets.len() {
                let error_text = String::from_utf8_lossy(&output.stderr);
                return Err(io::Error::other(format!("{tool}: {} records: {error_text}", found.len())));
            }
            records.extend(found);
        }
        Ok(records)
    }
}

impl Row {
    fn add(&mut self, record: &Value) {
        self.targets += 1;
        self.passed += usize::from(record["verdict"] == "pass");
        if let Some(cause @ ("large_hello" | "mtu_blackhole")) = record["cause"]["code"].as_str() {
            let evidence = record["cause"]["evidence"].to_string();
            self.false_alarms.push(format!("{}: {cause} {evidence}", record["target"]));
        }
    }

    /// A row of the table in docs/evidence/SERIES.md, and the false alarms.
    #[must_use]
    pub fn markdown(&self) -> String {
        let alarms: String = self.false_alarms.iter().map(|alarm| format!("  {alarm}\n")).collect();
        format!(
            "| {} | {} | {} | {} |\n{alarms}",
            self.network,
            self.targets,
            self.passed,
            self.false_alarms.len()
        )
    }
}
