//! A fleet on one machine: a real nats-server, a hub, agents that check a real service.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set its stage has failed")]
#![expect(clippy::disallowed_methods, reason = "the test is a client of its own")]

mod fleet;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use fleet::{Fleet, Row, fleet, said};
use serde_json::{Value, json};

/// A profile of one service on this machine.
fn profile(port: u16) -> String {
    format!(
        "format = 1\nname = \"show\"\n[[row]]\nname = \"streaming\"\nfunction = \"the show\"\n\
         role = \"participants\"\nsource = \"test\"\n[[row.probe]]\ntarget = \"tcp://127.0.0.1:{port}\"\n"
    )
}

/// A service that takes every connection, for as long as the test runs.
fn service() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = (&stream).write_all(b"hello\r\n");
        }
    });
    port
}

fn row(office: &str, presence: &str, status: &str) -> Row {
    let cells = vec![("streaming".to_owned(), status.to_owned())];
    (office.to_owned(), presence.to_owned(), cells)
}

fn run_ids(matrix: &Value) -> Vec<String> {
    let rows = matrix["offices"].as_array().unwrap().iter();
    rows.map(|row| row["run"]["run"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_office_is_enrolled_checks_and_fills_its_cell() {
    let hub = Fleet::start();
    hub.plan(&profile(service()));
    let reported = hub.office("acme/zurich");
    assert_eq!(reported.status.code(), Some(0), "{}", said(&reported));
    assert_eq!(hub.cells(), [row("acme/zurich", "reporting", "works")]);
    let status = fleet(&["agent", "status", "--state"]).arg(hub.state("acme/zurich")).output().unwrap();
    assert_eq!(status.status.code(), Some(0), "{}", said(&status));
    // The token was for one time.
    let token = hub.token("acme/second");
    let mut first = hub.agent("acme/second");
    assert_eq!(first.env("NETCHECK_FLEET_ENROLL", &token).output().unwrap().status.code(), Some(0));
    let mut stolen = hub.agent("acme/thief");
    let refused = stolen.env("NETCHECK_FLEET_ENROLL", &token).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("the token is unknown, was used, or has expired"), "{}", said(&refused));
}

#[test]
fn what_an_office_could_not_send_arrives_once_when_the_hub_is_back() {
    let mut hub = Fleet::start();
    hub.plan(&profile(service()));
    assert_eq!(hub.office("acme/zurich").status.code(), Some(0));
    hub.kill_hub();
    for _ in 0..2 {
        let waits = hub.agent("acme/zurich").output().unwrap();
        assert_eq!(waits.status.code(), Some(1), "{}", said(&waits));
        assert!(said(&waits).contains("was not reached"), "{}", said(&waits));
    }
    let waiting = hub.state("acme/zurich").join("outbox/waiting");
    assert_eq!(fs::read_dir(&waiting).unwrap().count(), 2);
    let status = fleet(&["agent", "status", "--state"]).arg(hub.state("acme/zurich")).output().unwrap();
    assert_eq!(status.status.code(), Some(1));
    hub.kill_broker();
    hub.start_broker();
    hub.start_hub();
    assert_eq!(hub.agent("acme/zurich").output().unwrap().status.code(), Some(0));
    assert_eq!(fs::read_dir(&waiting).unwrap().count(), 0);
    let history = hub.shown("/v1/history/acme/zurich/streaming");
    let ids: Vec<&str> =
        history["history"].as_array().unwrap().iter().map(|one| one["run"].as_str().unwrap()).collect();
    let numbers: Vec<&str> = ids.iter().map(|id| id.rsplit('-').next().unwrap()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4"]);
    assert_eq!(run_ids(&hub.matrix()), [*ids.last().unwrap()]);
}

#[test]
fn a_plan_that_another_key_signed_is_refused_and_the_last_good_one_stays() {
    let hub = Fleet::start();
    hub.plan(&profile(service()));
    assert_eq!(hub.office("acme/zurich").status.code(), Some(0));
    // Whoever has the hub and its operators' tokens, but not the key of plans.
    fs::rename(hub.file("plan.key"), hub.file("good.key")).unwrap();
    hub.plan(&profile(1));
    let reported = hub.agent("acme/zurich").output().unwrap();
    assert_eq!(reported.status.code(), Some(0), "{}", said(&reported));
    assert_eq!(hub.cells(), [row("acme/zurich", "reporting", "works")]);
    let status = fleet(&["agent", "status", "--state"]).arg(hub.state("acme/zurich")).output().unwrap();
    assert!(said(&status).contains("signed by a key that this office does not know"), "{}", said(&status));
}

#[test]
fn a_revoked_office_can_report_no_more_and_the_audit_says_so() {
    let hub = Fleet::start();
    hub.plan(&profile(service()));
    assert_eq!(hub.office("acme/zurich").status.code(), Some(0));
    let revoked = hub.operator("enroll", &["--revoke", "acme/zurich"]);
    assert!(revoked.status.success(), "{}", said(&revoked));
    let refused = hub.agent("acme/zurich").output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let sentence = "the office is not enrolled, or its key was revoked";
    assert!(said(&refused).contains(sentence), "{}", said(&refused));
    let audit = hub.shown("/v1/audit/acme");
    let entries = audit["entries"].as_array().unwrap();
    assert!(
        entries.iter().any(|entry| entry["refused"] == "unknown_office" && entry["who"] == "acme/zurich")
    );
    let enrolled = entries.iter().filter(|entry| entry["what"] == "enrolled").count();
    assert_eq!(enrolled, 1);
}

#[test]
fn requests_without_a_known_signature_or_token_are_refused() {
    let hub = Fleet::start();
    let ask = |method: &str, headers: Value, path: &str| {
        let (status, body) = hub.uplink(&json!({ "method": method, "headers": headers, "body": null }), path);
        let problem: Value = serde_json::from_str(&body).unwrap();
        (status, problem["refused"].as_str().map(str::to_owned))
    };
    assert_eq!(ask("GET", json!([]), "/v1/plan"), (401, Some("unsigned".to_owned())));
    let forged = json!([
        ["x-netcheck-office", "acme/zurich"],
        ["x-netcheck-time", "1"],
        ["x-netcheck-once", "00112233445566778899aabbccddeeff"],
        ["x-netcheck-signature", "AAAA"],
    ]);
    assert_eq!(ask("GET", forged, "/v1/plan"), (401, Some("unknown_office".to_owned())));
    assert_eq!(ask("GET", json!([]), "/v1/matrix"), (401, None));
    assert_eq!(ask("GET", json!([["authorization", "Bearer guess"]]), "/v1/matrix"), (401, None));
    assert_eq!(ask("GET", json!([]), "/nowhere"), (404, None));
}

/// Everything that clients sent to the hub, connection by connection, while it went through.
struct Recorder {
    port: u16,
    requests: Receiver<Vec<u8>>,
}

impl Recorder {
    fn before(hub: &str) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (keep, requests) = mpsc::channel();
        let hub = hub.trim_start_matches("http://").to_owned();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let mut server = TcpStream::connect(&hub).unwrap();
                let (mut back, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let answering = thread::spawn(move || {
                    let _ = std::io::copy(&mut back, &mut to_client);
                    let _ = to_client.shutdown(Shutdown::Both);
                });
                let (mut all, mut buffer) = (Vec::new(), [0_u8; 65536]);
                while let Ok(count @ 1..) = client.read(&mut buffer) {
                    all.extend_from_slice(&buffer[..count]);
                    if server.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
                keep.send(all).unwrap();
                let _ = server.shutdown(Shutdown::Both);
                answering.join().unwrap();
            }
        });
        Recorder { port, requests }
    }

    /// The request that stored a run.
    fn run(&self) -> Vec<u8> {
        self.requests.iter().find(|request| request.starts_with(b"PUT /v1/runs/")).unwrap()
    }
}

/// What the hub answers to these bytes: the status, and why the signature was refused.
fn answered(hub: &str, request: &[u8]) -> (String, Option<String>) {
    let mut stream = TcpStream::connect(hub.trim_start_matches("http://")).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        answer.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let status = line().split(' ').nth(1).unwrap().to_owned();
    while !line().is_empty() {}
    // The connection stays open: the body ends where its JSON does.
    let mut values = serde_json::Deserializer::from_reader(answer).into_iter::<Value>();
    let body = values.next().unwrap().unwrap();
    (status, body["refused"].as_str().map(str::to_owned))
}

#[test]
fn a_recorded_request_is_refused_when_it_is_sent_again_or_altered() {
    let hub = Fleet::start();
    hub.plan(&profile(service()));
    let recorder = Recorder::before(&hub.hub);
    let token = hub.token("acme/zurich");
    let mut agent = hub.agent_of("acme/zurich", &format!("http://127.0.0.1:{}", recorder.port));
    let output = agent.env("NETCHECK_FLEET_ENROLL", token).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let mut run = recorder.run();
    assert_eq!(answered(&hub.hub, &run), ("401".to_owned(), Some("replayed".to_owned())));
    *run.last_mut().unwrap() ^= 1;
    assert_eq!(answered(&hub.hub, &run), ("401".to_owned(), Some("wrong_signature".to_owned())));
    let audit = hub.shown("/v1/audit/acme");
    let refused: Vec<&str> =
        audit["entries"].as_array().unwrap().iter().filter_map(|entry| entry["refused"].as_str()).collect();
    assert_eq!(refused, ["replayed", "wrong_signature"]);
}

#[test]
fn an_operator_of_one_tenant_sees_nothing_of_another() {
    let mut hub = Fleet::start();
    hub.add_operator("rival", "read", "rivals-token");
    hub.plan(&profile(service()));
    assert_eq!(hub.office("acme/zurich").status.code(), Some(0));
    let ask = |path: &str| {
        let headers = json!([["authorization", "Bearer rivals-token"]]);
        let (status, body) = hub.uplink(&json!({ "method": "GET", "headers": headers, "body": null }), path);
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let (status, matrix) = ask("/v1/matrix");
    assert_eq!((status, &matrix["offices"]), (200, &json!([])));
    let run = hub.matrix()["offices"][0]["run"]["sequence"].as_u64().unwrap();
    for path in [format!("/v1/records/{run}"), "/v1/history/acme/zurich/streaming".to_owned()] {
        let (status, problem) = ask(&path);
        assert_eq!((status, &problem["error"]), (403, &json!("this token is for another tenant")));
    }
    let audit = hub.shown("/v1/audit/rival");
    let refused =
        audit["entries"].as_array().unwrap().iter().filter(|entry| entry["refused"] == "another_tenant");
    assert_eq!(refused.count(), 2);
    assert_eq!(ask("/v1/audit/rival").0, 403);
}

#[test]
fn a_folder_serves_one_agent_at_a_time() {
    let hub = Fleet::start();
    hub.plan(&profile(service()));
    assert_eq!(hub.office("acme/zurich").status.code(), Some(0));
    let lock = fs::File::open(hub.state("acme/zurich").join("lock")).unwrap();
    lock.lock().unwrap();
    let refused = hub.agent("acme/zurich").output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("another agent uses this folder"), "{}", said(&refused));
}

#[test]
fn debian_12s_broker_is_refused_in_one_sentence() {
    let server = Path::new("/usr/sbin/nats-server");
    assert!(server.is_file(), "nats-server of Debian 12 is not installed: apt-get install nats-server");
    let refused = fleet::with_broker(server);
    assert_eq!(refused.status.code(), Some(2));
    let words = said(&refused);
    assert!(words.contains("can lose what it acknowledged: 2.14 or newer is needed"), "{words}");
    assert_eq!(words.lines().count(), 1, "{words}");
}
