//! A verifier that records the chain and lets the handshake go on: the judgement comes afterwards, with more known.

use std::sync::{Arc, LazyLock, Mutex};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::certificate::Chain;
use crate::lock;
use netcheck_record::scheme::HelloKind;

static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> =
    LazyLock::new(|| rustls::crypto::ring::default_provider().signature_verification_algorithms);

/// What browsers offer that ring can verify, in their order.
const BROWSER_SCHEMES: [SignatureScheme; 8] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA512,
];

/// Keeps the chain the peer presented. Signatures over the handshake are verified as ever:
/// whoever presents a certificate holds its key.
#[derive(Clone, Debug)]
pub struct Recorder {
    chain: Arc<Mutex<Option<Chain>>>,
    kind: HelloKind,
}

impl Recorder {
    /// A recorder that offers the signature schemes of this kind of client.
    pub(super) fn new(kind: HelloKind) -> Self {
        Recorder { chain: Arc::default(), kind }
    }

    /// The chain, once one was presented.
    #[must_use]
    pub fn chain(&self) -> Option<Chain> {
        lock(&self.chain).clone()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(leaf).chain(intermediates).map(|der| der.clone().into_owned());
        *lock(&self.chain) = Some(Chain::new(all.collect()));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &ALGORITHMS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &ALGORITHMS)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        match self.kind {
            HelloKind::Browser => BROWSER_SCHEMES.to_vec(),
            HelloKind::Small => ALGORITHMS.supported_schemes(),
        }
    }
}
