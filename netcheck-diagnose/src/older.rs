//! A ClientHello with everything deployed servers still use: what a server chooses from it that this tool cannot speak.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Diagnosis;
use crate::patience::Question;
use netcheck_net::clock;
use netcheck_net::tcp::{self, ProbeOptions};
use netcheck_record::target::Host;

/// The suites this tool speaks: TLS 1.3 (RFC 8446 appendix B.4), and ECDHE with AEAD (RFC 5289, RFC 7905).
const SPOKEN: [u16; 9] = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02c, 0xc02f, 0xc030, 0xcca8, 0xcca9];
/// The older ones, with their names at IANA.
const OLDER: [(u16, &str); 18] = [
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
];
/// The groups this tool speaks, and the others (RFC 8446 section 4.2.7), named.
const GROUPS: [(u16, &str); 3] = [(0x001d, "x25519"), (0x0017, "secp256r1"), (0x0018, "secp384r1")];
const OTHER_GROUPS: [(u16, &str); 4] =
    [(0x0019, "secp521r1"), (0x001e, "x448"), (0x0100, "ffdhe2048"), (0x0101, "ffdhe3072")];
/// RSA, ECDSA and RSA-PSS with SHA-2, and SHA-1 for the oldest.
const SIGNATURES: [u16; 11] =
    [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201];
/// The random of a HelloRetryRequest (RFC 8446 section 4.1.3) begins so.
const RETRY: [u8; 4] = [0xcf, 0x21, 0xad, 0x74];
/// No ServerHello is longer.
const LONGEST: usize = 1024;

/// What a server chose that this tool does not speak: the suite, or the key exchange group.
pub(super) async fn chosen(net: &Diagnosis, to: SocketAddr, name: &Host) -> Option<String> {
    let exchange = async {
        let mut stream = tcp::attempt(net.egress(), to, ProbeOptions::default()).await.ok()?;
        stream.write_all(&hello(name)).await.ok()?;
        let mut answer = Vec::new();
        while answer.len() < LONGEST && choice(&answer).is_none() {
            if stream.read_buf(&mut answer).await.ok()? == 0 {
                break;
            }
        }
        choice(&answer)?.foreign()
    };
    clock::within(Question::Exchange.patience(net), exchange).await?
}

/// What a ServerHello chooses.
#[derive(Debug, PartialEq, Eq)]
struct Choice {
    suite: u16,
    /// The group a HelloRetryRequest asks for.
    group: Option<u16>,
}

impl Choice {
    /// What of it this tool does not speak.
    fn foreign(self) -> Option<String> {
        if let Some(group) = self.group.filter(|group| !GROUPS.iter().any(|(known, _)| known == group)) {
            let name = OTHER_GROUPS.iter().find(|(known, _)| *known == group).map(|(_, name)| *name);
            return Some(format!(
                "the key exchange group {} ({group:#06x})",
                name.unwrap_or("without a name")
            ));
        }
        let (suite, name) = OLDER.iter().find(|(suite, _)| *suite == self.suite)?;
        Some(format!("the cipher suite {name} ({suite:#06x})"))
    }
}

/// Reads the ServerHello at the beginning of an answer (RFC 8446 section 4.1.3).
fn choice(answer: &[u8]) -> Option<Choice> {
    // A record of type 22, version 3.x, that begins with a handshake message of type 2.
    if answer.first()? != &22 || answer.get(1)? != &3 || answer.get(5)? != &2 {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([*answer.get(7)?, *answer.get(8)?]));
    let body = answer.get(9..9 + length)?;
    let random = body.get(2..34)?;
    let session = usize::from(*body.get(34)?);
    let suite = short(body, 35 + session)?;
    let group = if random.starts_with(&RETRY) { asked(body.get(38 + session + 2..)?) } else { None };
    Some(Choice { suite, group })
}

/// The group in the key_share extension of a HelloRetryRequest.
fn asked(mut extensions: &[u8]) -> Option<u16> {
    loop {
        let (kind, length) = (short(extensions, 0)?, usize::from(short(extensions, 2)?));
        if kind == 51 {
            return short(extensions, 4);
        }
        extensions = extensions.get(4 + length..)?;
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// The ClientHello (RFC 8446 section 4.1.2), in one record.
fn hello(name: &Host) -> Vec<u8> {
    let suites = SPOKEN.into_iter().chain(OLDER.iter().map(|(suite, _)| *suite));
    let groups = GROUPS.iter().chain(&OTHER_GROUPS).map(|(group, _)| *group);
    let mut body = vec![3, 3];
    body.extend(random());
    body.push(0);
    body.extend(prefixed(&suites.flat_map(u16::to_be_bytes).collect::<Vec<_>>()));
    body.extend([1, 0]);
    let mut extensions = Vec::new();
    let mut add = |kind: u16, data: &[u8]| {
        extensions.extend(kind.to_be_bytes());
        extensions.extend(prefixed(data));
    };
    if let Host::Name(name) = name {
        let entry = [&[0u8][..], &prefixed(name.as_bytes())].concat();
        add(0, &prefixed(&entry));
    }
    add(10, &prefixed(&groups.flat_map(u16::to_be_bytes).collect::<Vec<_>>()));
    add(11, &[1, 0]);
    add(13, &prefixed(&SIGNATURES.into_iter().flat_map(u16::to_be_bytes).collect::<Vec<_>>()));
    add(43, &[4, 3, 4, 3, 3]);
    // An empty list: the server asks for the group it wants (RFC 8446 section 4.2.8).
    add(51, &[0, 0]);
    body.extend(prefixed(&extensions));
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let message = [&[1u8], &length[1..], &body[..]].concat();
    [&[22u8, 3, 1][..], &prefixed(&message)].concat()
}

/// Behind its length in two bytes.
fn prefixed(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap_or(0);
    [&length.to_be_bytes()[..], data].concat()
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    // Nothing is kept secret with it: the handshake ends here.
    let _ = rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_hello(suite: u16, retry: Option<u16>) -> Vec<u8> {
        let mut body = vec![3, 3];
        let mut random = [7u8; 32];
        if retry.is_some() {
            random[..4].copy_from_slice(&RETRY);
        }
        body.extend(random);
        body.push(0);
        body.extend(suite.to_be_bytes());
        body.push(0);
        let share = retry.map_or(Vec::new(), |group| [&[0, 51, 0, 2][..], &group.to_be_bytes()].concat());
        body.extend(prefixed(&share));
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        let message = [&[2u8], &length[1..], &body[..]].concat();
        [&[22u8, 3, 3][..], &prefixed(&message)].concat()
    }

    #[test]
    fn an_older_suite_and_an_unspoken_group_are_named() {
        let foreign = |suite, retry| choice(&server_hello(suite, retry)).unwrap().foreign();
        assert_eq!(
            foreign(0xc013, None).unwrap(),
            "the cipher suite TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA (0xc013)"
        );
        assert_eq!(foreign(0x1301, Some(0x19)).unwrap(), "the key exchange group secp521r1 (0x0019)");
        assert_eq!(foreign(0xc02f, None), None);
        assert_eq!(foreign(0x1301, Some(0x17)), None);
    }

    #[test]
    fn an_answer_that_is_cut_short_or_no_server_hello_chooses_nothing() {
        let whole = server_hello(0x002f, None);
        for end in 0..whole.len() {
            assert_eq!(choice(&whole[..end]), None, "{end}");
        }
        assert_eq!(choice(b"\x15\x03\x01\x00\x02\x02\x28"), None);
        assert_eq!(choice(b"HTTP/1.1 400 Bad Request\r\n\r\n"), None);
    }

    #[test]
    fn the_hello_says_its_own_lengths() {
        let bytes = hello(&Host::Name("www.spotme.com".into()));
        assert_eq!(usize::from(short(&bytes, 3).unwrap()), bytes.len() - 5);
        assert_eq!(usize::from(short(&bytes, 7).unwrap()), bytes.len() - 9);
        assert!(bytes.windows(14).any(|part| part == b"www.spotme.com"));
    }
}
