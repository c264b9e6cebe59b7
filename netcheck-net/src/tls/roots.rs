//! The roots of trust: the public ones, built in or given, and the system's, read only when needed.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use netcheck_record::file;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// The longest file that is read as roots.
const LONGEST: u64 = 16 << 20;

/// The roots a run trusts.
#[derive(Debug, Default)]
pub struct Roots {
    public: OnceLock<Arc<RootCertStore>>,
    system: OnceLock<Arc<RootCertStore>>,
}

impl Roots {
    /// Public roots from a PEM file instead of the built-in ones.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let roots = Roots::default();
        let _ = roots.public.set(Arc::new(read(path)?));
        Ok(roots)
    }

    /// The public roots.
    pub fn public(&self) -> Arc<RootCertStore> {
        let built_in = || Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
        Arc::clone(self.public.get_or_init(built_in))
    }

    /// The system's roots, as rustls-native-certs finds them (SSL_CERT_FILE, SSL_CERT_DIR).
    pub fn system(&self) -> Arc<RootCertStore> {
        let load = || {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            Arc::new(store)
        };
        Arc::clone(self.system.get_or_init(load))
    }
}

/// Reads the certificates of a PEM file as roots.
///
/// # Errors
/// The file cannot be read, or holds no certificate.
pub fn read(path: &Path) -> Result<RootCertStore, String> {
    let name = path.display();
    let pem = file::read(path, LONGEST).map_err(|error| format!("{name}: {error}"))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| format!("{name}: {error}"))?;
        store.add(certificate).map_err(|error| format!("{name}: {error}"))?;
    }
    if store.is_empty() {
        return Err(format!("{name}: no certificate in it"));
    }
    Ok(store)
}
