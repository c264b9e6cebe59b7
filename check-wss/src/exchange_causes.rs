//! Causes of a connection that ended or fell silent after its upgrade: ping, text and Close each say something else.

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::Finding;
use netcheck_common::fix::{Destination, Fix};
use netcheck_common::record::Verdict;

use crate::facts::{AfterUpgrade, ConnectionEnd, FrameAnswer};
use crate::situation::{Carrier, Situation, finding};

/// So many frames that nobody asked for, while ours are not answered, are the server's own doing.
const FLOOD: u64 = 10;

impl Situation<'_> {
    /// The connection ended or fell silent, before or after the upgrade.
    pub fn ended(&self) -> Option<Finding> {
        if let Some(status) = self.control {
            return Some(self.upgrade_filtered(status));
        }
        let upgraded = self.facts.status == Some(101);
        let public = self.carrier == Carrier::PublicTls;
        match self.facts.end.as_ref()? {
            // Frames pass both ways: whoever speaks WebSocket on the other side has closed.
            end @ ConnectionEnd::CloseFrame { .. } => {
                Some(self.closed_by_server(end, if public { Confidence::Medium } else { Confidence::Low }))
            }
            end if upgraded && public && end.is_by_peer() => {
                Some(self.closed_by_server(end, Confidence::Medium))
            }
            ConnectionEnd::Silent if upgraded => {
                Some(self.silent(self.facts.after_upgrade.unwrap_or_default()))
            }
            ConnectionEnd::Reset | ConnectionEnd::Torn if upgraded && !public => Some(self.frames_cut()),
            _ => None,
        }
    }

    fn closed_by_server(&self, end: &ConnectionEnd, sure: Confidence) -> Finding {
        let fix = self.ask_operator(format!("it ends the WebSocket connection itself ({})", end.words()));
        let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
            .with_confidence(sure)
            .with_evidence(format!("after the upgrade the connection was {}", end.words()));
        finding(Verdict::Degraded, self.with_carrier(cause))
    }

    /// The upgrade passed, and the first frames were met by a cut.
    fn frames_cut(&self) -> Finding {
        let mut cause = Cause::new(Reason::WebsocketFilter, self.device_owner(), self.permit())
            .with_evidence(format!("the upgrade passed, then: {}", self.failure.detail));
        if self.carrier == Carrier::InterceptedTls {
            cause = cause.with_evidence("TLS is intercepted").with_confidence(Confidence::Medium);
        }
        finding(Verdict::Fail, cause)
    }

    /// A frame was not answered.
    fn silent(&self, sent: AfterUpgrade) -> Finding {
        let (messages, pings) = (self.facts.unasked.unwrap_or(0), self.facts.server_pings.unwrap_or(0));
        let found = if messages + pings > FLOOD { self.flooded() } else { self.unanswered(sent) };
        let mut cause = found.cause.with_evidence("the upgrade was answered with 101 and the right accept");
        cause = sent.sentences().into_iter().fold(cause, Cause::with_evidence);
        if messages + pings > 0 {
            let count = format!("meanwhile {pings} pings and {messages} messages came from the server");
            cause = cause.with_evidence(count);
        }
        Finding { cause: self.with_carrier(cause), ..found }
    }

    /// The server sends all the time, and leaves our frames unanswered.
    fn flooded(&self) -> Finding {
        let fix = self.ask_operator("its WebSocket sends frames all the time and answers no ping");
        let public = self.carrier == Carrier::PublicTls;
        let sure = if public { Confidence::Medium } else { Confidence::Low };
        finding(
            Verdict::Degraded,
            Cause::new(Reason::ServiceMisconfigured, Who::Service, fix).with_confidence(sure),
        )
    }

    fn unanswered(&self, sent: AfterUpgrade) -> Finding {
        use FrameAnswer::{Answered, Unanswered};
        match (sent.ping, sent.text, sent.close) {
            // Text goes there and back: the connection works for clients that do not ping.
            (Unanswered, Answered, _) => {
                let about = "it does not answer WebSocket pings (RFC 6455 section 5.5.2); text passes";
                self.limited(about, Verdict::Degraded, Reason::Unknown)
            }
            (Answered, Unanswered, _) => {
                let about = "it does not send this text back; pings pass: check that the service echoes";
                self.limited(about, Verdict::Fail, Reason::WebsocketFilter)
            }
            (_, _, Answered) => {
                let about = "it answers Close frames and none of what was sent before";
                self.limited(about, Verdict::Fail, Reason::Unknown)
            }
            _ => self.nothing_passes(),
        }
    }

    /// Some frames pass. Inside public TLS no device can tell them apart, so that it is the service's doing.
    fn limited(&self, about: &str, in_the_clear: Verdict, reason: Reason) -> Finding {
        if self.carrier == Carrier::PublicTls {
            let cause = Cause::new(Reason::ServiceMisconfigured, Who::Service, self.ask_operator(about));
            return finding(Verdict::Degraded, cause.with_confidence(Confidence::Medium));
        }
        let to = Destination::of(self.target);
        let (who, fix) = if reason == Reason::Unknown {
            let fix = format!(
                "Ask whether the service behind {to} does this by itself ({about}); if not, a device on the path drops some WebSocket frames: allow them."
            );
            (Who::Unknown, Fix::from(fix))
        } else {
            (self.device_owner(), self.permit())
        };
        finding(in_the_clear, Cause::new(reason, who, fix))
    }

    /// No frame comes back.
    fn nothing_passes(&self) -> Finding {
        if self.carrier == Carrier::PublicTls {
            let about = "its WebSocket opens and answers no frame: check whether it answers pings";
            return finding(
                Verdict::Degraded,
                Cause::new(Reason::Unknown, Who::Service, self.ask_operator(about)),
            );
        }
        finding(Verdict::Fail, Cause::new(Reason::WebsocketFilter, self.device_owner(), self.permit()))
    }
}
