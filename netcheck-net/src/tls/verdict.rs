//! Whom a chain convinces: the public, the system alone, or nobody; untrusted before expired before name.

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::{Chain, Hello, server_name};
use crate::clock;
use crate::net::Net;
use netcheck_record::failure::{Code, Failure};

/// Whom a chain convinces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The public roots, or the further roots the check counts as genuine.
    Public,
    /// Only the system's own trust store: TLS was opened on the way.
    System,
    /// Nobody; only where that was allowed.
    Nobody,
}

impl Trust {
    /// The word in `facts.tls.trust`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Trust::Public => "public",
            Trust::System => "system",
            Trust::Nobody => "none",
        }
    }
}

/// How a chain stands to some roots.
enum Standing {
    Valid,
    /// The chain ends there, at another time than now.
    OutOfTime,
    Foreign,
}

pub(super) fn judge(net: &Net, chain: &Chain, hello: &Hello) -> Result<Trust, Failure> {
    let unreadable = || Failure::new(Code::TlsUntrusted, "the certificate cannot be read");
    let leaf = chain.certificates.first().ok_or_else(unreadable)?;
    let leaf = EndEntityCert::try_from(leaf).map_err(|_| unreadable())?;
    let between = chain.between();
    let public = net.public_roots();
    let genuine = [Some(&public), hello.genuine.as_ref()];
    let mut out_of_time = false;
    let mut trust = None;
    for roots in genuine.into_iter().flatten() {
        match standing(&leaf, chain, &between, roots) {
            Standing::Valid => trust = Some(Trust::Public),
            Standing::OutOfTime => out_of_time = true,
            Standing::Foreign => {}
        }
    }
    if trust.is_none() && !out_of_time {
        match standing(&leaf, chain, &between, &net.system_roots()) {
            Standing::Valid => trust = Some(Trust::System),
            Standing::OutOfTime => return Err(private(net, chain, &time_failure(chain).detail)),
            Standing::Foreign => {
                net.fact("tls", "trust", "none");
                return Err(foreign(chain));
            }
        }
    }
    let Some(trust) = trust else {
        return Err(time_failure(chain));
    };
    let name = server_name(&hello.name)?;
    if !is_for(&leaf, &name) {
        let names = chain.names().iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let detail = format!("the certificate is for {names}, not for {}", hello.name);
        if trust == Trust::System {
            return Err(private(net, chain, &detail));
        }
        net.fact("tls", "trust", trust.as_str());
        return Err(Failure::new(Code::TlsNameMismatch, detail));
    }
    Ok(trust)
}

/// Nobody's chain: what is wrong with it.
fn foreign(chain: &Chain) -> Failure {
    Failure::new(
        Code::TlsUntrusted,
        match chain.issuer() {
            "" => "the certificate cannot be read".to_owned(),
            issuer if chain.not_after() < chain.not_before() => {
                format!("signed by {issuer}, and its validity ends before it begins")
            }
            issuer => format!("signed by {issuer}, which nobody trusts"),
        },
    )
}

/// The system's chain with a fault of its own: untrusted comes before expired and before the name.
fn private(net: &Net, chain: &Chain, fault: &str) -> Failure {
    net.fact("tls", "trust", Trust::System.as_str());
    net.see(|seen| seen.trust = Some(Trust::System));
    let whose = "which this system trusts and the public does not";
    Failure::new(Code::TlsUntrusted, format!("signed by {}, {whose}; {fault}", chain.issuer()))
}

fn time_failure(chain: &Chain) -> Failure {
    let date = super::certificate::date;
    if clock::unix() < chain.not_before() {
        Failure::new(Code::TlsNotYetValid, format!("valid only from {}", date(chain.not_before())))
    } else {
        Failure::new(Code::TlsExpired, format!("valid until {}", date(chain.not_after())))
    }
}

fn is_for(leaf: &EndEntityCert<'_>, name: &ServerName<'_>) -> bool {
    leaf.verify_is_valid_for_subject_name(name).is_ok()
}

fn standing(
    leaf: &EndEntityCert<'_>,
    chain: &Chain,
    between: &[CertificateDer<'static>],
    roots: &RootCertStore,
) -> Standing {
    let at = |unix: i64| {
        let time =
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(unix).unwrap_or(0)));
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &roots.roots,
            between,
            time,
            KeyUsage::server_auth(),
            None,
            None,
        )
        .is_ok()
    };
    if at(clock::unix()) {
        return Standing::Valid;
    }
    // Does it end in these roots at a time when it is valid? Then only the time is wrong.
    let (from, to) = (chain.not_before(), chain.not_after());
    if at(from + (to - from) / 2) || at(from) || at(to) { Standing::OutOfTime } else { Standing::Foreign }
}
