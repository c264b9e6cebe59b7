//! The examples for GitHub Actions and GitLab CI: judged by the vendors' schemas, and their scripts run.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::judges::{document, judge};
use crate::place::{Outcome, Place, outcome, repository};

fn github() -> PathBuf {
    repository("deploy/github-actions/netcheck.yml")
}

fn gitlab() -> PathBuf {
    repository("deploy/gitlab-ci/netcheck.gitlab-ci.yml")
}

/// Whether a vendor's schema takes a file, and refuses it with `from` replaced by `to`.
fn judged(schema: &str, file: PathBuf, from: &str, to: &str) {
    let judge =
        |file: PathBuf| outcome(judge("check-jsonschema").args(["--builtin-schema", schema]).arg(file));
    let text = fs::read_to_string(&file).unwrap();
    let sound = judge(file);
    assert_eq!(sound.code, Some(0), "{}{}", sound.stdout, sound.stderr);
    assert!(text.contains(from));
    assert_ne!(judge(Place::new().give("faulty.yml", &text.replace(from, to))).code, Some(0));
}

/// A release archive as `cargo xtask dist` names it, with the stand-in as its program; the folder as an address.
fn release(place: &Place) -> String {
    let name = format!("netcheck-{}-x86_64-unknown-linux-gnu", env!("CARGO_PKG_VERSION"));
    let folder = place.folder("release");
    place.program(&format!("release/{name}/bin/netcheck"));
    let pack = format!(
        "tar -czf {name}.tar.gz {name} && sha256sum {name}.tar.gz >{name}.tar.gz.sha256 && rm -r {name}"
    );
    assert_eq!(outcome(Command::new("sh").args(["-c", &pack]).current_dir(&folder)).code, Some(0));
    format!("file://{}", folder.display())
}

/// The script of a step of the GitHub job.
fn step(name: &str) -> String {
    let workflow = document(&github());
    let steps = workflow["jobs"]["netcheck"]["steps"].as_array().unwrap().clone();
    let step = steps.into_iter().find(|step| step["name"] == name);
    step.and_then(|step| step["run"].as_str().map(str::to_owned)).unwrap_or_else(|| panic!("no step {name}"))
}

/// Runs the GitHub job's steps as its runner does: each a `bash -e`, the later ones whatever came of the check.
fn github_job(place: &Place, scenario: &str) -> Outcome {
    let archive = document(&github())["env"]["ARCHIVE"].as_str().unwrap().to_owned();
    let script = format!(
        "export ARCHIVE='{archive}' NETCHECK_RELEASE='{}' RUNNER_TEMP=$PWD/temp GITHUB_PATH=$PWD/path GITHUB_STEP_SUMMARY=$PWD/summary.md\n\
         rm -f bin/netcheck\n\
         bash -e {}\n\
         PATH=$(cat path):$PATH\n\
         bash -e {} && code=0 || code=$?\n\
         bash -e {}\n\
         exit $code",
        release(place),
        place.give("install.sh", &step("Install")).display(),
        place.give("check.sh", &step("Check")).display(),
        place.give("report.sh", &step("Report")).display(),
    );
    place.folder("temp");
    place.run(scenario, &script)
}

/// Runs the GitLab job: `before_script` and `script` are one shell, `after_script` is another, run in any case.
fn gitlab_job(place: &Place, scenario: &str) -> Outcome {
    let job = document(&gitlab())["netcheck"].take();
    let lines = |part: &str| -> String {
        let lines = job[part].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        // The lab has no Debian mirror; what it would install is here.
        lines.filter(|line| !line.starts_with("apt-get")).map(|line| format!("{line}\n")).collect()
    };
    let script = format!(
        "export ARCHIVE='{}' NETCHECK_RELEASE='{}'\n\
         rm -f bin/netcheck\n\
         bash -e {} && code=0 || code=$?\n\
         bash -e {}\n\
         exit $code",
        job["variables"]["ARCHIVE"].as_str().unwrap(),
        release(place),
        place.give("script.sh", &(lines("before_script") + &lines("script"))).display(),
        place.give("after.sh", &lines("after_script")).display(),
    );
    place.run(scenario, &script)
}

/// The files that a job keeps are there, and say what came of it.
fn kept(place: &Place, files: &[&str], failures: bool) {
    for file in files {
        let text = place.read(file);
        let right = match file.rsplit('.').next().unwrap() {
            "jsonl" => {
                text.lines().count() > 200
                    && text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok())
            }
            "html" => text.starts_with("<!DOCTYPE html>") || text.starts_with("<!doctype html>"),
            "xml" => text.contains("<testsuites") && text.contains("<failure") == failures,
            _ => false,
        };
        assert!(right, "{file}: {}", text.chars().take(400).collect::<String>());
    }
}

#[test]
fn the_github_workflow_is_one() {
    judged("vendor.github-workflows", github(), "timeout-minutes:", "timeout-minute:");
}

#[test]
fn the_gitlab_job_is_one() {
    judged("vendor.gitlab-ci", gitlab(), "when: always", "when: sometimes");
}

#[test]
fn the_github_job_installs_checks_and_keeps_its_reports() {
    let workflow = document(&github());
    let steps = workflow["jobs"]["netcheck"]["steps"].as_array().unwrap();
    let keep = steps.iter().find(|step| step["name"] == "Keep").unwrap();
    let files: Vec<&str> = keep["with"]["path"].as_str().unwrap().lines().collect();
    assert_eq!(files.len(), 3);
    for (scenario, code) in [("healthy", 0), ("drop-hop1", 1)] {
        let place = Place::new();
        let run = github_job(&place, scenario);
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
        kept(&place, &files, code == 1);
        assert!(place.read("summary.md").contains("| core"), "{}", place.read("summary.md"));
    }
}

#[test]
fn the_gitlab_job_installs_checks_and_keeps_its_reports() {
    let artifacts = document(&gitlab())["netcheck"]["artifacts"].take();
    let mut files: Vec<&str> =
        artifacts["paths"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    files.push(artifacts["reports"]["junit"].as_str().unwrap());
    for (scenario, code) in [("healthy", 0), ("drop-hop1", 1)] {
        let place = Place::new();
        let run = gitlab_job(&place, scenario);
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
        kept(&place, &files, code == 1);
    }
}

#[test]
fn an_archive_that_is_not_the_released_one_is_not_run() {
    let place = Place::new();
    let address = release(&place);
    let script = format!(
        "echo more >>release/*.tar.gz\n\
         export ARCHIVE='{}' NETCHECK_RELEASE='{address}' RUNNER_TEMP=$PWD/temp GITHUB_PATH=$PWD/path\n\
         bash -e {}",
        document(&github())["env"]["ARCHIVE"].as_str().unwrap(),
        place.give("install.sh", &step("Install")).display(),
    );
    place.folder("temp");
    let run = place.run("healthy", &script);
    assert_ne!(run.code, Some(0));
    assert!(run.stderr.contains("did NOT match"), "{}", run.stderr);
    assert!(!place.path("path").exists());
}
