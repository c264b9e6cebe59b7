//! Names: everything a resolver can do to them.

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::pki::Authority;
use netcheck_lab::view::{diagnosed, stages};
use netcheck_lab::{Act, Server, UdpServer, closed_port};
use serde_json::json;

use crate::peer::{asking, quiet, tool};

/// A target on a port nobody listens on: its name is all that matters.
const NAME: &str = "tcp://www.lab.example:9";

#[test]
fn each_refusal_of_a_resolver_has_its_own_code() {
    let zone = || Zone::new().txt("www.lab.example", "no address");
    for (zone, expected) in [
        (Zone::new(), "fail dns.nxdomain dns_filter dns low"),
        (zone(), "fail dns.no_address unknown dns low"),
        (Zone::new().rcode("www.lab.example", 2), "fail dns.servfail dns_filter dns low"),
        (Zone::new().rcode("www.lab.example", 5), "fail dns.refused dns_filter dns low"),
        (Zone::new().rcode("www.lab.example", 4), "fail dns.refused dns_filter dns low"),
        (Zone::new().rcode("www.lab.example", 1), "fail dns.malformed unknown dns low"),
        (Zone::new().garbage("www.lab.example"), "fail dns.malformed unknown dns low"),
    ] {
        // The resolver answers for the root: one sign, which proves nothing.
        let outcome = asking(zone, &[NAME]);
        assert_eq!(diagnosed(&outcome), expected, "{outcome:?}");
        assert_eq!((stages(outcome.one()).as_str(), outcome.code), ("dns!", 1));
    }
}

#[test]
fn a_resolver_that_is_silent_about_one_name_is_a_timeout() {
    let outcome = asking(Zone::new().silent("www.lab.example"), &["--timeout", "1.5", NAME]);
    assert!(diagnosed(&outcome).starts_with("fail dns.timeout dns_filter dns "), "{outcome:?}");
    let facts = &outcome.one()["facts"]["dns"];
    assert_eq!((&facts["a"], &facts["aaaa"]), (&json!("timeout"), &json!("timeout")));
}

#[test]
fn a_resolver_that_fails_for_the_root_as_well_is_an_outage() {
    let silent = Zone::new().silent("www.lab.example").silent("");
    let outcome = asking(silent, &["--timeout", "0.5", NAME]);
    assert_eq!(diagnosed(&outcome), "fail dns.timeout dns_outage dns medium");
    let failing = Zone::new().rcode("www.lab.example", 2).rcode("", 2);
    assert_eq!(diagnosed(&asking(failing, &[NAME])), "fail dns.servfail dns_outage dns medium");
}

#[test]
fn a_closed_port_in_place_of_a_resolver_is_unreachable() {
    let resolver = format!("127.0.0.1:{}", closed_port());
    let outcome = tool(&["--resolver", &resolver, NAME]).run();
    assert_eq!(diagnosed(&outcome), "fail dns.unreachable dns_outage dns medium");
    assert!(outcome.one()["cause"]["fix"].as_str().unwrap().contains(&resolver));
}

#[test]
fn without_control_experiments_only_what_was_seen_is_said() {
    let outcome = asking(Zone::new(), &["--diagnose", "never", NAME]);
    assert_eq!(diagnosed(&outcome), "fail dns.nxdomain unknown unknown low");
}

#[test]
fn an_address_that_nobody_can_have_is_a_bogon() {
    for address in [
        "0.0.0.0",
        "127.0.0.1",
        "127.8.8.8",
        "169.254.1.1",
        "192.0.2.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        for extra in [&[][..], &["--private-ok"]] {
            let outcome = asking(Zone::new().a("www.lab.example", &[address]), &[extra, &[NAME]].concat());
            assert_eq!(diagnosed(&outcome), "fail dns.bogon dns_filter dns medium", "{address} {extra:?}");
            assert_eq!(outcome.one().pointer("/facts/dns/addresses/0"), Some(&json!(address)));
            assert_eq!(stages(outcome.one()), "dns!", "nothing is connected to");
        }
    }
    for address in ["::", "::1", "fe80::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1"] {
        let outcome = asking(Zone::new().aaaa("www.lab.example", &[address]), &[NAME]);
        assert_eq!(diagnosed(&outcome), "fail dns.bogon dns_filter dns medium", "{address}");
    }
}

#[test]
fn a_private_answer_is_tried_and_not_believed_without_proof() {
    // From 127.0.0.1 the kernel sends nothing to another machine: these attempts end here.
    for (address, confidence) in [
        ("10.9.8.7", "medium"),
        ("172.16.9.8", "medium"),
        ("192.168.9.8", "medium"),
        // Agents of this machine answer with these: one that is switched off is no hijack.
        ("100.64.9.8", "low"),
        ("198.18.0.1", "low"),
        ("198.19.255.254", "low"),
    ] {
        let zone = || Zone::new().a("www.lab.example", &[address]);
        let outcome = asking(zone(), &["--source", "127.0.0.1", NAME]);
        assert_eq!(diagnosed(&outcome), format!("fail dns.bogon dns_hijack dns {confidence}"), "{address}");
        assert_eq!(stages(outcome.one()), "dns tcp!", "{address}");
        let detail = outcome.one()["failure"]["detail"].as_str().unwrap();
        assert!(detail.contains(address) && detail.contains("route.none"), "{detail}");
        let allowed = asking(zone(), &["--source", "127.0.0.1", "--private-ok", NAME]);
        assert!(diagnosed(&allowed).starts_with("fail route.none "), "{allowed:?}");
    }
}

#[test]
fn a_resolver_is_asked_from_where_packets_leave() {
    // From 127.0.0.1 the kernel sends nothing to another machine, and everything to this one.
    let outcome = tool(&["--source", "127.0.0.1", "--resolver", "10.9.8.7", NAME]).run();
    assert!(diagnosed(&outcome).starts_with("fail dns.unreachable "), "{outcome:?}");
    let outcome = asking(Zone::new(), &["--source", "127.0.0.9", NAME]);
    assert!(diagnosed(&outcome).starts_with("fail dns.nxdomain "), "{outcome:?}");
}

#[test]
fn names_that_are_not_public_may_have_any_address() {
    let server = quiet();
    for name in ["printer", "www.lab.test", "db.corp.internal", "nas.local", "tv.lan", "x.home.arpa"] {
        let zone = Zone::new().a(name, &["127.0.0.1"]);
        let outcome = asking(zone, &[&format!("tcp://{name}:{}", server.port)]);
        assert_eq!(diagnosed(&outcome), "pass - - - -", "{name}");
        assert_eq!(stages(outcome.one()), "dns tcp");
    }
}

#[test]
fn localhost_needs_no_resolver() {
    let server = quiet();
    let nobody = format!("127.0.0.1:{}", closed_port());
    for name in ["localhost", "app.localhost"] {
        let outcome = tool(&["--resolver", &nobody, &format!("tcp://{name}:{}", server.port)]).run();
        assert_eq!(diagnosed(&outcome), "pass - - - -", "{name}");
        assert_eq!(outcome.one()["facts"]["dns"]["source"], "hosts");
    }
}

#[test]
fn aliases_are_followed_and_kept() {
    let server = quiet();
    let zone = Zone::new()
        .cname("www.lab.test", "edge.cdn.test")
        .cname("edge.cdn.test", "pop.cdn.test")
        .a("pop.cdn.test", &["127.0.0.1"]);
    let outcome = asking(zone, &[&format!("tcp://www.lab.test:{}", server.port)]);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(outcome.one()["facts"]["dns"]["aliases"], json!(["edge.cdn.test", "pop.cdn.test"]));
}

#[test]
fn an_alias_of_nothing_does_not_exist() {
    let outcome = asking(Zone::new().cname("www.lab.example", "gone.cdn.example"), &[NAME]);
    assert!(diagnosed(&outcome).starts_with("fail dns.nxdomain "), "{outcome:?}");
    assert_eq!(outcome.one()["facts"]["dns"]["aliases"], json!(["gone.cdn.example"]));
}

#[test]
fn one_family_is_enough() {
    let (four, six) = (quiet(), Server::tcp_on("::1".parse().unwrap(), vec![Act::Stall]));
    let zone = || Zone::new().a("four.lab.test", &["127.0.0.1"]).aaaa("six.lab.test", &["::1"]);
    for (target, a, aaaa) in [
        (format!("tcp://four.lab.test:{}", four.port), "ok", "no_address"),
        (format!("tcp://six.lab.test:{}", six.port), "no_address", "ok"),
    ] {
        let outcome = asking(zone(), &[&target]);
        assert_eq!(diagnosed(&outcome), "pass - - - -", "{target}");
        let facts = &outcome.one()["facts"]["dns"];
        assert_eq!((&facts["a"], &facts["aaaa"]), (&json!(a), &json!(aaaa)));
    }
}

#[test]
fn a_family_not_wanted_is_not_asked_for() {
    let server = quiet();
    let target = format!("tcp://www.lab.test:{}", server.port);
    for (flag, asked, expected) in [
        ("-4", "www.lab.test A", "pass - - - -"),
        ("-6", "www.lab.test AAAA", "inconclusive dns.no_address unknown local low"),
    ] {
        let resolver = DnsServer::start(Zone::new().a("www.lab.test", &["127.0.0.1"]));
        let address = resolver.addr.to_string();
        let outcome = tool(&["--diagnose", "never", "--resolver", &address, flag, &target]).run();
        assert_eq!(diagnosed(&outcome), expected, "{outcome:?}");
        assert_eq!(resolver.queries(), [asked]);
    }
}

#[test]
fn a_truncated_answer_is_asked_for_again_over_tcp() {
    let server = quiet();
    let zone = Zone::new().truncated("www.lab.test", &["127.0.0.1"]);
    let outcome = asking(zone, &["-4", &format!("tcp://www.lab.test:{}", server.port)]);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
}

#[test]
fn a_resolver_that_says_itself_that_it_filters_is_believed() {
    for (code, word) in [(15, "blocked"), (16, "censored"), (17, "filtered"), (18, "prohibited")] {
        for diagnose in ["auto", "never"] {
            let zone = Zone::new().ede("www.lab.example", 3, code, "by\x1b[31m policy 7");
            let outcome = asking(zone, &["--diagnose", diagnose, NAME]);
            assert_eq!(diagnosed(&outcome), "fail dns.nxdomain dns_filter dns medium");
            assert!(outcome.one()["cause"]["evidence"].to_string().contains(word), "{outcome:?}");
            let kept = json!([{ "code": code, "text": "by\\u{1b}[31m policy 7" }]);
            assert_eq!(outcome.one()["facts"]["dns"]["extended_errors"], kept);
        }
    }
}

#[test]
fn an_extended_error_of_another_kind_is_kept_and_is_no_policy() {
    let zone = Zone::new().ede("www.lab.example", 2, 22, "no reachable authority");
    let outcome = asking(zone, &["--diagnose", "never", NAME]);
    assert_eq!(diagnosed(&outcome), "fail dns.servfail unknown unknown low");
    assert_eq!(outcome.one().pointer("/facts/dns/extended_errors/0/code"), Some(&json!(22)));
}

#[test]
fn a_second_opinion_proves_a_filter() {
    // The reference's addresses are evidence; nobody connects to them.
    let reference = DnsServer::start(Zone::new().a("www.lab.example", &["52.28.30.1"]));
    let reference = reference.addr.to_string();
    let withheld = [
        (Zone::new(), "fail dns.nxdomain dns_filter dns high"),
        (Zone::new().rcode("www.lab.example", 5), "fail dns.refused dns_filter dns high"),
        (Zone::new().a("www.lab.example", &["0.0.0.0"]), "fail dns.bogon dns_filter dns high"),
    ];
    for (zone, expected) in withheld {
        let resolver = DnsServer::start(zone);
        let args = ["--resolver", &resolver.addr.to_string(), "--reference-resolver", &reference, NAME];
        let outcome = tool(&args).run();
        assert_eq!(diagnosed(&outcome), expected, "{outcome:?}");
        assert!(outcome.one()["cause"]["evidence"].to_string().contains("52.28.30.1"));
    }
}

#[test]
fn a_second_opinion_that_agrees_clears_the_network() {
    let (resolver, reference) = (DnsServer::start(Zone::new()), DnsServer::start(Zone::new()));
    let (resolver, reference) = (resolver.addr.to_string(), reference.addr.to_string());
    let outcome = tool(&["--resolver", &resolver, "--reference-resolver", &reference, NAME]).run();
    assert_eq!(diagnosed(&outcome), "fail dns.nxdomain service_misconfigured service medium");
}

#[test]
fn a_second_opinion_may_come_over_https() {
    let root = Authority::new("Lab Root");
    let answer = |request: &[u8]| {
        let at = request.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        let body = reply(&request[at..], [52, 28, 30, 1]);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), &body].concat()
    };
    // The length of the question is that of its name, and known: RFC 1035 section 4.1.
    let length = 12 + "www.lab.example".len() + 2 + 4;
    let acts = vec![Act::until("\r\n\r\n"), Act::Read(length), Act::reply(answer), Act::Close];
    let server = Server::tls(&root.leaf(&["127.0.0.1"]), &["http/1.1"], acts);
    let url = format!("https://127.0.0.1:{}/dns-query", server.port);
    let dir = tempfile::tempdir().unwrap();
    let roots = root.write(dir.path());
    let outcome =
        asking(Zone::new(), &["--public-roots", roots.to_str().unwrap(), "--reference-resolver", &url, NAME]);
    assert_eq!(diagnosed(&outcome), "fail dns.nxdomain dns_filter dns high");
    assert!(String::from_utf8_lossy(&server.seen()[0]).starts_with("POST /dns-query HTTP/1.1\r\n"));
}

#[test]
fn a_second_opinion_that_cannot_be_asked_is_a_usage_error() {
    for url in ["https://dns.example:0/", "https://", "resolver.example"] {
        let outcome = tool(&["--reference-resolver", url, NAME]).run();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{url}");
    }
}

#[test]
fn a_resolver_that_drops_one_kind_of_question_holds_up_nobody() {
    let server = quiet();
    let resolver =
        UdpServer::new(
            |question, _| {
                if kind(question) == A { vec![reply(question, [127, 0, 0, 1])] } else { Vec::new() }
            },
        );
    let outcome = by_hand(&resolver, server.port);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    let facts = &outcome.one()["facts"]["dns"];
    assert_eq!((&facts["a"], &facts["aaaa"]), (&json!("ok"), &json!("timeout")));
    assert_eq!(facts["notes"], json!(["the AAAA question failed with dns.timeout"]));
}

#[test]
fn an_answer_to_another_question_is_not_believed() {
    let server = quiet();
    let resolver = UdpServer::new(|question, _| {
        let right = reply(question, [127, 0, 0, 1]);
        let mut forged = reply(question, [127, 66, 66, 66]);
        forged[0] ^= 0xff;
        let mut other = reply(question, [127, 66, 66, 66]);
        other[13] = b'x';
        vec![forged, other, right]
    });
    let outcome = by_hand(&resolver, server.port);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(outcome.one()["facts"]["dns"]["addresses"], json!(["127.0.0.1"]));
}

#[test]
fn a_resolver_from_before_edns_is_asked_again_without_it() {
    let server = quiet();
    let resolver = UdpServer::new(|question, _| {
        let mut answer = reply(question, [127, 0, 0, 1]);
        if question[11] > 0 {
            answer.truncate(12);
            answer[3] |= 1;
            answer[4..12].fill(0);
        }
        vec![answer]
    });
    assert_eq!(diagnosed(&by_hand(&resolver, server.port)), "pass - - - -");
}

#[test]
fn a_question_is_asked_again_when_it_is_lost() {
    let server = quiet();
    let mut received = 0;
    let resolver = UdpServer::new(move |question, _| {
        received += 1;
        if received <= 2 { Vec::new() } else { vec![reply(question, [127, 0, 0, 1])] }
    });
    assert_eq!(diagnosed(&by_hand(&resolver, server.port)), "pass - - - -");
}

#[test]
fn a_later_attempt_asks_for_a_name_again_that_had_no_answer() {
    let (server, mut received) = (quiet(), 0);
    let resolver = UdpServer::new(move |question, _| {
        received += 1;
        let mut answer = reply(question, [127, 0, 0, 1]);
        if received == 1 {
            // SERVFAIL, and nothing behind the question.
            answer.truncate(end(question));
            answer[3] |= 2;
            answer[6..12].fill(0);
        }
        vec![answer]
    });
    let (target, asked) = (format!("tcp://www.lab.test:{}", server.port), resolver.addr.to_string());
    let args = ["-4", "--diagnose", "never", "--resolver", &asked, "--attempts", "3", &target, &target];
    let outcome = tool(&args).run();
    assert!(outcome.records.iter().all(|record| record["verdict"] == "pass"), "{outcome:#?}");
    // What was answered is kept.
    assert_eq!(resolver.seen().len(), 2);
}

#[test]
fn a_name_is_asked_for_once_a_run() {
    let server = quiet();
    let resolver = DnsServer::start(Zone::new().a("www.lab.test", &["127.0.0.1"]));
    let target = format!("tcp://www.lab.test:{}", server.port);
    let outcome = tool(&["--resolver", &resolver.addr.to_string(), &target, &target, &target]).run();
    assert_eq!(outcome.records.len(), 3);
    let mut queries = resolver.queries();
    queries.sort();
    assert_eq!(queries, ["www.lab.test A", "www.lab.test AAAA"]);
}

/// The number of the question for IPv4 addresses.
pub const A: u8 = 1;

fn by_hand(resolver: &UdpServer, port: u16) -> netcheck_lab::tool::Outcome {
    let target = format!("tcp://www.lab.test:{port}");
    tool(&["--timeout", "2", "--resolver", &resolver.addr.to_string(), &target]).run()
}

/// Where the question's section ends (RFC 1035 section 4.1.2).
pub fn end(question: &[u8]) -> usize {
    question[12..].iter().position(|byte| *byte == 0).unwrap() + 12 + 5
}

pub fn kind(question: &[u8]) -> u8 {
    question[end(question) - 3]
}

/// An answer with this address to a question for IPv4 addresses, without any to another question.
pub fn reply(question: &[u8], address: [u8; 4]) -> Vec<u8> {
    let count = u8::from(kind(question) == A);
    let head = [&question[..2], &[0x81, 0x80, 0, 1, 0, count, 0, 0, 0, 0]].concat();
    let record = [&[0xc0, 12, 0, A, 0, 1, 0, 0, 0, 60, 0, 4], &address[..]].concat();
    let record = if count == 1 { record } else { Vec::new() };
    [&head, &question[12..end(question)], &record].concat()
}
