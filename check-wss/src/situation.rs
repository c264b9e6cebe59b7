//! What is known when a WebSocket target failed: the input of the rules, which open no socket.

use std::net::IpAddr;

use netcheck_common::cause::{Cause, Who};
use netcheck_common::diagnose::Finding;
use netcheck_common::failure::Failure;
use netcheck_common::fix::{Destination, Filter, Fix};
use netcheck_common::record::Verdict;
use netcheck_common::signature::Match;
use netcheck_common::target::Target;

use crate::facts::Facts;

/// What the bytes of the answer travelled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// TLS that the public roots vouch for: only the service itself can speak in it.
    PublicTls,
    /// TLS that is intercepted.
    InterceptedTls,
    /// No TLS.
    Cleartext,
}

/// What is known when a WebSocket target failed.
#[derive(Debug)]
pub struct Situation<'a> {
    /// The target.
    pub target: &'a Target,
    /// What was observed.
    pub failure: &'a Failure,
    /// What the answer travelled in.
    pub carrier: Carrier,
    /// The proxy that was asked for a tunnel.
    pub proxy: Option<&'a str>,
    /// A block page or a portal's page that was recognised.
    pub page: Option<Match>,
    /// How the same request without Upgrade was answered, where that was asked.
    pub control: Option<u16>,
    /// Who accepted the connection nearer than the service, where somebody did.
    pub nearer: Option<Nearer>,
    /// Whether the server, proven by public TLS, chooses HTTP/2.
    pub chooses_http2: bool,
    /// What the check learned.
    pub facts: &'a Facts,
}

/// Who accepted a connection nearer than the service.
#[derive(Clone, Debug)]
pub struct Nearer {
    /// The device's address, where it has one.
    pub near: Option<IpAddr>,
    /// Whom to ask.
    pub who: Who,
    /// How it shows.
    pub sign: String,
}

impl Situation<'_> {
    /// Whom to ask about a device on the path.
    pub fn device_owner(&self) -> Who {
        match (&self.nearer, self.proxy) {
            (Some(nearer), _) => nearer.who,
            (None, Some(_)) if self.carrier == Carrier::Cleartext => Who::Proxy,
            _ => Who::Network,
        }
    }

    /// Let the upgrade pass.
    pub fn permit(&self) -> Fix {
        Fix::exempt(self.target, Filter::WebsocketFilter)
    }

    /// Nothing to ask of the network.
    pub fn ask_operator(&self, about: impl Into<String>) -> Fix {
        Fix::AskOperator { about: about.into(), destination: Destination::of(self.target) }
    }

    /// The evidence that only the service can have answered.
    pub fn with_carrier(&self, cause: Cause) -> Cause {
        match self.carrier {
            Carrier::PublicTls => {
                cause.with_evidence("the answer came inside TLS that the public roots vouch for")
            }
            Carrier::InterceptedTls => {
                cause.with_evidence("TLS is intercepted, and the answer came from the interceptor")
            }
            Carrier::Cleartext => cause,
        }
    }
}

/// A finding with its verdict.
pub fn finding(verdict: Verdict, cause: Cause) -> Finding {
    Finding { verdict: Some(verdict), cause }
}
