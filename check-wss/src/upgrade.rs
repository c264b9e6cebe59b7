//! The upgrade of RFC 6455 section 4 as bytes and values: no sockets, bounded on any input.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use netcheck_common::failure::{Code, Failure};
use ring::rand::SecureRandom as _;

/// How many bytes the head of an answer may have.
pub const HEAD: usize = 64 << 10;
/// How many header fields an answer may have.
const FIELDS: usize = 128;
/// What the key is hashed with (RFC 6455 section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What the client asks for.
#[derive(Clone, Debug, Default)]
pub struct UpgradeRequest {
    /// Path and query.
    pub path: String,
    /// The `Host` field.
    pub host: String,
    /// `Sec-WebSocket-Key`: 16 random bytes in base64.
    pub key: String,
    /// `Origin`, as a browser sends it.
    pub origin: Option<String>,
    /// Subprotocols, best first.
    pub subprotocols: Vec<String>,
    /// Further fields, already checked.
    pub headers: Vec<(String, String)>,
    /// Whether permessage-deflate is offered (RFC 7692).
    pub deflate: bool,
}

impl UpgradeRequest {
    /// The same request with a fresh key, for one more connection.
    #[must_use]
    pub fn with_new_key(mut self) -> Self {
        let mut key = [0; 16];
        // Without randomness the key is still a key; only a cache could profit.
        let _ = ring::rand::SystemRandom::new().fill(&mut key);
        self.key = STANDARD.encode(key);
        self
    }

    /// The request as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: netcheck/{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n",
            self.path,
            self.host,
            env!("CARGO_PKG_VERSION"),
            self.key
        );
        let subprotocols = (!self.subprotocols.is_empty()).then(|| self.subprotocols.join(", "));
        let deflate = self.deflate.then(|| "permessage-deflate; client_max_window_bits".to_owned());
        let fields = [
            ("Origin", self.origin.clone()),
            ("Sec-WebSocket-Protocol", subprotocols),
            ("Sec-WebSocket-Extensions", deflate),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }

    /// Decides whether an answer accepts the upgrade.
    ///
    /// # Errors
    /// `ws.status`, `ws.upgrade_missing`, `ws.bad_accept`.
    pub fn judge(&self, answer: &ResponseHead) -> Result<Negotiated, Failure> {
        let missing = |detail: &str| Err(Failure::new(Code::WsUpgradeMissing, detail));
        match answer.status {
            101 => {}
            200 => return missing("a plain 200 page instead of 101"),
            status => {
                let detail = format!("HTTP status {status} ({}) instead of 101", answer.reason);
                return Err(Failure::new(Code::WsStatus, detail.replace(" ()", "")));
            }
        }
        if !answer.has_token("upgrade", "websocket") || !answer.has_token("connection", "upgrade") {
            return missing("101 without \"Upgrade: websocket\" and \"Connection: Upgrade\"");
        }
        if answer.value("sec-websocket-accept").map(str::trim) != Some(&accept(&self.key)) {
            let detail = "Sec-WebSocket-Accept is not the hash of our key";
            return Err(Failure::new(Code::WsBadAccept, detail));
        }
        let agreed = Negotiated {
            subprotocol: answer.value("sec-websocket-protocol").map(str::to_owned),
            extensions: answer.value("sec-websocket-extensions").map(str::to_owned),
        };
        if agreed.subprotocol.as_ref().is_some_and(|chosen| !self.subprotocols.contains(chosen)) {
            return missing("101 for a subprotocol that was not asked for");
        }
        if agreed.deflates() && !self.deflate {
            return missing("101 with an extension that was not asked for");
        }
        Ok(agreed)
    }
}

/// `Sec-WebSocket-Accept` for a key (RFC 6455 section 4.2.2).
pub fn accept(key: &str) -> String {
    let sha1 = &ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
    STANDARD.encode(ring::digest::digest(sha1, format!("{key}{GUID}").as_bytes()))
}

/// What both sides agreed on besides WebSocket itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Negotiated {
    /// The subprotocol the server chose.
    pub subprotocol: Option<String>,
    /// The extensions the server chose.
    pub extensions: Option<String>,
}

impl Negotiated {
    /// Whether messages may be compressed.
    pub fn deflates(&self) -> bool {
        self.extensions.as_ref().is_some_and(|text| text.contains("permessage-deflate"))
    }
}

/// The head of an HTTP answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// Names in lower case, and values as far as they are UTF-8.
    pub headers: Vec<(String, String)>,
}

/// What the bytes received so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadParse {
    /// More bytes are needed.
    Partial,
    /// An answer, and how many bytes its head took.
    Whole(ResponseHead, usize),
    /// No HTTP answer, or one larger than any honest one.
    Broken(&'static str),
}

impl ResponseHead {
    /// Reads a head from the first bytes of a connection; `seen` bytes were looked at before.
    pub fn read(bytes: &[u8], seen: usize) -> HeadParse {
        if bytes.first() == Some(&0) {
            return binary(bytes);
        }
        let known = b"HTTP/1.";
        if !bytes.iter().zip(known).all(|(byte, expected)| byte == expected) {
            return HeadParse::Broken("the answer is not HTTP");
        }
        let Some(length) = head_length(bytes, seen) else {
            let full = bytes.len() >= HEAD;
            return if full {
                HeadParse::Broken("the head of the answer does not end")
            } else {
                HeadParse::Partial
            };
        };
        let mut fields = [httparse::EMPTY_HEADER; FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        match response.parse(&bytes[..length]) {
            Ok(httparse::Status::Complete(_)) => {}
            Ok(httparse::Status::Partial) | Err(_) => {
                return HeadParse::Broken("the head of the answer is malformed");
            }
        }
        let headers = response.headers.iter().map(|field| {
            (field.name.to_ascii_lowercase(), String::from_utf8_lossy(field.value).trim().to_owned())
        });
        let answer = ResponseHead {
            status: response.code.unwrap_or_default(),
            reason: response.reason.unwrap_or_default().to_owned(),
            headers: headers.collect(),
        };
        HeadParse::Whole(answer, length)
    }

    /// The first value of a field, by its name in lower case.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// Whether a comma-separated field has this token, in any case of letters.
    fn has_token(&self, name: &str, token: &str) -> bool {
        let values = self.headers.iter().filter(|(have, _)| have == name);
        values.flat_map(|(_, value)| value.split(',')).any(|have| have.trim().eq_ignore_ascii_case(token))
    }

    /// The length of the body, where the head declares it.
    pub fn length(&self) -> Option<usize> {
        match self.status {
            204 | 304 => Some(0),
            _ => self.value("content-length")?.parse().ok(),
        }
    }
}

/// Frames of HTTP/2 (RFC 9113 section 4.1) begin with a length below 2^16: SETTINGS and GOAWAY come first.
fn binary(bytes: &[u8]) -> HeadParse {
    match bytes.get(3) {
        None => HeadParse::Partial,
        Some(4 | 7) => {
            HeadParse::Broken("the answer is HTTP/2, whose connections have no upgrade to WebSocket")
        }
        Some(_) => HeadParse::Broken("the answer is not HTTP"),
    }
}

/// Where the empty line ends that ends the head; only what is new since `seen` is searched.
fn head_length(bytes: &[u8], seen: usize) -> Option<usize> {
    let bytes = &bytes[..bytes.len().min(HEAD)];
    let from = seen.saturating_sub(3).min(bytes.len());
    let ends = |at: &usize| bytes[*at..].starts_with(b"\n\n") || bytes[*at..].starts_with(b"\n\r\n");
    let at = (from..bytes.len()).find(ends)?;
    Some(at + if bytes[at + 1] == b'\n' { 2 } else { 3 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(text: &str) -> ResponseHead {
        match ResponseHead::read(text.as_bytes(), 0) {
            HeadParse::Whole(answer, length) => {
                assert_eq!(length, text.len());
                answer
            }
            other => panic!("{other:?}"),
        }
    }

    fn offer() -> UpgradeRequest {
        UpgradeRequest {
            key: "dGhlIHNhbXBsZSBub25jZQ==".into(),
            subprotocols: vec!["chat".into()],
            ..UpgradeRequest::default()
        }
    }

    fn code(head: &str) -> Result<Negotiated, &'static str> {
        offer().judge(&whole(head)).map_err(|failure| failure.code.as_str())
    }

    #[test]
    fn the_hash_of_the_key_is_that_of_the_standard() {
        assert_eq!(accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn tokens_count_in_any_case_and_among_others() {
        let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: keep-alive, upgrade\r\nUPGRADE: WebSocket\r\n\
                    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
        assert_eq!(code(head), Ok(Negotiated { subprotocol: Some("chat".into()), extensions: None }));
    }

    #[test]
    fn each_wrong_answer_has_its_code() {
        assert_eq!(code("HTTP/1.1 403 Forbidden\r\n\r\n"), Err("ws.status"));
        assert_eq!(code("HTTP/1.0 200 OK\n\n"), Err("ws.upgrade_missing"));
        assert_eq!(code("HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n"), Err("ws.upgrade_missing"));
        let upgraded = "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
        assert_eq!(code(&format!("{upgraded}\r\n")), Err("ws.bad_accept"));
        assert_eq!(code(&format!("{upgraded}Sec-WebSocket-Accept: AAAA\r\n\r\n")), Err("ws.bad_accept"));
        let accepted = format!("{upgraded}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
        assert_eq!(
            code(&format!("{accepted}Sec-WebSocket-Protocol: other\r\n\r\n")),
            Err("ws.upgrade_missing")
        );
        let deflated = format!("{accepted}Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
        assert_eq!(code(&deflated), Err("ws.upgrade_missing"));
    }

    #[test]
    fn what_is_not_http_is_known_by_its_first_byte() {
        assert_eq!(ResponseHead::read(b"S", 0), HeadParse::Broken("the answer is not HTTP"));
        assert_eq!(ResponseHead::read(b"HTT", 0), HeadParse::Partial);
        assert_eq!(ResponseHead::read(&[0, 0, 18], 0), HeadParse::Partial);
        assert_eq!(ResponseHead::read(&[0, 0, 18, 9], 0), HeadParse::Broken("the answer is not HTTP"));
    }

    #[test]
    fn frames_of_http_2_are_named() {
        let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        let HeadParse::Broken(why) = ResponseHead::read(&settings, 0) else { panic!() };
        assert!(why.contains("HTTP/2"), "{why}");
    }

    #[test]
    fn a_head_without_end_is_given_up() {
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        head.resize(HEAD, b'a');
        assert_eq!(
            ResponseHead::read(&head, HEAD - 1),
            HeadParse::Broken("the head of the answer does not end")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), seen in 0usize..3000) {
            let _ = ResponseHead::read(&bytes, seen);
        }

        #[test]
        fn no_head_makes_it_panic(tail in "(?s)[ -~\r\n\u{80}-\u{ff}]{0,300}") {
            let head = format!("HTTP/1.1 {tail}\r\n\r\n");
            if let HeadParse::Whole(answer, length) = ResponseHead::read(head.as_bytes(), 0) {
                prop_assert!(length <= head.len());
                let _ = offer().judge(&answer);
            }
        }

        #[test]
        fn it_does_not_matter_how_a_head_is_cut(cuts in prop::collection::vec(1usize..9, 1..40)) {
            let head = b"HTTP/1.1 426 Upgrade Required\r\nServer: x\r\nUpgrade: websocket\r\n\r\nbody";
            let (mut end, mut seen) = (0, 0);
            for cut in cuts.iter().cycle() {
                end = (end + cut).min(head.len());
                match ResponseHead::read(&head[..end], seen) {
                    HeadParse::Partial => seen = end,
                    HeadParse::Whole(answer, length) => {
                        prop_assert_eq!((answer.status, length), (426, head.len() - 4));
                        break;
                    }
                    HeadParse::Broken(why) => prop_assert!(false, "{}", why),
                }
            }
        }
    }
}
