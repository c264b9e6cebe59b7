//! The programs for Windows under wine, beside those of this system in the same networks: the same verdicts and codes, and
//! no cause that is wrong. `NETCHECK_WINDOWS` names a folder of programs that are built already.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set its stage has failed")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use netcheck_lab::world::probe::{Found, Said, tools};
use netcheck_lab::world::scenario::Scenario;
use serde_json::Value;
use tempfile::TempDir;

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");
/// Debian's wine for 64-bit programs.
const WINE: &str = "/usr/lib/wine/wine64";
const WINESERVER: &str = "/usr/lib/wine/wineserver64";
const PACKAGES: &str = include_str!("../packages-windows.txt");

/// Networks whose probes all have the same verdict and code where the system tells nothing of ICMP and distances.
const NETWORKS: [&str; 15] = [
    "healthy",
    "default-deny",
    "destination-dropped-hop2",
    "drop-hop2",
    "reset-hop1",
    "http-reset",
    "inspection-untrusted",
    "inspection-trusted",
    "dns-nxdomain",
    "dns-refused",
    "block-page-http",
    "proxy-denied",
    "healthy-proxy",
    "net-unreachable",
    "service-expired",
];

/// wine 8 lacks what the standard library takes random numbers from.
const RANDOM: &str = "#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T length) { return SystemFunction036(to, (ULONG)length); }
";

/// Starts a program for Windows. Each network has a registry and a server of its own, because the server owns the sockets; the
/// first one to come makes them. The files of Windows are shared.
const STARTER: &str = r#"#!/bin/sh
if [ -z "$WINEPREFIX" ]; then
    export WINEPREFIX=/run/wine
    exec 9> /run/wine.lock
    flock 9
    if [ ! -d /run/wine ]; then
        mkdir /run/wine
        # Windows has a store of its own: wine fills it from this file.
        [ -z "$SSL_CERT_FILE" ] || mount --bind "$SSL_CERT_FILE" /etc/ssl/certs/ca-certificates.crt
        cp @PREFIX@/*.reg @PREFIX@/.update-timestamp /run/wine/
        cp -a @PREFIX@/dosdevices /run/wine/
        ln -s @PREFIX@/drive_c /run/wine/drive_c
        @SERVER@ -p > /dev/null 2>&1 < /dev/null 9>&-
        @WINE@ wineboot > /dev/null 2>&1 < /dev/null 9>&-
    fi
    exec 9>&-
fi
unset SSL_CERT_FILE SSL_CERT_DIR
exec @WINE@ @FOLDER@/"${0##*/}".exe "$@"
"#;

/// The programs for Windows, and what starts each by its name.
struct Windows {
    folder: TempDir,
}

impl Windows {
    /// Builds the programs and a prefix of wine's, once for all tests.
    fn get() -> &'static Windows {
        static WINDOWS: OnceLock<Windows> = OnceLock::new();
        WINDOWS.get_or_init(Windows::make)
    }

    fn make() -> Windows {
        let packages = PACKAGES.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(" ");
        assert!(Path::new(WINE).is_file(), "this test needs these Debian packages: {packages}");
        let folder = TempDir::new().unwrap();
        let programs = match env::var_os("NETCHECK_WINDOWS") {
            Some(folder) => PathBuf::from(folder),
            None => built(&folder.path().join("release")),
        };
        let own = folder.path().join("bin");
        let starters = folder.path().join("starters");
        fs::create_dir(&own).unwrap();
        fs::create_dir(&starters).unwrap();
        fs::write(folder.path().join("random.c"), RANDOM).unwrap();
        let mut compiler = Command::new("x86_64-w64-mingw32-gcc");
        compiler.args(["-shared", "-o"]).arg(own.join("bcryptprimitives.dll"));
        said(compiler.arg(folder.path().join("random.c")).arg("-ladvapi32"));
        let prefix = folder.path().join("prefix");
        let mut boot = Command::new(WINE);
        boot.args(["wineboot", "--init"]).env("WINEPREFIX", &prefix);
        said(quiet(&mut boot));
        // What the first start writes is written when the last program has left.
        said(quiet(Command::new(WINESERVER).arg("-w").env("WINEPREFIX", &prefix)));
        let text = |path: &Path| path.display().to_string();
        let starter = STARTER
            .replace("@PREFIX@", &text(&prefix))
            .replace("@FOLDER@", &text(&own))
            .replace("@WINE@", WINE)
            .replace("@SERVER@", WINESERVER);
        for name in
            ["netcheck", "check-mail", "check-push", "check-rtmps", "check-tcp", "check-udp", "check-wss"]
        {
            fs::copy(programs.join(format!("{name}.exe")), own.join(format!("{name}.exe"))).unwrap();
            let file = starters.join(name);
            fs::write(&file, &starter).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Windows { folder }
    }

    /// What starts the programs, by the names that they have on other systems.
    fn starters(&self) -> PathBuf {
        self.folder.path().join("starters")
    }

    /// One of the programs, outside all namespaces.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.starters().join(name));
        quiet(command.env("WINEPREFIX", self.folder.path().join("prefix")));
        command
    }
}

/// The programs of a release, unpacked.
fn built(release: &Path) -> PathBuf {
    let mut dist = Command::new(XTASK);
    dist.args(["dist", "--target", "x86_64-pc-windows-gnu", "--profile", "quick", "--out"]);
    said(dist.arg(release));
    let name = format!("netcheck-{}-x86_64-pc-windows-gnu", env!("CARGO_PKG_VERSION"));
    assert!(release.join(format!("{name}.zip")).is_file());
    release.join(name).join("bin")
}

/// wine without windows, without its own words.
fn quiet(command: &mut Command) -> &mut Command {
    command
        .env("WINEDEBUG", "-all")
        .env("WINEDLLOVERRIDES", "mscoree,mshtml,winemenubuilder.exe=")
        .env("WINESERVER", WINESERVER)
        .env_remove("DISPLAY")
        .stdin(Stdio::null())
}

/// Runs a command that has to succeed; what it prints.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}{stderr}", output.status);
    stdout.into_owned()
}

/// A command of the lab that takes the tools from a folder.
fn lab(tools_of: &Path, arguments: &[&str]) -> Output {
    let mut lab = Command::new(tools().unwrap().join("netcheck-lab"));
    lab.args(arguments).env("NETCHECK_TOOLS", tools_of);
    quiet(&mut lab).output().unwrap()
}

/// What the tools in a folder find in a network.
fn found(tools_of: &Path, network: &str) -> Vec<Found> {
    let output = lab(tools_of, &["probe", network]);
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("{network}: {why}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What the records of a run say, by their targets.
fn by_target(found: &Found) -> BTreeMap<String, Said> {
    let target = |record: &Value| record["target"].as_str().unwrap_or_default().to_owned();
    found.records.iter().map(|record| (target(record), Said::by(record))).collect()
}

/// Whether verdict and code are the same. wine 8 takes a reset of an open connection for its end.
fn alike(here: &Said, there: &Said) -> bool {
    let code = |said: &Said| said.failure.clone().unwrap_or_default();
    let same = code(here) == code(there) || code(here).replace(".reset", ".closed") == code(there);
    same && here.verdict == there.verdict
}

#[test]
fn every_target_has_the_same_verdict_and_code_on_windows_and_no_cause_that_is_wrong() {
    let windows = Windows::get();
    let mut faults = Vec::new();
    for network in NETWORKS {
        let scenario = Scenario::read(network).unwrap();
        let (here, there) = (found(&tools().unwrap(), network), found(&windows.starters(), network));
        for ((probe, here), there) in scenario.probes.iter().zip(&here).zip(&there) {
            let (ours, theirs) = (by_target(here), by_target(there));
            if ours.is_empty() || !ours.keys().eq(theirs.keys()) {
                faults.push(format!("{network}: {}: {} / {}", probe.run, here.error_text, there.error_text));
            }
            for (target, said) in &theirs {
                let Some(known) = ours.get(target) else { continue };
                // wine 8 lacks an option of sockets that QUIC needs: it is said, and nothing is concluded from it.
                if target.starts_with("quic:") && said.words() == "inconclusive internal" {
                    continue;
                }
                let same = alike(known, said);
                // Another cause than the one that is found here has to be one that claims to know nothing.
                let honest = said.cause == known.cause
                    || matches!(said.cause.as_deref(), None | Some("unknown"))
                    || said.confidence.as_deref() == Some("low");
                if !same || !honest || said.unfounded(probe).is_some() {
                    faults.push(format!(
                        "{network}: {target}: {} there, {} here",
                        said.words(),
                        known.words()
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_hop_that_drops_all_packets_to_an_address_is_named_on_windows() {
    let all = found(&Windows::get().starters(), "destination-dropped-hop2");
    let dropped = by_target(&all[0]);
    let said: Vec<String> = dropped.values().map(Said::words).collect();
    assert_eq!(said, ["fail tcp.timeout firewall_drop (low) @10.30.0.2"]);
}

#[test]
fn a_whole_check_on_windows_ends_with_the_same_statuses() {
    let windows = Windows::get();
    let check = |tools_of: &Path| {
        let (netcheck, output) = (tools_of.join("netcheck").display().to_string(), "/run/lab/netcheck.jsonl");
        let folder = if tools_of == windows.starters() {
            windows.folder.path().join("bin").display().to_string()
        } else {
            tools_of.display().to_string()
        };
        let roots = ["--public-roots", "/run/lab/roots.pem", "--apple-roots", "/run/lab/apple.pem"];
        let check = [
            &["run", "drop-hop2", "--", &netcheck, "check", "--tools", &folder, "--output", output],
            &roots[..],
        ];
        let output = lab(tools_of, &check.concat());
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), statuses(&text), text + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, here, said_here) = check(&tools().unwrap());
    let (code_there, there, said_there) = check(&windows.starters());
    assert_eq!((code_there, &there), (code, &here), "here:\n{said_here}\nthere:\n{said_there}");
    assert!(here.len() > 5, "{said_here}");
}

/// The lines of the table: each with a requirement and its status.
fn statuses(text: &str) -> Vec<String> {
    let status = ["works with limits", "does not work", "not known", "works"];
    let line = |line: &str| {
        let found = status.into_iter().find(|status| line.contains(status))?;
        Some(format!("{} {found}", line.split_whitespace().next()?))
    };
    text.lines().filter_map(line).collect()
}

#[test]
fn an_installation_on_windows_passes_its_own_test() {
    let told = said(Windows::get().program("netcheck").arg("self-test"));
    let last = told.lines().last().unwrap_or_default();
    assert!(last.contains("steps passed"), "{told}");
}
