//! HTTP/2: the same answers, and the ways of its own in which it ends.

use std::net::TcpStream;
use std::sync::Arc;

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::{diagnosed, observed, word};
use netcheck_lab::{Act, Server};

use crate::view::{Believes as _, NAME, QUICK, tool};

/// Checks a server that speaks h2 and answers with this status and page.
fn answers(status: u16, body: &'static str) -> Outcome {
    let root = Authority::new("Lab Public Root");
    let config = root.leaf(&[NAME]).server_config(&["h2", "http/1.1"]);
    let server = Server::raw(move |socket| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A client that leaves in the middle is the client's affair.
        let _ = runtime.block_on(serve(socket, Arc::clone(&config), status, body));
    });
    tool(QUICK).public(&root).check("https", server.port)
}

async fn serve(
    socket: TcpStream,
    config: Arc<rustls::ServerConfig>,
    status: u16,
    body: &'static str,
) -> Result<(), Box<dyn std::error::Error>> {
    socket.set_nonblocking(true)?;
    let socket = tokio::net::TcpStream::from_std(socket)?;
    let tls = tokio_rustls::TlsAcceptor::from(config).accept(socket).await?;
    let mut connection = h2::server::handshake(tls).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, mut respond) = accepted?;
        let right = request.uri().authority().is_some_and(|authority| authority.as_str().starts_with(NAME));
        let status = if right { status } else { 421 };
        let head = http::Response::builder().status(status).header("server", "lab").body(())?;
        respond.send_response(head, false)?.send_data(bytes::Bytes::from_static(body.as_bytes()), true)?;
    }
    Ok(())
}

/// Checks a server that agrees on h2 and then follows a script.
fn follows(acts: Vec<Act>) -> Outcome {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf(&[NAME]), &["h2"], acts);
    tool(QUICK).public(&root).check("https", server.port)
}

/// A frame (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream][..], payload].concat()
}

/// SETTINGS, and then this once the client has asked: its HEADERS frame ends its first flight.
fn then(frames: Vec<u8>) -> Vec<Act> {
    vec![Act::Send(frame(4, 0, 0, &[])), Act::Idle(std::time::Duration::from_millis(100)), Act::Send(frames)]
}

#[test]
fn an_answer_over_h2_passes() {
    let outcome = answers(200, "hello");
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert_eq!(word(outcome.one(), "/facts/http/version"), "HTTP/2.0");
    assert_eq!(word(outcome.one(), "/facts/tls/alpn"), "h2");
    assert_eq!(word(outcome.one(), "/facts/http/server"), "lab");
}

#[test]
fn the_meaning_of_a_status_is_the_same_over_h2() {
    assert_eq!(diagnosed(&answers(404, "")), "pass - - - -");
    assert_eq!(diagnosed(&answers(503, "")), "degraded http.status service_down service medium");
    assert_eq!(
        diagnosed(&answers(403, "powered by fortiguard")),
        "fail http.status block_page network medium"
    );
}

#[test]
fn silence_over_h2_is_http_timeout() {
    assert_eq!(observed(&follows(vec![Act::Stall])), "fail http.timeout");
    assert_eq!(observed(&follows(vec![Act::Send(frame(4, 0, 0, &[])), Act::Stall])), "fail http.timeout");
}

#[test]
fn a_reset_or_a_close_over_h2_is_told_apart() {
    assert_eq!(observed(&follows(vec![Act::ReadSome, Act::Reset])), "fail http.reset");
    assert_eq!(observed(&follows(vec![Act::ReadSome, Act::Close])), "fail http.closed");
    assert_eq!(observed(&follows(vec![Act::ReadSome, Act::HangUp])), "fail http.closed");
}

#[test]
fn a_stream_that_is_reset_or_a_goaway_is_http_reset() {
    let mut refused = then(frame(3, 0, 1, &[0, 0, 0, 7]));
    refused.push(Act::Stall);
    assert_eq!(observed(&follows(refused)), "fail http.reset");
    let mut away = then(frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11]));
    away.push(Act::Stall);
    assert_eq!(observed(&follows(away)), "fail http.reset");
}

#[test]
fn what_is_not_h2_is_http_malformed() {
    let outcome = follows(vec![Act::ReadSome, Act::send("HTTP/1.1 400 Bad Request\r\n\r\n"), Act::Stall]);
    assert_eq!(observed(&outcome), "fail http.malformed");
}

#[test]
fn a_goaway_without_an_error_is_a_close_and_no_reset() {
    // GOAWAY, last stream 0, NO_ERROR and ENHANCE_YOUR_CALM (RFC 9113 section 6.8).
    assert_eq!(observed(&follows(then(frame(7, 0, 0, &[0; 8])))), "fail http.closed");
    let error_text = follows(then(frame(7, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11])));
    assert_eq!(observed(&error_text), "fail http.reset");
    assert!(!word(error_text.one(), "/failure/detail").contains("Some("), "{error_text:?}");
}
