//! Several resolvers, of which some are silent, refuse or are not there.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::{UdpServer, closed_port};

use crate::dns::{Families, Lookup, Servers, both};
use crate::tcp::Egress;
use netcheck_record::failure::Code;

const NAME: &str = "www.lab.test";
/// Long enough that nothing but silence uses it up.
const BUDGET: Duration = Duration::from_secs(6);

fn look_up(servers: &[SocketAddr]) -> Lookup {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = Servers::new(servers.to_vec(), &Egress::default());
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
    assert_eq!((failure.code, failure.underlying), (Code::DnsUnreachable, Some(Code::UdpRefused)));
}

#[test]
fn a_question_of_another_type_is_answered_too() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = DnsServer::start(Zone::new().txt(NAME, "words"));
    let servers = Servers::new(vec![server.addr], &Egress::default());
    let response = runtime.block_on(super::ask(&servers, NAME, RecordType::TXT, BUDGET)).unwrap();
    assert_eq!((response.reply.rcode, response.server), (0, server.addr));
}

#[test]
fn addresses_without_a_route_do_not_hide_that_the_other_familys_question_failed() {
    // No machine has a route from loopback to another one.
    let egress = Egress { source: Some([127, 0, 0, 1].into()), ..Egress::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (aaaa_lost, expected) in [(true, Some(Code::DnsTimeout)), (false, None)] {
        let zone = Zone::new().a(NAME, &["198.41.0.4"]);
        let zone = if aaaa_lost { zone.without_aaaa(NAME) } else { zone };
        let server = DnsServer::start(zone);
        let servers = Servers::new(vec![server.addr], &egress);
        let lookup = runtime.block_on(both(&servers, NAME, Families::Both, Duration::from_millis(800)));
        assert_eq!(lookup.failure.map(|failure| failure.code), expected);
        assert_eq!(lookup.addresses.len(), 1);
    }
}

#[test]
fn a_lost_question_to_a_resolver_that_accepts_edns_is_no_note() {
    let mut asked = 0;
    let good = UdpServer::new(move |question, _| {
        asked += 1;
        let mut reply = [&question[..2], &[0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0], &question[12..]].concat();
        // Without the OPT record, which is the last 11 bytes of a question with EDNS.
        reply.truncate(if question[11] > 0 { question.len() - 11 } else { question.len() });
        if asked == 2 { Vec::new() } else { vec![reply] }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let servers = Servers::new(vec![good.addr], &Egress::default());
    let uses = [(); 2].map(|()| {
        let asked = super::ask(&servers, NAME, RecordType::A, Duration::from_secs(2));
        runtime.block_on(asked).unwrap().edns
    });
    assert_eq!(uses, [super::EdnsUse::Accepted, super::EdnsUse::Repeated]);
}
