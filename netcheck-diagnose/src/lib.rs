//! The second act: from what was observed to a cause, by the few control experiments that tell the candidates apart.
//!
//! Observation never guesses, and this act never measures again what a stage knows. Each experiment is made
//! at most once a run for its address, port and name ([`experiments`]); the rules, one file a layer, turn what
//! came out into a [`Cause`] with its evidence in words.

mod boundary;
mod diagnosis;
mod distance;
mod elsewhere;
mod experiment;
mod experiments;
pub mod filter;
pub mod fix;
pub mod hello;
mod hello_form;
mod hello_probe;
mod interception;
mod memo;
mod observed;
mod older;
mod outside;
mod own_reset;
mod patience;
mod prefetch;
mod resolver_path;
mod room;
mod rules;
mod times;
pub mod trail;
pub mod walk;

use netcheck_net::tls::Trust;
use netcheck_record::cause::Cause;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::record::Verdict;
use netcheck_record::target::Target;

pub use boundary::Boundary;
pub use diagnosis::Diagnosis;
pub use experiments::Experiments;
pub use interception::{Interceptor, Sign};
pub use observed::Observed;
pub use outside::Outside;
pub use room::Place;
pub use rules::certificate::inspected;
pub use rules::connection::dropped;
pub use rules::connection::ipv6_broken;
pub use rules::ecn;
pub use rules::intercepted::{self, intercepted_by};

/// What a diagnosis finds.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Another verdict than the failure alone would give.
    pub verdict: Option<Verdict>,
    /// The cause.
    pub cause: Cause,
}

impl Finding {
    /// A cause that leaves the verdict as it is.
    #[must_use]
    pub fn of(cause: Cause) -> Self {
        Finding { verdict: None, cause }
    }

    /// The cause with its evidence in one line, for `-v`.
    #[must_use]
    pub fn summary(&self) -> String {
        let cause = &self.cause;
        let near = cause.near.map_or(String::new(), |near| format!(" near {near}"));
        format!(
            "{}, {:?}, {:?}{near}: {}",
            cause.code.as_str(),
            cause.who,
            cause.confidence,
            cause.evidence.join("; ")
        )
    }

    /// A cause that changes the verdict.
    #[must_use]
    pub fn with(verdict: Verdict, cause: Cause) -> Self {
        Finding { verdict: Some(verdict), cause }
    }
}

/// Finds the cause of what was observed, or none that can be shown.
pub async fn explain(target: &Target, observed: &Observed, net: &Diagnosis) -> Option<Finding> {
    let failure = match &observed.failure {
        Some(failure) => failure,
        None => &observed.degraded.iter().find(|(_, cause)| cause.is_none())?.0,
    };
    let via = &observed.path.via;
    let explained = by_layer(target, observed, failure, net).await;
    let scripted = failure.code.layer() != "proxy" && via.script.is_some();
    explained.map(|finding| {
        let cause = rules::proxy::with_direct(finding.cause, target, via);
        let cause = if scripted { rules::proxy::with_script_fault(cause, via) } else { cause };
        Finding { cause, ..finding }
    })
}

async fn by_layer(
    target: &Target,
    observed: &Observed,
    failure: &Failure,
    net: &Diagnosis,
) -> Option<Finding> {
    let layer = failure.code.layer();
    let elsewhere = match layer {
        // What proved to be the service is no block page, wherever it is.
        "dns" | "tcp" | "tls" | "http" if observed.path.trust != Some(Trust::Public) => {
            rules::name::block_page_address(target, observed, failure, net)
        }
        _ => None,
    };
    let found = match (elsewhere, rules::of_layer(layer)) {
        (Some(elsewhere), _) => Some(elsewhere),
        (None, Some(rule)) => {
            let net = &net.with_rule(rule);
            (rule.explain)(rules::Situation { target, observed, failure, net }).await
        }
        (None, None) => None,
    };
    net.tell(1, || {
        let said = found.as_ref().map_or("do not apply".to_owned(), Finding::summary);
        format!("rules of layer {layer} for {}: {said}", failure.code)
    });
    found
}

/// Whether the failure is silence above an open connection: where large packets may have vanished.
pub fn is_silence_above_tcp(code: Code) -> bool {
    matches!(code, Code::TlsTimeout | Code::HttpTimeout | Code::WsTimeout | Code::RtmpTimeout)
}

/// The cause where the same check passed with small segments only, so many times: loss does not choose them three times.
pub fn mtu_blackhole(target: &Target, failure: &Failure, times: u8) -> Finding {
    use netcheck_record::cause::{Confidence, Reason, Who};
    let cause = Cause::new(Reason::MtuBlackhole, Who::Network, fix::mtu(target))
        .with_confidence(if times > 2 { Confidence::High } else { Confidence::Medium })
        .with_evidence(format!("with full-sized segments: {}", failure.detail))
        .with_evidence(format!(
            "the same check with segments of at most 500 bytes got further, {}",
            if times == 1 { "once".to_owned() } else { format!("{times} times out of {times}") }
        ));
    Finding::of(cause)
}
