//! The container images and the release archive: what is in them, and that they do their job under podman with no right.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const XTASK: &str = env!("CARGO_BIN_EXE_xtask");
/// Everything an engine can take away; the limits are no more than any machine gives.
const LOCKED: &[&str] = &[
    "--read-only",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1024:1024",
];
/// One probe for each tool, and the verdict that a healthy network gives it.
const PROBES: &[(&str, &str)] = &[
    ("check-tcp", "https://www.spotme.com/"),
    ("check-wss", "wss://backstage.spotme.com/"),
    ("check-rtmps", "rtmps://eu-channel.spotme.com:10000"),
    ("check-udp", "stun://hlg.tokbox.com:443"),
    ("check-push", "apns://1-courier.push.apple.com:5223"),
    ("check-mail", "sender://spotme.com"),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a command that has to succeed.
fn said(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", text(&output.stderr));
    text(&output.stdout)
}

fn xtask(arguments: &[&str], folder: &Path) -> String {
    said(Command::new(XTASK).args(arguments).arg(folder).args(["--profile", "quick"]))
}

/// A network in which nothing is broken, kept by a process until this is dropped.
struct Lab {
    keeper: Child,
    pid: u32,
    files: TempDir,
}

impl Lab {
    fn healthy() -> Lab {
        let program = Path::new(XTASK).with_file_name("netcheck-lab");
        // The keeper tells its number as this machine sees it, and lives until its input ends.
        let script = "read pid rest < /proc/self/stat; echo $pid; exec cat";
        let mut keeper = Command::new(program)
            .args(["run", "healthy", "--", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pid: u32 = line.trim().parse().unwrap();
        let files = TempDir::new().unwrap();
        for name in ["roots.pem", "apple.pem", "resolv.conf"] {
            let from = format!("/proc/{pid}/root/run/lab/{name}");
            fs::copy(from, files.path().join(name)).unwrap();
        }
        Lab { keeper, pid, files }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// An engine with a store of its own, gone with it.
struct Engine(TempDir);

impl Engine {
    fn new() -> Engine {
        Engine(TempDir::new().unwrap())
    }

    fn podman(&self) -> Command {
        let mut podman = Command::new("podman");
        let folder = |name: &str| self.0.path().join(name);
        podman.arg("--root").arg(folder("store")).arg("--runroot").arg(folder("run"));
        podman.args(["--storage-driver=vfs", "--runtime=runc", "--cgroup-manager=cgroupfs"]);
        podman
    }

    /// The image of an archive.
    fn load(&self, archive: &Path) -> String {
        let from = format!("oci-archive:{}", archive.display());
        said(self.podman().args(["pull", "--quiet", &from])).trim().to_owned()
    }

    /// Runs an image in a network, with nothing it could do without.
    fn run(&self, lab: &Lab, image: &str, arguments: &[&str]) -> Output {
        let files = lab.files.path().display();
        let calls = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("deploy/seccomp/netcheck.json");
        let mut run = self.podman();
        run.args(["run", "--rm", "--pull=never"]).args(LOCKED);
        run.arg(format!("--security-opt=seccomp={}", calls.display()));
        run.arg(format!("--network=ns:/proc/{}/ns/net", lab.pid));
        run.arg(format!("--volume={files}:/lab:ro"));
        run.arg(format!("--volume={files}/resolv.conf:/etc/resolv.conf:ro"));
        run.arg(image).args(arguments).output().unwrap()
    }
}

fn records(output: &Output) -> Vec<Value> {
    let text = text(&output.stdout);
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    // The lines that begin and end a run are no records.
    lines.filter(|line| line["check"].is_string()).collect()
}

/// An OCI archive unpacked: its manifest, its configuration, and a listing of its one layer.
fn opened(archive: &Path) -> (Value, Value, Vec<String>) {
    let folder = TempDir::new().unwrap();
    said(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder.path()));
    let json = |path: PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
        folder.path().join("blobs").join(digest)
    };
    let index = json(folder.path().join("index.json"));
    let manifest = json(blob(&index["manifests"][0]));
    let config = json(blob(&manifest["config"]));
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 1);
    let listing = said(Command::new("tar").args(["--numeric-owner", "-tvzf"]).arg(blob(&layers[0])));
    // Mode, owner and name; sizes and times are another test's.
    let line = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        format!("{} {} {}", words[0], words[1], words[5])
    };
    (manifest.clone(), config, listing.lines().map(line).collect())
}

#[test]
fn images_are_the_same_twice_and_hold_programs_certificates_and_a_user_and_no_more() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let arguments = ["image", "--tool", "check-tcp", "--tool", "netcheck", "--out"];
    assert_eq!(xtask(&arguments, first.path()), xtask(&arguments, second.path()));
    for name in ["netcheck.oci.tar", "check-tcp.oci.tar", "SHA256SUMS"] {
        assert_eq!(
            fs::read(first.path().join(name)).unwrap(),
            fs::read(second.path().join(name)).unwrap(),
            "{name}"
        );
    }
    let (manifest, config, files) = opened(&first.path().join("check-tcp.oci.tar"));
    insta::assert_json_snapshot!("files of check-tcp", files);
    let mut settings = config["config"].clone();
    let labels = settings.as_object_mut().unwrap().remove("Labels").unwrap();
    insta::assert_json_snapshot!("settings of check-tcp", settings);
    assert_eq!(manifest["annotations"], labels);
    assert_eq!(labels["org.opencontainers.image.title"], "check-tcp");
    let (_, config, files) = opened(&first.path().join("netcheck.oci.tar"));
    assert_eq!(config["config"]["Entrypoint"][0], "/usr/bin/netcheck");
    assert_eq!(files.iter().filter(|file| file.contains("usr/bin/")).count(), 1 + 1 + PROBES.len());
}

#[test]
fn netcheck_in_a_container_without_rights_finds_a_healthy_network_healthy() {
    let folder = TempDir::new().unwrap();
    xtask(&["image", "--tool", "netcheck", "--out"], folder.path());
    let (lab, engine) = (Lab::healthy(), Engine::new());
    let image = engine.load(&folder.path().join("netcheck.oci.tar"));
    let roots = ["--public-roots", "/lab/roots.pem", "--apple-roots", "/lab/apple.pem"];
    let output = engine.run(&lab, &image, &[&["check", "--output", "-"], &roots[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("The event can run from here: everything the platform needs works.")
    );
    let passed = records(&output).iter().filter(|record| record["verdict"] == "pass").count();
    assert!(passed > 200, "{passed} passed");
}

#[test]
fn each_tool_in_an_image_of_its_own_makes_its_probe_and_icmp_says_what_it_lacks() {
    let folder = TempDir::new().unwrap();
    xtask(&["image", "--out"], folder.path());
    let (lab, engine) = (Lab::healthy(), Engine::new());
    for (tool, target) in PROBES {
        let image = engine.load(&folder.path().join(format!("{tool}.oci.tar")));
        let mut arguments = vec!["--public-roots", "/lab/roots.pem", target];
        if *tool == "check-push" {
            arguments.extend(["--apple-roots", "/lab/apple.pem"]);
        }
        let output = engine.run(&lab, &image, &arguments);
        let verdicts: Vec<_> = records(&output).iter().map(|record| record["verdict"].clone()).collect();
        assert_eq!(verdicts, ["pass"], "{tool}: {}{}", text(&output.stdout), text(&output.stderr));
        if *tool == "check-udp" {
            let output = engine.run(&lab, &image, &["icmp://198.2.132.142"]);
            let record = &records(&output)[0];
            assert_eq!((&record["verdict"], output.status.code()), (&"inconclusive".into(), Some(1)));
            assert_eq!(record["failure"]["code"], "icmp.not_permitted");
            assert!(record["cause"]["fix"].as_str().unwrap().contains("CAP_NET_RAW"), "{record}");
        }
    }
}

#[test]
fn the_dockerfile_makes_the_image_that_xtask_makes() {
    let folder = TempDir::new().unwrap();
    let own = ["image", "--tool", "check-tcp"];
    xtask(&[&own[..], &["--out"]].concat(), folder.path());
    xtask(&[&own[..], &["--rootfs"]].concat(), &folder.path().join("rootfs"));
    let engine = Engine::new();
    let ours = engine.load(&folder.path().join("check-tcp.oci.tar"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut build = engine.podman();
    build.args(["build", "--quiet", "--network=none", "--target=check-tcp"]);
    build.arg(format!("--build-context=build={}", folder.path().display())).arg(root);
    let built = said(&mut build).trim().to_owned();
    let format =
        "{{json .Config.User}} {{json .Config.Entrypoint}} {{json .Config.Cmd}} {{json .Config.Env}}";
    let settings = |image: &str| said(engine.podman().args(["image", "inspect", "--format", format, image]));
    assert_eq!(settings(&ours), settings(&built));
    let files = |image: &str| {
        let mounted = said(engine.podman().args(["image", "mount", image])).trim().to_owned();
        said(Command::new("find").args([&mounted, "-type", "f", "-printf", "%P %M %U:%G\n"]))
    };
    let sorted = |image: &str| {
        let text = files(image);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&ours), sorted(&built));
}

#[test]
fn the_release_archive_is_the_same_twice_and_complete() {
    let auditable = Command::new("cargo-auditable").args(["auditable", "--help"]).output().is_ok();
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let sum = xtask(&["dist", "--out"], first.path());
    assert_eq!(sum, xtask(&["dist", "--out"], second.path()));
    said(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(first.path()));
    let name = sum.split_whitespace().nth(1).unwrap().trim_end_matches(".tar.gz").to_owned();
    let release = first.path().join(name);
    for program in PROBES.iter().map(|(tool, _)| *tool).chain(["netcheck"]) {
        let version = said(Command::new(release.join("bin").join(program)).arg("--version"));
        assert!(version.starts_with(program), "{version}");
        // The section of cargo-auditable, from which a scanner reads what the program is made of.
        let mut listed = Command::new("grep");
        listed.args(["--quiet", "--text", "--fixed-strings", ".dep-v0"]);
        assert_eq!(
            listed.arg(release.join("bin").join(program)).status().unwrap().success(),
            auditable,
            "{program}"
        );
        let page = fs::read_to_string(release.join(format!("man/man1/{program}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH OPTIONS"), "{page}");
        let completions = release.join("completions");
        said(Command::new("bash").arg("-n").arg(completions.join("bash").join(program)));
        for file in [format!("zsh/_{program}"), format!("fish/{program}.fish")] {
            assert!(fs::read_to_string(completions.join(&file)).unwrap().contains(program), "{file}");
        }
    }
    assert!(release.join("man/man1/netcheck-profile-validate.1").is_file());
    let notices = fs::read_to_string(release.join("THIRD-PARTY.txt")).unwrap();
    for known in ["ring ", "rustls ", "webpki-roots ", "glibc ", "Permission is hereby granted"] {
        assert!(notices.contains(known), "{known}");
    }
    let bill: Value = serde_json::from_slice(&fs::read(release.join("sbom.json")).unwrap()).unwrap();
    let named: Vec<&Value> =
        bill["components"].as_array().unwrap().iter().map(|part| &part["bom-ref"]).collect();
    assert!(named.len() > 100, "{} components", named.len());
    for part in &bill["dependencies"].as_array().unwrap()[1..] {
        assert!(named.contains(&&part["ref"]), "{part}");
        assert!(part["dependsOn"].as_array().unwrap().iter().all(|below| named.contains(&below)), "{part}");
    }
}
