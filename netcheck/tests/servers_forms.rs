//! The forms of a report, read by the programs they are for: promtool, junitparser, Python's csv and jsonschema.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The demonstration's records.
const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/corporate.jsonl");

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn report(records: &Path, arguments: &[&str]) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_netcheck")).arg("report").arg(records).args(arguments).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// Python with what requirements.txt pins, installed once for all tests of this file.
fn python() -> PathBuf {
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("forms");
    let wanted =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms/requirements.txt")).unwrap();
    fs::create_dir_all(&into).unwrap();
    let turn = fs::File::create(into.join("lock")).unwrap();
    turn.lock().unwrap();
    let (done, program) = (into.join("installed.txt"), into.join("venv/bin/python"));
    if fs::read(&done).is_ok_and(|has| has == wanted) {
        return program;
    }
    fs::write(into.join("requirements.txt"), &wanted).unwrap();
    let made = Command::new("python3").args(["-m", "venv"]).arg(into.join("venv")).output().unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    let installed = Command::new(&program).args(install).arg(into.join("requirements.txt")).output().unwrap();
    assert!(installed.status.success(), "{}", said(&installed));
    fs::write(done, wanted).unwrap();
    program
}

/// Runs a script, which asserts what has to hold.
fn holds(script: &str, arguments: &[&Path]) {
    let output = Command::new(python()).args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

/// The report in one form, as a file.
fn file(folder: &TempDir, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, report(Path::new(RECORDS), arguments)).unwrap();
    path
}

#[test]
fn promtool_takes_the_metrics_of_two_profiles_together() {
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("other.jsonl");
    // The same records, of a run of another profile.
    let text = fs::read_to_string(RECORDS).unwrap();
    fs::write(&other, text).unwrap();
    let one = report(Path::new(RECORDS), &["--format", "prometheus"]);
    let two = report(&other, &["--format", "prometheus", "--profile", "teams"]);
    // node_exporter reads every file of its folder and gives the families one head.
    let mut heads = Vec::new();
    let mut families: Vec<(String, Vec<&str>)> = Vec::new();
    for line in one.lines().chain(two.lines()) {
        if line.starts_with('#') {
            if !heads.contains(&line) {
                heads.push(line);
            }
            continue;
        }
        let name = line.split(['{', ' ']).next().unwrap().to_owned();
        match families.iter_mut().find(|(known, _)| *known == name) {
            Some((_, lines)) => lines.push(line),
            None => families.push((name, vec![line])),
        }
    }
    let mut merged = String::new();
    for (name, lines) in &families {
        for head in heads.iter().filter(|head| head.split(' ').nth(2) == Some(name)) {
            merged.push_str(&format!("{head}\n"));
        }
        let series: std::collections::BTreeSet<&str> =
            lines.iter().map(|line| line.rsplit_once(' ').unwrap().0).collect();
        assert_eq!(series.len(), lines.len(), "{name}: a series is there twice");
        lines.iter().for_each(|line| merged.push_str(&format!("{line}\n")));
    }
    let input = folder.path().join("merged.prom");
    fs::write(&input, merged).unwrap();
    let checked = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::from(fs::File::open(&input).unwrap()))
        .output()
        .unwrap();
    assert!(checked.status.success() && said(&checked).is_empty(), "{}", said(&checked));
}

#[test]
fn junitparser_reads_a_suite_for_each_requirement() {
    let folder = TempDir::new().unwrap();
    let (junit, json) = (
        file(&folder, "junit.xml", &["--format", "junit"]),
        file(&folder, "report.json", &["--format", "json"]),
    );
    let script = "import json,sys\nfrom junitparser import JUnitXml,Failure,Error,Skipped\n\
        suites={suite.name:list(suite) for suite in JUnitXml.fromfile(sys.argv[1])}\n\
        requirements=json.load(open(sys.argv[2]))['requirements']\n\
        assert set(suites)=={one['name'] for one in requirements}\n\
        for one in requirements:\n\
        \x20   results=[type(result) for case in suites[one['name']] for result in case.result]\n\
        \x20   kinds={'does not work':[Failure],'not known':[Error]}.get(one['status'],[]) if one['required'] else [Skipped]\n\
        \x20   assert results==kinds,(one['name'],one['status'],results)\n";
    holds(script, &[&junit, &json]);
}

#[test]
fn pythons_csv_reads_targets_and_requests() {
    let folder = TempDir::new().unwrap();
    let targets = file(&folder, "targets.csv", &["--format", "csv"]);
    let requests = file(&folder, "requests.csv", &["--requests", "--format", "csv"]);
    let json = file(&folder, "report.json", &["--format", "json"]);
    let script = "import csv,json,sys\n\
        read=lambda name: list(csv.DictReader(open(name,newline=''),strict=True))\n\
        targets,requests,report=read(sys.argv[1]),read(sys.argv[2]),json.load(open(sys.argv[3]))\n\
        assert len(targets)==report['run']['written'],len(targets)\n\
        assert all(None not in row and None not in row.values() for row in targets+requests)\n\
        rules=sum(max(1,len(one.get('destinations',[]))) for one in report['requests'])\n\
        assert len(requests)==rules,(len(requests),rules)\n\
        form=['to','required','action','direction','source','destination','protocol','ports','reason','evidence','seen']\n\
        assert all(key in row for row in requests for key in form)\n";
    holds(script, &[&targets, &requests, &json]);
}

#[test]
fn the_report_is_what_its_schema_says() {
    let folder = TempDir::new().unwrap();
    let json = file(&folder, "report.json", &["--format", "json"]);
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/report.schema.json");
    let script = "import json,sys,jsonschema\n\
        report,schema=(json.load(open(name)) for name in sys.argv[1:])\n\
        validator=jsonschema.validators.validator_for(schema)\n\
        validator.check_schema(schema)\n\
        validator(schema).validate(report)\n\
        report['findings'][0]['cause']='weather'\n\
        assert not validator(schema).is_valid(report)\n";
    holds(script, &[&json, &schema]);
}
