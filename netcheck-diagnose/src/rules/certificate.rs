//! Causes of a certificate that convinces nobody: interception, the clock, or the service's own doing.

use std::net::SocketAddr;
use std::sync::PoisonError;

use crate::Diagnosis;
use crate::Observed;
use crate::hello::{CONTROL_NAME, Outcome};
use crate::{Finding, fix};
use netcheck_net::clock;
use netcheck_net::http::Request;
use netcheck_net::tls::{Chain, Hello, Trust};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::Failure;
use netcheck_record::fix::Fix;
use netcheck_record::target::{Host, Target};

/// A clock that is off by less explains no certificate.
const SKEW: i64 = 24 * 3600;

/// Signed by nobody known: by an interceptor, by the service itself, or by a stranger at a wrong address?
pub(super) async fn untrusted(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    let Some(chain) = &observed.seen.chain else {
        let cause =
            Cause::new(Reason::Unknown, Who::Unknown, fix::service(target, "its certificate cannot be used"));
        return Finding::of(cause.seen(failure.detail.clone()));
    };
    if let Some(finding) = super::name::led_astray(target, observed, failure, net) {
        return finding;
    }
    let mut cause =
        Cause::new(Reason::TlsInspection, Who::Network, fix::inspection(target)).seen(failure.detail.clone());
    let others = same_issuer(net, chain, target);
    if let Some(vendor) = chain.vendor() {
        cause = cause.sure(Confidence::Medium).seen(format!("the issuer is that of {vendor}"));
    }
    if observed.seen.trust == Some(Trust::System) {
        cause = cause
            .sure(Confidence::Medium)
            .seen("this system's own trust store knows the issuer, and no public one does");
    }
    if let Some(to) = to.filter(|_| net.diagnoses())
        && let Outcome::Spoke(Some(control)) = net.hello(to, CONTROL_NAME).await
        && control.issuer() == chain.issuer()
        // A default certificate that names the control is the same one again.
        && control.certificates.first() != chain.certificates.first()
        && minted_for(&control, CONTROL_NAME)
    {
        cause = cause.sure(Confidence::High).seen(format!(
            "asked for {CONTROL_NAME} at the same address, {} signs a certificate for that too",
            chain.issuer()
        ));
        if let Some(Finding { cause: stand_in, .. }) =
            super::handshake::stands_in(target, to, failure, net).await
        {
            cause = cause.near(stand_in.near);
        }
    } else if let Some(other) = &others {
        cause = cause
            .sure(Confidence::Medium)
            .seen(format!("the same issuer signs for {other}, another service"));
    }
    if cause.evidence.len() > 1 {
        return Finding::of(cause);
    }
    if chain.issuer() == chain.subject() || chain.certificates.len() == 1 {
        let fix = fix::service(target, "its certificate is signed by nobody the public trusts");
        let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix);
        return Finding::of(
            cause
                .seen(failure.detail.clone())
                .seen("no sign of interception: another name gets no certificate of its own"),
        );
    }
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix::inspection(target));
    Finding::of(
        cause
            .seen(failure.detail.clone())
            .seen("no sign tells interception from the service's own certificate"),
    )
}

fn minted_for(chain: &Chain, name: &str) -> bool {
    chain.names().iter().any(|known| known == name || known.strip_prefix("*.") == Some(name))
}

/// Remembers who signs for whom; an issuer of two unrelated sites is no service's own.
fn same_issuer(net: &Diagnosis, chain: &Chain, target: &Target) -> Option<String> {
    // Whoever signs for himself signs for nobody else: factory certificates share their names.
    if chain.issuer() == chain.subject() {
        return None;
    }
    let site = |name: &str| {
        let labels: Vec<&str> = name.rsplit('.').take(2).collect();
        labels.into_iter().rev().collect::<Vec<_>>().join(".")
    };
    let own = site(target.host.name()?);
    let mut issuers = net.experiments.issuers.lock().unwrap_or_else(PoisonError::into_inner);
    if issuers.len() > 1000 {
        issuers.clear();
    }
    let sites = issuers.entry(chain.issuer().to_owned()).or_default();
    let other = sites.iter().find(|known| **known != own).cloned();
    if !sites.contains(&own) && sites.len() < 16 {
        sites.push(own);
    }
    other
}

/// Out of validity: is it the certificate, or our clock?
pub(super) async fn out_of_time(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    let witness = match to.filter(|_| net.diagnoses()) {
        Some(to) => net.experiments.dates.get(to, date(net, target, to)).await,
        None => None,
    };
    let now = clock::unix();
    let valid = |time: i64| {
        observed.seen.chain.as_ref().is_some_and(|c| c.not_before() <= time && time <= c.not_after())
    };
    let times = &net.experiments.times;
    let early = observed.seen.chain.as_ref().is_some_and(|chain| now < chain.not_before());
    let alike = times.out(&target.host, early);
    let fix = fix::service(target, "its certificate is out of its validity");
    let skew = Fix::SetClock;
    let skew = Cause::new(Reason::ClockSkew, Who::Local, skew).seen(failure.detail.clone());
    let others =
        format!("genuine certificates of {alike} other hosts are out of their validity in the same way");
    let service = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).seen(failure.detail.clone());
    Finding::of(match witness {
        Some(time) if (time - now).abs() > SKEW && valid(time) && !times.deny(time) => {
            let skew = skew
                .sure(Confidence::Medium)
                .seen(format!("the host's own Date is {}; this machine says {}", shown(time), shown(now)))
                .seen("at that date the certificate is valid");
            // One host's clock may be as wrong as its certificate is old.
            if alike > 0 { skew.sure(Confidence::High).seen(others) } else { skew }
        }
        Some(time) if (time - now).abs() > SKEW && times.deny(time) => service
            .sure(Confidence::Medium)
            .seen(format!("the host's own Date is {}; this machine says {}", shown(time), shown(now)))
            .seen("certificates of other hosts are valid now and were not, or will not be, at that date"),
        Some(time) if (time - now).abs() <= SKEW => {
            service.sure(Confidence::High).seen("the host's own Date agrees with this machine's clock")
        }
        _ if alike >= 2 && !times.any_valid() => skew.sure(Confidence::Medium).seen(others),
        _ => service.seen("no outside witness of the time was found"),
    })
}

fn shown(unix: i64) -> String {
    netcheck_net::tls::certificate::date(unix)
}

/// The `Date` the host gives, over the same TLS whatever its certificate, on this port, else on 443 and 80.
async fn date(net: &Diagnosis, target: &Target, to: SocketAddr) -> Option<i64> {
    let aside = net.aside();
    let ask = |port: u16, secure: bool| {
        let aside = aside.clone();
        async move {
            let mut stream = aside.connect(&[to.ip()], port).await.ok()?;
            if secure {
                let hello = Hello { opportunistic: true, ..Hello::to(&target.host) };
                stream = aside.handshake(stream, &hello).await.ok()?.stream;
            }
            let request = Request::new("HEAD", &target.host, port, secure, "/");
            let answer = aside.request(stream, &request).await.ok()?;
            let date = jiff::fmt::rfc2822::parse(answer.header("date")?).ok()?;
            Some(date.timestamp().as_second())
        }
    };
    let work = async {
        if matches!(target.scheme.name, "https" | "wss")
            && let Some(date) = ask(to.port(), true).await
        {
            return Some(date);
        }
        let (secure, plain) = tokio::join!(ask(443, true), ask(80, false));
        secure.or(plain)
    };
    clock::within(net.timeout().mul_f64(0.6).min(net.left()), work).await?
}

/// A certificate of trust, for somebody else.
pub(super) fn misnamed(target: &Target, observed: &Observed, failure: &Failure) -> Finding {
    let fix = match &target.host {
        Host::Name(_) => fix::service(target, "its certificate is for other names"),
        Host::Address(_) => "Check this service by its name: certificates are for names.".into(),
    };
    let mut cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).seen(failure.detail.clone());
    if let Some(chain) = &observed.seen.chain {
        cause = cause.seen(format!("the certificate is genuine, signed by {}", chain.issuer()));
    }
    Finding::of(cause)
}
