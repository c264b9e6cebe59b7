//! Names over a network or resolver that loses, cuts or refuses some kinds of questions and replies.

use std::net::Ipv4Addr;

use netcheck_lab::tool::Outcome;
use netcheck_lab::view::diagnosed;
use netcheck_lab::{Act, Server, UdpServer};
use serde_json::json;

use crate::dns::{A, end, kind, reply};
use crate::peer::{quiet, tool};

/// Whether the question has EDNS: its additional section is not empty.
fn has_edns(question: &[u8]) -> bool {
    question[11] > 0
}

fn run(resolver: &UdpServer, args: &[&str]) -> Outcome {
    tool(&["--timeout", "3", "--resolver", &resolver.addr.to_string()]).args(args).run()
}

fn notes(outcome: &Outcome) -> String {
    outcome.one()["facts"]["dns"]["notes"].to_string()
}

/// The question's reply with the TC bit and no record.
fn truncated(question: &[u8]) -> Vec<u8> {
    let mut reply = reply(question, [0; 4]);
    reply.truncate(end(question));
    reply[2] |= 2;
    reply[7] = 0;
    reply
}

/// A reply of this RCODE without records.
fn rcode(question: &[u8], rcode: u8) -> Vec<u8> {
    let mut reply = truncated(question);
    reply[2] &= !2;
    reply[3] = 0x80 | rcode;
    reply
}

/// Serves DNS over TCP on the port of a UDP server: every question gets 127.0.0.1.
fn over_tcp(port: u16) -> Server {
    let framed = |request: &[u8]| {
        let reply = reply(&request[2..], [127, 0, 0, 1]);
        [&u16::try_from(reply.len()).unwrap().to_be_bytes()[..], &reply].concat()
    };
    let script = vec![Act::ReadSome, Act::reply(framed), Act::Close];
    Server::bind((Ipv4Addr::LOCALHOST, port).into(), None, vec![script])
}

#[test]
fn a_question_that_is_lost_for_its_edns_is_asked_without() {
    let server = quiet();
    let resolver =
        UdpServer::new(
            |question, _| {
                if has_edns(question) { Vec::new() } else { vec![reply(question, [127, 0, 0, 1])] }
            },
        );
    let port = server.port;
    let targets = ["one", "two"].map(|name| format!("tcp://{name}.lab.test:{port}"));
    let outcome = run(&resolver, &["--jobs", "1", &targets[0], &targets[1]]);
    let verdicts: Vec<_> = outcome.records.iter().map(|record| &record["verdict"]).collect();
    assert_eq!(verdicts, ["pass", "pass"]);
    let note = |record: usize| outcome.records[record]["facts"]["dns"]["notes"][0].as_str().unwrap();
    assert!(note(0).contains("did not answer the question with EDNS"), "{}", note(0));
    // Both questions of the first name were lost: the second name is asked without EDNS at once.
    assert!(note(1).starts_with("asked without EDNS"), "{}", note(1));
    let with = resolver.seen().iter().filter(|question| has_edns(question)).count();
    assert_eq!(with, 2);
}

#[test]
fn a_truncated_reply_without_tcp_is_the_networks() {
    let resolver = UdpServer::new(|question, _| vec![truncated(question)]);
    let outcome = run(&resolver, &["tcp://www.lab.example:9"]);
    assert_eq!(diagnosed(&outcome), "fail dns.unreachable firewall_reject network medium");
    let cause = &outcome.one()["cause"];
    assert_eq!(cause["near"], "127.0.0.1");
    let allow = format!("Allow TCP {} to 127.0.0.1.", resolver.port);
    assert_eq!(cause["fix"], json!(allow));
}

#[test]
fn a_reply_that_is_cut_on_the_way_is_fetched_over_tcp() {
    let server = quiet();
    let resolver = UdpServer::new(|question, _| {
        let mut cut = reply(question, [127, 0, 0, 1]);
        cut.truncate(cut.len() - 3);
        vec![cut]
    });
    let _tcp = over_tcp(resolver.port);
    let outcome = run(&resolver, &["-4", &format!("tcp://www.lab.test:{}", server.port)]);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert!(notes(&outcome).contains("over TCP it was whole"), "{outcome:?}");
}

#[test]
fn a_reply_that_is_lost_for_its_size_is_fetched_over_tcp() {
    let server = quiet();
    // A reply to the question with EDNS is large; the other one does not fit and says so.
    let resolver =
        UdpServer::new(|question, _| if has_edns(question) { Vec::new() } else { vec![truncated(question)] });
    let _tcp = over_tcp(resolver.port);
    let outcome = run(&resolver, &["-4", &format!("tcp://www.lab.test:{}", server.port)]);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert!(notes(&outcome).contains("truncated its reply over UDP; asked again over TCP"), "{outcome:?}");
}

#[test]
fn a_name_without_usable_aaaa_passes_with_a_note_and_exists_with_ipv6_alone() {
    let server = quiet();
    for (code, failure) in [(2, "dns.servfail"), (3, "dns.nxdomain")] {
        let answer = move |question: &[u8], _| {
            vec![if kind(question) == A { reply(question, [127, 0, 0, 1]) } else { rcode(question, code) }]
        };
        let resolver = UdpServer::new(answer);
        let target = format!("tcp://www.lab.test:{}", server.port);
        let outcome = run(&resolver, &[&target]);
        assert_eq!(diagnosed(&outcome), "pass - - - -");
        assert!(notes(&outcome).contains(&format!("the AAAA question failed with {failure}")), "{outcome:?}");
        let outcome = run(&resolver, &["-6", &target]);
        assert_eq!(diagnosed(&outcome), format!("fail {failure} unknown dns medium"));
        let evidence = outcome.one()["cause"]["evidence"].to_string();
        assert!(
            evidence.contains("the name exists: the same resolver answers the A question with 127.0.0.1"),
            "{evidence}"
        );
    }
}

#[test]
fn an_alias_that_is_no_host_name_is_malformed() {
    for label in [&b"a b"[..], &b"\x00\xff"[..], &b"x\x1b[31m"[..]] {
        let resolver = UdpServer::new(move |question, _| vec![alias(question, label)]);
        let outcome = run(&resolver, &["tcp://www.lab.example:9"]);
        assert_eq!(diagnosed(&outcome), "fail dns.malformed unknown dns low", "{label:?}");
        let detail = outcome.one()["failure"]["detail"].as_str().unwrap();
        assert!(detail.contains("is no host name") && !detail.contains('\x1b'), "{detail}");
    }
}

/// NOERROR with an alias of one label, and no address.
fn alias(question: &[u8], label: &[u8]) -> Vec<u8> {
    let target = [&[u8::try_from(label.len()).unwrap()][..], label, &[0]].concat();
    let head = [&question[..2], &[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]].concat();
    let length = u16::try_from(target.len()).unwrap().to_be_bytes();
    let record = [&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60][..], &length, &target].concat();
    [&head, &question[12..end(question)], &record].concat()
}

#[test]
fn a_reply_after_the_next_question_was_sent_counts() {
    let server = quiet();
    let mut first = None;
    // Only the oldest socket is answered, and only once the question came again from another one.
    let resolver = UdpServer::replying(move |question, peer| match &first {
        None => {
            first = Some((question.to_vec(), peer));
            Vec::new()
        }
        Some((question, peer)) => vec![(reply(question, [127, 0, 0, 1]), *peer)],
    });
    let outcome = run(&resolver, &["-4", &format!("tcp://www.lab.test:{}", server.port)]);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(notes(&outcome), "null");
}
