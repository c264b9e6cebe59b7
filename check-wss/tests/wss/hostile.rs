//! Peers that answer the upgrade at length, slowly, or with frames that no server sends.

use std::time::Duration;

use netcheck_lab::trial::check_beside_healthy;
use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server};

use crate::peer::{echo, tool};
use crate::scripts::upgraded;

/// Checks a hostile server, and a healthy one beside it.
fn against(acts: Vec<Act>) -> String {
    let (hostile, healthy) = (Server::tcp(acts), Server::each(echo));
    let target = |server: &Server| format!("ws://127.0.0.1:{}/socket", server.port);
    observed(&check_beside_healthy(tool(&[]), &target(&hostile), &target(&healthy)))
}

/// Reads the request, says this, and then floods.
fn flood(head: &str, flood: &[u8]) -> Vec<Act> {
    let many = flood.repeat((64_000 / flood.len()).max(1));
    vec![Act::until("\r\n\r\n"), Act::send(head), Act::Flood(many)]
}

fn slowly(bytes: &[u8]) -> Act {
    Act::SendSlowly(bytes.to_vec(), Duration::from_secs(1))
}

#[test]
fn an_upgrade_of_one_byte_a_second_is_ws_timeout() {
    let acts =
        vec![Act::until("\r\n\r\n"), slowly(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")];
    assert_eq!(against(acts), "fail ws.timeout");
}

#[test]
fn frames_of_one_byte_a_second_are_no_pong() {
    assert_eq!(against(upgraded([slowly(&[0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 1])])), "fail ws.no_pong");
}

#[test]
fn heads_without_end_are_http_malformed() {
    for (head, more) in [
        ("HTTP/1.1 101 Switching Protocols\r\nX: ", &b"aaaaaaaa"[..]),
        ("HTTP/1.1 200 ", b"O"),
        ("HTTP/1.1 101 Switching Protocols\r\n", b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
        ("", b"\xfe\xff"),
    ] {
        assert_eq!(against(flood(head, more)), "fail http.malformed", "{head}");
    }
}

#[test]
fn ten_thousand_headers_are_http_malformed() {
    let mut head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n".to_owned();
    // Short ones, so that all of them together stay below the bound of a head's length.
    head.extend((0..10_000).map(|_| "X:1\r\n"));
    head.push_str("\r\n");
    assert_eq!(against(vec![Act::until("\r\n\r\n"), Act::send(head), Act::Stall]), "fail http.malformed");
}

#[test]
fn informational_answers_without_end_are_ws_timeout() {
    assert_eq!(against(flood("", b"HTTP/1.1 103 Early Hints\r\n\r\n")), "fail ws.timeout");
}

#[test]
fn a_page_without_end_is_no_upgrade() {
    assert_eq!(against(flood("HTTP/1.1 200 OK\r\n\r\n", b"<p>more</p>")), "fail ws.upgrade_missing");
}

#[test]
fn a_frame_of_two_to_the_63_is_no_pong() {
    for length in [1u64 << 63, u64::MAX, (1 << 63) - 1] {
        let head = [&[0x82, 127][..], &length.to_be_bytes()].concat();
        assert_eq!(
            against(upgraded([Act::Send(head), Act::Flood(vec![7; 64_000])])),
            "fail ws.no_pong",
            "{length}"
        );
    }
}

#[test]
fn control_frames_in_fragments_are_no_pong() {
    for opcode in [0x8, 0x9, 0xa] {
        let parts = [&[opcode, 4][..], b"part", &[0x80, 4], b"more"].concat();
        assert_eq!(against(upgraded([Act::Send(parts), Act::Stall])), "fail ws.no_pong", "{opcode:x}");
    }
}

#[test]
fn control_frames_longer_than_allowed_are_no_pong() {
    let long = [&[0x89, 126, 0x40, 0][..], &[b'p'; 0x4000]].concat();
    assert_eq!(against(upgraded([Act::Flood(long)])), "fail ws.no_pong");
}

#[test]
fn a_message_in_fragments_without_end_is_no_pong() {
    let begun = [&[0x02, 126, 4, 0][..], &[7; 1024]].concat();
    let more = [&[0x00, 126, 4, 0][..], &[7; 1024]].concat();
    assert_eq!(against(upgraded([Act::Send(begun), Act::Flood(more.repeat(60))])), "fail ws.no_pong");
    let empty = [0x00, 0].repeat(30_000);
    assert_eq!(against(upgraded([Act::send([0x02, 0]), Act::Flood(empty)])), "fail ws.no_pong");
}

#[test]
fn pings_and_foreign_pongs_without_end_are_no_pong() {
    for (frame, expected) in [
        // Who pings all the time is there: it is the service's doing.
        (&[0x89, 4, 1, 2, 3, 4][..], "degraded ws.no_pong"),
        (&[0x8a, 4, 1, 2, 3, 4], "fail ws.no_pong"),
    ] {
        assert_eq!(against(upgraded([Act::Flood(frame.repeat(8000))])), expected);
    }
}
