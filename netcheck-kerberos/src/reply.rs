//! What KDCs and proxies answer, read: KDC-REP, KRB-ERROR, the pre-authentication that is asked for.

use kerbcore::client::{EtypeInfo2Entry, parse_enc_kdc_rep_part, parse_etype_info2};
use kerbcore::der::{Der, TAG_SEQUENCE, application_tag, one_or, tlv};
use kerbcore::gss::{TOK_ID_KRB_ERROR, parse_initial_context_token};
use kerbcore::keys::KerberosKey;
use kerbcore::messages::{KdcRep, KrbError};
use kerbcore::spnego::NegTokenResp;
use kerbcore::types::PaData;

use crate::bytes::Opaque;
use crate::link::LONGEST_ANSWER;
use crate::principal::Principal;
use crate::time;

/// PA-ETYPE-INFO2.
const ETYPE_INFO2: i32 = 19;
/// PA-FX-COOKIE: what the KDC wants back unchanged.
const COOKIE: i32 = 133;
/// The longest list of either kind that is read.
const MOST_ENTRIES: usize = 32;

/// An answer of a KDC.
#[derive(Debug)]
pub enum KdcReply {
    /// AS-REP or TGS-REP.
    Ticket(Box<KdcRep>),
    /// KRB-ERROR.
    Error(KerberosError),
}

/// An error as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KerberosError {
    /// The code (RFC 4120 section 7.5.9).
    pub code: i32,
    /// The clock of who answered, seconds since 1970.
    pub at: Option<i64>,
    /// What it says besides.
    pub text: Option<String>,
    data: Vec<u8>,
}

/// Reads a KDC's answer.
#[must_use]
pub fn read(raw: &[u8]) -> Option<KdcReply> {
    if raw.len() > LONGEST_ANSWER {
        return None;
    }
    if raw.first() == Some(&application_tag(30)) {
        return KrbError::decode(raw).ok().map(|error| KdcReply::Error(KerberosError::of(error)));
    }
    KdcRep::decode(raw).ok().map(|reply| KdcReply::Ticket(Box::new(reply)))
}

impl KerberosError {
    fn of(error: KrbError) -> Self {
        KerberosError {
            code: error.error_code,
            at: time::parse(&error.stime.0),
            text: error.e_text.map(|text| text.chars().filter(|c| !c.is_control()).take(200).collect()),
            data: error.e_data.unwrap_or_default(),
        }
    }

    /// What the KDC says of keys, and the cookie that it wants back.
    #[must_use]
    pub fn preauthentication(&self) -> Preauthentication {
        Preauthentication::of(&method_data(&self.data).unwrap_or_default())
    }
}

/// How a client may prove who it is.
#[derive(Clone, Debug, Default)]
pub struct Preauthentication {
    entries: Vec<EtypeInfo2Entry>,
    /// To be sent back.
    pub cookie: Option<PaData>,
}

impl Preauthentication {
    /// What a reply or an error says of keys.
    #[must_use]
    pub fn of(list: &[PaData]) -> Self {
        let value = |kind| list.iter().find(move |data| data.padata_type == kind);
        let mut entries = value(ETYPE_INFO2)
            .and_then(|data| parse_etype_info2(&data.padata_value).ok())
            .unwrap_or_default();
        entries.truncate(MOST_ENTRIES);
        Preauthentication { entries, cookie: value(COOKIE).cloned() }
    }

    /// The encryption types the KDC has keys for, its favourite first.
    pub fn etypes(&self) -> impl Iterator<Item = i32> {
        self.entries.iter().map(|entry| entry.etype)
    }

    /// Salt and rounds for an encryption type.
    #[must_use]
    pub fn salt(&self, etype: i32) -> (Option<&str>, Option<u32>) {
        let entry = self.entries.iter().find(|entry| entry.etype == etype);
        entry.map_or((None, None), |entry| (entry.salt.as_deref(), entry.s2k_iterations()))
    }
}

/// `METHOD-DATA`: a sequence of `PA-DATA`.
fn method_data(raw: &[u8]) -> Option<Vec<PaData>> {
    let mut items = Der::new(one_or(raw, TAG_SEQUENCE).ok()?);
    let mut list = Vec::new();
    while !items.is_empty() && list.len() < MOST_ENTRIES {
        let (_, item) = items.read_tlv().ok()?;
        list.push(PaData::decode(&tlv(TAG_SEQUENCE, item)).ok()?);
    }
    Some(list)
}

/// A ticket that was issued, opened with the key of who asked.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub client: Principal,
    pub server: Principal,
    pub key: KerberosKey,
    pub ends: i64,
    pub etype: i32,
    pub kvno: Option<u32>,
    pub ticket: Opaque,
}

/// Opens a reply; the nonce shows that it belongs to what was asked.
pub(crate) fn open(
    reply: &KdcRep,
    key: &KerberosKey,
    usage: u32,
    nonce: u32,
) -> Result<Issued, &'static str> {
    let plain =
        key.decrypt(usage, &reply.enc_part.cipher).map_err(|_| "the reply does not open with our key")?;
    let part = parse_enc_kdc_rep_part(&plain).map_err(|_| "the opened reply cannot be read")?;
    if part.nonce != nonce {
        return Err("the reply belongs to another request");
    }
    let key = KerberosKey::from_i32(part.key.keytype, part.key.keyvalue)
        .map_err(|_| "the session key is of an encryption type that was not asked for")?;
    Ok(Issued {
        client: Principal::of_wire(reply.cname.clone(), &reply.crealm),
        server: Principal::of_wire(part.sname, &part.srealm),
        key,
        ends: time::parse(&part.endtime).ok_or("the ticket's end cannot be read")?,
        etype: reply.ticket.enc_part.etype,
        kvno: reply.ticket.enc_part.kvno,
        ticket: Opaque(reply.ticket.encode()),
    })
}

/// The error that a proxy may send beside a 407 (RFC 4559 section 5, RFC 4178), if it does.
#[must_use]
pub fn proxy_error(token: &[u8]) -> Option<KerberosError> {
    if token.len() > LONGEST_ANSWER {
        return None;
    }
    let inner = NegTokenResp::parse(token).ok().and_then(|answer| answer.response_token);
    let (kind, error) = parse_initial_context_token(inner.as_deref().unwrap_or(token)).ok()?;
    let error = (kind == TOK_ID_KRB_ERROR).then(|| KrbError::decode(&error).ok())??;
    Some(KerberosError::of(error))
}
