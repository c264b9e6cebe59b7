//! Why no ticket could be had: each kind names whom to ask.

use std::fmt;

use crate::link::KdcAttempt;
use crate::time;

/// Why no token could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nobody has logged on: no cache, or a cache without a ticket-granting ticket. The person's to mend.
    NoTicket {
        /// Where a ticket was looked for.
        looked: String,
    },
    /// The ticket-granting ticket has ended. The person's to mend.
    Expired {
        /// Whose ticket it was.
        principal: String,
        /// When it ended, in seconds since 1970.
        ended: i64,
        /// How many seconds ago.
        ago: i64,
    },
    /// A cache of a kind that only the system's own Kerberos can read, and its programs are not there.
    OtherCache {
        /// `KCM`, `KEYRING`, …
        kind: String,
        /// What hindered the detour.
        why: String,
    },
    /// A file is there and cannot be read. The person's to mend.
    Unreadable {
        /// Which.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing names a KDC of this realm, or no realm is known.
    NotConfigured {
        /// The realm, if one is known.
        realm: String,
    },
    /// No KDC of the realm answered.
    Unreachable {
        /// The realm.
        realm: String,
        /// What became of each attempt.
        attempts: Vec<KdcAttempt>,
    },
    /// A KDC answered with an error (RFC 4120 section 7.5.9).
    Refused(Box<Refusal>),
    /// A KDC answered with something that is no Kerberos, or contradicts what was asked.
    Malformed {
        /// Which KDC.
        kdc: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// A KDC's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The error code.
    pub code: i32,
    /// What the KDC says besides.
    pub text: Option<String>,
    /// Which KDC.
    pub kdc: String,
    /// Its realm.
    pub realm: String,
    /// For which principal it was asked.
    pub asked: String,
    /// The KDC's clock, seconds since 1970.
    pub kdc_time: Option<i64>,
    /// How far this machine's clock is ahead of the KDC's, in seconds.
    pub skew: Option<i64>,
}

/// The client's name is unknown.
pub const CLIENT_UNKNOWN: i32 = 6;
/// The service's name is unknown.
pub const SERVICE_UNKNOWN: i32 = 7;
/// The password or key is wrong.
pub const PREAUTH_FAILED: i32 = 24;
/// The KDC wants pre-authentication.
pub const PREAUTH_REQUIRED: i32 = 25;
/// The answer does not fit a datagram.
pub const RESPONSE_TOO_BIG: i32 = 52;
/// The clocks are too far apart.
pub const CLOCK_SKEW: i32 = 37;

/// The name that RFC 4120 gives a code.
#[must_use]
pub fn code_name(code: i32) -> &'static str {
    match code {
        6 => "KDC_ERR_C_PRINCIPAL_UNKNOWN",
        7 => "KDC_ERR_S_PRINCIPAL_UNKNOWN",
        8 => "KDC_ERR_PRINCIPAL_NOT_UNIQUE",
        11 => "KDC_ERR_NEVER_VALID",
        12 => "KDC_ERR_POLICY",
        13 => "KDC_ERR_BADOPTION",
        14 => "KDC_ERR_ETYPE_NOSUPP",
        18 => "KDC_ERR_CLIENT_REVOKED",
        19 => "KDC_ERR_SERVICE_REVOKED",
        20 => "KDC_ERR_TGT_REVOKED",
        21 => "KDC_ERR_CLIENT_NOTYET",
        22 => "KDC_ERR_SERVICE_NOTYET",
        23 => "KDC_ERR_KEY_EXPIRED",
        24 => "KDC_ERR_PREAUTH_FAILED",
        25 => "KDC_ERR_PREAUTH_REQUIRED",
        29 => "KDC_ERR_SVC_UNAVAILABLE",
        31 => "KRB_AP_ERR_BAD_INTEGRITY",
        32 => "KRB_AP_ERR_TKT_EXPIRED",
        33 => "KRB_AP_ERR_TKT_NYV",
        34 => "KRB_AP_ERR_REPEAT",
        35 => "KRB_AP_ERR_NOT_US",
        37 => "KRB_AP_ERR_SKEW",
        41 => "KRB_AP_ERR_MODIFIED",
        44 => "KRB_AP_ERR_BADKEYVER",
        45 => "KRB_AP_ERR_NOKEY",
        52 => "KRB_ERR_RESPONSE_TOO_BIG",
        60 => "KRB_ERR_GENERIC",
        68 => "KDC_ERR_WRONG_REALM",
        _ => "an error without a name here",
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoTicket { looked } => write!(f, "no Kerberos ticket: {looked}"),
            Fault::Expired { principal, ended, ago } => {
                let ended = time::readable(*ended);
                write!(f, "the Kerberos ticket of {principal} expired at {ended}, {ago} s ago")
            }
            Fault::OtherCache { kind, why } => write!(f, "the ticket cache is a {kind} cache: {why}"),
            Fault::Unreadable { what, why } => write!(f, "{what} cannot be read: {why}"),
            Fault::NotConfigured { realm } if realm.is_empty() => {
                f.write_str("no Kerberos realm is configured for this host")
            }
            Fault::NotConfigured { realm } => write!(f, "no KDC is configured for the realm {realm}"),
            Fault::Unreachable { realm, attempts } => {
                write!(f, "no KDC of {realm} answers")?;
                attempts.iter().try_for_each(|attempt| write!(f, "; {}: {}", attempt.kdc, attempt.why))
            }
            Fault::Refused(refusal) => refusal.fmt(f),
            Fault::Malformed { kdc, why } => {
                write!(f, "the KDC {kdc} answers with something unusable: {why}")
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kdc, code, name) = (&self.kdc, self.code, code_name(self.code));
        write!(f, "the KDC {kdc} answers error {code} ({name}) to a request for {}", self.asked)?;
        match self.skew {
            Some(skew) if code == CLOCK_SKEW => {
                let way = if skew < 0 { "behind" } else { "ahead of" };
                write!(f, "; this machine's clock is {} s {way} the KDC's", skew.unsigned_abs())
            }
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}
