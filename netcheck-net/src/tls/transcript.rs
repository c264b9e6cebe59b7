//! The transcript hash of a handshake whose ClientHello was changed after rustls wrote it: both ends must hash the same bytes.

use std::sync::LazyLock;

use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};
use rustls::crypto::{CipherSuiteCommon, ring};
use rustls::{SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite};

use super::browser::as_browser_sends;

/// Bytes before a handshake message's body.
const HEADER: usize = 4;

/// A hash function that reads the browser's ClientHello where rustls feeds it its own.
struct Dressed(&'static dyn Hash);

impl Hash for Dressed {
    fn start(&self) -> Box<dyn Context> {
        Box::new(Running(self.0.start()))
    }

    fn hash(&self, data: &[u8]) -> Output {
        self.0.hash(data)
    }

    fn output_len(&self) -> usize {
        self.0.output_len()
    }

    fn algorithm(&self) -> HashAlgorithm {
        self.0.algorithm()
    }
}

struct Running(Box<dyn Context>);

impl Context for Running {
    fn fork_finish(&self) -> Output {
        self.0.fork_finish()
    }

    fn fork(&self) -> Box<dyn Context> {
        Box::new(Running(self.0.fork()))
    }

    fn finish(self: Box<Self>) -> Output {
        self.0.finish()
    }

    fn update(&mut self, data: &[u8]) {
        // Whole messages come here, several at once after a HelloRetryRequest.
        let mut rest = data;
        while let Some(message) = first_message(rest) {
            match as_browser_sends(message) {
                Some(dressed) => self.0.update(&dressed),
                None => self.0.update(message),
            }
            rest = rest.get(message.len()..).unwrap_or_default();
        }
        self.0.update(rest);
    }
}

fn first_message(data: &[u8]) -> Option<&[u8]> {
    let [_, a, b, c] = *data.first_chunk::<HEADER>()?;
    let length = usize::try_from(u32::from_be_bytes([0, a, b, c])).ok()?;
    data.get(..HEADER.checked_add(length)?)
}

/// ring's cipher suites with this transcript.
pub(super) static SUITES: LazyLock<Vec<SupportedCipherSuite>> =
    LazyLock::new(|| ring::DEFAULT_CIPHER_SUITES.iter().copied().map(with_transcript).collect());

fn with_transcript(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    // A provider's suites live as long as the process; there are nine.
    match suite {
        SupportedCipherSuite::Tls13(suite) => {
            SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
                common: common(&suite.common),
                hkdf_provider: suite.hkdf_provider,
                aead_alg: suite.aead_alg,
                quic: suite.quic,
            })))
        }
        SupportedCipherSuite::Tls12(suite) => {
            SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
                common: common(&suite.common),
                prf_provider: suite.prf_provider,
                kx: suite.kx,
                sign: suite.sign,
                aead_alg: suite.aead_alg,
            })))
        }
    }
}

fn common(own: &CipherSuiteCommon) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: own.suite,
        hash_provider: Box::leak(Box::new(Dressed(own.hash_provider))),
        confidentiality_limit: own.confidentiality_limit,
    }
}
