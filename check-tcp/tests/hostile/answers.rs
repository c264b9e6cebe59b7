//! HTTP answers without end and without measure.

use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server};

use crate::trial::{NAME, against, genuine};

/// A script that answers with these bytes and then floods.
fn answer(head: &str, flood: impl AsRef<[u8]>) -> Vec<Act> {
    let flood = flood.as_ref();
    let many = flood.repeat((64_000 / flood.len()).max(1));
    vec![Act::until("\r\n\r\n"), Act::send(head), Act::Flood(many)]
}

fn both(head: &str, flood: impl AsRef<[u8]>) -> [String; 2] {
    let acts = answer(head, flood);
    [observed(&against("http", &Server::tcp(acts.clone()))), observed(&genuine(&["http/1.1"], acts))]
}

#[test]
fn an_endless_banner_is_cut() {
    let record = against("tcp", &Server::tcp(vec![Act::Flood(b"all work and no play ".repeat(3000))]));
    assert_eq!(observed(&record), "pass -");
    // A connection is watched for milliseconds: on a busy machine the flood may begin later.
    assert!(record["facts"]["banner"].as_str().is_none_or(|banner| banner.chars().count() <= 121));
}

#[test]
fn a_header_of_a_hundred_megabytes_is_http_malformed() {
    assert_eq!(both("HTTP/1.1 200 OK\r\nX: ", "a"), ["fail http.malformed"; 2]);
}

#[test]
fn a_status_line_without_end_is_http_malformed() {
    assert_eq!(both("HTTP/1.1 200 ", "O"), ["fail http.malformed"; 2]);
}

#[test]
fn headers_without_end_are_http_malformed() {
    assert_eq!(
        both("HTTP/1.1 200 OK\r\n", "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
        ["fail http.malformed"; 2]
    );
}

#[test]
fn ten_thousand_headers_are_http_malformed() {
    let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
    head.extend((0..10_000).map(|number| format!("X{number}: 1\r\n")));
    head.push_str("Content-Length: 0\r\n\r\n");
    let acts = vec![Act::until("\r\n\r\n"), Act::send(head), Act::Stall];
    assert_eq!(observed(&against("http", &Server::tcp(acts.clone()))), "fail http.malformed");
    assert_eq!(observed(&genuine(&["http/1.1"], acts)), "fail http.malformed");
}

#[test]
fn a_page_without_end_passes_after_its_beginning() {
    assert_eq!(both("HTTP/1.1 200 OK\r\n\r\n", "<p>more</p>"), ["pass -"; 2]);
    assert_eq!(
        both("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", "<p>more</p>"),
        ["pass -"; 2]
    );
}

#[test]
fn a_chunked_page_without_end_passes_after_its_beginning() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(both(head, "400\r\n".to_owned() + &"x".repeat(1024) + "\r\n"), ["pass -"; 2]);
    assert_eq!(both(head, "1\r\nx\r\n"), ["pass -"; 2]);
}

#[test]
fn chunks_that_are_all_announcement_end() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1";
    assert_eq!(both(head, ";extension=and-another-one"), ["fail http.malformed"; 2]);
}

#[test]
fn trailers_without_end_end() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n";
    for end in both(head, "X-T: aaaaaaaaaaaaaaaaaaaaaaa\r\n") {
        assert!(["pass -", "fail http.malformed", "fail http.timeout"].contains(&end.as_str()), "{end}");
    }
}

#[test]
fn a_redirect_to_itself_is_not_followed() {
    let server = Server::tcp(vec![
        Act::until("\r\n\r\n"),
        Act::send(format!("HTTP/1.1 302 Found\r\nLocation: http://{NAME}/\r\nContent-Length: 0\r\n\r\n")),
        Act::Close,
    ]);
    assert_eq!(observed(&against("http", &server)), "pass -");
    assert!(server.accepted() <= 2, "{} requests", server.accepted());
}

#[test]
fn a_compressed_page_is_never_decompressed() {
    // One stored block after another: whoever inflates this never ends.
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    let block = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0xff, 0xff, 0, 0][..], &[b'0'; 4096]].concat();
    assert_eq!(both(head, block), ["pass -"; 2]);
}

#[test]
fn continue_for_ever_is_http_timeout() {
    assert_eq!(both("", "HTTP/1.1 100 Continue\r\n\r\n"), ["fail http.timeout"; 2]);
}

#[test]
fn hints_for_ever_are_http_timeout() {
    assert_eq!(
        both("", "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"),
        ["fail http.timeout"; 2]
    );
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

fn h2(frames: &[u8]) -> String {
    let many = frames.repeat((64_000 / frames.len()).max(1));
    let acts = vec![Act::Send(frame(4, 0, 0, &[])), Act::ReadSome, Act::Flood(many)];
    observed(&genuine(&["h2"], acts))
}

#[test]
fn frames_of_h2_without_end_end() {
    let settings = frame(4, 0, 0, &[0, 3, 0, 0, 0, 100]);
    let ping = frame(6, 0, 0, &[7; 8]);
    let window = frame(8, 0, 0, &[0, 0, 0, 1]);
    let unknown = frame(0xfa, 0, 0, &[7; 200]);
    for flood in [settings, ping, window, unknown] {
        let end = h2(&flood);
        assert!(end.starts_with("fail http."), "{end}");
    }
}

#[test]
fn a_head_of_h2_without_end_ends() {
    let begin = frame(1, 0, 1, &[0x88]);
    let more = frame(9, 0, 1, &[&[0, 1, b'x', 0x7f, 0xb0, 1][..], &[b'a'; 200]].concat());
    let idle = Act::Idle(std::time::Duration::from_millis(100));
    let acts = vec![Act::Send(frame(4, 0, 0, &[])), idle, Act::Send(begin), Act::Flood(more.repeat(300))];
    let end = observed(&genuine(&["h2"], acts));
    assert!(end.starts_with("fail http."), "{end}");
}
