//! `check --textfile`: the metrics of a round, whole or not at all.

use std::fs;

use netcheck_lab::formats;

use crate::fake::{Stage, dropped, naming, netcheck, pass, row};

#[test]
fn the_metrics_are_those_of_the_report() {
    let stage = Stage::all(pass);
    stage.tool("mail", |target| dropped(target, "10.0.0.1"));
    let file = stage.dir.path().join("netcheck.prom");
    fs::write(&file, "old").unwrap();
    let run = stage.check(&["--textfile", "netcheck.prom"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let metrics = fs::read_to_string(&file).unwrap();
    let metrics = formats::metrics(&metrics);
    let works = |requirement: &str| {
        let labels = format!("profile=\"spotme\",requirement=\"{requirement}\",role=\"all\"");
        metrics[&format!("netcheck_requirement_works{{{labels}}}")]
    };
    assert_eq!((works("mail"), works("core")), (0.0, 1.0));
    let report = netcheck().args(["report", "--format", "prometheus"]).arg(stage.journal()).output().unwrap();
    assert_eq!(metrics, formats::metrics(&String::from_utf8(report.stdout).unwrap()));
    assert!(!stage.dir.path().join("netcheck.prom.part").exists());
}

#[test]
fn metrics_that_cannot_be_written_are_exit_2() {
    let stage = Stage::all(pass);
    let run = stage.check(&["--row", "cdn", "--textfile", "missing/netcheck.prom"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    insta::assert_snapshot!(naming(&run.stderr, "netcheck.prom"), @"netcheck: missing/netcheck.prom: No such file or directory (os error 2)");
    assert_eq!(row(&run.stdout, "cdn"), "cdn | works | 3/3");
    // A folder cannot be replaced, and the part does not stay behind.
    fs::create_dir_all(stage.dir.path().join("folder.prom/full")).unwrap();
    assert_eq!(stage.check(&["--row", "cdn", "--textfile", "folder.prom"]).code, Some(2));
    assert!(!stage.dir.path().join("folder.prom.part").exists());
}

#[test]
fn a_node_has_at_most_300_series() {
    let stage = Stage::all(pass);
    for profile in ["spotme", "teams", "zoom"] {
        // The fake tools know the targets of one profile; each requirement has its series with or without records.
        stage.check(&["--profile", profile, "--textfile", "netcheck.prom"]);
        let metrics = fs::read_to_string(stage.dir.path().join("netcheck.prom")).unwrap();
        let series = formats::metrics(&metrics).len();
        assert!((30..=300).contains(&series), "{profile}: {series} series");
    }
}
