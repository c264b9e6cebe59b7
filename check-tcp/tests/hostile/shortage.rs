//! Fewer descriptors than targets, or little memory: they cost time, and no target its verdict.

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server};

/// The tool, which may open this many files.
fn limited(files: u32, args: &[String]) -> Outcome {
    under(&format!("ulimit -n {files}"), args)
}

/// The tool under limits of its own.
fn under(limits: &str, args: &[String]) -> Outcome {
    Tool::new("/bin/sh")
        .args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_check-tcp"))
        .args(args)
        .run()
}

fn web() -> Server {
    let answer = Act::send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    Server::tcp(vec![Act::until("\r\n\r\n"), answer, Act::Close])
}

#[test]
fn more_jobs_than_descriptors_are_lowered_with_a_note() {
    let server = web();
    let mut args = vec!["--jobs".to_owned(), "500".to_owned()];
    args.extend((0..300).map(|number| format!("http://127.0.0.1:{}/{number}", server.port)));
    let outcome = limited(64, &args);
    assert_eq!((outcome.code, outcome.records.len()), (0, 300), "{}", outcome.stderr);
    assert!(outcome.records.iter().all(|record| observed(record) == "pass -"));
    assert_eq!(outcome.stderr, "--jobs 500 lowered to 48: the system's limit of open files\n");
}

#[test]
fn more_jobs_than_memory_are_lowered_with_a_note_and_every_silent_target_has_its_record() {
    let server = Server::tcp(vec![Act::Stall]);
    let mut args: Vec<String> = ["--jobs", "2000", "--timeout", "1"].map(str::to_owned).into();
    args.extend((0..60).map(|_| format!("tls://127.0.0.1:{}", server.port)));
    let outcome = under("ulimit -v 65536", &args);
    assert_eq!((outcome.code, outcome.records.len()), (1, 60), "{}", outcome.stderr);
    assert!(outcome.records.iter().all(|record| record["failure"]["code"] != "internal"), "{outcome:#?}");
    assert!(
        outcome.stderr.starts_with("--jobs 2000 lowered to ")
            && outcome.stderr.ends_with(": the system's limit of memory\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn names_and_both_families_wait_for_descriptors_too() {
    let (server, mut zone) = (web(), Zone::new());
    for number in 0..60 {
        let name = format!("n{number}.test");
        zone = zone.a(&name, &["127.0.0.1"]).aaaa(&name, &["::1"]);
    }
    let resolver = DnsServer::start(zone);
    let mut args = vec!["--resolver".to_owned(), resolver.addr.to_string()];
    args.extend((0..60).map(|number| format!("http://n{number}.test:{}/", server.port)));
    let outcome = limited(26, &args);
    assert!(outcome.stderr.contains("--jobs 64 lowered to 10"), "{}", outcome.stderr);
    assert_eq!(outcome.records.len(), 60);
    for record in &outcome.records {
        assert!(["pass -", "degraded tcp.refused"].contains(&observed(record).as_str()), "{record:#}");
        assert_ne!(record["failure"]["code"], "internal");
    }
}

#[test]
fn what_the_controls_lack_is_not_said_of_the_target() {
    let server = Server::tcp(vec![Act::Stall]);
    let mut args: Vec<String> = ["--jobs", "24", "--timeout", "1"].map(str::to_owned).into();
    args.extend((0..24).map(|number| format!("http://127.0.0.1:{}/{number}", server.port)));
    let outcome = limited(40, &args);
    assert_eq!(outcome.records.len(), 24);
    assert!(outcome.records.iter().all(|record| observed(record) == "fail http.timeout"), "{outcome:#?}");
}
