//! The configuration of a handshake, and the ClientHello that rustls makes of it.

use std::io;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ConfigBuilder};

use super::hello::Hello;
use super::verifier::Recorder;
use super::{compression, ech_grease, provider};
use netcheck_record::scheme::HelloKind;

/// A client configuration over TCP whose certificates are recorded and judged afterwards. A browser's ClientHello gets its
/// bytes where it is sent.
pub(super) fn config(hello: &Hello, recorder: &Recorder) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider::over_tcp(hello.kind));
    // ring offers TLS 1.2 and 1.3, so this cannot fail; a builder without versions would offer nothing.
    let builder = builder.with_safe_default_protocol_versions().unwrap_or_else(|_| ClientConfig::builder());
    finish(builder.dangerous(), hello, recorder)
}

/// The same for QUIC, where TLS 1.3 is the only version.
#[must_use]
pub fn quic_config(hello: &Hello) -> (ClientConfig, Recorder) {
    let builder = ClientConfig::builder_with_provider(provider::over_quic(hello.kind));
    let builder = match hello.kind {
        HelloKind::Browser => builder.with_ech(ech_grease::mode()),
        HelloKind::Small => builder.with_protocol_versions(&[&rustls::version::TLS13]),
    };
    let recorder = Recorder::new(hello.kind);
    let builder = builder.unwrap_or_else(|_| ClientConfig::builder());
    (finish(builder.dangerous(), hello, &recorder), recorder)
}

fn finish(
    builder: rustls::client::danger::DangerousClientConfigBuilder,
    hello: &Hello,
    recorder: &Recorder,
) -> ClientConfig {
    let builder: ConfigBuilder<ClientConfig, WantsClientCert> =
        builder.with_custom_certificate_verifier(Arc::new(recorder.clone()));
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols.clone_from(&hello.alpn);
    // Each handshake is to be a whole one, and nothing is to be remembered.
    config.resumption = rustls::client::Resumption::disabled();
    config.cert_decompressors = match hello.kind {
        HelloKind::Browser => vec![&compression::Brotli],
        HelloKind::Small => Vec::new(),
    };
    config
}

/// The record that rustls begins a handshake with.
pub(super) fn begin(hello: &Hello, recorder: &Recorder, name: ServerName<'static>) -> io::Result<Vec<u8>> {
    let config = Arc::new(config(hello, recorder));
    let mut connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    let mut record = Vec::new();
    connection.write_tls(&mut record)?;
    Ok(record)
}
