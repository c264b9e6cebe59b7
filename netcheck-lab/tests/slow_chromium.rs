//! Headless Chromium and netcheck in one network: the requirements that fail and those that work are the same ones.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should end")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use netcheck_lab::world::probe::tools;
use serde_json::Value;

/// The requirements, each with its one target: two sites of two zones, one in the clear, one WebSocket.
const TARGETS: [(&str, &str); 5] = [
    ("site", "https://www.spotme.com/"),
    ("studio", "https://streamyard.com/"),
    ("charts", "https://code.highcharts.com/"),
    ("clear", "http://captive.apple.com/"),
    ("chat", "wss://nexus-websocket-a.intercom.io/"),
];

/// Middleboxes: what each drops or resets, as a scenario has it, and the requirements that work nevertheless.
const MIDDLEBOXES: [(&str, &str, &[&str]); 7] = [
    ("nothing", "", &["site", "studio", "charts", "clear", "chat"]),
    (
        "ClientHellos of more than 1,024 bytes",
        "[[inline]]\nat = 'router2'\nmatching = '-p tcp'\ndoes = { drop-hello = { longer = 1024 } }\n",
        &["clear"],
    ),
    (
        "ClientHellos that span two segments",
        "[[inline]]\nat = 'router2'\nmatching = '-p tcp'\ndoes = { drop-hello = 'split' }\n",
        &["clear"],
    ),
    (
        "the group X25519MLKEM768",
        "[[rules]]\nat = 'router2'\niptables = ['-A FORWARD -p tcp --dport 443 -m string --algo bm --hex-string |11ec04c0| -j REJECT --reject-with tcp-reset']\n",
        &["clear"],
    ),
    (
        "ALPN h2",
        "[[rules]]\nat = 'router2'\niptables = ['-A FORWARD -p tcp --dport 443 -m string --algo bm --hex-string |000c02683208| -j REJECT --reject-with tcp-reset']\n",
        &["clear", "chat"],
    ),
    (
        "names that are spotme.com or below it",
        "[[inline]]\nat = 'router2'\nmatching = '-p tcp --dport 443'\n\
         does = { drop-named = { how = 'suffix', name = 'spotme.com', ignore_case = true } }\n",
        &["studio", "charts", "clear", "chat"],
    ),
    (
        "the Host captive.apple.com",
        "[[rules]]\nat = 'router2'\niptables = ['-A FORWARD -p tcp --dport 80 -m string --algo bm --icase --string captive.apple.com -j DROP']\n",
        &["site", "studio", "charts", "chat"],
    ),
];

/// How many networks are built at once.
const AT_ONCE: usize = 2;

/// Both in the client's place: netcheck first, then the browser until it has told what it reached.
const BOTH: &str = r#"
"$TOOLS/netcheck" check --profile "$FOLDER/profile.toml" --output "$LAB/run.jsonl" --tools "$TOOLS" \
    --public-roots "$LAB/roots.pem" --apple-roots "$LAB/apple.pem" >&2
"$TOOLS/netcheck" report "$LAB/run.jsonl" --format json
printf '\n'
sed -n '/REACHED \[/{p;q}' < <(chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --disable-quic --ignore-certificate-errors \
    --user-data-dir="$LAB/chromium" --enable-logging=stderr "file://$PAGE#$TARGETS" 2>&1)
"#;

fn profile() -> String {
    let mut text = String::from("format = 1\nname = \"browser\"\n");
    for (name, target) in TARGETS {
        let _ = write!(
            text,
            "[[row]]\nname = \"{name}\"\nfunction = \"{name}\"\nrole = \"all\"\nsource = \"test\"\n\
             [[row.probe]]\ntarget = \"{target}\"\n"
        );
    }
    text
}

/// What netcheck says that works, and what the browser reached.
fn ask(folder: &Path, number: usize, faults: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let name = format!("browser-{number}");
    fs::write(folder.join(format!("{name}.toml")), format!("sentence = \"A middlebox.\"\n{faults}")).unwrap();
    let targets: Vec<&str> = TARGETS.iter().map(|(_, target)| *target).collect();
    let output = Command::new(env!("CARGO_BIN_EXE_netcheck-lab"))
        .env("NETCHECK_SCENARIOS", folder)
        .env("FOLDER", folder)
        .env("TOOLS", tools().unwrap())
        .env("PAGE", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/reached.html"))
        .env("TARGETS", targets.join("%20"))
        .args(["run", &name, "--", "bash", "-c", BOTH])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, error_text) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let (report, console) =
        said.split_once("REACHED ").unwrap_or_else(|| panic!("no answer: {said}{error_text}"));
    let report = report.rsplit_once('\n').unwrap().0;
    let report: Value =
        serde_json::from_str(report).unwrap_or_else(|why| panic!("{why}: {said}{error_text}"));
    let works = |name: &str| {
        let all = report["requirements"].as_array().unwrap();
        let status = all.iter().find(|one| one["name"] == name).unwrap()["status"].as_str().unwrap();
        assert!(matches!(status, "works" | "does not work"), "{name}: {status}");
        status == "works"
    };
    let reached = console.split_once(']').unwrap().0;
    let reached: Vec<bool> = serde_json::from_str(&format!("{reached}]")).unwrap();
    let names = TARGETS.map(|(name, _)| name);
    (
        names.into_iter().filter(|name| works(name)).collect(),
        names.into_iter().zip(reached).filter_map(|(name, reached)| reached.then_some(name)).collect(),
    )
}

#[test]
fn the_same_requirements_work_for_chromium_and_for_netcheck() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("profile.toml"), profile()).unwrap();
    let numbered: Vec<_> = MIDDLEBOXES.iter().enumerate().collect();
    for some in numbered.chunks(AT_ONCE) {
        thread::scope(|scope| {
            for (number, (what, faults, working)) in some {
                let folder = folder.path();
                scope.spawn(move || {
                    let (ours, browser) = ask(folder, *number, faults);
                    assert_eq!((&ours[..], &browser[..]), (*working, *working), "{what}: netcheck, Chromium");
                });
            }
        });
    }
}
