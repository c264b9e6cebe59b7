//! The source of cryptography: ring, whose randomness can be kept, with a browser's groups, cipher suites and transcript where its ClientHello is sent.

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::{CipherSuite, NamedGroup, SupportedCipherSuite};

use super::hybrid::X25519MlKem768;
use super::randomness::{KeptRandom, KeptX25519};
use super::transcript;
use netcheck_record::scheme::HelloKind;

static SMALL: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(with_kept_randomness(ring::default_provider())));
static BROWSER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(with_kept_randomness(as_browser(transcript::SUITES.clone()))));
static BROWSER_QUIC: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(as_browser(ring::DEFAULT_CIPHER_SUITES.to_vec())));

/// Browsers prefer AES-128, then AES-256, then ChaCha20; elliptic-curve keys before RSA keys.
const ORDER: [CipherSuite; 9] = [
    CipherSuite::TLS13_AES_128_GCM_SHA256,
    CipherSuite::TLS13_AES_256_GCM_SHA384,
    CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

fn as_browser(mut suites: Vec<SupportedCipherSuite>) -> CryptoProvider {
    suites.sort_by_key(|suite| ORDER.iter().position(|one| *one == suite.suite()));
    let mut provider = ring::default_provider();
    provider.cipher_suites = suites;
    provider.kx_groups.insert(0, &X25519MlKem768);
    provider
}

/// The same, whose ClientHello can be made again.
fn with_kept_randomness(mut provider: CryptoProvider) -> CryptoProvider {
    provider.secure_random = &KeptRandom;
    for group in provider.kx_groups.iter_mut().filter(|group| group.name() == NamedGroup::X25519) {
        *group = &KeptX25519;
    }
    provider
}

/// For TLS over TCP.
pub(super) fn over_tcp(kind: HelloKind) -> Arc<CryptoProvider> {
    Arc::clone(match kind {
        HelloKind::Browser => &BROWSER,
        HelloKind::Small => &SMALL,
    })
}

/// For QUIC, whose ClientHello leaves as rustls writes it.
pub(super) fn over_quic(kind: HelloKind) -> Arc<CryptoProvider> {
    Arc::clone(match kind {
        HelloKind::Browser => &BROWSER_QUIC,
        HelloKind::Small => &SMALL,
    })
}
