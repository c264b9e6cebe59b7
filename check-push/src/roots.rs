//! Apple's own roots, in which the chains of the push couriers may end.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

const APPLE: &[u8] = include_bytes!("../data/apple-roots.pem");

/// The roots this program was built with.
///
/// # Errors
/// The data is damaged.
pub fn built_in() -> Result<Arc<RootCertStore>, String> {
    read(APPLE)
}

/// Reads roots from PEM text.
///
/// # Errors
/// It holds no certificate, or one that cannot be a root.
pub fn read(pem: &[u8]) -> Result<Arc<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("certificate {}: {error}", roots.len() + 1))?;
    }
    if roots.is_empty() { Err("no certificate in it".into()) } else { Ok(Arc::new(roots)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprints() -> Vec<String> {
        CertificateDer::pem_slice_iter(APPLE)
            .flatten()
            .map(|der| {
                let digest = ring::digest::digest(&ring::digest::SHA256, &der);
                digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
            })
            .collect()
    }

    #[test]
    fn the_roots_are_the_three_that_apple_publishes() {
        assert_eq!(
            fingerprints(),
            [
                "b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024",
                "c2b9b042dd57830e7d117dac55ac8ae19407d38e41d88f3215bc3a890444a050",
                "63343abfb89a6a03ebb57e9b3f5fa7be7c4f5c756f3017b3a8c488c3653e9179",
            ]
        );
        assert_eq!(built_in().map(|roots| roots.len()), Ok(3));
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        assert_eq!(read(b"").err().as_deref(), Some("no certificate in it"));
        assert_eq!(read(b"hello").err().as_deref(), Some("no certificate in it"));
        let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(read(broken).is_err_and(|why| why.starts_with("certificate 1")));
        let cut = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
        assert!(read(cut).is_err_and(|why| why.starts_with("not PEM")));
    }
}
