//! Negotiate (RFC 4559): a Kerberos token for the proxy, made in this process.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netcheck_kerberos::fault::{self, Refusal};
use netcheck_kerberos::{
    Config, Fault, Identity, Kdc, Location, Principal, ServiceTicket, keytab, location, reply, time,
};
use serde_json::json;

use super::super::observed::{AuthFault, TicketObservation};
use super::super::server::Proxy;
use super::files::{self, Disk};
use super::kdc::KdcLink;
use super::{Answered, challenges};
use crate::http::answer::Answer;
use crate::lock;
use crate::net::Net;
use netcheck_record::target::Host;

impl Net {
    /// A fresh token for a proxy.
    pub(super) async fn negotiate(&self, proxy: &Proxy) -> Result<Answered, AuthFault> {
        let config = Config::load(&files::config_paths(), &mut Disk);
        let service = self.service(proxy, &config).await;
        let spn = service.to_string();
        self.auth_fact("spn", json!(spn));
        let cell = Arc::clone(lock(&self.authentication().tickets.0).entry(spn.clone()).or_default());
        let obtain = || Box::pin(self.obtain(proxy, config, &service));
        let ticket = cell.get_or_init(|| async { obtain().await.map(Arc::new) }).await;
        match ticket {
            Ok(ticket) => {
                self.note_ticket(ticket, &spn);
                let token = ticket.token(KdcLink::new(self.detached(), Config::default()).now());
                Ok(Answered { scheme: "Negotiate", field: format!("Negotiate {}", STANDARD.encode(token)) })
            }
            Err(fault) => Err(self.note_fault(fault, spn)),
        }
    }

    /// The proxy's name in the directory, as Chromium forms it: `HTTP/` and the host's canonical name.
    async fn service(&self, proxy: &Proxy, config: &Config) -> Principal {
        if let Some(given) = self.authentication().spn.as_deref().and_then(Principal::parse) {
            return given;
        }
        let host = match &proxy.host {
            Host::Address(address) => address.to_string(),
            Host::Name(name) => {
                let lookup = self.resolver().lookup(name, self.timeout().mul_f64(0.3), None).await;
                lookup.aliases.last().cloned().unwrap_or_else(|| name.clone())
            }
        };
        Principal::web_service(&host, config.realm_of(&host))
    }

    async fn obtain(
        &self,
        proxy: &Proxy,
        config: Config,
        service: &Principal,
    ) -> Result<ServiceTicket, Fault> {
        let identity = self.identity(proxy, &config, service).await?;
        let mut link = KdcLink::new(self.detached(), config);
        netcheck_kerberos::obtain(&mut link, &identity, service).await
    }

    /// Who asks: the keytab of `--proxy-keytab`, the tickets of whoever has logged on, or user and password.
    async fn identity(&self, proxy: &Proxy, config: &Config, service: &Principal) -> Result<Identity, Fault> {
        if let Some(file) = &self.authentication().keytab {
            return from_keytab(file);
        }
        match self.cache(config, service).await {
            Err(fault) => from_password(proxy, config).ok_or(fault),
            found => found,
        }
    }

    async fn cache(&self, config: &Config, service: &Principal) -> Result<Identity, Fault> {
        let uid = netcheck_os::user::id();
        let named = std::env::var("KRB5CCNAME").ok().filter(|name| !name.is_empty());
        let named = named.or_else(|| config.ccache_name.clone());
        let place = named.map_or_else(|| Location::usual(uid), |name| Location::parse(&name, uid));
        match &place {
            Location::File(file) => files::cache(Path::new(file), &place),
            Location::Folder(folder) => {
                let folder = Path::new(folder);
                let primary = files::text(&folder.join("primary"), 4096).unwrap_or_default();
                let file = location::primary(&primary).unwrap_or("tkt");
                files::cache(&folder.join(file), &place)
            }
            Location::Other { kind, .. } => {
                files::bridge(kind, &service.to_string(), self.timeout().mul_f64(0.5)).await
            }
        }
    }

    fn note_ticket(&self, ticket: &ServiceTicket, spn: &str) {
        self.auth_fact("principal", json!(ticket.client.to_string()));
        self.auth_fact("ticket_ends", json!(time::readable(ticket.ends)));
        for (key, value) in [("etype", ticket.etype.map(i64::from)), ("kvno", ticket.kvno.map(i64::from))] {
            if let Some(value) = value {
                self.auth_fact(key, json!(value));
            }
        }
        if let Some(kdc) = &ticket.kdc {
            self.auth_fact("kdc", json!(kdc));
        }
        let observation = TicketObservation { spn: spn.to_owned(), kvno: ticket.kvno, offset: ticket.offset };
        self.see(|seen| seen.via.ticket = Some(observation));
    }

    /// A fault in the words of the record, and whose it is.
    fn note_fault(&self, fault: &Fault, spn: String) -> AuthFault {
        let why = fault.to_string();
        match fault {
            Fault::NoTicket { .. } | Fault::OtherCache { .. } | Fault::Unreadable { .. } => {
                AuthFault::Ticket(why)
            }
            Fault::Expired { principal, ended, .. } => {
                self.auth_fact("principal", json!(principal));
                self.auth_fact("ticket_ends", json!(time::readable(*ended)));
                AuthFault::Ticket(why)
            }
            Fault::NotConfigured { .. } | Fault::Unreachable { .. } | Fault::Malformed { .. } => {
                AuthFault::Kdc(why)
            }
            Fault::Refused(refusal) => {
                self.note_refusal(refusal);
                match (refusal.code, refusal.skew) {
                    (fault::CLOCK_SKEW, Some(skew)) => AuthFault::Clock { skew, why },
                    // Which name was unknown: the service's, or a realm's on the way to it.
                    (fault::SERVICE_UNKNOWN, _) => AuthFault::Spn { spn, why },
                    (32, _) => AuthFault::Ticket(why),
                    (fault::CLIENT_UNKNOWN | fault::PREAUTH_FAILED | 12 | 18 | 21 | 23, _) => {
                        AuthFault::Login(why)
                    }
                    _ => AuthFault::Kdc(why),
                }
            }
        }
    }

    fn note_refusal(&self, refusal: &Refusal) {
        self.auth_fact("kdc", json!(refusal.kdc));
        self.auth_fact("kdc_code", json!(refusal.code));
        if let Some(skew) = refusal.skew {
            self.auth_fact("skew_s", json!(skew));
        }
    }

    /// The error in the token that came with a second 407.
    pub(super) fn note_proxy_error(&self, answer: &Answer) {
        let negotiate = challenges(answer).into_iter().find(|challenge| challenge.is("negotiate"));
        let token = negotiate.and_then(|challenge| STANDARD.decode(challenge.token?).ok());
        if let Some(error) = token.and_then(|token| reply::proxy_error(&token)) {
            self.auth_fact("proxy_code", json!(error.code));
            self.see(|seen| seen.via.proxy_error = Some((error.code, error.at)));
        }
    }
}

fn from_keytab(file: &Path) -> Result<Identity, Fault> {
    let what = || file.display().to_string();
    let raw = files::bytes(file, keytab::LARGEST)
        .map_err(|error| Fault::Unreadable { what: what(), why: error.kind().to_string() })?;
    let unusable = |why: &str| Fault::Unreadable { what: what(), why: why.to_owned() };
    let keys = keytab::parse(&raw).map_err(unusable)?;
    let first = keys.first().ok_or_else(|| unusable("it holds no key that is spoken here"))?;
    Ok(Identity::Keytab { principal: first.principal.clone(), keys })
}

/// User and password of the environment, where the user has a realm.
fn from_password(proxy: &Proxy, config: &Config) -> Option<Identity> {
    let credentials = proxy.credentials.as_ref()?;
    let mut principal = Principal::parse(&credentials.user)?;
    if principal.realm.is_empty() {
        principal.realm = config.default_realm.clone()?;
    }
    Some(Identity::Password { principal, password: credentials.password.clone() })
}
