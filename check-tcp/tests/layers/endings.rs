//! Every way one HTTP request can end without an answer.

use netcheck_lab::Act;
use netcheck_lab::view::{diagnosed, observed};

use crate::view::{QUICK, SOON, answer, genuine, plain};

/// A script that reads the request and then does this.
fn asked(act: Act) -> Vec<Act> {
    vec![Act::until("\r\n\r\n"), act]
}

/// A script that leaves in the middle of the head.
fn half(act: Act) -> Vec<Act> {
    vec![Act::until("\r\n\r\n"), Act::send("HTTP/1.1 200 OK\r\nContent-Le"), act]
}

fn both(acts: impl Fn() -> Vec<Act>) -> [String; 2] {
    [observed(&plain(acts(), QUICK)), observed(&genuine(acts(), QUICK))]
}

#[test]
fn silence_is_http_timeout() {
    assert_eq!(both(|| asked(Act::Stall)), ["fail http.timeout"; 2]);
    assert_eq!(both(|| half(Act::Stall)), ["fail http.timeout"; 2]);
}

#[test]
fn a_reset_is_http_reset() {
    assert_eq!(both(|| asked(Act::Reset)), ["fail http.reset"; 2]);
}

#[test]
fn a_close_is_http_closed() {
    assert_eq!(both(|| asked(Act::Close)), ["fail http.closed"; 2]);
    assert_eq!(both(|| asked(Act::HangUp)), ["fail http.closed"; 2]);
    assert_eq!(both(|| half(Act::Close)), ["fail http.closed"; 2]);
    assert_eq!(both(|| half(Act::HangUp)), ["fail http.closed"; 2]);
}

#[test]
fn what_is_not_http_is_http_malformed() {
    for nonsense in
        ["SSH-2.0-OpenSSH_9.2p1\r\n", "\0\0\0\0\0\0\0\0\0", "HTTP/1.1 abc\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n"]
    {
        assert_eq!(both(|| answer(nonsense)), ["fail http.malformed"; 2], "{nonsense:?}");
    }
    assert_eq!(
        both(|| answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")),
        ["fail http.malformed"; 2]
    );
}

#[test]
fn a_page_cut_short_is_an_answer_all_the_same() {
    let cut = || answer("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello");
    assert_eq!(both(cut), ["pass -"; 2]);
}

#[test]
fn an_answer_before_the_request_was_sent_is_no_answer_to_it() {
    // Whatever is made of it, it must not be taken for something else than what HTTP can say.
    let early = plain(
        vec![Act::send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"), Act::Close],
        QUICK,
    );
    let code = observed(&early);
    assert!(
        ["pass -", "fail http.closed", "fail http.malformed", "fail http.reset"].contains(&code.as_str()),
        "{early:?}"
    );
}

#[test]
fn a_request_that_only_this_name_loses_is_filtered() {
    let reply = |request: &[u8]| {
        let control = request.windows(11).any(|part| part == b"example.com");
        if control { b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec() } else { Vec::new() }
    };
    let acts = vec![Act::until("\r\n\r\n"), Act::reply(reply), Act::Stall];
    assert_eq!(diagnosed(&plain(acts, SOON)), "fail http.timeout protocol_filter network medium");
}

#[test]
fn a_request_that_every_name_loses_is_unknown() {
    assert_eq!(diagnosed(&plain(asked(Act::Reset), SOON)), "fail http.reset unknown unknown low");
    assert_eq!(diagnosed(&genuine(asked(Act::Reset), SOON)), "fail http.reset unknown unknown low");
}
