//! Proxies that answer with something else than a tunnel or a refusal.

use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server};
use serde_json::Value;

use crate::trial::{NAME, check_beside_healthy, tool};

fn through(scheme: &str, acts: Vec<Act>, target: &str) -> Value {
    let server = Server::tcp(acts);
    check_beside_healthy(tool().args(["--proxy", &format!("{scheme}://127.0.0.1:{}", server.port)]), target)
}

fn connect(acts: Vec<Act>) -> String {
    observed(&through("http", acts, &format!("tls://{NAME}:443")))
}

fn answer(bytes: &str) -> Vec<Act> {
    vec![Act::until("\r\n\r\n"), Act::send(bytes), Act::Stall]
}

#[test]
fn a_page_instead_of_a_tunnel_is_no_tunnel() {
    let page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 30\r\n\r\n<html>Please log in</html>    ";
    assert_eq!(connect(answer(page)), "fail proxy.protocol");
    let bare = through("http", answer(page), &format!("tcp://{NAME}:443"));
    assert_eq!(observed(&bare), "fail proxy.protocol");
}

#[test]
fn a_head_without_end_is_proxy_protocol() {
    let flood = "X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1000);
    let acts = vec![Act::until("\r\n\r\n"), Act::send("HTTP/1.1 200 OK\r\n"), Act::Flood(flood.into_bytes())];
    assert_eq!(connect(acts), "fail proxy.protocol");
    let acts = vec![Act::until("\r\n\r\n"), Act::send("HTTP/1.1 200 "), Act::Flood(vec![b'a'; 64_000])];
    assert_eq!(connect(acts), "fail proxy.protocol");
}

#[test]
fn a_refusal_with_a_page_without_end_is_proxy_denied() {
    let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n";
    let acts = vec![Act::until("\r\n\r\n"), Act::send(head), Act::Flood(vec![b'<'; 64_000])];
    assert_eq!(connect(acts), "fail proxy.denied");
}

#[test]
fn informational_answers_of_a_proxy_are_no_tunnel() {
    let acts = vec![Act::until("\r\n\r\n"), Act::Flood(b"HTTP/1.1 100 Continue\r\n\r\n".repeat(2000))];
    assert_eq!(connect(acts), "fail proxy.protocol");
}

#[test]
fn noise_from_a_proxy_is_proxy_protocol() {
    let noise = || vec![Act::ReadSome, Act::Flood(vec![0xfe; 64_000])];
    assert_eq!(connect(noise()), "fail proxy.protocol");
    let socks = through("socks5h", noise(), &format!("tls://{NAME}:443"));
    assert_eq!(observed(&socks), "fail proxy.protocol");
}

#[test]
fn a_challenge_with_a_thousand_schemes_is_cut() {
    let challenges: String =
        (0..90).map(|number| format!("Proxy-Authenticate: Scheme{number} realm=x\r\n")).collect();
    let head = format!("HTTP/1.1 407 Proxy Authentication Required\r\n{challenges}Content-Length: 0\r\n\r\n");
    let record = through("http", answer(&head), &format!("tls://{NAME}:443"));
    assert_eq!(observed(&record), "fail proxy.auth_required");
    assert_eq!(record["facts"]["proxy"]["schemes"].as_array().unwrap().len(), 8);
}
