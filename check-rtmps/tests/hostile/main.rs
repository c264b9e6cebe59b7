//! check-rtmps against peers that send too much, too slowly, or what no decoder should believe.

#[expect(dead_code, reason = "shared with the tests of the codes, which say more")]
#[path = "../peer/mod.rs"]
mod peer;

use std::time::Duration;

use netcheck_lab::script::{Act, Server};
use netcheck_lab::tool::Tool;
use netcheck_lab::trial::check_beside_healthy;
use netcheck_lab::view::observed;

/// Checks a hostile ingest server with `connect`, and a healthy one beside it.
fn against(acts: Vec<Act>) -> String {
    let healthy = Server::tcp(peer::connected([Act::Send(peer::success()), Act::Stall]));
    let hostile = Server::tcp(acts);
    let target = |server: &Server| format!("rtmp://127.0.0.1:{}/event", server.port);
    observed(&check_beside_healthy(
        Tool::new(env!("CARGO_BIN_EXE_check-rtmps")),
        &target(&hostile),
        &target(&healthy),
    ))
}

fn slowly(bytes: Vec<u8>) -> Act {
    Act::SendSlowly(bytes, Duration::from_secs(1))
}

/// A chunk of type 0 on chunk stream 3, with this announced length and kind.
fn chunk(length: u32, kind: u8, body: &[u8]) -> Vec<u8> {
    [&[3, 0, 0, 0][..], &length.to_be_bytes()[1..], &[kind, 0, 0, 0, 0], body].concat()
}

/// What follows the handshake and our `connect`.
fn then(act: Act) -> Vec<Act> {
    peer::connected([act])
}

#[test]
fn a_handshake_of_one_byte_a_second_is_rtmp_timeout() {
    assert_eq!(against(vec![Act::Read(1537), slowly(vec![3; 60])]), "fail rtmp.timeout");
}

#[test]
fn chunks_of_one_byte_a_second_are_rtmp_timeout() {
    assert_eq!(against(then(slowly(peer::success()))), "fail rtmp.timeout");
}

#[test]
fn a_banner_without_end_is_not_rtmp() {
    assert_eq!(against(vec![Act::Flood(b"220 all work and no play\r\n".repeat(2000))]), "fail rtmp.not_rtmp");
}

#[test]
fn a_handshake_without_end_ends() {
    // S0, S1 and S2 may be anything; what follows them for ever is no chunk stream.
    let end = against(vec![Act::Read(1537), Act::Flood(vec![3; 64_000])]);
    assert!(end.starts_with("degraded rtmp.") || end.starts_with("fail rtmp."), "{end}");
}

#[test]
fn a_message_of_sixteen_megabytes_is_refused_by_its_announcement() {
    let head = chunk(0x00ff_ffff, 20, &[2; 128]);
    assert_eq!(against(then(Act::Send([head, vec![0xc3; 64_000]].concat()))), "fail rtmp.not_rtmp");
}

#[test]
fn a_chunk_of_sixteen_megabytes_is_refused_too() {
    // Set Chunk Size to 16,777,215, then a message of that size.
    let size = chunk(4, 1, &0x00ff_ffffu32.to_be_bytes());
    let acts = [Act::Send([size, chunk(0x00ff_ffff, 20, &[])].concat()), Act::Flood(vec![7; 64_000])];
    assert_eq!(against(peer::connected(acts)), "fail rtmp.not_rtmp");
}

#[test]
fn values_nested_ten_thousand_deep_are_refused() {
    // Strict arrays of one element, each in the other: `_result`, 1, and then 10,000 levels.
    let mut body = [&b"\x02\x00\x07_result\x00\x3f\xf0\0\0\0\0\0\0"[..]].concat();
    body.extend([0x0a, 0, 0, 0, 1].repeat(10_000));
    body.push(5);
    let size = chunk(4, 1, &60_000u32.to_be_bytes());
    let message = chunk(u32::try_from(body.len()).unwrap(), 20, &body);
    let end = against(peer::connected([Act::Send([size, message].concat()), Act::Stall]));
    assert_eq!(end, "fail rtmp.not_rtmp");
}

#[test]
fn pings_and_audio_without_end_end() {
    // What comes first is the bound on messages before an answer, or the end of the stage.
    for (kind, body) in [(8, &[0xaf, 1, 2, 3][..]), (4, &[0, 6, 0, 0, 0, 1])] {
        let length = u32::try_from(body.len()).unwrap();
        let end = against(then(Act::Flood(chunk(length, kind, body).repeat(3000))));
        assert!(["fail rtmp.not_rtmp", "fail rtmp.timeout"].contains(&end.as_str()), "{kind}: {end}");
    }
}

#[test]
fn empty_messages_without_end_are_no_rtmp() {
    assert_eq!(against(then(Act::Flood(chunk(0, 20, &[]).repeat(4000)))), "fail rtmp.not_rtmp");
}

#[test]
fn more_chunk_streams_than_anybody_needs_are_refused() {
    // A message on each of sixty chunk streams, none of them finished.
    let crowd = (3..63u8).flat_map(|id| {
        let mut begun = chunk(1000, 20, &[0; 128]);
        begun[0] = id;
        begun
    });
    assert_eq!(against(then(Act::Send(crowd.collect()))), "fail rtmp.not_rtmp");
}

#[test]
fn words_of_a_server_are_harmless() {
    // The trial looks for what would harm a terminal.
    let evil = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\u{9b}31m";
    let end = against(peer::connected([Act::Send(peer::rejected(evil)), Act::Stall]));
    assert_eq!(end, "degraded rtmp.rejected");
    let code = peer::status("error", evil, evil);
    let end = against(peer::connected([Act::Send(code), Act::Stall]));
    assert!(end.contains("rtmp."), "{end}");
}
