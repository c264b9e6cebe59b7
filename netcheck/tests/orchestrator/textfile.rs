//! `check --textfile`: the metrics of a round, whole or not at all.

use std::fs;

use crate::fake::{Stage, dropped, netcheck, pass};

/// The lines of a metrics text, without the one that tells the time.
fn timeless(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_metrics_are_those_of_the_report() {
    let stage = Stage::all(pass);
    stage.tool("mail", |target| dropped(target, "10.0.0.1"));
    let file = stage.dir.path().join("netcheck.prom");
    fs::write(&file, "old").unwrap();
    let run = stage.check(&["--textfile", "netcheck.prom"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let metrics = fs::read_to_string(&file).unwrap();
    assert!(
        metrics
            .contains("netcheck_requirement_works{profile=\"spotme\",requirement=\"mail\",role=\"all\"} 0\n"),
        "{metrics}"
    );
    assert!(
        metrics
            .contains("netcheck_requirement_works{profile=\"spotme\",requirement=\"core\",role=\"all\"} 1\n"),
        "{metrics}"
    );
    let report = netcheck().args(["report", "--format", "prometheus"]).arg(stage.journal()).output().unwrap();
    assert_eq!(timeless(&metrics), timeless(&String::from_utf8(report.stdout).unwrap()));
    assert!(!stage.dir.path().join("netcheck.prom.part").exists());
}

#[test]
fn metrics_that_cannot_be_written_are_exit_2() {
    let stage = Stage::all(pass);
    let run = stage.check(&["--row", "cdn", "--textfile", "missing/netcheck.prom"]);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert!(run.stderr.contains("missing/netcheck.prom"), "{}", run.stderr);
    assert!(run.stdout.contains("STATUS"), "{}", run.stdout);
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
        let series = metrics.lines().filter(|line| !line.starts_with('#')).count();
        assert!((30..=300).contains(&series), "{profile}: {series} series");
    }
}
