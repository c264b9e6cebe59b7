//! What answers a 407: which scheme, with whose credentials. Nothing is sent before a proxy asks.

pub(crate) mod authentication;
pub mod challenge;
pub(crate) mod credentials;
#[cfg(feature = "kerberos")]
mod files;
#[cfg(feature = "kerberos")]
mod kdc;
#[cfg(feature = "kerberos")]
mod negotiate;
mod ntlm;
#[cfg(feature = "kerberos")]
mod tickets;

use serde_json::{Value, json};

use super::observed::{AuthFault, AuthObservation};
use super::server::Proxy;
use crate::http::answer::Answer;
use crate::net::Net;
pub use authentication::Authentication;
pub use challenge::Challenge;
pub use credentials::Credentials;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::flags::ProxyAuth;
use netcheck_record::secret::Secrets;

/// A scheme that was answered with, and the field that does it.
#[derive(Clone)]
pub(super) struct Answered {
    pub scheme: &'static str,
    pub field: String,
}

impl Answered {
    /// What of it nobody may see: whoever has a token can use it until its proxy has.
    pub fn secrets(&self) -> Secrets {
        self.field.split_once(' ').map(|(_, token)| token.to_owned()).into_iter().collect()
    }
}

/// The challenges of a 407.
#[must_use]
pub fn challenges(answer: &Answer) -> Vec<Challenge> {
    let fields = answer.headers.iter().filter(|(name, _)| name == "proxy-authenticate");
    challenge::challenges(fields.map(|(_, value)| value.as_str()))
}

/// The authentication schemes a proxy offers; those we cannot speak are named all the same.
#[must_use]
pub fn schemes(answer: &Answer) -> Vec<String> {
    challenges(answer).into_iter().map(|challenge| challenge.scheme).collect()
}

impl Net {
    /// What to answer a 407 with, beyond what was `tried`: Negotiate before Basic, as browsers do.
    ///
    /// # Errors
    /// `proxy.auth_required`, `proxy.auth_refused`, `proxy.auth_impossible`.
    pub(super) async fn authorize(
        &self,
        proxy: &Proxy,
        answer: &Answer,
        tried: &mut Vec<Answered>,
    ) -> Result<Answered, Failure> {
        let challenges = challenges(answer);
        let offered: Vec<String> = challenges.iter().map(|challenge| challenge.scheme.clone()).collect();
        self.fact("proxy", "schemes", json!(offered));
        let ntlm = challenges.iter().find(|challenge| challenge.is("NTLM"));
        if let Some(domain) = ntlm.and_then(|challenge| ntlm::domain(challenge.token.as_deref()?)) {
            self.fact("proxy", "ntlm_domain", json!(domain));
        }
        self.see(|seen| seen.via.offered.clone_from(&offered));
        let offers = |scheme: &str| {
            challenges.iter().any(|challenge| challenge.is(scheme))
                && !tried.iter().any(|answered| answered.scheme.eq_ignore_ascii_case(scheme))
        };
        let (negotiate, basic) = (offers("negotiate"), offers("basic"));
        let mut fault = None;
        if negotiate && self.authentication().allows(ProxyAuth::Negotiate) {
            match self.negotiate(proxy).await {
                Ok(answered) => return Ok(self.answer_with(answered, tried)),
                Err(why) => fault = Some(why),
            }
        }
        if basic && self.authentication().allows(ProxyAuth::Basic) {
            match self.basic(proxy) {
                Some(Ok(answered)) => return Ok(self.answer_with(answered, tried)),
                Some(Err(why)) => fault = Some(why),
                // A password is all that is missing.
                None => fault = fault.filter(|_| self.authentication().mode != ProxyAuth::Auto),
            }
        }
        Err(self.unanswered(proxy, &offered, tried.last(), fault, answer))
    }

    /// The same credential for another request: a Kerberos token is used once.
    pub(super) async fn refreshed(&self, proxy: &Proxy, sent: Option<Answered>) -> Answered {
        let sent = sent.unwrap_or(Answered { scheme: "none", field: String::new() });
        match sent.scheme {
            "Negotiate" => self.negotiate(proxy).await.unwrap_or(sent),
            _ => sent,
        }
    }

    fn answer_with(&self, answered: Answered, tried: &mut Vec<Answered>) -> Answered {
        self.auth_fact("scheme", json!(answered.scheme));
        self.see(|seen| seen.via.sent = Some(answered.scheme));
        tried.push(answered.clone());
        answered
    }

    /// Why a 407 stays unanswered.
    fn unanswered(
        &self,
        proxy: &Proxy,
        offered: &[String],
        sent: Option<&Answered>,
        fault: Option<AuthFault>,
        answer: &Answer,
    ) -> Failure {
        let list = if offered.is_empty() { "no scheme".to_owned() } else { offered.join(", ") };
        let observation = |fault: Option<AuthFault>| AuthObservation {
            fault,
            date: answer.header("date").and_then(http_date),
            now: netcheck_record::clock::unix(),
        };
        let (code, detail) = match (&fault, sent) {
            (_, Some(answered)) => {
                let what = if answered.scheme == "Basic" { "the credentials" } else { "the Kerberos token" };
                (Code::ProxyAuthRefused, format!("{proxy} refuses {what}; it offers {list}"))
            }
            (Some(fault), None) => {
                (Code::ProxyAuthImpossible, format!("{proxy} asks for credentials ({list}): {fault}"))
            }
            (None, None) => {
                (Code::ProxyAuthRequired, format!("{proxy} asks for credentials; it offers {list}"))
            }
        };
        #[cfg(feature = "kerberos")]
        if sent.is_some() {
            self.note_proxy_error(answer);
        }
        self.see(|seen| seen.via.auth = Some(observation(fault)));
        Failure::new(code, detail)
    }

    /// Basic (RFC 7617), where there are credentials and this proxy may have them.
    fn basic(&self, proxy: &Proxy) -> Option<Result<Answered, AuthFault>> {
        let credentials = proxy.credentials.as_ref()?;
        let trusted = self.authentication().trusted.contains(&proxy.host.to_string());
        if self.chosen_in_the_clear() && !trusted {
            return Some(Err(AuthFault::ClearScript));
        }
        Some(Ok(Answered { scheme: "Basic", field: credentials.basic() }))
    }

    /// Records one of `facts.proxy.auth`.
    pub(super) fn auth_fact(&self, key: &str, value: Value) {
        self.see(|seen| {
            let proxy = seen.facts.entry("proxy").or_insert_with(|| json!({}));
            if let Some(proxy) = proxy.as_object_mut() {
                let auth = proxy.entry("auth").or_insert_with(|| json!({}));
                if let Some(auth) = auth.as_object_mut() {
                    auth.insert(key.to_owned(), value);
                }
            }
        });
    }

    #[cfg(not(feature = "kerberos"))]
    async fn negotiate(&self, _proxy: &Proxy) -> Result<Answered, AuthFault> {
        Err(AuthFault::NotBuilt)
    }
}

/// An HTTP date (RFC 9110 section 5.6.7), seconds since 1970.
fn http_date(text: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text);
    parsed.ok().map(jiff::Timestamp::as_second)
}
