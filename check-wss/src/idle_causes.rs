//! Causes of an idle connection that was cut: usable as long as it is not idle for so long.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::Finding;
use netcheck_common::fix::{Destination, Fix};
use netcheck_common::record::Verdict;

use crate::facts::{ConnectionEnd, IdleBracket};
use crate::situation::{Carrier, Situation, finding};

impl Situation<'_> {
    /// An idle connection was cut.
    pub fn cut(&self, hold: &IdleBracket) -> Finding {
        let end = hold.first_end().unwrap_or(&ConnectionEnd::Silent);
        let own = self.carrier == Carrier::PublicTls && end.is_by_peer();
        let timer = hold.is_consistent() && hold.again != Some(false) && !hold.is_cut_despite_pings();
        let reason = if timer { Reason::IdleTimeout } else { Reason::Unknown };
        let who = match end {
            _ if own => Who::Service,
            // A service says something when it closes; a device that forgets a flow does not.
            ConnectionEnd::Silent if timer => Who::Network,
            _ => Who::Unknown,
        };
        let cause =
            Cause::new(reason, who, self.keep_open(hold, own)).with_confidence(confidence(hold, timer));
        let cause = evidence(hold, cause);
        let cause = if own {
            cause.with_evidence("the end came inside TLS that the public roots vouch for")
        } else {
            cause
        };
        finding(Verdict::Degraded, cause)
    }

    /// What helps, by the evidence: pings are advised only where a pinged connection lived, or none was tried.
    fn keep_open(&self, hold: &IdleBracket, own: bool) -> Fix {
        let when = hold.words();
        if hold.is_cut_despite_pings() {
            return Fix::from(format!(
                "Find what limits the lifetime of connections to {}: they end {when}, and pings do not prevent it.",
                Destination::of(self.target)
            ));
        }
        if own {
            let pings = if hold.is_kept_by_pings() { "; pings prevent it" } else { "" };
            return self.ask_operator(format!("it closes idle WebSocket connections {when}{pings}"));
        }
        Fix::KeepIdle { destination: Destination::of(self.target), seconds: whole_seconds(hold.seconds) }
    }
}

fn confidence(hold: &IdleBracket, timer: bool) -> Confidence {
    match timer {
        true if hold.is_kept_by_pings() => Confidence::High,
        true if hold.again == Some(true) && (hold.alive_s.is_some() || hold.cut().count() > 1) => {
            Confidence::Medium
        }
        _ => Confidence::Low,
    }
}

/// Rounded up; a hold is at most a day.
fn whole_seconds(seconds: f64) -> u32 {
    (1..=86_400).find(|whole| f64::from(*whole) >= seconds).unwrap_or(86_400)
}

fn evidence(hold: &IdleBracket, mut cause: Cause) -> Cause {
    for held in hold.cut() {
        let (Some(end), at) = (&held.end, held.idle_s) else { continue };
        cause = match end {
            ConnectionEnd::Silent => {
                cause.with_evidence(format!("a connection left idle for {at} s no longer answered"))
            }
            end => cause.with_evidence(format!("an idle connection was {} after {at} s", end.words())),
        };
    }
    if let Some(alive) = hold.alive_s {
        cause = cause.with_evidence(format!("a connection left idle for {alive} s was alive"));
    }
    if let Some(pinged) = &hold.keepalive {
        let outcome = pinged
            .end
            .as_ref()
            .map_or("lived: pings prevent the cut".into(), |end| format!("was {} as well", end.words()));
        cause = cause.with_evidence(format!("a connection pinged every {} s {outcome}", pinged.every_s));
    }
    match hold.again {
        Some(true) => cause.with_evidence("a new connection opened at once"),
        Some(false) => cause.with_evidence("a new connection failed as well"),
        None => cause,
    }
}
