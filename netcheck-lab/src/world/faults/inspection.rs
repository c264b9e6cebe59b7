//! TLS inspection: each handshake is answered with a certificate of the corporation's, and opened again to the service.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::Acceptor;
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;
use tokio_rustls::{LazyConfigAcceptor, TlsConnector, client, server};

use super::super::internet::World;
use super::middlebox::{block_page, dial, head, without_upgrade};
use crate::pki::Authority;

type Opened = server::TlsStream<TcpStream>;
type Onward = client::TlsStream<TcpStream>;

/// What happens inside opened TLS.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inspection {
    /// Every request is answered with a block page.
    pub block_page: bool,
    /// Whatever is no HTTP request is answered as a bad one.
    pub http_only: bool,
    /// Requests lose their Upgrade header.
    pub strip_upgrade: bool,
    /// A WebSocket is reset after its upgrade.
    pub reset_after_upgrade: bool,
}

/// The device.
pub struct Inspector {
    authority: Arc<Authority>,
    provider: Arc<CryptoProvider>,
    inspection: Inspection,
}

impl Inspector {
    /// A device with the corporation's authority.
    #[must_use]
    pub fn new(world: &World, inspection: Inspection) -> Inspector {
        Inspector { authority: world.corporate(), provider: Arc::new(default_provider()), inspection }
    }

    /// Serves one connection.
    ///
    /// # Errors
    /// Either side failed.
    pub async fn inspect(self: Arc<Self>, stream: TcpStream, to: SocketAddr) -> io::Result<()> {
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let name = hello.client_hello().server_name().unwrap_or("unnamed.invalid").to_owned();
        let alpn = hello.client_hello().alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
        let answers_itself = self.inspection.block_page || self.inspection.http_only;
        let onward = if answers_itself { None } else { Some(self.onward(&name, alpn, to).await?) };
        let agreed = onward.as_ref().and_then(|onward| onward.get_ref().1.alpn_protocol());
        let agreed: Vec<&str> =
            agreed.into_iter().filter_map(|alpn| std::str::from_utf8(alpn).ok()).collect();
        let config = self.authority.leaf(&[&name]).server_config(&agreed);
        let opened = hello.into_stream(config).await?;
        match onward {
            None if self.inspection.http_only => refused(opened).await,
            None => blocked(opened).await,
            Some(onward) => self.relay(opened, onward).await,
        }
    }

    /// Devices that open TLS mostly speak HTTP/1.1 onward; what is not HTTP keeps its protocol.
    async fn onward(&self, name: &str, mut alpn: Vec<Vec<u8>>, to: SocketAddr) -> io::Result<Onward> {
        if alpn.iter().any(|protocol| protocol == b"http/1.1") {
            alpn = vec![b"http/1.1".to_vec()];
        }
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Credulous(Arc::clone(&self.provider))))
            .with_no_client_auth();
        config.alpn_protocols = alpn;
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        TlsConnector::from(Arc::new(config)).connect(name, dial(to).await?).await
    }

    async fn relay(&self, mut opened: Opened, mut onward: Onward) -> io::Result<()> {
        if self.inspection.strip_upgrade || self.inspection.reset_after_upgrade {
            let request = head(&mut opened).await?;
            let request = if self.inspection.strip_upgrade { without_upgrade(&request) } else { request };
            onward.write_all(&request).await?;
        }
        if self.inspection.reset_after_upgrade {
            let answer = head(&mut onward).await?;
            opened.write_all(&answer).await?;
            let _ = opened.read(&mut [0; 1024]).await?;
            return opened.get_ref().0.set_zero_linger();
        }
        copy_bidirectional(&mut opened, &mut onward).await.map(drop)
    }
}

/// What a web proxy says to bytes that are no request.
async fn refused(mut opened: Opened) -> io::Result<()> {
    let _ = opened.read(&mut [0; 4096]).await?;
    let text = "HTTP/1.1 400 Bad Request\r\nServer: squid/5.7\r\nX-Squid-Error: ERR_INVALID_REQ 0\r\nContent-Length: 0\r\n\r\n";
    opened.write_all(text.as_bytes()).await?;
    opened.shutdown().await
}

async fn blocked(mut opened: Opened) -> io::Result<()> {
    let _ = head(&mut opened).await?;
    opened.write_all(block_page().as_bytes()).await?;
    opened.shutdown().await
}

/// Takes every certificate for genuine: what such devices are rightly blamed for.
#[derive(Debug)]
struct Credulous(Arc<CryptoProvider>);

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
