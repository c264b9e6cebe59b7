//! The schemes `turn` and `turns`, and the media ladder.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::Duration;

use netcheck_lab::UdpServer;
use netcheck_lab::pki::{Authority, Leaf, self_signed_authority};
use netcheck_lab::script::{Act, Server, closed_port};
use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::{explained, failure_detail};

use crate::answers::{challenge, error, id, message, method, plain, xor};
use crate::{check, tool};

const ALLOCATE: u16 = 3;
const REFRESH: u16 = 4;

/// A TCP or TLS script that answers one request with a challenge.
fn challenging() -> Vec<Act> {
    vec![Act::ReadSome, Act::reply(challenge), Act::Stall]
}

fn udp(server: &UdpServer) -> String {
    format!("turn://127.0.0.1:{}", server.port)
}

#[test]
fn a_challenge_passes_with_its_realm() {
    let server = UdpServer::new(|request, _| vec![challenge(request)]);
    let outcome = check(&[&udp(&server)]);
    let turn = &outcome.one()["facts"]["turn"];
    assert_eq!(explained(outcome.one()), "pass - -");
    assert_eq!(
        (&turn["transport"], &turn["realm"], &turn["software"]),
        (&"udp".into(), &"lab.test".into(), &"Lab TURN".into())
    );
}

#[test]
fn an_open_relay_passes_and_its_allocation_is_released() {
    let server = UdpServer::new(|request, peer| match method(request) {
        ALLOCATE => {
            let relay = "192.0.2.3:50000".parse().unwrap();
            vec![message(0x0103, id(request), &[(0x0016, xor(relay)), (0x0020, xor(peer))])]
        }
        _ => vec![message(0x0104, id(request), &[])],
    });
    let outcome = check(&[&udp(&server)]);
    assert_eq!(explained(outcome.one()), "pass - -");
    assert_eq!(outcome.one()["facts"]["turn"]["open"], true);
    assert_eq!(outcome.one()["facts"]["turn"]["relayed"], "192.0.2.3:50000");
    let last = server.seen().pop().unwrap();
    assert_eq!(method(&last), REFRESH);
    assert_eq!(&last[20..28], [0, 0x0d, 0, 4, 0, 0, 0, 0], "LIFETIME 0");
}

#[test]
fn another_error_is_turn_error_of_the_service() {
    let server = UdpServer::new(|request, _| vec![error(request, 486, "Allocation Quota Reached", &[])]);
    let outcome = check(&[&udp(&server)]);
    assert_eq!(explained(outcome.one()), "degraded turn.error service_misconfigured");
    assert_eq!(outcome.one()["failure"]["detail"], "the server answers 486 Allocation Quota Reached");
}

#[test]
fn a_flow_that_the_server_no_longer_knows_is_a_nat_that_rebinds() {
    let server = UdpServer::new(|request, _| vec![error(request, 437, "Allocation Mismatch", &[])]);
    let outcome = check(&[&udp(&server)]);
    assert_eq!(explained(outcome.one()), "fail turn.error nat_rebinding");
}

#[test]
fn a_401_without_a_realm_is_turn_error() {
    let server = UdpServer::new(|request, _| vec![error(request, 401, "Unauthorized", &[])]);
    assert_eq!(check(&[&udp(&server)]).one()["failure"]["code"], "turn.error");
}

#[test]
fn silence_over_udp_is_udp_timeout() {
    let server = UdpServer::new(|_, _| Vec::new());
    let outcome = check(&[&udp(&server), "--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "udp.timeout");
}

#[test]
fn over_tcp_the_stages_are_tcp_and_turn() {
    let server = Server::tcp(challenging());
    let outcome = check(&[&format!("turn://127.0.0.1:{}?transport=tcp", server.port)]);
    let stages: Vec<&str> = outcome.one()["stages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|stage| stage["stage"].as_str())
        .collect();
    assert_eq!((explained(outcome.one()).as_str(), stages), ("pass - -", vec!["tcp", "turn"]));
}

#[test]
fn a_message_in_pieces_on_a_stream_is_put_together() {
    let server = Server::raw(|mut stream| {
        let mut request = [0; 28];
        if stream.read_exact(&mut request).is_ok() {
            for piece in challenge(&request).chunks(7) {
                let _ = stream.write_all(piece).and_then(|()| stream.flush());
            }
        }
    });
    let outcome = check(&[&format!("turn://127.0.0.1:{}?transport=tcp", server.port)]);
    assert_eq!(explained(outcome.one()), "pass - -");
}

#[test]
fn over_tcp_each_end_has_its_own_code() {
    let cases: [(Vec<Act>, &str); 4] = [
        (vec![Act::ReadSome, Act::Stall], "fail turn.timeout protocol_filter"),
        (vec![Act::ReadSome, Act::Reset], "fail turn.reset protocol_filter"),
        (vec![Act::ReadSome, Act::Close], "fail turn.closed protocol_filter"),
        (vec![Act::ReadSome, Act::send("HTTP/1.1 400 Bad Request\r\n\r\n")], "fail stun.malformed unknown"),
    ];
    for (script, expected) in cases {
        let server = Server::tcp(script);
        let outcome = check(&[&format!("turn://127.0.0.1:{}?transport=tcp", server.port)]);
        assert_eq!(explained(outcome.one()), expected);
    }
}

#[test]
fn over_tls_the_alpn_is_stun_turn() {
    let authority = Authority::new("Lab Root");
    let server = Server::tls(&authority.leaf(&["127.0.0.1"]), &["stun.turn"], challenging());
    let outcome = tool()
        .file("roots.pem", authority.pem())
        .args(["--public-roots", "roots.pem", &format!("turns://127.0.0.1:{}", server.port)])
        .run();
    assert_eq!(explained(outcome.one()), "pass - -");
    assert_eq!(outcome.one()["facts"]["tls"]["alpn"], "stun.turn");
    assert_eq!(outcome.one()["facts"]["turn"]["transport"], "tls");
}

#[test]
fn a_certificate_that_is_in_the_trust_store_itself_is_trusted_and_another_of_its_kind_is_not() {
    let own = self_signed_authority(&["127.0.0.1"]);
    let other = self_signed_authority(&["127.0.0.1"]);
    let server = Server::tls(&own, &["stun.turn"], challenging());
    let trusting = |leaf: &Leaf| {
        let tool = tool().file("roots.pem", leaf.chain_pem());
        let target = format!("turns://127.0.0.1:{}", server.port);
        explained(tool.args(["--public-roots", "roots.pem", "--diagnose", "never", &target]).run().one())
    };
    assert_eq!(trusting(&own), "pass - -");
    assert!(trusting(&other).starts_with("fail tls.untrusted"));
}

#[test]
fn the_round_trip_is_that_of_the_allocate_that_was_answered() {
    // The third goes out 300 ms after the first.
    let mut count = 0;
    let server = UdpServer::new(move |request, _| {
        count += 1;
        if count < 3 { Vec::new() } else { vec![challenge(request)] }
    });
    let outcome = check(&[&udp(&server)]);
    assert!(outcome.one()["facts"]["turn"]["round_trip_us"].as_u64().unwrap() < 250_000, "{outcome:#?}");
}

#[test]
fn silence_inside_the_services_own_tls_is_the_services_matter() {
    let authority = Authority::new("Lab Root");
    let script = vec![Act::ReadSome, Act::Stall];
    let server = Server::tls(&authority.leaf(&["127.0.0.1"]), &["stun.turn"], script);
    let outcome = tool()
        .file("roots.pem", authority.pem())
        .args(["--public-roots", "roots.pem", &format!("turns://127.0.0.1:{}", server.port)])
        .run();
    assert_eq!(explained(outcome.one()), "fail turn.timeout service_misconfigured");
    assert_eq!(outcome.one()["cause"]["who"], "service");
}

#[test]
fn over_tls_a_foreign_certificate_is_tls_untrusted() {
    let server = Server::tls(&Authority::new("Unknown").leaf(&["127.0.0.1"]), &[], challenging());
    let outcome = check(&[&format!("turns://127.0.0.1:{}", server.port), "--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "tls.untrusted");
}

#[test]
fn a_transport_nobody_speaks_is_an_invalid_target() {
    let outcome = check(&["turn://127.0.0.1?transport=sctp"]);
    assert_eq!(outcome.one()["failure"]["code"], "input.invalid");
    assert_eq!(outcome.code, 2);
}

#[test]
fn half_of_the_credentials_is_a_usage_error() {
    let outcome = tool().env("TURN_USERNAME", "u").arg("turn://127.0.0.1").run();
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("TURN_PASSWORD"));
}

#[test]
fn refused_credentials_are_turn_error_and_the_password_is_nowhere() {
    for number in [401, 441] {
        let server = UdpServer::new(move |request, _| {
            // The first request is a stranger's; a signed one is longer.
            let more = [(0x0014, b"lab.test".to_vec()), (0x0015, b"nonce".to_vec())];
            vec![if request.len() > 40 { error(request, number, "Wrong", &more) } else { challenge(request) }]
        });
        let outcome = tool()
            .env("TURN_USERNAME", "u")
            .env("TURN_PASSWORD", "hunter2")
            .args(["-vv", &udp(&server)])
            .run();
        assert_eq!(explained(outcome.one()), "fail turn.error unknown");
        assert_eq!(outcome.one()["failure"]["detail"], format!("the server answers {number} Wrong"));
        assert_eq!(outcome.one()["cause"]["who"], "local");
        assert!(!outcome.stdout.contains("hunter2") && !outcome.stderr.contains("hunter2"));
        assert!(!server.seen().iter().any(|sent| sent.windows(7).any(|part| part == b"hunter2")));
    }
}

#[test]
fn a_full_server_is_no_matter_of_credentials() {
    let server = UdpServer::new(|request, _| {
        vec![if request.len() > 40 { error(request, 486, "Quota", &[]) } else { challenge(request) }]
    });
    let outcome = tool().env("TURN_USERNAME", "u").env("TURN_PASSWORD", "p").args([&udp(&server)]).run();
    assert_eq!(explained(outcome.one()), "degraded turn.error service_misconfigured");
    assert_eq!(outcome.one()["facts"]["turn"]["error"], 486);
}

#[test]
fn a_success_nobody_signed_is_stun_malformed() {
    let server = UdpServer::new(|request, _| {
        let relay = "192.0.2.3:50000".parse().unwrap();
        let forged = message(0x0103, id(request), &[(0x0016, xor(relay))]);
        vec![if request.len() > 40 { forged } else { challenge(request) }]
    });
    let outcome = tool().env("TURN_USERNAME", "u").env("TURN_PASSWORD", "p").args([&udp(&server)]).run();
    assert_eq!(outcome.one()["failure"]["detail"], "the success is not signed with our password");
    assert_eq!(outcome.one()["failure"]["code"], "stun.malformed");
}

/// 300 Try Alternate, to that port of 127.0.0.1.
fn elsewhere(request: &[u8], port: u16) -> Vec<u8> {
    error(request, 300, "Try Alternate", &[(0x8023, plain(format!("127.0.0.1:{port}").parse().unwrap()))])
}

#[test]
fn a_server_that_refers_to_another_one_is_followed() {
    let second = UdpServer::new(|request, _| vec![challenge(request)]);
    let port = second.port;
    let first = UdpServer::new(move |request, _| vec![elsewhere(request, port)]);
    let outcome = check(&[&udp(&first)]);
    let record = outcome.one();
    assert_eq!(explained(record), "pass - -", "{record:#}");
    assert_eq!(record["facts"]["turn"]["alternates"][0], format!("127.0.0.1:{port}"));
    assert_eq!(record["facts"]["turn"]["realm"], "lab.test");
    assert_eq!(record["path"]["address"], format!("127.0.0.1:{port}"));
}

#[test]
fn over_tcp_a_server_that_refers_to_another_one_is_followed() {
    let second = Server::tcp(challenging());
    let port = second.port;
    let first =
        Server::tcp(vec![Act::ReadSome, Act::reply(move |request| elsewhere(request, port)), Act::Stall]);
    let outcome = check(&[&format!("turn://127.0.0.1:{}?transport=tcp", first.port)]);
    assert_eq!(explained(outcome.one()), "pass - -", "{:#}", outcome.one());
}

#[test]
fn a_silent_server_that_was_referred_to_is_named_in_the_failure_and_in_the_fix() {
    let second = UdpServer::new(|_, _| Vec::new());
    let port = second.port;
    let first = UdpServer::new(move |request, _| vec![elsewhere(request, port)]);
    let outcome = check(&[&udp(&first)]);
    let record = outcome.one();
    assert_eq!(record["failure"]["code"], "udp.timeout", "{record:#}");
    let named = format!("(from 127.0.0.1:{port}, to which 127.0.0.1:{} refers)", first.port);
    assert!(record["failure"]["detail"].as_str().unwrap().ends_with(&named), "{record:#}");
    assert!(
        record["cause"]["fix"].as_str().unwrap().contains(&format!("UDP {port} to 127.0.0.1")),
        "{record:#}"
    );
}

#[test]
fn servers_that_refer_to_each_other_are_turn_error() {
    let (tell, told) = mpsc::channel::<u16>();
    let mut known = None;
    let first = UdpServer::new(move |request, _| {
        let port = *known.get_or_insert_with(|| told.recv().unwrap());
        vec![elsewhere(request, port)]
    });
    let back = first.port;
    let second = UdpServer::new(move |request, _| vec![elsewhere(request, back)]);
    tell.send(second.port).unwrap();
    let outcome = check(&[&udp(&first)]);
    assert_eq!(outcome.one()["failure"]["code"], "turn.error", "{:#}", outcome.one());
    insta::assert_snapshot!(failure_detail(&outcome), @"the server 127.0.0.1:PORT refers to 127.0.0.1:PORT (300 Try Alternate), which was asked before: the servers refer to each other in a circle");
}

/// Runs the tool with credentials against a server that answers a signed request with what `signed` makes of it, given
/// how many signed ones came before.
fn with_credentials(
    mut signed: impl FnMut(&[u8], usize) -> Vec<u8> + Send + 'static,
) -> (UdpServer, Outcome) {
    let mut count = 0;
    let server = UdpServer::new(move |request, _| {
        if !request.windows(4).any(|part| part == [0, 8, 0, 20]) {
            return vec![challenge(request)];
        }
        count += 1;
        vec![signed(request, count - 1)]
    });
    let outcome = tool().env("TURN_USERNAME", "u").env("TURN_PASSWORD", "p").args([&udp(&server)]).run();
    (server, outcome)
}

#[test]
fn a_nonce_may_be_stale_three_times() {
    let stale = |times: usize| {
        let (_server, outcome) = with_credentials(move |request, before| {
            let more = [(0x0014, b"lab.test".to_vec()), (0x0015, format!("nonce {before}").into_bytes())];
            if before < times {
                error(request, 438, "Stale Nonce", &more)
            } else {
                error(request, 486, "Quota", &more)
            }
        });
        outcome.one()["facts"]["turn"]["error"].clone()
    };
    assert_eq!(stale(3), 486);
    assert_eq!(stale(9), 438);
}

#[test]
fn a_phrase_is_shown_up_to_its_first_null() {
    let server = UdpServer::new(|request, _| vec![error(request, 508, "Insufficient\0\0\0", &[])]);
    let outcome = check(&[&udp(&server)]);
    assert_eq!(outcome.one()["failure"]["detail"], "the server answers 508 Insufficient");
}

/// A port that answers every ClientHello with ALPN by the alert no_application_protocol, and hands all others to `inner`.
fn strict(inner: u16) -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut hello = vec![0; 4096];
            let length = client.read(&mut hello).unwrap_or_default();
            if hello[..length].windows(9).any(|part| part == b"stun.turn") {
                let _ = client.write_all(&[0x15, 3, 3, 0, 2, 2, 120]);
                continue;
            }
            let mut server = std::net::TcpStream::connect(("127.0.0.1", inner)).unwrap();
            server.write_all(&hello[..length]).unwrap();
            let (mut up, mut down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut up, &mut server));
            std::thread::spawn(move || std::io::copy(&mut down, &mut client));
        }
    });
    port
}

#[test]
fn a_server_that_refuses_the_alpn_protocol_is_reached_without_any() {
    let authority = Authority::new("Lab Root");
    let inner = Server::tls(&authority.leaf(&["127.0.0.1"]), &[], challenging());
    let port = strict(inner.port);
    let outcome = tool()
        .file("roots.pem", authority.pem())
        .args(["--public-roots", "roots.pem", &format!("turns://127.0.0.1:{port}")])
        .run();
    let record = outcome.one();
    assert_eq!(explained(record), "pass - -", "{record:#}");
    assert!(record["facts"]["note"].as_str().unwrap().contains("reached without ALPN"), "{record:#}");
    let ladder = format!("udp:{port},tcp:{},tls:{port}", closed_port());
    let outcome = tool()
        .file("roots.pem", authority.pem())
        .args(["--public-roots", "roots.pem", "--media-ladder", "127.0.0.1", "--ladder", &ladder])
        .run();
    assert_eq!(outcome.one()["facts"]["best_transport"], format!("tls:{port}"), "{outcome:#?}");
}

#[test]
fn a_check_that_is_stopped_while_it_asks_for_a_relay_gives_it_back() {
    for number in [2, 15] {
        let (sender, signed) = mpsc::channel();
        let server = UdpServer::new(move |request, _| {
            if request.len() <= 40 {
                return vec![challenge(request)];
            }
            let _ = sender.send(request.to_vec());
            Vec::new()
        });
        let running = Tool::new(env!("CARGO_BIN_EXE_check-udp"))
            .env("TURN_USERNAME", "u")
            .env("TURN_PASSWORD", "p")
            .args(["--timeout", "20", &udp(&server)])
            .start();
        let next = || signed.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(method(&next()), ALLOCATE);
        if number == 2 {
            running.interrupt()
        } else {
            running.terminate()
        }
        assert_eq!(running.wait().code, 128 + number);
        // The request may have been repeated before.
        let last = std::iter::repeat_with(next).find(|request| method(request) != ALLOCATE).unwrap();
        assert_eq!((method(&last), &last[20..28]), (REFRESH, &[0, 0x0d, 0, 4, 0, 0, 0, 0][..]));
    }
}

#[test]
fn a_nonce_that_runs_out_is_replaced_for_every_request() {
    // Every nonce is stale the first time it is used; the server's answer to a right one is beside the point.
    let mut stale = 0;
    let server = UdpServer::new(move |request, _| {
        if request.len() <= 40 {
            return vec![challenge(request)];
        }
        stale += 1;
        let more = [(0x0014, b"lab.test".to_vec()), (0x0015, format!("nonce {stale}").into_bytes())];
        vec![if stale == 1 {
            error(request, 438, "Stale Nonce", &more)
        } else {
            error(request, 486, "Quota", &more)
        }]
    });
    let outcome = tool().env("TURN_USERNAME", "u").env("TURN_PASSWORD", "p").args([&udp(&server)]).run();
    assert_eq!(outcome.one()["facts"]["turn"]["error"], 486);
    let last = server.seen().pop().unwrap();
    assert!(last.windows(7).any(|part| part == b"nonce 1"), "the fresh nonce is used");
}

#[test]
fn a_relay_test_without_credentials_or_of_an_unknown_rung_is_a_usage_error() {
    assert_eq!(check(&["--relay", "5", "turn://127.0.0.1"]).code, 2);
    let with = |rung: &str| {
        let tool = tool().env("TURN_USERNAME", "u").env("TURN_PASSWORD", "p");
        tool.args(["--relay", "5", "--relay-rung", rung, "turn://127.0.0.1"]).run().code
    };
    assert_eq!(with("8K"), 2);
}

/// Runs the ladder with its four rungs on these ports.
fn ladder(ports: [u16; 4], more: &[&str]) -> serde_json::Value {
    let rungs = format!("udp:{},udp:{},tcp:{},tls:{}", ports[0], ports[1], ports[2], ports[3]);
    let outcome = tool().args(["--media-ladder", "127.0.0.1", "--ladder", &rungs]).args(more).run();
    outcome.one().clone()
}

fn rungs(record: &serde_json::Value) -> Vec<bool> {
    record["facts"]["ladder"].as_array().unwrap().iter().map(|rung| rung["ok"].as_bool().unwrap()).collect()
}

#[test]
fn the_ladder_names_the_first_rung_that_works() {
    let (silent, udp) =
        (UdpServer::new(|_, _| Vec::new()), UdpServer::new(|request, _| vec![challenge(request)]));
    let tcp = Server::tcp(challenging());
    let record = ladder([silent.port, udp.port, tcp.port, closed_port()], &[]);
    assert_eq!(explained(&record), "pass - -");
    assert_eq!(record["facts"]["best_transport"], format!("udp:{}", udp.port));
    assert_eq!(rungs(&record), [false, true, true, false]);
    assert_eq!(record["facts"]["ladder"][3]["failure"], "tcp.refused");
    assert_eq!(record["target"], "turn://127.0.0.1:3478?ladder");
}

#[test]
fn a_ladder_with_tcp_only_is_degraded_and_a_silent_control_makes_it_udp_blocked() {
    let silent = [UdpServer::new(|_, _| Vec::new()), UdpServer::new(|_, _| Vec::new())];
    let tcp = Server::tcp(challenging());
    let ports = [silent[0].port, silent[1].port, tcp.port, closed_port()];
    let record = ladder(ports, &["--diagnose", "never"]);
    assert_eq!(explained(&record), "degraded udp.timeout unknown");
    assert_eq!(record["facts"]["best_transport"], format!("tcp:{}", tcp.port));
    let control = UdpServer::new(|_, _| Vec::new());
    let record = ladder(ports, &["--control", &format!("stun:127.0.0.1:{}", control.port)]);
    assert_eq!(explained(&record), "degraded udp.timeout udp_blocked");
}

#[test]
fn a_ladder_without_any_rung_fails() {
    let silent = [UdpServer::new(|_, _| Vec::new()), UdpServer::new(|_, _| Vec::new())];
    let record =
        ladder([silent[0].port, silent[1].port, closed_port(), closed_port()], &["--diagnose", "never"]);
    assert!(explained(&record).starts_with("fail udp.timeout"), "{record:#}");
    assert!(record["facts"]["best_transport"].is_null());
    assert_eq!(rungs(&record), [false; 4]);
}
