//! Several resolvers, of which some are silent, refuse or are not there.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::{UdpServer, closed_port};

use crate::dns::{Families, Lookup, Servers, both};
use crate::tcp::Origin;
use netcheck_record::failure::Code;

const NAME: &str = "www.lab.test";
/// Long enough that nothing but silence uses it up.
const BUDGET: Duration = Duration::from_secs(6);

fn look_up(servers: &[SocketAddr]) -> Lookup {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = Servers::new(servers.to_vec(), &Origin::default());
    runtime.block_on(both(&servers, NAME, Families::V4, BUDGET))
}

fn good() -> DnsServer {
    DnsServer::start(Zone::new().a(NAME, &["192.0.2.7"]))
}

#[test]
fn a_silent_first_resolver_is_passed_over_and_a_note_says_so() {
    let (silent, good) = (UdpServer::new(|_, _| Vec::new()), good());
    let lookup = look_up(&[silent.addr, good.addr]);
    assert_eq!((lookup.addresses.len(), lookup.failure), (1, None));
    let note = format!("{} did not answer; {} did", silent.addr, good.addr);
    assert_eq!(lookup.facts["notes"], serde_json::json!([note]));
    assert_eq!(lookup.server, Some(good.addr));
}

#[test]
fn a_resolver_that_refuses_or_is_not_there_costs_no_time() {
    let refusing = DnsServer::start(Zone::new().rcode(NAME, 5));
    let absent: SocketAddr = ([127, 0, 0, 1], closed_port()).into();
    let good = good();
    let lookup = look_up(&[refusing.addr, absent, good.addr]);
    assert_eq!((lookup.addresses.len(), lookup.failure), (1, None));
    assert_eq!(refusing.queries(), ["www.lab.test A"]);
}

#[test]
fn where_all_refuse_the_first_refusal_is_told() {
    let first = DnsServer::start(Zone::new().rcode(NAME, 2));
    let second = DnsServer::start(Zone::new().rcode(NAME, 5));
    let lookup = look_up(&[first.addr, second.addr]);
    let failure = lookup.failure.unwrap();
    assert_eq!((failure.code, lookup.server), (Code::DnsServfail, Some(first.addr)));
}

#[test]
fn nobody_to_ask_is_unreachable() {
    assert_eq!(look_up(&[]).failure.unwrap().code, Code::DnsUnreachable);
    let absent: SocketAddr = ([127, 0, 0, 1], closed_port()).into();
    let failure = look_up(&[absent]).failure.unwrap();
    assert_eq!((failure.code, failure.beneath), (Code::DnsUnreachable, Some(Code::UdpRefused)));
}

#[test]
fn a_question_of_another_type_is_answered_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = DnsServer::start(Zone::new().txt(NAME, "words"));
    let servers = Servers::new(vec![server.addr], &Origin::default());
    let response = runtime.block_on(super::ask(&servers, NAME, RecordType::TXT, BUDGET)).unwrap();
    assert_eq!((response.reply.rcode, response.server), (0, server.addr));
}
