//! SOCKS5 proxies (RFC 1928, RFC 1929).

use netcheck_lab::view::{diagnosed, stages};
use netcheck_lab::{Act, Server, closed_port};

use crate::peer::tool;

const SERVICE: &str = "tcp://service.example:443";

/// The choice of no authentication, the request for the service by its name, and the reply.
fn replies(reply: u8) -> Vec<Act> {
    let reply = Act::send([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]);
    vec![Act::Read(3), Act::send([5, 0]), Act::Read(22), reply, Act::Stall]
}

/// What the tool says of a proxy that plays this, and what the proxy received; `credentials` are `USER:PASSWORD`.
fn play(acts: Vec<Act>, credentials: &str) -> (String, Vec<u8>) {
    let server = Server::tcp(acts);
    let proxy = format!("socks5h://127.0.0.1:{}", server.port);
    let nobody = format!("127.0.0.1:{}", closed_port());
    let mut tool = tool(&["--resolver", &nobody, "--timeout", "1", "--proxy", &proxy, SERVICE]);
    if let Some((user, password)) = credentials.split_once(':') {
        tool = tool.env("NETCHECK_PROXY_USER", user).env("NETCHECK_PROXY_PASSWORD", password);
    }
    let outcome = tool.run();
    assert!(stages(outcome.one()).starts_with("proxy"), "{outcome:?}");
    assert!(!outcome.stdout.contains("hunter2") && !outcome.stderr.contains("hunter2"), "{outcome:?}");
    (diagnosed(&outcome), server.seen().remove(0))
}

#[test]
fn the_name_is_left_to_the_proxy() {
    let (said, received) = play(replies(0), "");
    assert_eq!(said, "pass - - - -");
    let request = [&[5, 1, 0, 3, 15][..], b"service.example", &443u16.to_be_bytes()].concat();
    assert_eq!(received, [&[5, 1, 0][..], &request].concat());
}

#[test]
fn an_address_goes_as_an_address() {
    let server = Server::tcp(vec![
        Act::Read(3),
        Act::send([5, 0]),
        Act::Read(10),
        Act::send([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
        Act::Stall,
    ]);
    let proxy = format!("socks5h://127.0.0.1:{}", server.port);
    assert_eq!(diagnosed(&tool(&["--proxy", &proxy, "tcp://52.28.30.1:443"]).run()), "pass - - - -");
    assert_eq!(server.seen()[0][3..], [5, 1, 0, 1, 52, 28, 30, 1, 1, 187]);
}

#[test]
fn user_and_password_are_given_when_asked_for() {
    let login = |status: u8| {
        let mut acts = vec![Act::Read(4), Act::send([5, 2]), Act::Read(15), Act::send([1, status])];
        acts.extend(replies(0).split_off(2));
        acts
    };
    let (said, received) = play(login(0), "alice:hunter2");
    assert_eq!(said, "pass - - - -");
    assert_eq!(received[..19], [&[5, 2, 0, 2, 1, 5][..], b"alice", &[7], b"hunter2"].concat());
    assert_eq!(play(login(1), "alice:hunter2").0, "fail proxy.auth_refused proxy_auth local medium");
}

#[test]
fn a_proxy_that_wants_credentials_is_auth_required() {
    for choice in [0xff, 2] {
        let said = play(vec![Act::Read(3), Act::send([5, choice]), Act::Stall], "").0;
        assert_eq!(said, "fail proxy.auth_required proxy_auth proxy medium", "{choice}");
    }
}

#[test]
fn each_reply_has_its_own_code() {
    for (reply, expected) in [
        (1, "fail proxy.upstream proxy_upstream proxy medium"),
        (2, "fail proxy.denied proxy_policy proxy medium"),
        (3, "fail proxy.upstream proxy_upstream proxy medium"),
        (4, "fail proxy.upstream proxy_upstream proxy medium"),
        (5, "fail proxy.upstream proxy_upstream proxy medium"),
        (6, "fail proxy.upstream proxy_upstream proxy medium"),
        (7, "fail proxy.protocol proxy_down proxy low"),
        (99, "fail proxy.protocol proxy_down proxy low"),
    ] {
        assert_eq!(play(replies(reply), "").0, expected, "reply {reply}");
    }
}

#[test]
fn a_proxy_that_goes_wrong_is_told_apart() {
    for (acts, expected) in [
        (vec![Act::Read(3), Act::send("HTTP/1.1 400 Bad Request\r\n\r\n"), Act::Stall], "proxy.protocol"),
        (vec![Act::Read(3), Act::send([5, 7]), Act::Stall], "proxy.protocol"),
        (
            vec![Act::Read(3), Act::send([5, 0]), Act::Read(22), Act::send([5, 0, 0, 9]), Act::Close],
            "proxy.protocol",
        ),
        (vec![Act::Read(3), Act::Close], "proxy.protocol"),
        (vec![Act::Read(3), Act::send([5, 0]), Act::Read(22), Act::Reset], "proxy.unreachable"),
        (vec![Act::Stall], "proxy.timeout"),
    ] {
        let said = play(acts.clone(), "").0;
        assert!(said.starts_with(&format!("fail {expected} proxy_down proxy ")), "{acts:?}: {said}");
    }
}
