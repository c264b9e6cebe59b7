//! The resolver answers, refuses, lies and keeps silent as its zone says.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these tests are the client, and end where it fails"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RecordType};
use netcheck_lab::dns::{DnsServer, Zone};

fn question(name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(7, hickory_proto::op::MessageType::Query, OpCode::Query);
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message.set_edns(Edns::new());
    message.to_vec().unwrap()
}

fn datagram(
    server: &DnsServer,
    name: &str,
    kind: RecordType,
    patience: Duration,
) -> Result<Vec<u8>, ErrorKind> {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send_to(&question(name, kind), server.addr).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).map_err(|error| error.kind())?;
    Ok(buffer[..length].to_vec())
}

fn ask(server: &DnsServer, name: &str, kind: RecordType) -> Message {
    Message::from_vec(&datagram(server, name, kind, Duration::from_secs(20)).unwrap()).unwrap()
}

fn ask_over_tcp(server: &DnsServer, name: &str, kind: RecordType) -> Message {
    let mut stream = TcpStream::connect(server.addr).unwrap();
    let question = question(name, kind);
    stream.write_all(&u16::try_from(question.len()).unwrap().to_be_bytes()).unwrap();
    stream.write_all(&question).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    Message::from_vec(&reply).unwrap()
}

fn data(message: &Message) -> Vec<String> {
    message.answers.iter().map(|record| format!("{} {}", record.record_type(), record.data)).collect()
}

#[test]
fn records_of_the_asked_kind_are_given() {
    let zone = Zone::new()
        .a("both.example", &["192.0.2.1", "192.0.2.2"])
        .aaaa("both.example", &["2001:db8::1"])
        .txt("both.example", "v=spf1 -all")
        .mx("both.example", 10, "mail.example")
        .ptr("192.0.2.1", "both.example");
    let server = DnsServer::start(zone);
    assert_eq!(data(&ask(&server, "both.example.", RecordType::A)), ["A 192.0.2.1", "A 192.0.2.2"]);
    assert_eq!(data(&ask(&server, "BOTH.example.", RecordType::AAAA)), ["AAAA 2001:db8::1"]);
    assert_eq!(data(&ask(&server, "both.example.", RecordType::MX)), ["MX 10 mail.example."]);
    assert_eq!(data(&ask(&server, "both.example.", RecordType::TXT)), ["TXT v=spf1 -all"]);
    let reverse = ask(&server, "1.2.0.192.in-addr.arpa.", RecordType::PTR);
    assert_eq!(data(&reverse), ["PTR both.example."]);
    assert_eq!(server.queries()[..2], ["both.example A", "both.example AAAA"]);
}

#[test]
fn a_name_without_the_kind_exists_and_one_without_an_entry_does_not() {
    let server = DnsServer::start(Zone::new().a("four.example", &["192.0.2.1"]));
    let none = ask(&server, "four.example.", RecordType::AAAA);
    assert_eq!((none.metadata.response_code, none.answers.len()), (ResponseCode::NoError, 0));
    let absent = ask(&server, "absent.example.", RecordType::A);
    assert_eq!(absent.metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn aliases_are_followed() {
    let server =
        DnsServer::start(Zone::new().cname("www.example", "host.example").a("host.example", &["192.0.2.9"]));
    let answer = ask(&server, "www.example.", RecordType::A);
    assert_eq!(data(&answer), ["CNAME host.example.", "A 192.0.2.9"]);
}

#[test]
fn errors_carry_their_code_and_their_extension() {
    let zone = Zone::new().rcode("a.example", 2).rcode("b.example", 5).ede("c.example", 3, 15, "policy");
    let server = DnsServer::start(zone);
    assert_eq!(ask(&server, "a.example.", RecordType::A).metadata.response_code, ResponseCode::ServFail);
    assert_eq!(ask(&server, "b.example.", RecordType::A).metadata.response_code, ResponseCode::Refused);
    let filtered = ask(&server, "c.example.", RecordType::A);
    assert_eq!(filtered.metadata.response_code, ResponseCode::NXDomain);
    let option = filtered.edns.unwrap().option(EdnsCode::Unknown(15)).cloned();
    assert_eq!(option, Some(EdnsOption::Unknown(15, b"\x00\x0fpolicy".to_vec())));
}

#[test]
fn silence_is_silence_and_garbage_is_no_message() {
    let server = DnsServer::start(Zone::new().silent("s.example").garbage("g.example"));
    let silence = datagram(&server, "s.example.", RecordType::A, Duration::from_millis(100));
    assert_eq!(silence, Err(ErrorKind::WouldBlock));
    let garbage = datagram(&server, "g.example.", RecordType::A, Duration::from_secs(20)).unwrap();
    assert!(Message::from_vec(&garbage).is_err());
    assert_eq!(garbage[..2], [0, 7]);
}

#[test]
fn what_does_not_fit_a_datagram_is_truncated_and_whole_over_tcp() {
    let many: Vec<String> = (0..200).map(|last| format!("192.0.2.{last}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let server =
        DnsServer::start(Zone::new().a("many.example", &many).truncated("cut.example", &["192.0.2.7"]));
    assert!(ask(&server, "many.example.", RecordType::A).metadata.truncation);
    assert_eq!(ask_over_tcp(&server, "many.example.", RecordType::A).answers.len(), 200);
    assert!(ask(&server, "cut.example.", RecordType::A).metadata.truncation);
    assert_eq!(data(&ask_over_tcp(&server, "cut.example.", RecordType::A)), ["A 192.0.2.7"]);
}

#[test]
fn a_wildcard_answers_for_all_that_have_no_entry() {
    let server =
        DnsServer::start(Zone::new().wildcard("corp.example", &["10.0.0.1"]).rcode("x.corp.example", 3));
    assert_eq!(data(&ask(&server, "any.corp.example.", RecordType::A)), ["A 10.0.0.1"]);
    assert_eq!(ask(&server, "x.corp.example.", RecordType::A).metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(ask(&server, "corp.example.", RecordType::A).metadata.response_code, ResponseCode::NXDomain);
    let server = DnsServer::start(Zone::new().wildcard("", &["10.0.0.2"]));
    assert_eq!(data(&ask(&server, "whatever.", RecordType::A)), ["A 10.0.0.2"]);
}
