//! Messages made by the tests: signed with a key of their own, then passed through gateways that do things to them.

use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;
use netcheck_lab::dns::Zone;

/// A sender with a key.
pub struct Signer {
    pkcs8: Vec<u8>,
}

impl Signer {
    /// With a new key.
    pub fn new() -> Signer {
        Signer { pkcs8: Ed25519Key::generate_pkcs8().expect("a key") }
    }

    fn key(&self) -> Ed25519Key {
        Ed25519Key::from_pkcs8_der(&self.pkcs8).expect("a key")
    }

    /// The record of the key.
    pub fn record(&self) -> String {
        format!("v=DKIM1; k=ed25519; p={}", base64(&self.key().public_key()))
    }

    /// A zone that knows the key as `mandrill._domainkey.spotme.com`.
    pub fn zone(&self) -> Zone {
        Zone::new().txt("mandrill._domainkey.spotme.com", &self.record())
    }

    /// The message with its signature in front.
    pub fn sign(&self, message: &str) -> String {
        let signer = DkimSigner::from_key(self.key())
            .domain("spotme.com")
            .selector("mandrill")
            .headers(["From", "To", "Subject", "Date"]);
        let signature = signer.sign(message.as_bytes()).expect("a signature");
        format!("{}{message}", signature.to_header())
    }

    /// The same with a signature that covers so many bytes of the body, which are all there are now.
    pub fn sign_part(&self, message: &str, bytes: u64) -> String {
        let signer = DkimSigner::from_key(self.key())
            .domain("spotme.com")
            .selector("mandrill")
            .headers(["From", "To", "Subject", "Date"])
            .body_length(true);
        let signature = signer.sign(message.as_bytes()).expect("a signature");
        assert_eq!(signature.l, bytes);
        format!("{}{message}", signature.to_header())
    }

    /// The same with an end: seconds since 1970.
    pub fn sign_until(&self, message: &str, end: u64) -> String {
        self.sign(message).replacen("v=1;", &format!("v=1; x={end};"), 1)
    }
}

/// A log-in mail, as it is when it is signed. What must not reach a record is in it.
pub fn login() -> String {
    [
        "From: SpotMe <secret.sender@spotme.com>",
        "To: Jane <jane.doe@example.net>",
        "Subject: Your confidential log-in link",
        "Date: Sun, 22 Nov 2026 07:00:00 +0000",
        "Message-ID: <one-two-three@mail.spotme.com>",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "",
        "Log in here: https://app.spotme.com/login/TOKEN-TOKEN-TOKEN",
        "Regards.",
        "",
    ]
    .join("\r\n")
}

/// Puts hops in front of a message: oldest first, each with the host that took it and the seconds after 07:00:00.
pub fn carried(message: &str, hops: &[(&str, i64)]) -> String {
    let mut text = message.to_owned();
    let mut from = "app.spotme.com";
    for (by, seconds) in hops {
        let (hour, minute, second) = (7 + seconds / 3600, seconds / 60 % 60, seconds % 60);
        text = format!(
            "Received: from {from} (unknown [198.2.132.142])\r\n\tby {by} (Postfix) with ESMTPS id 4XYZ\r\n\t\
             for <jane.doe@example.net>; Sun, 22 Nov 2026 {hour:02}:{minute:02}:{second:02} +0000 (UTC)\r\n{text}"
        );
        from = by;
    }
    text
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().enumerate().fold(0_u32, |bits, (at, byte)| bits | u32::from(*byte) << (16 - 8 * at));
        for at in 0..4 {
            let message = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            out.push(if at <= chunk.len() { char::from(message) } else { '=' });
        }
    }
    out
}
