//! The schemes `quic` and `h3`, against quinn and against servers that only pretend.

use std::collections::HashMap;
use std::future::Future;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use netcheck_lab::UdpServer;
use netcheck_lab::pki::{Authority, Leaf};
use netcheck_lab::tool::Outcome;
use netcheck_lab::view::explained;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Connection, Endpoint, Incoming};

use crate::tool;

const NAME: &str = "media.test";

/// A QUIC server whose every attempt goes to `serve`; it lives as long as the test.
fn server<F>(leaf: &Leaf, alpn: &[&str], serve: impl Fn(Incoming) -> F + Send + 'static) -> u16
where
    F: Future<Output = ()> + 'static,
{
    let tls = QuicServerConfig::try_from(leaf.server_config(alpn)).unwrap();
    let config = quinn::ServerConfig::with_crypto(Arc::new(tls));
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async move {
            let endpoint = Endpoint::server(config, "127.0.0.1:0".parse().unwrap()).unwrap();
            tell.send(endpoint.local_addr().unwrap().port()).unwrap();
            while let Some(incoming) = endpoint.accept().await {
                tokio::task::spawn_local(serve(incoming));
            }
        });
    });
    told.recv().unwrap()
}

async fn stay(connection: Connection) {
    connection.closed().await;
}

/// Completes handshakes and waits for the client to leave.
async fn welcome(incoming: Incoming) {
    if let Ok(connection) = incoming.await {
        stay(connection).await;
    }
}

/// Checks `scheme://media.test:port/` with this root among the public ones.
fn check(root: &Authority, scheme: &str, port: u16, more: &[&str]) -> Outcome {
    let pin = format!("{NAME}=127.0.0.1");
    tool()
        .file("roots.pem", root.pem())
        .args(["--public-roots", "roots.pem", "--connect-to", &pin])
        .args(more)
        .arg(format!("{scheme}://{NAME}:{port}/"))
        .run()
}

fn lab() -> (Authority, Leaf) {
    let root = Authority::new("Lab Root");
    let leaf = root.leaf(&[NAME]);
    (root, leaf)
}

#[test]
fn a_handshake_passes_with_versions_and_trust() {
    let (root, leaf) = lab();
    let port = server(&leaf, &["h3"], welcome);
    let outcome = check(&root, "quic", port, &[]);
    let facts = &outcome.one()["facts"];
    assert_eq!(explained(outcome.one()), "pass - -", "{:#}", outcome.one());
    assert_eq!((&facts["quic"]["version_negotiation"], &facts["quic"]["alpn"]), (&true.into(), &"h3".into()));
    assert!(facts["quic"]["versions"].as_array().unwrap().contains(&"1".into()), "{facts:#}");
    assert_eq!(facts["tls"]["trust"], "public");
    assert!(outcome.one()["path"]["local"].as_str().unwrap().starts_with("127.0.0.1:"));
}

#[test]
fn a_foreign_certificate_is_tls_untrusted() {
    let leaf = Authority::new("Unknown").leaf(&[NAME]);
    let port = server(&leaf, &["h3"], welcome);
    let outcome = check(&Authority::new("Lab Root"), "quic", port, &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "tls.untrusted");
}

#[test]
fn a_certificate_for_another_name_is_tls_name_mismatch() {
    let root = Authority::new("Lab Root");
    let port = server(&root.leaf(&["other.test"]), &["h3"], welcome);
    let outcome = check(&root, "quic", port, &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "tls.name_mismatch");
}

#[test]
fn an_expired_certificate_is_tls_expired() {
    let root = Authority::new("Lab Root");
    let port = server(&root.leaf_valid(&[NAME], -30, -1), &["h3"], welcome);
    let outcome = check(&root, "quic", port, &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "tls.expired");
}

#[test]
fn no_common_alpn_is_tls_alpn() {
    let (root, leaf) = lab();
    let port = server(&leaf, &["doq"], welcome);
    let outcome = check(&root, "quic", port, &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "tls.alpn");
    assert_eq!(outcome.one()["facts"]["tls"]["alert"], 120);
    assert_eq!(explained(check(&root, "quic", port, &["--alpn", "doq"]).one()), "pass - -");
}

#[test]
fn a_refused_connection_is_quic_closed() {
    let (root, leaf) = lab();
    let port = server(&leaf, &["h3"], async |incoming: Incoming| incoming.refuse());
    let outcome = check(&root, "quic", port, &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "quic.closed");
    assert_eq!(
        outcome.one()["failure"]["detail"],
        "the server closed the connection with transport error 0x2"
    );
}

#[test]
fn silence_is_quic_timeout() {
    let silent = UdpServer::new(|_, _| Vec::new());
    let outcome = check(&Authority::new("Lab Root"), "quic", silent.port, &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "quic.timeout");
    assert_eq!(outcome.one()["facts"]["quic"]["version_negotiation"], false);
    let probes = silent.seen();
    assert!(probes.iter().all(|probe| probe.len() >= 1200), "every first datagram is at least 1200 bytes");
}

#[test]
fn silence_of_a_service_not_known_to_answer_is_inconclusive() {
    let silent = UdpServer::new(|_, _| Vec::new());
    let line =
        format!(r#"{{"target":"quic://127.0.0.1:{}","labels":{{"known_to_answer":false}}}}"#, silent.port);
    let outcome = tool().args(["--diagnose", "never"]).stdin(line).run();
    assert!(explained(outcome.one()).starts_with("inconclusive quic.timeout"), "{:#}", outcome.one());
}

#[test]
fn a_closed_port_is_udp_refused_at_once() {
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outcome = check(&Authority::new("Lab Root"), "quic", port, &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "udp.refused");
    assert!(outcome.one()["stages"][0]["us"].as_u64().unwrap() < 900_000);
}

/// Version Negotiation in answer to a long-header packet, offering these versions.
fn negotiation(packet: &[u8], versions: &[u32]) -> Vec<u8> {
    let to = usize::from(packet[5]);
    let from = usize::from(packet[6 + to]);
    let (to, from) = (&packet[6..6 + to], &packet[7 + to..7 + to + from]);
    let mut answer = vec![0xc0, 0, 0, 0, 0, u8::try_from(from.len()).unwrap()];
    answer.extend(from);
    answer.push(u8::try_from(to.len()).unwrap());
    answer.extend(to);
    versions.iter().for_each(|version| answer.extend(version.to_be_bytes()));
    answer
}

fn is_v1(packet: &[u8]) -> bool {
    packet[0] & 0x80 != 0 && packet[1..5] == [0, 0, 0, 1]
}

#[test]
fn a_server_of_other_versions_is_quic_version() {
    let server = UdpServer::new(|packet, _| vec![negotiation(packet, &[0x6b33_43cf, 0xff00_001d])]);
    let outcome = check(&Authority::new("Lab Root"), "quic", server.port, &["--diagnose", "never"]);
    assert_eq!(outcome.one()["failure"]["code"], "quic.version");
}

#[test]
fn a_server_of_version_2_alone_gets_advice() {
    let server = UdpServer::new(|packet, _| vec![negotiation(packet, &[0x6b33_43cf])]);
    let outcome = check(&Authority::new("Lab Root"), "quic", server.port, &[]);
    let record = outcome.one();
    assert_eq!(explained(record), "fail quic.version service_misconfigured", "{record:#}");
    assert_eq!(record["cause"]["who"], "service");
    let fix = record["cause"]["fix"].as_str().unwrap();
    assert!(fix.contains("QUIC version 1 (RFC 9000)") && fix.contains("it offers 2"), "{fix}");
}

#[test]
fn the_reason_of_a_close_is_kept() {
    let (root, leaf) = lab();
    let port = server(&leaf, &["h3"], async |incoming: Incoming| {
        if let Ok(connection) = incoming.await {
            connection.close(7u32.into(), b"closed for\x1b[31m the night");
            connection.closed().await;
        }
    });
    let outcome = check(&root, "h3", port, &["--diagnose", "never"]);
    let detail = outcome.one()["failure"]["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("closed for\\u{1b}[31m the night"), "{detail}");
}

#[test]
fn a_server_that_sends_what_is_no_answer_is_quic_timeout_and_nobody_drops_it() {
    let garbage = UdpServer::new(|_, _| vec![b"HTTP/1.1 400 Bad Request".to_vec()]);
    // A Retry whose integrity tag is wrong (RFC 9001 section 5.8) counts for nothing, however often it comes.
    let retry = UdpServer::new(|packet, _| {
        if packet.len() < 1200 {
            return Vec::new();
        }
        let from = usize::from(packet[6 + usize::from(packet[5])]);
        let from = &packet[7 + usize::from(packet[5])..][..from];
        let mut answer = vec![0xf0, 0, 0, 0, 1, u8::try_from(from.len()).unwrap()];
        answer.extend(from);
        answer.extend([8; 9]);
        answer.extend([7; 40]);
        if is_v1(packet) { vec![answer] } else { vec![negotiation(packet, &[1])] }
    });
    for server in [garbage, retry] {
        let outcome = check(&Authority::new("Lab Root"), "quic", server.port, &[]);
        let record = outcome.one();
        assert_eq!(explained(record), "fail quic.timeout unknown", "{record:#}");
        let came = format!("came from 127.0.0.1:{} that answer", server.port);
        assert!(record["failure"]["detail"].as_str().unwrap().contains(&came), "{record:#}");
        assert_eq!(record["cause"]["who"], "unknown");
        assert_eq!(record["cause"].get("near"), None);
    }
}

#[test]
fn a_handshake_that_breaks_off_is_quic_timeout_and_all_is_not_dropped() {
    // An Initial that cannot be decrypted: the next packets of a server are lost on the path.
    let server = UdpServer::new(|packet, _| {
        let mut part = vec![0xc1, 0, 0, 0, 1, 0, 0, 0, 0x44, 0x00];
        part.resize(1200, 0);
        if packet.len() < 1200 { Vec::new() } else { vec![part] }
    });
    let outcome = check(&Authority::new("Lab Root"), "quic", server.port, &[]);
    let record = outcome.one();
    assert_eq!(explained(record), "fail quic.timeout unknown", "{record:#}");
    let detail = record["failure"]["detail"].as_str().unwrap();
    assert!(detail.starts_with("the handshake was begun and not finished: "), "{record:#}");
}

#[test]
fn negotiation_answered_and_every_name_silent_is_protocol_filter_with_little_confidence() {
    // What is shorter than an Initial is a probe of the path.
    let server = UdpServer::new(|packet, _| match is_v1(packet) || packet.len() < 1200 {
        true => Vec::new(),
        false => vec![negotiation(packet, &[1])],
    });
    let outcome =
        check(&Authority::new("Lab Root"), "quic", server.port, &["--prove", "filter", "--deadline", "20"]);
    let record = outcome.one();
    assert_eq!(explained(record), "fail quic.timeout protocol_filter");
    assert_eq!(record["cause"]["confidence"], "low");
    assert_eq!(record["facts"]["filter"]["matches"], "quic_version", "{record:#}");
    assert_eq!(record["facts"]["quic"]["version_negotiation"], true);
    assert_eq!(record["facts"]["quic"]["versions"], serde_json::json!(["1"]));
}

#[test]
fn negotiation_answered_and_another_name_answered_points_at_the_name() {
    let (root, leaf) = lab();
    let behind: SocketAddr = format!("127.0.0.1:{}", server(&leaf, &["h3"], welcome)).parse().unwrap();
    // The first client that sends an Initial is the check itself: its name is filtered. Later ones pass.
    let mut filtered = None;
    let mut ways: HashMap<SocketAddr, UdpSocket> = HashMap::new();
    let filter = UdpServer::new(move |packet, peer| {
        if is_v1(packet) && *filtered.get_or_insert(peer) == peer {
            return Vec::new();
        }
        let way = ways.entry(peer).or_insert_with(|| {
            let way = UdpSocket::bind("127.0.0.1:0").unwrap();
            way.connect(behind).unwrap();
            way.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
            way
        });
        way.send(packet).unwrap();
        let mut buffer = [0; 2048];
        std::iter::from_fn(|| way.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec())).collect()
    });
    let outcome = check(&root, "quic", filter.port, &["--hello", "small"]);
    assert_eq!(explained(outcome.one()), "fail quic.timeout sni_filter");
    // A service that has nobody behind one of its names looks the same.
    assert_eq!(outcome.one()["cause"]["confidence"], "medium", "{:#}", outcome.one());
}

#[test]
fn an_address_without_a_name_is_no_case_for_sni_filter() {
    let server =
        UdpServer::new(|packet, _| if is_v1(packet) { Vec::new() } else { vec![negotiation(packet, &[1])] });
    let outcome = tool().arg(format!("quic://127.0.0.1:{}", server.port)).run();
    assert_eq!(explained(outcome.one()), "fail quic.timeout protocol_filter");
}

#[test]
fn a_control_that_answers_leaves_a_silent_quic_service_to_the_firewall() {
    let silent = UdpServer::new(|_, _| Vec::new());
    let alive = UdpServer::new(|request, peer| vec![crate::answers::bound(request, peer)]);
    let control = format!("stun:127.0.0.1:{}", alive.port);
    let outcome = check(&Authority::new("Lab Root"), "quic", silent.port, &["--control", &control]);
    assert_eq!(explained(outcome.one()), "fail quic.timeout firewall_drop");
}

/// An HTTP/3 server that answers every request with this status.
fn http(leaf: &Leaf, status: u16) -> u16 {
    server(leaf, &["h3"], move |incoming| async move {
        let Ok(connection) = incoming.await else { return };
        let keep = connection.clone();
        let Ok(mut connection) =
            h3::server::Connection::<_, bytes::Bytes>::new(h3_quinn::Connection::new(connection)).await
        else {
            return;
        };
        while let Ok(Some(resolver)) = connection.accept().await {
            let Ok((request, mut stream)) = resolver.resolve_request().await else { return };
            let answer = http::Response::builder()
                .status(status)
                .header("server", "lab")
                .header("alt-svc", "h3=\":443\"")
                .header("x-method", request.method().as_str());
            let _ = stream.send_response(answer.body(()).unwrap()).await;
            let _ = stream.finish().await;
        }
        stay(keep).await;
    })
}

#[test]
fn a_head_request_over_http3_passes() {
    let (root, leaf) = lab();
    let outcome = check(&root, "h3", http(&leaf, 200), &[]);
    assert_eq!(explained(outcome.one()), "pass - -", "{:#}", outcome.one());
    let expected = serde_json::json!({"status": 200, "server": "lab", "alt_svc": "h3=\":443\""});
    assert_eq!(outcome.one()["facts"]["h3"], expected);
}

#[test]
fn what_a_proven_service_says_of_itself_is_no_failure_of_the_network() {
    let (root, leaf) = lab();
    let cases = [
        (404, "pass - -"),
        (301, "pass - -"),
        (429, "degraded http.status unknown"),
        (503, "degraded http.status service_down"),
    ];
    for (status, expected) in cases {
        assert_eq!(explained(check(&root, "h3", http(&leaf, status), &[]).one()), expected, "{status}");
    }
}

#[test]
fn no_answer_over_http3_is_http_timeout() {
    let (root, leaf) = lab();
    let port = server(&leaf, &["h3"], welcome);
    assert_eq!(check(&root, "h3", port, &["--diagnose", "never"]).one()["failure"]["code"], "http.timeout");
}

/// Waits for the request's stream, then does something rude.
async fn rude(incoming: Incoming, act: fn(&Connection, quinn::SendStream)) {
    let Ok(connection) = incoming.await else { return };
    if let Ok((send, mut receive)) = connection.accept_bi().await {
        let _ = receive.read_to_end(4096).await;
        act(&connection, send);
    }
    stay(connection).await;
}

#[test]
fn a_connection_closed_before_the_answer_is_http_closed() {
    let (root, leaf) = lab();
    let port = server(&leaf, &["h3"], |incoming| {
        rude(incoming, |connection, _| connection.close(0x100u32.into(), b""))
    });
    assert_eq!(check(&root, "h3", port, &["--diagnose", "never"]).one()["failure"]["code"], "http.closed");
}

#[test]
fn a_stream_reset_before_the_answer_is_http_reset() {
    let (root, leaf) = lab();
    let reset = |_: &Connection, mut send: quinn::SendStream| {
        let _ = send.reset(0x102u32.into());
    };
    let port = server(&leaf, &["h3"], move |incoming| rude(incoming, reset));
    assert_eq!(check(&root, "h3", port, &["--diagnose", "never"]).one()["failure"]["code"], "http.reset");
}

#[test]
fn garbage_instead_of_an_answer_is_http_malformed() {
    let (root, leaf) = lab();
    let port = server(&leaf, &["h3"], async |incoming: Incoming| {
        let Ok(connection) = incoming.await else { return };
        if let Ok((mut send, _)) = connection.accept_bi().await {
            // A DATA frame before any HEADERS (RFC 9114 section 4.1).
            let _ = send.write_all(&[0x00, 0x03, b'a', b'b', b'c']).await;
            let _ = send.finish();
        }
        stay(connection).await;
    });
    assert_eq!(check(&root, "h3", port, &["--diagnose", "never"]).one()["failure"]["code"], "http.malformed");
}
