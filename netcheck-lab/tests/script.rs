//! The scripted servers do what their acts say.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these tests are the client, and end where it fails"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use netcheck_lab::pki::{Authority, Leaf};
use netcheck_lab::{Act, Server, UdpServer, closed_port};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn dial(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn all(mut stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn reads_and_sends_follow_each_other() {
    let server = Server::tcp(vec![Act::Read(2), Act::send("one"), Act::until("\r\n"), Act::send("two")]);
    let mut stream = dial(server.port);
    stream.write_all(b"abcd\r\n").unwrap();
    assert_eq!(all(&stream), b"onetwo");
    drop(stream);
    assert_eq!(server.seen(), [b"abcd\r\n".to_vec()]);
}

#[test]
fn a_reset_is_a_rst() {
    let server = Server::tcp(vec![Act::Reset]);
    let error = dial(server.port).read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_close_is_a_fin_even_with_bytes_unread() {
    let server = Server::tcp(vec![Act::Read(1), Act::Close]);
    let mut stream = dial(server.port);
    stream.write_all(&[7; 5000]).unwrap();
    assert_eq!(all(&stream), b"");
    stream.write_all(b"still fine").unwrap();
}

#[test]
fn stalling_reads_all_and_says_nothing() {
    let server = Server::tcp(vec![Act::Stall]);
    let mut stream = dial(server.port);
    stream.write_all(b"hello?").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(stream);
    assert_eq!(server.seen(), [b"hello?".to_vec()]);
}

#[test]
fn the_deaf_let_sends_fill_up_and_notice_when_the_peer_leaves() {
    let server = Server::tcp(vec![Act::Deaf]);
    let mut stream = dial(server.port);
    stream.set_write_timeout(Some(Duration::from_millis(100))).unwrap();
    let full = (0..10_000).find_map(|_| stream.write(&[0; 65_536]).err()).unwrap();
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    drop(stream);
    assert_eq!(server.seen(), [Vec::<u8>::new()]);
}

#[test]
fn a_flood_goes_on_until_the_peer_leaves() {
    let server = Server::tcp(vec![Act::Flood(vec![b'x'; 1000])]);
    let mut bytes = vec![0; 3_000_000];
    dial(server.port).read_exact(&mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == b'x'));
}

#[test]
fn slow_bytes_come_one_by_one() {
    let pace = Duration::from_millis(20);
    let server = Server::tcp(vec![Act::SendSlowly(b"abcde".to_vec(), pace)]);
    let begun = Instant::now();
    assert_eq!(all(dial(server.port)), b"abcde");
    assert!(begun.elapsed() >= 5 * pace);
}

#[test]
fn idle_waits_for_silence_and_goes_on() {
    let server = Server::tcp(vec![Act::Idle(Duration::from_millis(30)), Act::send("quiet"), Act::Close]);
    assert_eq!(all(dial(server.port)), b"quiet");
}

#[test]
fn a_reply_is_made_of_what_was_read() {
    let server = Server::tcp(vec![Act::ReadSome, Act::reply(|seen| seen.iter().rev().copied().collect())]);
    let mut stream = dial(server.port);
    stream.write_all(b"abc").unwrap();
    assert_eq!(all(stream), b"cba");
}

#[test]
fn an_echo_ends_when_the_peer_does() {
    let server = Server::tcp(vec![Act::Echo]);
    let mut stream = dial(server.port);
    stream.write_all(b"again").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(all(stream), b"again");
}

#[test]
fn each_connection_of_a_sequence_has_its_own_script_and_the_last_repeats() {
    let server = Server::sequence(vec![vec![Act::send("1")], vec![Act::send("2")]]);
    let received: Vec<_> = (0..3).map(|_| all(dial(server.port))).collect();
    assert_eq!(received, [b"1", b"2", b"2"]);
    assert_eq!(server.accepted(), 3);
}

#[test]
fn servers_listen_on_any_loopback_address() {
    for address in ["127.9.8.7", "::1"] {
        let address: IpAddr = address.parse().unwrap();
        let server = Server::tcp_on(address, vec![Act::send("here")]);
        assert_eq!(all(TcpStream::connect((address, server.port)).unwrap()), b"here");
    }
}

#[test]
fn a_dropped_server_ends_its_connections_and_frees_its_port() {
    let server = Server::tcp(vec![Act::Stall]);
    let port = server.port;
    let stream = dial(port);
    while server.accepted() == 0 {
        std::thread::yield_now();
    }
    drop(server);
    assert_eq!(all(stream), b"");
    let refused = |_: &u32| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err();
    assert!((0..100_000).any(|round| refused(&round)));
}

#[test]
fn a_closed_port_refuses() {
    let error = TcpStream::connect((Ipv4Addr::LOCALHOST, closed_port())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

fn tls(port: u16, root: &Authority, alpn: &[&str]) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(root.der()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = "lab.example".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, dial(port))
}

fn leaf(root: &Authority) -> Leaf {
    root.leaf(&["lab.example"])
}

#[test]
fn acts_run_inside_tls() {
    let root = Authority::new("Lab Root");
    let server = Server::tls(&leaf(&root), &["h2"], vec![Act::Read(4), Act::send("pong")]);
    let mut stream = tls(server.port, &root, &["h2"]);
    stream.write_all(b"ping").unwrap();
    assert_eq!(all(&mut stream), b"pong");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"h2"[..]));
    drop(stream);
    assert_eq!(server.seen(), [b"ping".to_vec()]);
}

#[test]
fn hanging_up_inside_tls_is_a_fin_without_close_notify() {
    let root = Authority::new("Lab Root");
    let server = Server::tls(&leaf(&root), &[], vec![Act::Read(1), Act::HangUp]);
    let mut stream = tls(server.port, &root, &[]);
    stream.write_all(b"x").unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_reset_inside_tls_is_a_rst() {
    let root = Authority::new("Lab Root");
    let server = Server::tls(&leaf(&root), &[], vec![Act::Read(1), Act::Reset]);
    let mut stream = tls(server.port, &root, &[]);
    stream.write_all(b"x").unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_handler_may_do_what_it_likes() {
    let root = Authority::new("Lab Root");
    let server = Server::tls_each(&leaf(&root), &[], |mut wire| {
        let name = wire.sni().unwrap();
        wire.write_all(name.as_bytes()).unwrap();
        wire.finish();
        wire.drain();
    });
    assert_eq!(all(tls(server.port, &root, &[])), b"lab.example");
    let mut count = 0;
    let server = Server::raw(move |mut stream| {
        count += 1;
        stream.write_all(&[count]).unwrap();
    });
    assert_eq!([all(dial(server.port)), all(dial(server.port))], [[1], [2]]);
}

#[test]
fn a_udp_server_answers_as_its_closure_says() {
    let server = UdpServer::new(|datagram, _| vec![datagram.to_vec(), b"more".to_vec()]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.send_to(b"one", server.addr).unwrap();
    let mut buffer = [0; 16];
    for expected in [&b"one"[..], b"more"] {
        let (length, from) = socket.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), (expected, server.addr));
    }
    assert_eq!(server.seen(), [b"one".to_vec()]);
}
