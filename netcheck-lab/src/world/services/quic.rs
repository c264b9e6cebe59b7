//! HTTP/3 on UDP 443: quinn, with every site's certificate by name.

use std::io;
use std::sync::Arc;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, EndpointConfig, ServerConfig, TokioRuntime};
use rustls::server::ResolvesServerCertUsingSni;
use rustls::sign::CertifiedKey;

use super::super::certificates::Certificates;
use super::super::names::{SITES, Signer, hosts};
use super::super::place::Place;

/// Serves UDP 443 over IPv4; a connection is accepted and held.
///
/// # Errors
/// The port cannot be opened.
pub fn start(inet: &Place, certificates: &Certificates) -> io::Result<()> {
    let config = configuration(certificates).map_err(io::Error::other)?;
    let endpoint = inet.open(|| {
        let socket = bind()?;
        Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime))
    })?;
    inet.serve(async move {
        while let Some(incoming) = endpoint.accept().await {
            drop(tokio::spawn(async move {
                if let Ok(connection) = incoming.await {
                    connection.closed().await;
                }
            }));
        }
    });
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a server's socket, which quinn drives")]
fn bind() -> io::Result<std::net::UdpSocket> {
    std::net::UdpSocket::bind("0.0.0.0:443")
}

fn configuration(
    certificates: &Certificates,
) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut by_name = ResolvesServerCertUsingSni::new();
    for site in SITES.iter().filter(|site| site.signer == Signer::Public) {
        let leaf = certificates.leaf(site);
        let key = CertifiedKey::from_der(leaf.chain(), leaf.key(), &provider)?;
        for (name, ..) in hosts().iter().filter(|(name, ..)| covers(site.names, name)) {
            // Refused where the certificate is for other names: then the name has no QUIC.
            let _ = by_name.add(name, key.clone());
        }
    }
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(by_name));
    tls.alpn_protocols = vec![b"h3".to_vec()];
    Ok(ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?)))
}

fn covers(names: &[&str], host: &str) -> bool {
    let parent = host.split_once('.').map_or("", |(_, parent)| parent);
    names.iter().any(|name| *name == host || name.strip_prefix("*.").is_some_and(|zone| zone == parent))
}
