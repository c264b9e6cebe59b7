//! What follows the upgrade: pings, texts, Close, what the user asks for, and peers that send too much.

use crate::peer::tool;
use crate::scripts::{answer, genuine, plain, upgraded};
use netcheck_lab::view::diagnosed;
use netcheck_lab::{Act, Server};

#[test]
fn several_pings_have_a_median() {
    let server = Server::each(crate::peer::echo);
    let outcome = plain(&server, &["--count", "5", "--interval", "1"]);
    let pings = &outcome.one()["facts"]["pings"];
    assert_eq!((&pings["sent"], &pings["answered"]), (&5.into(), &5.into()));
    let of = |key: &str| pings[key].as_u64().unwrap();
    assert!(0 < of("min_us") && of("min_us") <= of("median_us") && of("median_us") <= of("max_us"));
    assert_eq!(outcome.one()["facts"]["rtt_us"], pings["median_us"]);
}

#[test]
fn pings_without_pongs_are_no_pong() {
    let quick = ["--timeout", "0.3", "--diagnose", "never"];
    assert_eq!(
        diagnosed(&plain(&Server::tcp(upgraded([Act::Stall])), &quick)),
        "fail ws.no_pong websocket_filter network low"
    );
    assert_eq!(
        diagnosed(&genuine(upgraded([Act::Stall]), &quick)),
        "degraded ws.no_pong unknown service low"
    );
}

#[test]
fn the_pings_answered_before_silence_are_kept() {
    // A pong for the first ping (8 bytes that count from one), and none after it.
    let pong = [&[0x8a, 8][..], &1u64.to_be_bytes()].concat();
    let acts = upgraded([Act::Read(14), Act::Send(pong), Act::Stall]);
    let args = ["--timeout", "0.3", "--diagnose", "never", "--count", "3", "--interval", "1"];
    let outcome = plain(&Server::tcp(acts), &args);
    assert!(diagnosed(&outcome).starts_with("fail ws.no_pong "), "{outcome:?}");
    let pings = &outcome.one()["facts"]["pings"];
    assert_eq!((&pings["sent"], &pings["answered"]), (&2.into(), &1.into()));
}

#[test]
fn a_close_frame_is_ws_closed_by_the_service() {
    let frame = [&[0x88, 13, 0x03, 0xf0][..], b"no\x1b[31mauth"].concat();
    let outcome = genuine(upgraded([Act::Send(frame)]), &[]);
    assert_eq!(diagnosed(&outcome), "degraded ws.closed service_misconfigured service medium");
    let end = &outcome.one()["facts"]["end"];
    assert_eq!((&end["code"], &end["reason"]), (&1008.into(), &"no\\u{1b}[31mauth".into()));
}

#[test]
fn ends_without_a_frame_are_told_apart() {
    let close = genuine(upgraded([Act::ReadSome, Act::Close]), &[]);
    assert_eq!(diagnosed(&close), "degraded ws.closed service_misconfigured service medium");
    let torn = genuine(upgraded([Act::ReadSome, Act::HangUp]), &[]);
    assert!(diagnosed(&torn).starts_with("fail ws.closed "), "{torn:?}");
    let reset = genuine(upgraded([Act::ReadSome, Act::Reset]), &[]);
    assert!(diagnosed(&reset).starts_with("fail ws.reset "), "{reset:?}");
    let cut = |end| diagnosed(&plain(&Server::tcp(upgraded([Act::ReadSome, end])), &[]));
    assert!(cut(Act::Close).starts_with("fail ws.closed "));
    assert_eq!(cut(Act::Reset), "fail ws.reset websocket_filter network low");
}

#[test]
fn a_flood_costs_one_timeout() {
    let message = [&[0x82, 126, 0x10, 0x00][..], &[7; 4096]].concat();
    let quick = ["--timeout", "0.3", "--diagnose", "never"];
    let outcome = plain(&Server::tcp(upgraded([Act::Flood(message)])), &quick);
    assert_eq!(diagnosed(&outcome), "degraded ws.no_pong service_misconfigured service low");
    assert!(outcome.one()["facts"]["unasked"].as_u64().unwrap() > 10);
}

#[test]
fn a_server_that_pings_without_end_is_the_services_and_its_pings_are_counted() {
    let pings = [0x89, 4, 1, 2, 3, 4].repeat(1000);
    let quick = ["--timeout", "0.3", "--diagnose", "never"];
    let outcome = plain(&Server::tcp(upgraded([Act::Flood(pings.clone())])), &quick);
    assert_eq!(diagnosed(&outcome), "degraded ws.no_pong service_misconfigured service low");
    let (record, evidence) = (outcome.one(), evidence(&outcome));
    let count = record["facts"]["server_pings"].as_u64().unwrap();
    assert!(count > 10 && evidence.contains(&format!("{count} pings and 0 messages came")), "{evidence}");
    let outcome = genuine(upgraded([Act::Flood(pings)]), &quick);
    assert_eq!(diagnosed(&outcome), "degraded ws.no_pong service_misconfigured service medium");
}

fn evidence(outcome: &netcheck_lab::tool::Outcome) -> String {
    outcome.one()["cause"]["evidence"].to_string()
}

/// Ping (8 bytes that count from one), text and Close as they arrive, with their headers and masks.
const PING: Act = Act::Read(14);
const HELLO: Act = Act::Read(11);
const CLOSE: Act = Act::Read(6);

#[test]
fn after_the_upgrade_ping_text_and_close_each_say_something_else() {
    let pong = [&[0x8a, 8][..], &1u64.to_be_bytes()].concat();
    let hello = [&[0x81, 5][..], b"hello"].concat();
    let text_only = || upgraded([PING, HELLO, Act::Send(hello.clone()), Act::Stall]);
    let ping_only = || upgraded([PING, Act::Send(pong.clone()), HELLO, Act::Stall]);
    let close_only = || upgraded([PING, HELLO, CLOSE, Act::send([0x88, 0])]);
    let nothing = || upgraded([Act::Stall]);
    let args = ["--timeout", "0.3", "--diagnose", "never", "--echo", "hello"];
    for (acts, clear, inside_tls, sent) in [
        (
            &text_only as &dyn Fn() -> Vec<Act>,
            "degraded ws.no_pong unknown unknown low",
            "degraded ws.no_pong service_misconfigured service medium",
            ["unanswered", "answered", "unanswered"],
        ),
        (
            &ping_only,
            "fail ws.timeout websocket_filter network low",
            "degraded ws.timeout service_misconfigured service medium",
            ["answered", "unanswered", "unanswered"],
        ),
        (
            &close_only,
            "fail ws.no_pong unknown unknown low",
            "degraded ws.no_pong service_misconfigured service medium",
            ["unanswered", "unanswered", "answered"],
        ),
        (
            &nothing,
            "fail ws.no_pong websocket_filter network low",
            "degraded ws.no_pong unknown service low",
            ["unanswered"; 3],
        ),
    ] {
        let outcome = plain(&Server::tcp(acts()), &args);
        assert_eq!(diagnosed(&outcome), clear, "{outcome:?}");
        let facts = &outcome.one()["facts"]["after_upgrade"];
        assert_eq!(["ping", "text", "close"].map(|frame| facts[frame].as_str().unwrap()), sent);
        assert!(evidence(&outcome).contains("a ping frame was "), "{outcome:?}");
        assert_eq!(diagnosed(&genuine(acts(), &args)), inside_tls);
    }
}

#[test]
fn a_frame_larger_than_the_bound_is_not_read() {
    let head = [0x82, 127, 0, 0, 0, 0x10, 0, 0, 0, 0];
    let outcome = genuine(upgraded([Act::send(head), Act::Stall]), &[]);
    assert_eq!(diagnosed(&outcome), "degraded ws.no_pong service_misconfigured service medium");
}

#[test]
fn garbage_after_the_upgrade_is_no_pong() {
    let outcome = plain(&Server::tcp(upgraded([Act::send([0xff; 64]), Act::Stall])), &[]);
    assert!(diagnosed(&outcome).starts_with("fail ws.no_pong "), "{outcome:?}");
}

#[test]
fn an_echo_comes_back() {
    let outcome = plain(&Server::each(crate::peer::echo), &["--echo", "schön guten Tag"]);
    assert_eq!(outcome.one()["facts"]["echo"]["bytes"], 16);
    assert_eq!(outcome.one()["verdict"], "pass");
}

#[test]
fn an_echo_that_never_comes_is_a_timeout() {
    let pong = [&[0x8a, 8][..], &1u64.to_be_bytes()].concat();
    let acts = upgraded([Act::Read(14), Act::Send(pong), Act::Stall]);
    let outcome = genuine(acts, &["--timeout", "0.3", "--diagnose", "never", "--echo", "hello"]);
    assert_eq!(diagnosed(&outcome), "degraded ws.timeout service_misconfigured service medium");
}

#[test]
fn a_secret_in_a_reason_or_a_close_frame_is_hidden_too() {
    let status = answer("HTTP/1.1 403 no-s3cret-value\r\nContent-Length: 0\r\n\r\n");
    let close = upgraded([Act::Send([&[0x88, 14, 0x03, 0xf0][..], b"s3cret-value"].concat())]);
    for acts in [status, close] {
        let server = Server::tcp(acts);
        let url = format!("ws://127.0.0.1:{}/", server.port);
        let outcome = tool(&["--header", "X-Token: $TOKEN"]).env("TOKEN", "s3cret-value").arg(url).run();
        assert!(
            outcome.stdout.contains("[hidden]") && !outcome.stdout.contains("s3cret"),
            "{}",
            outcome.stdout
        );
    }
}

/// The request that these arguments make, and the record that a server without any extras gives.
fn request(args: &[&str]) -> (String, serde_json::Value) {
    let pong = [&[0x8a, 8][..], &1u64.to_be_bytes()].concat();
    let server = Server::tcp(upgraded([Act::Read(14), Act::Send(pong), Act::Stall]));
    let url = format!("ws://127.0.0.1:{}/a?b=c", server.port);
    let outcome = tool(args).env("TOKEN", "s3cret-value").arg(url).run();
    let seen = server.seen().remove(0);
    (String::from_utf8_lossy(&seen).replace(&server.port.to_string(), "PORT"), outcome.one().clone())
}

#[test]
fn the_request_says_what_the_user_asked_for() {
    let args =
        ["--origin", "https://app.example", "--subprotocol", "chat", "--subprotocol", "v2.chat", "--deflate"];
    let (request, record) = request(&[&args[..], &["--header", "Authorization: Bearer $TOKEN"]].concat());
    let (start, rest) = request.split_once("Sec-WebSocket-Key: ").unwrap();
    let (key, rest) = rest.split_once("\r\n").unwrap();
    let fields = rest.split_once("\r\n\r\n").unwrap().0;
    assert_eq!(key.len(), 24);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        start,
        format!(
            "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:PORT\r\nUser-Agent: netcheck/{version}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        )
    );
    assert_eq!(
        fields,
        "Origin: https://app.example\r\nSec-WebSocket-Protocol: chat, v2.chat\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nAuthorization: Bearer s3cret-value"
    );
    assert_eq!((&record["verdict"], &record["facts"]["deflate"]), (&"pass".into(), &"declined".into()));
}

#[test]
fn nothing_is_offered_unasked() {
    let (request, record) = request(&[]);
    assert!(!request.contains("Extensions") && !request.contains("Protocol:") && !request.contains("Origin"));
    assert_eq!(record["facts"]["deflate"], "not_offered");
}

#[test]
fn what_the_server_chooses_is_recorded() {
    let chosen = |request: &[u8]| {
        let right = String::from_utf8(crate::scripts::right(request)).unwrap();
        let fields = "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
        right.replacen("\r\n\r\n", &format!("\r\n{fields}"), 1).into_bytes()
    };
    let pong = [&[0x8a, 8][..], &1u64.to_be_bytes()].concat();
    let acts = || {
        vec![Act::until("\r\n\r\n"), Act::reply(chosen), Act::Read(14), Act::Send(pong.clone()), Act::Stall]
    };
    let outcome = plain(&Server::tcp(acts()), &["--subprotocol", "chat", "--deflate"]);
    let facts = &outcome.one()["facts"];
    assert_eq!((&facts["subprotocol"], &facts["deflate"]), (&"chat".into(), &"accepted".into()));
    let unasked = plain(&Server::tcp(acts()), &[]);
    assert!(diagnosed(&unasked).starts_with("fail ws.upgrade_missing "), "{unasked:?}");
}

#[test]
fn a_secret_never_reaches_the_record_even_when_the_server_sends_it_back() {
    let page = |request: &[u8]| {
        let body = String::from_utf8_lossy(request).into_owned();
        format!(
            "HTTP/1.1 403 Forbidden\r\nServer: saw s3cret-value\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    let server = Server::tcp(vec![Act::until("\r\n\r\n"), Act::reply(page), Act::Close]);
    let url = format!("ws://127.0.0.1:{}/", server.port);
    let outcome = tool(&["-v", "--header", "X-Token: $TOKEN"]).env("TOKEN", "s3cret-value").arg(url).run();
    assert!(String::from_utf8_lossy(&server.seen()[0]).contains("X-Token: s3cret-value"));
    assert!(outcome.stdout.contains("X-Token: [hidden]"), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("s3cret") && !outcome.stderr.contains("s3cret"));
}

#[test]
fn wrong_use_is_told_before_any_packet() {
    for wrong in [
        &["--header", "nonsense"][..],
        &["--header", "Host: x"],
        &["--header", "X: $NOT_SET_ANYWHERE"],
        &["--subprotocol", "a,b"],
        &["--origin", "a b"],
        &["--keepalive", "5"],
        &["--deflate", "--echo", "x"],
        &["--hold", "0"],
    ] {
        let server = Server::tcp(vec![Act::Stall]);
        let outcome = plain(&server, wrong);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{wrong:?}");
        assert_eq!(server.accepted(), 0, "{wrong:?}");
    }
}
