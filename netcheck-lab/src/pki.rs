//! Throw-away certificates: authorities, leaves, and the server configurations made of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

const DAY: Duration = Duration::from_hours(24);

/// A certification authority: a root, or one under another.
pub struct Authority {
    name: String,
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
    /// The certificates between this one's leaves and the root, nearest first; empty for a root.
    between: Vec<Certificate>,
}

impl Authority {
    /// A root of its own, valid from a year ago for ten years.
    #[must_use]
    pub fn new(name: &str) -> Authority {
        let key = KeyPair::generate().unwrap();
        let params = authority_params(name);
        let certificate = params.self_signed(&key).unwrap();
        Authority {
            name: name.to_owned(),
            certificate,
            issuer: Issuer::new(params, key),
            between: Vec::new(),
        }
    }

    /// An authority under this one; its leaves present it in their chain.
    #[must_use]
    pub fn intermediate(&self, name: &str) -> Authority {
        let key = KeyPair::generate().unwrap();
        let params = authority_params(name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut between = vec![certificate.clone()];
        between.extend(self.between.iter().cloned());
        Authority { name: name.to_owned(), certificate, issuer: Issuer::new(params, key), between }
    }

    /// A leaf for these names and addresses, valid from yesterday for 90 days.
    #[must_use]
    pub fn leaf(&self, names: &[&str]) -> Leaf {
        self.leaf_valid(names, -1, 90)
    }

    /// A leaf valid between these two days, counted from today.
    #[must_use]
    pub fn leaf_valid(&self, names: &[&str], from_days: i64, to_days: i64) -> Leaf {
        self.signed(leaf_params(names, from_days, to_days))
    }

    /// A leaf valid between these two moments, in seconds from now.
    #[must_use]
    pub fn leaf_between(&self, names: &[&str], from: i64, to: i64) -> Leaf {
        let mut params = leaf_params(names, -1, 1);
        params.not_before = second(from).into();
        params.not_after = second(to).into();
        self.signed(params)
    }

    fn signed(&self, params: CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate];
        chain.extend(self.between.iter().cloned());
        Leaf { chain, key }
    }

    /// The certificate in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The certificate in DER.
    #[must_use]
    pub fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    /// Writes the PEM into a file of its own under `dir`, for `--public-roots`.
    #[must_use]
    pub fn write(&self, dir: impl AsRef<Path>) -> PathBuf {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name: String =
            self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let file = dir.as_ref().join(format!("{name}-{}-{count}.pem", std::process::id()));
        std::fs::write(&file, self.pem()).unwrap();
        file
    }
}

/// What is wrong with a chain that a genuine authority signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainFlaw {
    /// The intermediate is not sent.
    Incomplete,
    /// The leaf is for TLS clients.
    Purpose,
    /// The intermediate may sign for another zone only.
    NameConstraint,
    /// The intermediate has expired.
    ExpiredIntermediate,
}

impl Authority {
    /// A leaf for these names under an intermediate of this authority, with one thing wrong.
    #[must_use]
    pub fn flawed_leaf(&self, names: &[&str], flaw: ChainFlaw) -> Leaf {
        let mut authority = authority_params("Lab Issuing CA");
        if flaw == ChainFlaw::NameConstraint {
            authority.name_constraints = Some(rcgen::NameConstraints {
                permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("corp.test".into())],
                excluded_subtrees: Vec::new(),
            });
        }
        if flaw == ChainFlaw::ExpiredIntermediate {
            authority.not_after = day(-5).into();
        }
        let authority_key = KeyPair::generate().unwrap();
        let intermediate = authority.signed_by(&authority_key, &self.issuer).unwrap();
        let mut params = leaf_params(names, -30, 60);
        if flaw == ChainFlaw::Purpose {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
        let chain = if flaw == ChainFlaw::Incomplete { vec![leaf] } else { vec![leaf, intermediate] };
        Leaf { chain, key }
    }
}

/// A server's certificate with its chain and key.
pub struct Leaf {
    chain: Vec<Certificate>,
    key: KeyPair,
}

impl Leaf {
    /// The chain in PEM, leaf first, without the root.
    #[must_use]
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(Certificate::pem).collect()
    }

    /// The private key in PEM (PKCS #8).
    #[must_use]
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The chain in DER, leaf first.
    #[must_use]
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.iter().map(|certificate| certificate.der().clone()).collect()
    }

    /// The private key in DER.
    #[must_use]
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }

    /// A TLS 1.2 and 1.3 server that offers these ALPN protocols; with none, ALPN is not answered.
    #[must_use]
    pub fn server_config(&self, alpn: &[&str]) -> Arc<ServerConfig> {
        self.server_config_of(alpn, rustls::ALL_VERSIONS)
    }

    /// The same for chosen versions of TLS.
    #[must_use]
    pub fn server_config_of(
        &self,
        alpn: &[&str],
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(self.chain(), self.key())
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// A server that wants a certificate of its clients, signed by this authority.
#[must_use]
pub fn server_config_for_known_clients(leaf: &Leaf, clients: &Authority) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(clients.certificate.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(leaf.chain(), leaf.key())
        .unwrap();
    Arc::new(config)
}

/// A certificate signed by its own key.
#[must_use]
pub fn self_signed(names: &[&str]) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let certificate = leaf_params(names, -1, 90).self_signed(&key).unwrap();
    Leaf { chain: vec![certificate], key }
}

/// The same, allowed to sign others: what `openssl req -x509` makes.
#[must_use]
pub fn self_signed_authority(names: &[&str]) -> Leaf {
    let key = KeyPair::generate().unwrap();
    let mut params = leaf_params(names, -1, 90);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    Leaf { chain: vec![certificate], key }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = day(-365).into();
    params.not_after = day(3650).into();
    params
}

fn leaf_params(names: &[&str], from_days: i64, to_days: i64) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names.clone()).expect("names or addresses");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, names.first().map_or("nobody", String::as_str));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.not_before = day(from_days).into();
    params.not_after = day(to_days).into();
    params
}

/// The day this many days from now.
fn day(offset: i64) -> SystemTime {
    second(offset * i64::try_from(DAY.as_secs()).unwrap())
}

/// So many seconds from now, in whole seconds as certificates have it.
fn second(offset: i64) -> SystemTime {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = UNIX_EPOCH + Duration::from_secs(seconds);
    let span = Duration::from_secs(offset.unsigned_abs());
    if offset < 0 { now - span } else { now + span }
}
