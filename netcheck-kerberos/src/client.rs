//! From an identity to a service's ticket: out of the cache, or from the KDC, over as many realms as it takes.

use kerbcore::client::{
    KU_AS_REP_ENC_PART, KU_AS_REQ_PA_ENC_TS, KU_TGS_REP_ENC_PART, encode_pa_enc_ts_enc, pa_enc_timestamp,
};
use kerbcore::messages::{KdcRep, Ticket};
use kerbcore::types::EncryptedData;

use crate::ccache::{Cached, Ccache};
use crate::fault::{Fault, PREAUTH_REQUIRED, Refusal};
use crate::identity::Identity;
use crate::link::{Kdc, KdcAnswer, NoKdc};
use crate::principal::Principal;
use crate::reply::{self, Issued, KdcReply, KerberosError, Preauthentication};
use crate::time::Time;
use crate::token;
use crate::wire::{self, Opener, STRONG};

/// The most realms on the path to a service.
const MOST_REALMS: usize = 8;

/// A service's ticket: what a browser would show, and the means to make tokens.
#[derive(Clone, Debug)]
pub struct ServiceTicket {
    /// Whose it is.
    pub client: Principal,
    /// What it opens.
    pub service: Principal,
    /// When it ends, in seconds since 1970.
    pub ends: i64,
    /// The encryption type of the service's key.
    pub etype: Option<i32>,
    /// The version of the service's key.
    pub kvno: Option<u32>,
    /// Who issued it; `None` where it was in the cache.
    pub kdc: Option<String>,
    /// How far the KDC's clock is ahead of this machine's, in seconds, as far as known.
    pub offset: i64,
    opener: Opener,
}

impl ServiceTicket {
    /// A fresh token for one request, by this machine's clock.
    #[must_use]
    pub fn token(&self, now: Time) -> Vec<u8> {
        token::fresh(&self.opener, now.shifted(self.offset))
    }
}

/// Obtains a ticket for `service`.
///
/// # Errors
/// Why there is none.
pub async fn obtain(
    kdc: &mut impl Kdc,
    identity: &Identity,
    service: &Principal,
) -> Result<ServiceTicket, Fault> {
    let mut client = Client { kdc, offset: 0, asked: None };
    let granting = match identity {
        Identity::Cache { cache, place } => {
            client.offset = cache.offset;
            let now = client.now();
            if let Some(cached) = cache.ticket_for(service).filter(|cached| cached.ends > now.seconds) {
                return client.cached(cached, service);
            }
            granting_ticket(cache, place, now)?
        }
        _ => client.log_on(identity).await?,
    };
    client.follow(granting, service).await
}

/// The ticket-granting ticket of a cache.
fn granting_ticket(cache: &Ccache, place: &str, now: Time) -> Result<Opener, Fault> {
    let realm = &cache.principal.realm;
    let held = cache.ticket_for(&Principal::ticket_granting(realm, realm));
    let missing =
        || Fault::NoTicket { looked: format!("{place} holds no ticket-granting ticket of {realm}") };
    let held = held.ok_or_else(missing)?;
    if held.ends <= now.seconds {
        let principal = cache.principal.to_string();
        return Err(Fault::Expired { principal, ended: held.ends, ago: now.seconds - held.ends });
    }
    opener(held).ok_or_else(missing)
}

fn opener(cached: &Cached) -> Option<Opener> {
    let (client, ticket) = (cached.client.clone(), cached.ticket.clone());
    Some(Opener { client, ticket, key: cached.key.clone()? })
}

struct Client<'a, K> {
    kdc: &'a mut K,
    offset: i64,
    asked: Option<String>,
}

impl<K: Kdc> Client<'_, K> {
    /// The time by the KDC's clock.
    fn now(&self) -> Time {
        self.kdc.now().shifted(self.offset)
    }

    fn cached(&self, cached: &Cached, service: &Principal) -> Result<ServiceTicket, Fault> {
        let ticket = Ticket::decode(&cached.ticket).ok();
        let opener = opener(cached)
            .ok_or_else(|| Fault::NoTicket { looked: format!("no usable ticket for {service}") })?;
        Ok(ServiceTicket {
            client: cached.client.clone(),
            service: cached.server.clone(),
            ends: cached.ends,
            etype: ticket.as_ref().map(|ticket| ticket.enc_part.etype),
            kvno: ticket.and_then(|ticket| ticket.enc_part.kvno),
            kdc: None,
            offset: self.offset,
            opener,
        })
    }

    /// Sends one request; what comes back is a ticket or an error.
    async fn ask(&mut self, realm: &str, request: &[u8]) -> Result<KdcReply, Fault> {
        let answer = self.kdc.exchange(realm, request).await;
        let KdcAnswer { bytes, kdc } = answer.map_err(|none| match none {
            NoKdc::NotConfigured => Fault::NotConfigured { realm: realm.to_owned() },
            NoKdc::Unreachable(attempts) => Fault::Unreachable { realm: realm.to_owned(), attempts },
        })?;
        self.asked = Some(kdc);
        reply::read(&bytes).ok_or_else(|| self.malformed("it is no Kerberos message"))
    }

    /// Sends one request that only a ticket answers.
    async fn ask_ticket(
        &mut self,
        realm: &str,
        request: &[u8],
        server: &Principal,
    ) -> Result<Box<KdcRep>, Fault> {
        match self.ask(realm, request).await? {
            KdcReply::Ticket(reply) => Ok(reply),
            KdcReply::Error(error) => Err(self.refused(error, realm, server)),
        }
    }

    fn malformed(&self, why: &'static str) -> Fault {
        Fault::Malformed { kdc: self.asked.clone().unwrap_or_default(), why }
    }

    fn refused(&self, error: KerberosError, realm: &str, asked: &Principal) -> Fault {
        let now = self.now().seconds;
        Fault::Refused(Box::new(Refusal {
            code: error.code,
            text: error.text,
            kdc: self.asked.clone().unwrap_or_default(),
            realm: realm.to_owned(),
            asked: asked.to_string(),
            kdc_time: error.at,
            skew: error.at.map(|at| now - at),
        }))
    }

    /// AS exchange: asks without proof, learns the salt and the KDC's clock, asks with proof.
    async fn log_on(&mut self, identity: &Identity) -> Result<Opener, Fault> {
        let client = identity.principal();
        let realm = client.realm.as_str();
        if realm.is_empty() {
            return Err(Fault::NotConfigured { realm: String::new() });
        }
        let etypes = identity.etypes(&STRONG);
        if etypes.is_empty() {
            let what = format!("the key of {client}");
            return Err(Fault::Unreadable {
                what,
                why: "the keytab holds none that is spoken here".to_owned(),
            });
        }
        let nonce = wire::random();
        let first = self.ask(realm, &wire::as_request(client, &etypes, nonce, Vec::new())).await?;
        let error = match first {
            KdcReply::Ticket(reply) => return self.open_logon(identity, &reply, nonce, None),
            KdcReply::Error(error) if error.code == PREAUTH_REQUIRED => error,
            KdcReply::Error(error) => return Err(self.refused(error, realm, client)),
        };
        // As MIT does: the proof carries the KDC's own time, so a machine whose clock is off can log on.
        self.offset = error.at.map_or(0, |at| at - self.kdc.now().seconds);
        let hints = error.preauthentication();
        let proof = self.proof(identity, &hints, &etypes)?;
        let nonce = wire::random();
        let padata = [Some(proof), hints.cookie.clone()].into_iter().flatten().collect();
        let reply = self.ask_ticket(realm, &wire::as_request(client, &etypes, nonce, padata), client).await?;
        self.open_logon(identity, &reply, nonce, Some(&hints))
    }

    /// PA-ENC-TIMESTAMP (RFC 4120 section 5.2.7.2).
    fn proof(
        &self,
        identity: &Identity,
        hints: &Preauthentication,
        etypes: &[i32],
    ) -> Result<kerbcore::types::PaData, Fault> {
        let common = hints.etypes().find(|etype| etypes.contains(etype)).or(etypes.first().copied());
        let etype =
            common.ok_or_else(|| self.malformed("it offers no encryption type that is spoken here"))?;
        let (salt, rounds) = hints.salt(etype);
        let key = identity.key(etype, salt, rounds);
        let key = key.ok_or_else(|| self.malformed("it asks for a key that cannot be made"))?;
        let now = self.now();
        let stamp = encode_pa_enc_ts_enc(&now.to_kerberos(), now.micros);
        let cipher = key.encrypt(KU_AS_REQ_PA_ENC_TS, &stamp);
        Ok(pa_enc_timestamp(&EncryptedData { etype, kvno: None, cipher }))
    }

    fn open_logon(
        &self,
        identity: &Identity,
        reply: &KdcRep,
        nonce: u32,
        hints: Option<&Preauthentication>,
    ) -> Result<Opener, Fault> {
        let etype = reply.enc_part.etype;
        let own = Preauthentication::of(&reply.padata);
        let (salt, rounds) = match own.salt(etype) {
            (None, None) => hints.map_or((None, None), |hints| hints.salt(etype)),
            said => said,
        };
        let key = identity.key(etype, salt, rounds);
        let key = key.ok_or_else(|| self.malformed("it replies with a key that cannot be made"))?;
        let issued =
            reply::open(reply, &key, KU_AS_REP_ENC_PART, nonce).map_err(|why| self.malformed(why))?;
        Ok(Opener { client: issued.client, ticket: issued.ticket, key: issued.key })
    }

    /// TGS exchanges, from realm to realm (RFC 6806 section 8).
    async fn follow(&mut self, mut granting: Opener, service: &Principal) -> Result<ServiceTicket, Fault> {
        let mut realm = granting.client.realm.clone();
        let mut visited = vec![realm.clone()];
        while visited.len() <= MOST_REALMS {
            // A service of a known other realm: first the way there.
            let server = if service.realm.is_empty() || service.realm == realm {
                Principal { realm: realm.clone(), ..service.clone() }
            } else {
                Principal::ticket_granting(&service.realm, &realm)
            };
            let issued = self.ticket(&granting, &server, &realm).await?;
            match issued.server.granted_realm().map(str::to_owned) {
                None => return Ok(self.service_ticket(issued)),
                Some(next) if visited.contains(&next) => {
                    return Err(self.malformed("it refers to a realm that was asked before"));
                }
                Some(next) => {
                    granting = Opener { client: issued.client, ticket: issued.ticket, key: issued.key };
                    visited.push(next.clone());
                    realm = next;
                }
            }
        }
        Err(self.malformed("it refers to ever more realms"))
    }

    async fn ticket(&mut self, granting: &Opener, server: &Principal, realm: &str) -> Result<Issued, Fault> {
        let nonce = wire::random();
        let request = wire::tgs_request(granting, server, realm, nonce, self.now());
        let reply = self.ask_ticket(realm, &request, server).await?;
        reply::open(&reply, &granting.key, KU_TGS_REP_ENC_PART, nonce).map_err(|why| self.malformed(why))
    }

    fn service_ticket(&self, issued: Issued) -> ServiceTicket {
        ServiceTicket {
            opener: Opener { client: issued.client.clone(), ticket: issued.ticket, key: issued.key },
            client: issued.client,
            service: issued.server,
            ends: issued.ends,
            etype: Some(issued.etype),
            kvno: issued.kvno,
            kdc: self.asked.clone(),
            offset: self.offset,
        }
    }
}
