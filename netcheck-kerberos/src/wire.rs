//! The requests as bytes: AS-REQ, TGS-REQ, AP-REQ, for session keys of every encryption type that is spoken here.

use kerbcore::der::{TAG_BIT_STRING, application_tag, encode_integer, encode_sequence, explicit, tlv};
use kerbcore::keys::{Enctype, KerberosKey};
use kerbcore::messages::{KdcReq, KdcReqBody};
use kerbcore::types::{Checksum, EncryptedData, KerberosTime, PaData, encode_realm};

use crate::bytes::Opaque;
use crate::principal::Principal;
use crate::time::Time;

/// Encryption types in the order in which they are asked for: RFC 3962, RFC 8009, and RC4 for services of old.
pub(crate) const ETYPES: [i32; 5] = [18, 17, 20, 19, 23];
/// Those that a key is made for from a password.
pub(crate) const STRONG: [i32; 4] = [18, 17, 20, 19];
/// The option CANONICALIZE: the KDC may refer us to another realm (RFC 6806).
const CANONICALIZE: u32 = 0x0001_0000;
/// How long a ticket is asked for: the KDC shortens it to what it allows.
const TILL: &str = "20370913024805Z";
/// PA-TGS-REQ.
const TGS: i32 = 1;
/// Key usages of RFC 4120 section 7.5.1.
const TGS_CHECKSUM: u32 = 6;
const TGS_AUTHENTICATOR: u32 = 7;
const AP_AUTHENTICATOR: u32 = 11;

/// A number that nobody can guess, as nonce or sequence number.
pub(crate) fn random() -> u32 {
    let mut raw = [0; 4];
    // Without randomness the encryption below would end the process; zeros are no worse before it.
    let _ = getrandom::getrandom(&mut raw);
    u32::from_be_bytes(raw) & 0x7fff_ffff
}

/// A request for a ticket-granting ticket.
pub(crate) fn as_request(client: &Principal, etypes: &[i32], nonce: u32, padata: Vec<PaData>) -> Vec<u8> {
    let server = Principal::ticket_granting(&client.realm, &client.realm);
    let mut body = body(&server, &client.realm, etypes, nonce);
    body.cname = Some(client.to_wire());
    KdcReq { msg_type: 10, padata, req_body: body }.encode()
}

/// What opens a service: a ticket, its session key, whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Opener {
    pub client: Principal,
    pub ticket: Opaque,
    pub key: KerberosKey,
}

/// A request for a service's ticket to the KDC of `realm`.
pub(crate) fn tgs_request(
    granting: &Opener,
    server: &Principal,
    realm: &str,
    nonce: u32,
    now: Time,
) -> Vec<u8> {
    let mut body = body(server, realm, &ETYPES, nonce);
    body.kdc_options = CANONICALIZE;
    let checksum = Checksum {
        cksumtype: checksum_type(granting.key.enctype()),
        checksum: granting.key.checksum(TGS_CHECKSUM, &body.encode()),
    };
    let authenticator = authenticator(&granting.client, now, &checksum, None);
    let padata_value = ap_request(granting, TGS_AUTHENTICATOR, &authenticator);
    KdcReq { msg_type: 12, padata: vec![PaData { padata_type: TGS, padata_value }], req_body: body }.encode()
}

/// A request to the service itself, with the checksum that GSS-API has there (RFC 4121 section 4.1.1).
pub(crate) fn service_request(opener: &Opener, now: Time) -> Vec<u8> {
    // The length of the channel binding, no binding (16 zeros), no flags.
    let mut binding = vec![0; 24];
    binding[0] = 16;
    let checksum = Checksum { cksumtype: 0x8003, checksum: binding };
    let authenticator = authenticator(&opener.client, now, &checksum, Some(random()));
    ap_request(opener, AP_AUTHENTICATOR, &authenticator)
}

fn body(server: &Principal, realm: &str, etypes: &[i32], nonce: u32) -> KdcReqBody {
    KdcReqBody {
        kdc_options: 0,
        cname: None,
        realm: realm.to_owned(),
        sname: Some(server.to_wire()),
        from: None,
        till: KerberosTime(TILL.to_owned()),
        rtime: None,
        nonce,
        etypes: etypes.to_vec(),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    }
}

/// `Authenticator` (RFC 4120 section 5.5.1).
fn authenticator(client: &Principal, now: Time, checksum: &Checksum, sequence: Option<u32>) -> Vec<u8> {
    let mut fields = vec![
        explicit(0, &encode_integer(5)),
        explicit(1, &encode_realm(&client.realm)),
        explicit(2, &client.to_wire().encode()),
        explicit(3, &checksum.encode()),
        explicit(4, &encode_integer(i64::from(now.micros))),
        explicit(5, &KerberosTime(now.to_kerberos()).encode()),
    ];
    fields.extend(sequence.map(|number| explicit(7, &encode_integer(i64::from(number)))));
    tlv(application_tag(2), &encode_sequence(&fields.concat()))
}

/// `AP-REQ` (RFC 4120 section 5.5.1), without options.
fn ap_request(opener: &Opener, usage: u32, authenticator: &[u8]) -> Vec<u8> {
    let encrypted = EncryptedData {
        etype: opener.key.enctype().to_i32(),
        kvno: None,
        cipher: opener.key.encrypt(usage, authenticator),
    };
    let fields = [
        explicit(0, &encode_integer(5)),
        explicit(1, &encode_integer(14)),
        explicit(2, &tlv(TAG_BIT_STRING, &[0; 5])),
        explicit(3, &opener.ticket),
        explicit(4, &encrypted.encode()),
    ];
    tlv(application_tag(14), &encode_sequence(&fields.concat()))
}

/// RFC 3962, RFC 8009 and RFC 4757: the checksum that belongs to an encryption type.
fn checksum_type(etype: Enctype) -> i32 {
    match etype.to_i32() {
        17 => 15,
        18 => 16,
        23 => -138,
        // 19 and 20 carry their own numbers.
        same => same,
    }
}
