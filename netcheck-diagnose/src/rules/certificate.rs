//! Causes of a certificate that convinces nobody: interception, the clock, or the service's own doing.

use std::net::{IpAddr, SocketAddr};

use crate::Diagnosis;
use crate::Observed;
use crate::elsewhere;
use crate::experiment::Experiment;
use crate::hello::{CONTROL_NAME, Outcome};
use crate::patience::Question;
use crate::{Finding, fix};
use netcheck_net::clock;
use netcheck_net::http::Request;
use netcheck_net::signature;
use netcheck_net::tls::{Chain, ChainFault, Hello, Trust};
use netcheck_record::cause::{Cause, Confidence, Reason, Who};
use netcheck_record::failure::{Code, Failure};
use netcheck_record::fix::Fix;
use netcheck_record::target::{Host, Target};

/// A clock that is off by less explains no certificate, but where it is valid by the other clock.
const SKEW: i64 = 24 * 3600;
/// Clocks that differ by less agree.
const AGREEMENT: i64 = 60;

/// A certificate that was refused: for its authority, its time or its name.
pub(super) async fn explain(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    if failure.code == Code::TlsNameMismatch {
        return misnamed(target, observed, to, failure, net).await;
    }
    if failure.code == Code::TlsUntrusted {
        return untrusted(target, observed, to, failure, net).await;
    }
    out_of_time(target, observed, to, failure, net).await
}

/// Signed by nobody known: by an interceptor, by the service itself, or by a stranger at a wrong address?
async fn untrusted(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    let Some(chain) = &observed.path.chain else {
        let cause =
            Cause::new(Reason::Unknown, Who::Unknown, fix::service(target, "its certificate cannot be used"));
        return Finding::of(cause.with_evidence(failure.detail.clone()));
    };
    if let Some(finding) = super::name::block_page_address(target, observed, failure, net) {
        return finding;
    }
    let to = to.filter(|_| net.diagnoses());
    let trusted = observed.path.trust == Some(Trust::System);
    if let Some(to) = to.filter(|_| !trusted && chain.vendor().is_none())
        && let Some(portal) = super::page::portal_beside(target, to, net).await
    {
        return Finding::of(portal.with_evidence(failure.detail.clone()));
    }
    let signs = signs(target, observed, chain, to, net).await;
    if !signs.evidence.is_empty() {
        return Finding::of(signs.cause(target, failure));
    }
    Finding::of(service_fault(target, observed, chain, failure))
}

/// A protocol that failed inside TLS which this system trusts and the public does not: whoever decrypts it answers in
/// the service's place, whatever he says.
pub async fn inspected(target: &Target, observed: &Observed, net: &Diagnosis) -> Option<Finding> {
    let failure = observed.failure.as_ref().filter(|failure| failure.code.layer() == "rtmp")?;
    let inside = observed.path.trust == Some(Trust::System) && failure.code != Code::RtmpRejected;
    let chain = observed.path.chain.as_ref().filter(|_| inside)?;
    let to = observed.path.peer.filter(|_| observed.path.proxy.is_none() && net.diagnoses());
    let cause = signs(target, observed, chain, to, net).await.cause(target, failure);
    let speaks = if observed.path.first_bytes.starts_with(b"HTTP/") {
        "the device that decrypts this connection speaks only HTTP: it answers in the service's place"
    } else {
        "the device that decrypts this connection answers in the service's place, and does not pass its protocol on"
    };
    Some(Finding::of(cause.with_evidence(speaks)))
}

/// What shows that somebody on the way, or on this machine, signed the certificate.
#[derive(Default)]
struct Signs {
    evidence: Vec<String>,
    certain: bool,
    local: bool,
    near: Option<IpAddr>,
}

impl Signs {
    fn cause(self, target: &Target, failure: &Failure) -> Cause {
        let (who, fix) = match self.local {
            true => (Who::Local, fix::inspection(target).on_this_machine()),
            false => (Who::Network, fix::inspection(target)),
        };
        let sure = if self.certain { Confidence::High } else { Confidence::Medium };
        let cause = Cause::new(Reason::TlsInspection, who, fix)
            .with_confidence(sure)
            .at_hop(self.near)
            .with_evidence(failure.detail.clone());
        self.evidence.into_iter().fold(cause, Cause::with_evidence)
    }
}

async fn signs(
    target: &Target,
    observed: &Observed,
    chain: &Chain,
    to: Option<SocketAddr>,
    net: &Diagnosis,
) -> Signs {
    let mut signs = Signs::default();
    if let Some(vendor) = chain.vendor() {
        signs.local = signature::is_local(vendor);
        signs.evidence.push(format!("the issuer is that of {vendor}"));
    }
    if observed.path.trust == Some(Trust::System) {
        signs.evidence.push("this system's own trust store knows the issuer, and no public one does".into());
    }
    let Some(to) = to else { return signs };
    let (control, elsewhere, interceptor) =
        tokio::join!(net.hello(to, CONTROL_NAME), elsewhere::chain(net, to), net.interceptor(to));
    if let Outcome::Spoke(Some(control)) = control
        && control.issuer() == chain.issuer()
        // A default certificate that names the control is the same one again.
        && control.certificates.first() != chain.certificates.first()
        && names_host(&control, CONTROL_NAME)
    {
        signs.certain = true;
        signs.evidence.push(format!(
            "asked for {CONTROL_NAME} at the same address, {} signs a certificate for that too",
            chain.issuer()
        ));
    }
    if elsewhere.is(|(other, _)| other.issuer() == chain.issuer()) {
        signs.certain = true;
        signs.evidence.push(format!(
            "another address shows a certificate by {} too, to packets that cannot get there",
            chain.issuer()
        ));
    }
    // What shows genuine certificates at other addresses passes the service's own on.
    if let Some(interceptor) = interceptor.filter(|_| !elsewhere.is(|(_, genuine)| *genuine)) {
        let taken = super::intercepted::cause(target, interceptor);
        signs.near = taken.near;
        signs.local = taken.who == Who::Local;
        signs.evidence.extend(taken.evidence);
    }
    signs
}

/// No sign of interception: what is wrong with the service's own chain.
fn service_fault(target: &Target, observed: &Observed, chain: &Chain, failure: &Failure) -> Cause {
    let service = |what: &str| {
        Cause::new(Reason::ServiceMisconfigured, Who::Service, fix::service(target, what))
            .with_evidence(failure.detail.clone())
    };
    let no_sign = "no sign of interception: another name gets no certificate of its own";
    match &observed.path.chain_fault {
        Some(ChainFault::Purpose) => service("its certificate is not for TLS servers (extended key usage)")
            .with_confidence(Confidence::Medium),
        Some(ChainFault::NameConstraint) => service(
            "its certificate is signed by an authority that may not sign for its name (name constraint)",
        )
        .with_confidence(Confidence::Medium),
        // Where an intermediate was sent, the one above it may as well be a private root.
        Some(ChainFault::Incomplete(missing)) if chain.certificates.len() == 1 => {
            service(&format!("its certificate chain is incomplete: the certificate of {missing} is missing"))
                .with_evidence(no_sign)
        }
        _ if chain.issuer() == chain.subject() || chain.certificates.len() == 1 => {
            service("its certificate is signed by nobody the public trusts").with_evidence(no_sign)
        }
        _ => Cause::new(Reason::Unknown, Who::Unknown, fix::inspection(target))
            .with_evidence(failure.detail.clone())
            .with_evidence("no sign tells interception from the service's own certificate"),
    }
}

/// Whether the certificate is for this name, or for the wildcard above it.
fn names_host(chain: &Chain, name: &str) -> bool {
    chain.names().iter().any(|known| known == name || known.strip_prefix("*.") == Some(name))
}

/// Out of validity: is it the certificate, or our clock?
async fn out_of_time(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    net.note_asked(Experiment::Date);
    let other_host = match to.filter(|_| net.diagnoses()) {
        Some(to) => net.experiments.dates.get("the Date of this host", to, || date(net, target, to)).await,
        None => None,
    };
    let now = clock::unix();
    let valid = |time: i64| {
        observed.path.chain.as_ref().is_some_and(|c| c.not_before() <= time && time <= c.not_after())
    };
    // A certificate of this morning is not valid yet by a clock that is two hours behind.
    let differs = |time: i64| {
        let allowed = if valid(time) && !valid(now) { AGREEMENT } else { SKEW };
        (time - now).abs() > allowed
    };
    let times = &net.experiments.times;
    let early = observed.path.chain.as_ref().is_some_and(|chain| now < chain.not_before());
    let alike = times.out(&target.host, early);
    let fix = if valid(now) {
        fix::service(target, &format!("its chain is out of its validity: {}", failure.detail))
    } else {
        fix::service(target, "its certificate is out of its validity")
    };
    let skew = Cause::new(Reason::ClockSkew, Who::Local, Fix::SetClock).with_evidence(failure.detail.clone());
    let others =
        format!("genuine certificates of {alike} other hosts are out of their validity in the same way");
    let service =
        Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).with_evidence(failure.detail.clone());
    Finding::of(match other_host {
        Some(time) if differs(time) && valid(time) && !times.deny(time) => {
            let skew = skew
                .with_confidence(Confidence::Medium)
                .with_evidence(format!(
                    "the host's own Date is {}; this machine says {}",
                    shown(time),
                    shown(now)
                ))
                .with_evidence("at that date the certificate is valid");
            // One host's clock may be as wrong as its certificate is old.
            if alike > 0 { skew.with_confidence(Confidence::High).with_evidence(others) } else { skew }
        }
        Some(time) if differs(time) && times.deny(time) => service
            .with_confidence(Confidence::Medium)
            .with_evidence(format!(
                "the host's own Date is {}; this machine says {}",
                shown(time),
                shown(now)
            ))
            .with_evidence(
                "certificates of other hosts are valid now and were not, or will not be, at that date",
            ),
        Some(time) if !differs(time) => {
            let service = service.with_evidence("the host's own Date agrees with this machine's clock");
            // Whoever answers here may have this machine's wrong time: other hosts decide.
            if times.any_valid() {
                service
                    .with_confidence(Confidence::High)
                    .with_evidence("certificates of other hosts are valid now")
            } else {
                service.with_confidence(Confidence::Medium)
            }
        }
        _ if alike >= 2 && !times.any_valid() => {
            skew.with_confidence(Confidence::Medium).with_evidence(others)
        }
        _ => service.with_evidence("no other host shows the time"),
    })
}

fn shown(unix: i64) -> String {
    netcheck_net::tls::certificate::date(unix)
}

/// The `Date` the host gives, over the same TLS whatever its certificate, on this port, else on 443 and 80.
async fn date(net: &Diagnosis, target: &Target, to: SocketAddr) -> Option<i64> {
    let detached = net.detached();
    let ask = |port: u16, secure: bool| {
        let detached = detached.clone();
        async move {
            let mut stream = detached.connect(&[to.ip()], port).await.ok()?;
            if secure {
                let hello = Hello { opportunistic: true, ..Hello::to(&target.host) };
                stream = detached.handshake(stream, &hello).await.ok()?.stream;
            }
            let request = Request::new("HEAD", &target.host, port, secure, "/");
            let answer = detached.request(stream, &request).await.ok()?;
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
    clock::within(Question::Date.patience(net), work).await?
}

/// A genuine certificate for somebody else: a portal's or a gateway's, where another address shows the same one or the
/// answer comes from nearer than the service; else the service's own fault.
async fn misnamed(
    target: &Target,
    observed: &Observed,
    to: Option<SocketAddr>,
    failure: &Failure,
    net: &Diagnosis,
) -> Finding {
    if let Some(finding) = super::name::block_page_address(target, observed, failure, net) {
        return finding;
    }
    if let (Some(to), Some(chain), Host::Name(_)) =
        (to.filter(|_| net.diagnoses()), &observed.path.chain, &target.host)
        && let Some(cause) = nearer_device(target, to, chain, net).await
    {
        return Finding::of(cause.with_evidence(failure.detail.clone()));
    }
    let fix = match &target.host {
        Host::Name(_) => fix::service(target, "its certificate is for other names"),
        Host::Address(_) => "Check this service by its name: certificates are for names.".into(),
    };
    let mut cause =
        Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).with_evidence(failure.detail.clone());
    if let Some(chain) = &observed.path.chain {
        cause = cause.with_evidence(format!("the certificate is genuine, signed by {}", chain.issuer()));
    }
    Finding::of(cause)
}

/// Who shows this genuine certificate, if not the service.
async fn nearer_device(target: &Target, to: SocketAddr, chain: &Chain, net: &Diagnosis) -> Option<Cause> {
    let (elsewhere, interceptor) = tokio::join!(elsewhere::chain(net, to), net.interceptor(to));
    let same = |(other, _): &(Chain, bool)| other.certificates.first() == chain.certificates.first();
    let taken = interceptor.map(|interceptor| super::intercepted::cause(target, interceptor));
    if elsewhere.is(same) {
        let cause = super::page::captive().with_confidence(Confidence::High);
        let cause = cause.at_hop(taken.and_then(|taken| taken.near));
        return Some(
            cause.with_evidence(
                "another address shows the same certificate, to packets that cannot get there",
            ),
        );
    }
    // A device that gives another address something else passes the service's own certificate on.
    let taken = taken.filter(|_| !elsewhere.differs(same))?;
    if taken.who == Who::Local {
        return Some(taken);
    }
    let cause = super::page::captive().with_confidence(Confidence::Medium).at_hop(taken.near);
    Some(taken.evidence.into_iter().fold(cause, Cause::with_evidence))
}
