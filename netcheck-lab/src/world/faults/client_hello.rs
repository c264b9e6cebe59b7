//! Devices that cannot take the ClientHellos of today's browsers.

use serde::Deserialize;

/// Which packets such a device drops.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DroppedHello {
    /// The first packet of a ClientHello that does not end in it.
    Split,
    /// The first packet of a ClientHello whose record is longer than so many bytes.
    Longer(usize),
}

/// Bytes before the message in its record.
const RECORD: usize = 5;
const TCP: u8 = 6;

impl DroppedHello {
    /// Whether the device drops this IPv4 or IPv6 packet.
    #[must_use]
    pub fn catches(self, packet: &[u8]) -> bool {
        let Some(payload) = tcp_payload(packet) else { return false };
        let [22, 3, _, a, b, 1, ..] = *payload else { return false };
        let record = RECORD + usize::from(u16::from_be_bytes([a, b]));
        match self {
            DroppedHello::Split => record > payload.len(),
            DroppedHello::Longer(most) => record > most,
        }
    }
}

/// What a TCP packet carries.
pub(super) fn tcp_payload(packet: &[u8]) -> Option<&[u8]> {
    let (protocol, segment) = match packet.first()? >> 4 {
        4 => (*packet.get(9)?, packet.get(usize::from(packet.first()? & 15) * 4..)?),
        _ => (*packet.get(6)?, packet.get(40..)?),
    };
    let offset = usize::from(segment.get(12)? >> 4) * 4;
    (protocol == TCP).then(|| segment.get(offset..))?
}
