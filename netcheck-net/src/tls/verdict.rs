//! Whom a chain convinces: the public, the system alone, or nobody; untrusted before expired before name.

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use super::certificate::Chain;
use super::hello::{Hello, server_name};
use super::trust::{ChainFault, Trust};
use crate::clock;
use crate::net::Net;
use netcheck_record::failure::{Code, Failure};

/// How a chain stands to some roots.
enum ChainStatus {
    Valid,
    /// The chain ends there, at another time than now.
    OutOfTime,
    Foreign(webpki::Error),
}

/// Judges a server's certificate chain.
///
/// # Errors
/// `tls.untrusted`, `tls.expired`, `tls.not_yet_valid` or `tls.name_mismatch`.
pub(super) fn judge(net: &Net, chain: &Chain, hello: &Hello) -> Result<Trust, Failure> {
    let unreadable = || Failure::new(Code::TlsUntrusted, "the certificate cannot be read");
    let leaf = chain.certificates.first().ok_or_else(unreadable)?;
    let leaf = EndEntityCert::try_from(leaf).map_err(|_| unreadable())?;
    let between = chain.between();
    let public = net.public_roots();
    let genuine = [Some(&public), hello.genuine.as_ref()];
    let mut out_of_time = false;
    let mut faults = Vec::new();
    let mut trust = None;
    for roots in genuine.into_iter().flatten() {
        match status(&leaf, chain, &between, roots) {
            ChainStatus::Valid => trust = Some(Trust::Public),
            ChainStatus::OutOfTime => out_of_time = true,
            ChainStatus::Foreign(fault) => faults.push(fault),
        }
    }
    if trust.is_none() && !out_of_time {
        match status(&leaf, chain, &between, &net.system_roots()) {
            ChainStatus::Valid => trust = Some(Trust::System),
            ChainStatus::OutOfTime => return Err(private(net, chain, &time_failure(chain).detail)),
            ChainStatus::Foreign(fault) => {
                net.fact("tls", "trust", "none");
                faults.push(fault);
                let fault = chain_fault(chain, &faults);
                let failure = foreign(chain, &fault);
                net.see(|seen| seen.chain_fault = Some(fault));
                return Err(failure);
            }
        }
    }
    let Some(trust) = trust else {
        return Err(time_failure(chain));
    };
    let name = server_name(&hello.name)?;
    if !is_for(&leaf, &name) {
        let detail = format!("the certificate {}, not for {}", subject_names(chain), hello.name);
        if trust == Trust::System {
            return Err(private(net, chain, &detail));
        }
        net.fact("tls", "trust", trust.as_str());
        return Err(Failure::new(Code::TlsNameMismatch, detail));
    }
    Ok(trust)
}

/// The names a certificate is for.
fn subject_names(chain: &Chain) -> String {
    if chain.names().is_empty() {
        let common = if chain.subject().is_empty() { "no name at all" } else { chain.subject() };
        // Common names have not counted since RFC 6125; browsers dropped them in 2017.
        return format!("has no subject alternative names: its subject is {common}");
    }
    format!("is for {}", chain.names().iter().take(5).cloned().collect::<Vec<_>>().join(", "))
}

/// Which of the reasons the roots gave says most.
fn chain_fault(chain: &Chain, faults: &[webpki::Error]) -> ChainFault {
    use webpki::Error;
    for fault in faults {
        match fault {
            Error::NameConstraintViolation => return ChainFault::NameConstraint,
            Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => return ChainFault::Purpose,
            _ => {}
        }
    }
    match chain.missing_issuer() {
        Some(issuer) => ChainFault::Incomplete(issuer),
        None => ChainFault::UnknownAuthority,
    }
}

/// Nobody's chain: what is wrong with it.
fn foreign(chain: &Chain, fault: &ChainFault) -> Failure {
    let issuer = chain.issuer();
    let detail = match fault {
        _ if chain.subject().is_empty() && issuer.is_empty() && chain.names().is_empty() => {
            "the certificate cannot be read".to_owned()
        }
        _ if chain.not_after() < chain.not_before() => {
            format!("signed by {issuer}, and its validity ends before it begins")
        }
        ChainFault::Purpose => {
            format!("signed by {issuer}; the certificate is not for TLS servers (extended key usage)")
        }
        ChainFault::NameConstraint => {
            format!("signed by {issuer}, which may not sign for this name (name constraint)")
        }
        ChainFault::Incomplete(missing) => format!(
            "signed by {issuer}; the chain is incomplete: the certificate of {missing} is missing, or nobody trusts it"
        ),
        ChainFault::UnknownAuthority if issuer.is_empty() => {
            "signed by an authority without a name, which nobody trusts".to_owned()
        }
        ChainFault::UnknownAuthority => format!("signed by {issuer}, which nobody trusts"),
    };
    Failure::new(Code::TlsUntrusted, detail)
}

/// The system's chain with a fault of its own: untrusted comes before expired and before the name.
fn private(net: &Net, chain: &Chain, fault: &str) -> Failure {
    net.fact("tls", "trust", Trust::System.as_str());
    net.see(|seen| seen.trust = Some(Trust::System));
    let whose = "which this system trusts and the public does not";
    Failure::new(Code::TlsUntrusted, format!("signed by {}, {whose}; {fault}", chain.issuer()))
}

fn time_failure(chain: &Chain) -> Failure {
    let (date, now) = (super::certificate::date, clock::unix());
    if now < chain.not_before() {
        return Failure::new(Code::TlsNotYetValid, format!("valid only from {}", date(chain.not_before())));
    }
    if chain.not_after() < now {
        return Failure::new(Code::TlsExpired, format!("valid until {}", date(chain.not_after())));
    }
    // The leaf is valid: a certificate between it and the root is not.
    for (subject, from, to) in chain.authorities() {
        if to < now {
            let detail = format!("the intermediate certificate of {subject} expired on {}", date(to));
            return Failure::new(Code::TlsExpired, detail);
        }
        if now < from {
            let detail =
                format!("the intermediate certificate of {subject} is valid only from {}", date(from));
            return Failure::new(Code::TlsNotYetValid, detail);
        }
    }
    Failure::new(Code::TlsExpired, "a certificate of the chain is out of its validity")
}

fn is_for(leaf: &EndEntityCert<'_>, name: &ServerName<'_>) -> bool {
    leaf.verify_is_valid_for_subject_name(name).is_ok()
}

/// Whether the leaf itself is one of the roots: the same subject and key.
fn is_anchor(chain: &Chain, roots: &RootCertStore) -> bool {
    let anchor = chain.certificates.first().and_then(|leaf| webpki::anchor_from_trusted_cert(leaf).ok());
    anchor.is_some_and(|anchor| {
        roots.roots.iter().any(|root| {
            root.subject == anchor.subject && root.subject_public_key_info == anchor.subject_public_key_info
        })
    })
}

fn status(
    leaf: &EndEntityCert<'_>,
    chain: &Chain,
    between: &[CertificateDer<'static>],
    roots: &RootCertStore,
) -> ChainStatus {
    let at = |unix: i64| {
        let time =
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(unix).unwrap_or(0)));
        let usage = KeyUsage::server_auth();
        leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &roots.roots, between, time, usage, None, None)
            .map(drop)
    };
    let Err(fault) = at(clock::unix()) else { return ChainStatus::Valid };
    // A certificate that is in the trust store itself needs no signature; webpki takes none that may sign others.
    if is_anchor(chain, roots) {
        let now = clock::unix();
        let valid = (chain.not_before()..=chain.not_after()).contains(&now);
        return if valid { ChainStatus::Valid } else { ChainStatus::OutOfTime };
    }
    // Does it end in these roots at a time when it is valid? Then only the time is wrong.
    let (from, to) = (chain.not_before(), chain.not_after());
    let latest = chain.authorities().map(|(_, from, _)| from).fold(from, i64::max);
    let valid = [from + (to - from) / 2, from, to, latest].into_iter().any(|time| at(time).is_ok());
    if valid { ChainStatus::OutOfTime } else { ChainStatus::Foreign(fault) }
}
