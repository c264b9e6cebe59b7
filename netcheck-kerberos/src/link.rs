//! What the client needs of its caller: the time, and a way to a realm's KDCs (RFC 4120 section 7.2).

use std::future::Future;

use crate::time::Time;

/// Most bytes that a KDC's answer may have.
pub const LONGEST_ANSWER: usize = 128 << 10;

/// An answer of a KDC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KdcAnswer {
    /// Its bytes, without the length that TCP has before them.
    pub bytes: Vec<u8>,
    /// Who answered: `10.99.0.1:88`.
    pub kdc: String,
}

/// An attempt that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KdcAttempt {
    /// Who was asked: `10.99.0.1:88`.
    pub kdc: String,
    /// What happened.
    pub why: String,
}

/// No KDC answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoKdc {
    /// Nothing names a KDC of this realm.
    NotConfigured,
    /// Those named did not answer.
    Unreachable(Vec<KdcAttempt>),
}

/// The way to the KDCs.
pub trait Kdc {
    /// This machine's clock.
    fn now(&self) -> Time;

    /// Sends one request to a KDC of `realm`, the next one if one does not answer.
    fn exchange(&mut self, realm: &str, request: &[u8]) -> impl Future<Output = Result<KdcAnswer, NoKdc>>;
}

/// A request as TCP carries it: its length in four bytes, then the request.
#[must_use]
pub fn framed(request: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(request.len()).unwrap_or_default().to_be_bytes().to_vec();
    out.extend_from_slice(request);
    out
}

/// The answer in what TCP brought so far: `None` where more has to come, an error where it is no KDC's.
///
/// # Errors
/// The length that was announced is no honest one.
pub fn unframed(raw: &[u8]) -> Result<Option<&[u8]>, &'static str> {
    let Some((length, rest)) = raw.split_first_chunk::<4>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length == 0 || length > LONGEST_ANSWER {
        return Err("the answer announces a length that no KDC's answer has");
    }
    Ok(rest.get(..length))
}

/// One SRV record (RFC 2782) of `_kerberos._tcp.REALM`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Srv {
    /// Lower first.
    pub priority: u16,
    /// Higher first among equals: no lot is drawn, so that two runs ask the same KDC.
    pub weight: u16,
    /// Where.
    pub port: u16,
    /// Who.
    pub host: String,
}

/// KDCs in the order in which they are asked; `host.` of `.` alone says that there are none.
#[must_use]
pub fn ordered(mut records: Vec<Srv>) -> Vec<(String, u16)> {
    records.sort_by(|a, b| (a.priority, b.weight, &a.host).cmp(&(b.priority, a.weight, &b.host)));
    let hosts = records.into_iter().map(|record| (record.host.trim_end_matches('.').to_owned(), record.port));
    hosts.filter(|(host, _)| !host.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tcp_brings_is_put_together() {
        let whole = framed(b"asked");
        assert_eq!(unframed(&whole), Ok(Some(b"asked".as_slice())));
        assert_eq!(unframed(&whole[..6]), Ok(None));
        assert_eq!(unframed(&whole[..3]), Ok(None));
        assert!(unframed(b"HTTP/1.1 400 Bad Request").is_err());
        assert!(unframed(&[0; 4]).is_err());
    }

    #[test]
    fn kdcs_are_asked_in_the_order_of_their_records() {
        let srv = |priority, weight, host: &str| Srv { priority, weight, port: 88, host: host.into() };
        let order = ordered(vec![srv(1, 0, "c."), srv(0, 1, "b."), srv(0, 9, "a."), srv(0, 0, ".")]);
        let names: Vec<&str> = order.iter().map(|(host, _)| host.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }
}
