//! What has to change so that a proxy lets its clients in, as data and as a sentence.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is to be done about a proxy's question who its clients are.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum LoginRepair {
    /// Log on again: there is no valid Kerberos ticket.
    RenewTicket,
    /// Give the proxy its service principal.
    RegisterSpn {
        /// The principal, as in `HTTP/proxy.corp.test@CORP.TEST`.
        spn: String,
    },
    /// Give the proxy the key it lacks.
    UpdateKeytab {
        /// The principal.
        spn: String,
        /// The version of the key, where it is known.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        kvno: Option<u32>,
    },
    /// Set this machine's clock.
    SetClock {
        /// How far it is ahead, in seconds; behind where negative.
        skew_s: i64,
    },
    /// Set the proxy's clock.
    SetProxyClock {
        /// How far it is ahead, in seconds; behind where negative.
        skew_s: i64,
    },
    /// Let this machine reach a KDC.
    ReachKdc,
    /// Correct user or password.
    CorrectCredentials,
    /// Offer a scheme that clients without NTLM speak.
    OfferScheme {
        /// What it offers now.
        offered: Vec<String>,
    },
    /// Serve the proxy script by TLS, or permit the password all the same.
    SecureScript,
    /// Use a build of this tool with Kerberos.
    UseKerberos,
}

/// What is to be done about a proxy script.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub enum ScriptRepair {
    /// It cannot be fetched.
    Serve,
    /// It is no script, or it fails.
    Repair,
    /// It does not end, or does not come, in time.
    Hasten,
}

/// The most seconds that Kerberos lets two clocks be apart (RFC 4120 section 1.2).
const SKEW: u32 = 300;

impl LoginRepair {
    /// The sentence for the people who run the proxy, the directory, or this machine.
    pub(crate) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        proxy: &str,
        destination: &dyn fmt::Display,
    ) -> fmt::Result {
        match self {
            LoginRepair::RenewTicket => write!(
                f,
                "Log on again (kinit, or lock and unlock the desktop): the proxy {proxy} asks for a valid Kerberos ticket for {destination}."
            ),
            LoginRepair::RegisterSpn { spn } => write!(
                f,
                "Register the service principal {spn} for the proxy {proxy}, or give clients the name under which it is registered."
            ),
            LoginRepair::UpdateKeytab { spn, kvno } => {
                let version = kvno.map(|kvno| format!(", kvno {kvno},")).unwrap_or_default();
                write!(
                    f,
                    "Put the current key of {spn}{version} into the keytab of the proxy {proxy}, and restart the proxy."
                )
            }
            LoginRepair::SetClock { skew_s } => write!(
                f,
                "Set this machine's clock (NTP): it is {} the domain's, and Kerberos allows {SKEW} s.",
                apart(*skew_s)
            ),
            LoginRepair::SetProxyClock { skew_s } => write!(
                f,
                "Set the clock of the proxy {proxy} (NTP): it is {} the domain's, and Kerberos allows {SKEW} s.",
                apart(*skew_s)
            ),
            LoginRepair::ReachKdc => write!(
                f,
                "Allow TCP 88 (Kerberos) from this machine to the domain controllers, or name them in krb5.conf: the proxy {proxy} asks for a Kerberos ticket."
            ),
            LoginRepair::CorrectCredentials => write!(
                f,
                "Correct the user or password given for the proxy {proxy}, or permit that user {destination}."
            ),
            LoginRepair::OfferScheme { offered } => write!(
                f,
                "Offer Negotiate (Kerberos) or Basic on the proxy {proxy} beside {}, or exempt {destination} from authentication.",
                offered.join(", ")
            ),
            LoginRepair::SecureScript => write!(
                f,
                "Serve the PAC file over HTTPS, or permit the password for the proxy {proxy} with --proxy-auth-to."
            ),
            LoginRepair::UseKerberos => write!(
                f,
                "Use a build of this tool with Kerberos, or exempt {destination} from authentication on {proxy}."
            ),
        }
    }
}

impl ScriptRepair {
    /// The sentence.
    pub(crate) fn write(self, f: &mut fmt::Formatter<'_>, url: &str) -> fmt::Result {
        let (what, meanwhile) = match self {
            ScriptRepair::Serve => ("Serve the PAC file", "browsers ignore it and go direct"),
            ScriptRepair::Repair => ("Repair the PAC file", "browsers ignore it and go direct"),
            ScriptRepair::Hasten => ("Make the PAC file answer in time,", "browsers wait for it"),
        };
        write!(f, "{what} {url}, or correct its address in this machine's settings: {meanwhile}.")
    }
}

fn apart(skew: i64) -> String {
    format!("{} s {}", skew.unsigned_abs(), if skew < 0 { "behind" } else { "ahead of" })
}
