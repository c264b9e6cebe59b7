//! The systemd units: sound, tight, and run as they are written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use nix::unistd::Uid;

use crate::place::{Place, outcome, repository};

fn unit(name: &str) -> String {
    fs::read_to_string(repository("deploy/systemd").join(name)).unwrap()
}

fn setting(unit: &str, key: &str) -> String {
    let line = unit.lines().find_map(|line| line.strip_prefix(&format!("{key}=")));
    line.unwrap_or_else(|| panic!("{key}: {unit}")).to_owned()
}

#[test]
fn systemd_finds_no_fault_in_the_units() {
    let place = Place::new();
    // It looks for the program, which is not installed here.
    let service = unit("netcheck.service").replace("/usr/bin/netcheck", env!("CARGO_BIN_EXE_netcheck"));
    let verify = |service: &str| {
        let service = place.give("netcheck.service", service);
        let timer = place.give("netcheck.timer", &unit("netcheck.timer"));
        outcome(Command::new("systemd-analyze").args(["verify", "--man=no"]).args([service, timer]))
    };
    let sound = verify(&service);
    assert_eq!((sound.code, sound.stderr.as_str()), (Some(0), ""));
    let faulty = verify(&service.replace("ProtectSystem=strict", "ProtectSystem=stricter"));
    assert!(faulty.stderr.contains("protect system"), "{}", faulty.stderr);
}

#[test]
fn the_service_is_exposed_as_little_as_a_service_with_sockets_can_be() {
    let secure = |text: &str| {
        let place = Place::new();
        let file = place.give("netcheck.service", text);
        // Ten times the exposure level: 15 is 1.5 of 10.
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(["security", "--offline=true", "--threshold=15"]).arg(file);
        outcome(&mut analyze).code
    };
    assert_eq!(secure(&unit("netcheck.service")), Some(0));
    assert_ne!(secure(&unit("netcheck.service").replace("DynamicUser=yes\n", "")), Some(0));
}

#[test]
fn the_service_writes_its_records_and_metrics() {
    let place = Place::new();
    let (state, metrics) = (place.folder("state/netcheck"), place.folder("textfile"));
    let profile = place
        .give("profile.toml", &fs::read_to_string(repository("deploy/kubernetes/profile.toml")).unwrap());
    let service = unit("netcheck.service");
    assert_eq!(setting(&service, "StateDirectory"), "netcheck");
    let textfile = setting(&service, "ReadWritePaths");
    let command = setting(&service, "ExecStart")
        .replace("/usr/bin/netcheck", "netcheck")
        .replace("/etc/netcheck/profile.toml", profile.to_str().unwrap())
        .replace("%S", state.parent().unwrap().to_str().unwrap())
        .replace(&textfile, metrics.to_str().unwrap());
    assert_eq!(place.run("healthy", &command).code, Some(0));
    assert!(place.read("state/netcheck/netcheck.jsonl").lines().count() > 200);
    assert!(
        place.read("textfile/netcheck.prom").contains(
            "netcheck_requirement_works{profile=\"cluster\",requirement=\"core\",role=\"all\"} 1\n"
        )
    );
    assert_eq!(fs::read_dir(&metrics).unwrap().count(), 1, "a part was left behind");
    // node_exporter is another user.
    let mode = fs::metadata(metrics.join("netcheck.prom")).unwrap().permissions().mode();
    assert_eq!(mode & 0o444, 0o444, "{mode:o}");
    // What is blocked is an answer: the metrics say so, and the unit does not fail.
    let blocked = place.run("drop-hop1", &command);
    assert_eq!(blocked.code, Some(1), "{}", blocked.stderr);
    assert_eq!(setting(&service, "SuccessExitStatus"), "1");
    let metrics = place.read("textfile/netcheck.prom");
    assert!(
        metrics.contains(
            "netcheck_requirement_works{profile=\"cluster\",requirement=\"ingest\",role=\"backstage\"} 0\n"
        ),
        "{metrics}"
    );
}

#[test]
fn sysusers_and_tmpfiles_make_the_folder_the_service_writes_to() {
    let service = unit("netcheck.service");
    let (folder, group) = (setting(&service, "ReadWritePaths"), setting(&service, "SupplementaryGroups"));
    assert!(unit("sysusers.conf").contains(&format!("\ng {group} -\n")));
    assert!(unit("tmpfiles.conf").contains(&format!("\nd {folder} 2775 root {group} -\n")));
    // Only root can give a folder to a group.
    if Uid::effective().is_root() {
        let place = Place::new();
        let root = place.folder("root/etc").parent().unwrap().to_path_buf();
        let apply = |program: &str, arguments: &[&str], file: &str| {
            let mut command = Command::new(program);
            command.arg(format!("--root={}", root.display())).args(arguments);
            let done = outcome(command.arg(repository("deploy/systemd").join(file)));
            assert_eq!(done.code, Some(0), "{program}: {}", done.stderr);
        };
        apply("systemd-sysusers", &[], "sysusers.conf");
        apply("systemd-tmpfiles", &["--create"], "tmpfiles.conf");
        let made = fs::metadata(root.join(folder.trim_start_matches('/'))).unwrap();
        assert_eq!(made.permissions().mode() & 0o7777, 0o2775);
        assert!(place.read("root/etc/group").contains(&format!("{group}:x:{}:", made.gid())));
    }
}
