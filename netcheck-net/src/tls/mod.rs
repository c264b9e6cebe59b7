//! TLS: the handshake, the chain that was presented whatever came of it, and whom it convinces.

pub(crate) mod alert;
mod browser;
pub mod certificate;
pub mod client_hello;
mod compression;
mod config;
mod ech_grease;
pub mod hello;
mod hybrid;
mod provider;
mod randomness;
pub(crate) mod roots;
pub mod sent_hello;
mod transcript;
pub mod trust;
mod verdict;
mod verifier;
mod writer;

use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{Connect, TlsConnector};

pub use alert::io_failure;
pub use browser::{LENGTH as BROWSER_LENGTH, is_grease};
pub use certificate::Chain;
pub use client_hello::ClientHello;
pub use config::quic_config;
pub use hello::{Hello, server_name};
pub use roots::Roots;
pub use sent_hello::SentHello;
pub use trust::{ChainFault, Trust};
pub use verifier::Recorder;

use crate::clock;
use crate::net::Net;
use crate::stream::{Stream, Tap};
use alert::words;
use config::{begin, config};
use netcheck_record::failure::{Code, Failure, Layer};
use netcheck_record::scheme::HelloKind;
use netcheck_record::target::Host;
use randomness::{Drawn, Randomness};
use writer::HelloWriter;

/// An answer that takes longer than this finds the key share made again.
const SOON: Duration = Duration::from_secs(1);

/// A stream that is secure, or at least encrypted: `trust` says which.
pub struct Secure {
    /// The plaintext side.
    pub stream: Stream,
    /// The ALPN protocol both agreed on.
    pub alpn: Option<Vec<u8>>,
    /// Whom the certificate convinces.
    pub trust: Trust,
}

/// Shakes hands. rustls begins anew, with the same ClientHello, once there is an answer: until then only what is random in it is
/// kept. `sent` learns that when the ClientHello is on its way.
async fn connect(
    hello: &Hello,
    recorder: &Recorder,
    name: ServerName<'static>,
    mut io: HelloWriter<Tap>,
    sent: &OnceLock<Arc<Drawn>>,
) -> io::Result<Box<TlsStream<HelloWriter<Tap>>>> {
    let (record, mut randomness) = Randomness::keep(|| begin(hello, recorder, name.clone()));
    sent.get_or_init(|| randomness.drawn());
    io.begin(record?).await?;
    let answered = match clock::within(SOON, io.answered()).await {
        Some(answered) => answered,
        None => {
            randomness.forget_share();
            io.answered().await
        }
    };
    answered?;
    resume(hello, recorder, name, io, randomness).await.map(Box::new)
}

/// The handshake whose ClientHello has been answered.
fn resume(
    hello: &Hello,
    recorder: &Recorder,
    name: ServerName<'static>,
    io: HelloWriter<Tap>,
    randomness: Randomness,
) -> Pin<Box<Connect<HelloWriter<Tap>>>> {
    let connector = TlsConnector::from(Arc::new(config(hello, recorder)));
    randomness.again(|| {
        // It has been sent already.
        let skip = |connection: &mut ClientConnection| drop(connection.write_tls(&mut io::sink()));
        Box::pin(connector.connect_with(name, io, skip))
    })
}

/// The record that begins a handshake over TCP with this ClientHello; none where the name cannot stand in a certificate.
#[must_use]
pub fn client_hello(hello: &Hello) -> Option<ClientHello> {
    let name = server_name(&hello.name).ok()?;
    let record = begin(hello, &Recorder::new(hello.kind), name).ok()?;
    let plain = ClientHello::parse_record(&record)?;
    match hello.kind {
        HelloKind::Browser => ClientHello::parse(&browser::as_browser_sends(&plain.message())?),
        HelloKind::Small => Some(plain),
    }
}

impl Net {
    /// The target's own ClientHello as `--hello` asks for it.
    #[must_use]
    pub fn as_asked(&self, hello: &Hello) -> Hello {
        Hello { kind: self.flags().hello.unwrap_or(hello.kind), ..hello.clone() }
    }

    /// Shakes hands over `stream`; the chain and the parameters go to the facts whatever comes of it.
    ///
    /// # Errors
    /// The `tls.*` codes.
    pub async fn handshake(&self, stream: Stream, hello: &Hello) -> Result<Secure, Failure> {
        let recorder = Recorder::new(hello.kind);
        // What is given up half-way is reset: the peer would wait for the rest of the ClientHello.
        let abort = stream.abort();
        abort.store(true, Ordering::Relaxed);
        let (tap, first) = Tap::new(stream);
        let (tap, sent) = (HelloWriter::new(tap, hello.kind), OnceLock::new());
        let name = server_name(&hello.name)?;
        if let Host::Name(name) = &hello.name {
            self.fact("tls", "sni", json!(name));
        }
        let mut connecting = Box::pin(connect(hello, &recorder, name, tap, &sent));
        let mut noted = false;
        let outcome = match clock::within(self.patience(), &mut connecting).await {
            Some(ended) => ended,
            None => {
                let sent = self.note_hello(hello, &sent);
                noted = true;
                if let Some(to) = self.peer().filter(|_| self.prefetches()) {
                    self.watch().hello_silent(self.detached(), to, sent);
                }
                connecting.await
            }
        };
        abort.store(false, Ordering::Relaxed);
        if outcome.is_err() && !noted {
            self.note_hello(hello, &sent);
        }
        let first = crate::lock(&first).clone();
        self.see(|seen| seen.first_bytes.clone_from(&first));
        self.keep_chain(&recorder);
        let tls = outcome.map_err(|error| self.tls_failure(&error, &first))?;
        let connection = tls.get_ref().1;
        let alpn = connection.alpn_protocol().map(<[u8]>::to_vec);
        if let Some(version) = connection.protocol_version() {
            self.fact("tls", "version", json!(words(&format!("{version:?}"))));
        }
        if let Some(suite) = connection.negotiated_cipher_suite() {
            self.fact("tls", "cipher", json!(format!("{:?}", suite.suite())));
        }
        if let Some(alpn) = &alpn {
            self.fact("tls", "alpn", json!(netcheck_record::escape::bytes(alpn, 40)));
        }
        let trust = match self.judge(&recorder, hello) {
            Err(failure) if hello.opportunistic => {
                self.see(|seen| seen.degraded.push((failure, None)));
                Trust::Nobody
            }
            judged => judged?,
        };
        let mut stream = Stream::new(*tls);
        stream.h2 = alpn.as_deref() == Some(b"h2");
        Ok(Secure { stream, alpn, trust })
    }

    /// Keeps the ClientHello that was sent: experiments repeat these very bytes.
    fn note_hello(&self, hello: &Hello, sent: &OnceLock<Arc<Drawn>>) -> Arc<SentHello> {
        let sent = Arc::new(SentHello { hello: hello.clone(), drawn: sent.get().cloned() });
        self.fact("tls", "hello", hello.kind.as_str());
        self.see(|seen| seen.hello = Some(Arc::clone(&sent)));
        sent
    }

    /// Judges the recorded chain: against the public roots, and only then against the system's.
    ///
    /// # Errors
    /// `tls.untrusted`, `tls.expired`, `tls.not_yet_valid`, `tls.name_mismatch`.
    pub fn judge(&self, recorder: &Recorder, hello: &Hello) -> Result<Trust, Failure> {
        let chain = recorder.chain().ok_or_else(|| Failure::new(Code::TlsUntrusted, "no certificate"))?;
        let trust = verdict::judge(self, &chain, hello)?;
        self.see(|seen| seen.trust = Some(trust));
        self.fact("tls", "trust", json!(trust.as_str()));
        if trust == Trust::Public {
            self.watch().chain_valid(&chain);
        }
        if trust == Trust::System {
            let failure = Failure::new(
                Code::TlsUntrusted,
                format!("signed by {}, which this system trusts and the public does not", chain.issuer()),
            );
            if hello.strict {
                return Err(failure);
            }
            self.see(|seen| seen.degraded.push((failure, None)));
        }
        Ok(trust)
    }

    /// The failure an alert means; its number goes to the facts (RFC 8446 section 6).
    #[must_use]
    pub fn alert(&self, number: u8) -> Failure {
        self.fact("tls", "alert", json!(number));
        self.see(|seen| seen.tls_alert = Some(number));
        alert::failure(number)
    }

    /// Writes the recorded chain down, as evidence and as facts.
    pub fn keep_chain(&self, recorder: &Recorder) {
        if let Some(chain) = recorder.chain() {
            chain.facts().into_iter().for_each(|(key, value)| self.fact("tls", key, value));
            self.see(|seen| seen.chain = Some(chain));
        }
    }

    fn tls_failure(&self, error: &io::Error, first: &[u8]) -> Failure {
        use rustls::{Error as Tls, InvalidMessage};
        // ContentType 20 to 24, version 3.x (RFC 8446 section 5.1): anything else is no TLS record.
        let is_tls = matches!(first, [20..=24] | [20..=24, 3, ..]);
        if !first.is_empty() && !is_tls {
            let line = first.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let detail = format!(
                "the answer begins with \"{}\"",
                netcheck_record::escape::bytes(line, 80).trim_end_matches("\\r")
            );
            return Failure::new(Code::TlsNotTls, detail);
        }
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
        match inner {
            Some(Tls::AlertReceived(alert)) => self.alert(u8::from(*alert)),
            Some(Tls::PeerIncompatible(what)) => {
                Failure::new(Code::TlsVersion, format!("no common ground: {}", words(&format!("{what:?}"))))
            }
            Some(Tls::NoApplicationProtocol) => Failure::new(Code::TlsAlpn, "no common ALPN protocol"),
            Some(Tls::InvalidCertificate(what)) => {
                let what = format!("{what:?}");
                let what = what.rsplit('(').next().unwrap_or_default().trim_end_matches(')');
                Failure::new(Code::TlsUntrusted, format!("the certificate cannot be used: {}", words(what)))
            }
            Some(Tls::InvalidMessage(
                InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
            )) if begins_with_server_hello(first) => Failure::new(
                Code::TlsUnsupported,
                "a message of the handshake, most likely the chain of certificates, is longer than 64 KiB",
            ),
            Some(_) => Failure::new(Code::TlsNotTls, "the answer breaks the rules of TLS"),
            None => {
                let mut failure = Layer::TLS.io(error);
                if first.is_empty() {
                    failure.detail = failure.detail.replace("during tls", "after ClientHello");
                }
                failure
            }
        }
    }
}

/// Whether these bytes begin a handshake: a ServerHello (type 2) that its record holds whole.
fn begins_with_server_hello(first: &[u8]) -> bool {
    match *first {
        [22, 3, _, a, b, 2, 0, c, d, ..] => {
            u32::from(u16::from_be_bytes([c, d])) + 4 <= u32::from(u16::from_be_bytes([a, b]))
        }
        _ => false,
    }
}
