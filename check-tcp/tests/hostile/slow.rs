//! One byte a second, at each stage.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use netcheck_lab::pki::Authority;
use netcheck_lab::view::observed;
use netcheck_lab::{Act, Server, UdpServer};

use crate::trial::{NAME, against, check_beside_healthy, genuine, tool};

fn slowly(bytes: impl AsRef<[u8]>) -> Act {
    Act::SendSlowly(bytes.as_ref().to_vec(), Duration::from_secs(1))
}

#[test]
fn a_slow_banner_does_not_hold_up_a_connection() {
    assert_eq!(observed(&against("tcp", &Server::tcp(vec![slowly("220 mail.example ESMTP\r\n")]))), "pass -");
}

#[test]
fn a_slow_handshake_is_tls_timeout() {
    let record = [22, 3, 3, 0, 100, 2, 0, 0, 96, 3, 3, 0, 0, 0];
    assert_eq!(
        observed(&against("tls", &Server::tcp(vec![Act::ReadSome, slowly(record)]))),
        "fail tls.timeout"
    );
}

#[test]
fn a_slow_head_is_http_timeout() {
    let acts = || vec![Act::until("\r\n\r\n"), slowly("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")];
    assert_eq!(observed(&against("http", &Server::tcp(acts()))), "fail http.timeout");
    assert_eq!(observed(&genuine(&["http/1.1"], acts())), "fail http.timeout");
}

#[test]
fn a_slow_page_does_not_keep_its_answer_waiting() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let acts = vec![Act::until("\r\n\r\n"), Act::send(head), slowly([b'x'; 30])];
    assert_eq!(observed(&against("http", &Server::tcp(acts))), "pass -");
}

#[test]
fn a_slow_proxy_is_proxy_timeout() {
    let server =
        Server::tcp(vec![Act::until("\r\n\r\n"), slowly("HTTP/1.1 200 Connection established\r\n\r\n")]);
    let tool = tool().args(["--proxy", &format!("http://127.0.0.1:{}", server.port)]);
    assert_eq!(observed(&check_beside_healthy(tool, &format!("tls://{NAME}:443"))), "fail proxy.timeout");
}

#[test]
fn a_slow_socks_proxy_is_proxy_timeout() {
    let server = Server::tcp(vec![Act::Read(3), slowly([5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0])]);
    let tool = tool().args(["--proxy", &format!("socks5h://127.0.0.1:{}", server.port)]);
    assert_eq!(observed(&check_beside_healthy(tool, &format!("tls://{NAME}:443"))), "fail proxy.timeout");
}

#[test]
fn a_slow_proxy_inside_tls_is_proxy_timeout() {
    let root = Authority::new("Lab Public Root");
    let acts = vec![Act::until("\r\n\r\n"), slowly("HTTP/1.1 200 Connection established\r\n\r\n")];
    let server = Server::tls(&root.leaf(&["127.0.0.1"]), &[], acts);
    let tool = tool().file("public.pem", root.pem()).args([
        "--public-roots",
        "public.pem",
        "--proxy",
        &format!("https://127.0.0.1:{}", server.port),
    ]);
    assert_eq!(observed(&check_beside_healthy(tool, &format!("tls://{NAME}:443"))), "fail proxy.timeout");
}

#[test]
fn a_slow_resolver_over_tcp_is_dns_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    // Over UDP: truncated, so that the question comes again over TCP.
    let _udp = UdpServer::on(addr, |question, _| {
        let mut reply = question.to_vec();
        reply[2] |= 0x82;
        vec![reply]
    });
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                // One byte for each moment the reader is not heard of: the socket's own timeout is the pace.
                stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                let mut buffer = [0; 512];
                while stream.write_all(&[1]).is_ok() {
                    if let Ok(0) = stream.read(&mut buffer) {
                        return;
                    }
                }
            });
        }
    });
    let tool = tool().args(["--resolver", &addr.to_string()]);
    assert_eq!(observed(&check_beside_healthy(tool, "tls://slow.example.com:443")), "fail dns.timeout");
}
