//! What was seen of proxies on the way of one target: facts with types, for the rules.

use std::fmt;
use std::ops::{Deref, DerefMut};

use netcheck_record::failure::Code;

/// What was seen of proxies.
#[derive(Clone, Debug, Default)]
pub struct ProxyObservations {
    /// The schemes of the last 407.
    pub offered: Vec<String>,
    /// The scheme that was answered with, if one was.
    pub sent: Option<&'static str>,
    /// Why a 407 stayed unanswered, or what its answer drew.
    pub auth: Option<AuthObservation>,
    /// Whose ticket was shown for which service.
    pub ticket: Option<TicketObservation>,
    /// The error that the proxy sent beside its last 407: its code, and its clock.
    pub proxy_error: Option<(i32, Option<i64>)>,
    /// The proxy closed the connection instead of answering.
    pub closed: bool,
    /// A CONNECT was pending, and so was a second one, to a name that does not exist.
    pub unanswered: bool,
    /// What a second CONNECT, to a name that does not exist, drew while the first was pending: its status.
    pub control: Option<u16>,
    /// What is wrong with the proxy script.
    pub script: Option<ScriptFault>,
    /// Who says that this target goes round the proxy.
    pub direct: Option<DirectBy>,
}

/// What was seen of proxies; on the heap, and only where a proxy was met: thousands of targets may wait that have none.
#[derive(Clone, Debug, Default)]
pub struct SeenOfProxies(Option<Box<ProxyObservations>>);

/// Nothing was seen.
static NOTHING: ProxyObservations = ProxyObservations {
    offered: Vec::new(),
    sent: None,
    auth: None,
    ticket: None,
    proxy_error: None,
    closed: false,
    unanswered: false,
    control: None,
    script: None,
    direct: None,
};

impl Deref for SeenOfProxies {
    type Target = ProxyObservations;

    fn deref(&self) -> &ProxyObservations {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for SeenOfProxies {
    fn deref_mut(&mut self) -> &mut ProxyObservations {
        self.0.get_or_insert_default()
    }
}

/// Who says that a target goes round the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectBy {
    /// The PAC file at this URL.
    Script(String),
    /// This entry of the setting's exemptions.
    Exemption(String),
    /// The target's own client, which takes no proxy: a browser would go through this one.
    Client(String),
}

/// A 407 that stayed unanswered.
#[derive(Clone, Debug)]
pub struct AuthObservation {
    /// What was lacking.
    pub fault: Option<AuthFault>,
    /// The proxy's clock, from `Date`, seconds since 1970.
    pub date: Option<i64>,
    /// Ours.
    pub now: i64,
}

/// A ticket that was shown.
#[derive(Clone, Debug)]
pub struct TicketObservation {
    /// For which service.
    pub spn: String,
    /// The version of the service's key.
    pub kvno: Option<u32>,
    /// How far the KDC's clock is ahead of ours, in seconds.
    pub offset: i64,
}

/// Why no credentials could be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthFault {
    /// Nobody has logged on, or the ticket has expired.
    Ticket(String),
    /// The directory does not know the proxy by this name.
    Spn {
        /// The name.
        spn: String,
        /// The KDC's words.
        why: String,
    },
    /// This machine's clock is off by so many seconds: behind, where negative.
    Clock {
        /// Ours minus the KDC's.
        skew: i64,
        /// The KDC's words.
        why: String,
    },
    /// No KDC answers, or none is named.
    Kdc(String),
    /// User or password are wrong, or an account is locked.
    Login(String),
    /// A password would go to a proxy that a script fetched without TLS chose.
    ClearScript,
    /// This program was built without Kerberos.
    NotBuilt,
}

impl fmt::Display for AuthFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuthFault::Ticket(why) | AuthFault::Kdc(why) | AuthFault::Login(why) => f.write_str(why),
            AuthFault::Spn { why, .. } | AuthFault::Clock { why, .. } => f.write_str(why),
            AuthFault::ClearScript => f.write_str(
                "a PAC file fetched over plain HTTP chose this proxy: the password is withheld (see --proxy-auth-to)",
            ),
            AuthFault::NotBuilt => f.write_str("this program was built without Kerberos"),
        }
    }
}

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptFault {
    /// `proxy.pac_unreachable`, `proxy.pac_invalid`, `proxy.pac_timeout`.
    pub code: Code,
    /// Where it is.
    pub url: String,
    /// What is wrong.
    pub why: String,
}
