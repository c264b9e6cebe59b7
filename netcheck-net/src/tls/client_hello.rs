//! A ClientHello as bytes: read, changed in one place, written again (RFC 8446 section 4.1.2).

/// Extension types (IANA "TLS ExtensionType Values").
pub mod extension {
    /// `server_name`.
    pub const SERVER_NAME: u16 = 0;
    /// `supported_groups`.
    pub const GROUPS: u16 = 10;
    /// `application_layer_protocol_negotiation`.
    pub const ALPN: u16 = 16;
    /// `padding` (RFC 7685): no server answers it.
    pub const PADDING: u16 = 21;
    /// `compress_certificate` (RFC 8879).
    pub const COMPRESSION: u16 = 27;
    /// `supported_versions`.
    pub const VERSIONS: u16 = 43;
    /// `key_share`.
    pub const KEY_SHARE: u16 = 51;
    /// `encrypted_client_hello`.
    pub const ECH: u16 = 0xfe0d;
}

/// The group X25519MLKEM768.
pub const HYBRID: u16 = 0x11ec;
/// Bytes before the message in its record, and in the message before its body.
const RECORD: usize = 5;
const MESSAGE: usize = 4;
/// Version, random.
const FIXED: usize = 2 + 32;

/// A ClientHello in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// Version, random and session id with its length.
    head: Vec<u8>,
    /// Cipher suites, best first.
    pub suites: Vec<u16>,
    /// Compression methods with their length.
    compression: Vec<u8>,
    /// Extensions in their order.
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl ClientHello {
    /// Reads the handshake message, its header included; none where it is no ClientHello or not whole.
    #[must_use]
    pub fn parse(message: &[u8]) -> Option<ClientHello> {
        let [1, a, b, c] = *message.first_chunk()? else { return None };
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut rest = message.get(MESSAGE..)?;
        if rest.len() != usize::try_from(length).ok()? {
            return None;
        }
        let session = usize::from(*rest.get(FIXED)?);
        let head = take(&mut rest, FIXED + 1 + session)?.to_vec();
        let suites = numbers(prefixed(&mut rest)?)?;
        let methods = usize::from(*rest.first()?);
        let compression = take(&mut rest, 1 + methods)?.to_vec();
        let mut list = prefixed(&mut rest)?;
        let mut extensions = Vec::new();
        while !list.is_empty() {
            let kind = number(&mut list)?;
            extensions.push((kind, prefixed(&mut list)?.to_vec()));
        }
        rest.is_empty().then_some(ClientHello { head, suites, compression, extensions })
    }

    /// Reads the record that holds the whole message.
    #[must_use]
    pub fn parse_record(record: &[u8]) -> Option<ClientHello> {
        let [22, 3, _, a, b] = *record.first_chunk::<RECORD>()? else { return None };
        let message = record.get(RECORD..)?;
        (message.len() == usize::from(u16::from_be_bytes([a, b]))).then(|| ClientHello::parse(message))?
    }

    /// Writes the handshake message.
    #[must_use]
    pub fn message(&self) -> Vec<u8> {
        let mut list = Vec::new();
        for (kind, value) in &self.extensions {
            list.extend(kind.to_be_bytes());
            push(&mut list, value);
        }
        let mut body = self.head.clone();
        push(&mut body, &bytes(&self.suites));
        body.extend(&self.compression);
        push(&mut body, &list);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes();
        [&[1, length[1], length[2], length[3]], &body[..]].concat()
    }

    /// Writes the message in one record. Its version is TLS 1.0, as every client has it.
    #[must_use]
    pub fn record(&self) -> Vec<u8> {
        let mut record = vec![22, 3, 1];
        push(&mut record, &self.message());
        record
    }

    /// The length of [`ClientHello::record`], in bytes.
    #[must_use]
    pub fn record_length(&self) -> usize {
        let extensions: usize = self.extensions.iter().map(|(_, value)| 4 + value.len()).sum();
        let body = self.head.len() + 2 + 2 * self.suites.len() + self.compression.len() + 2 + extensions;
        RECORD + MESSAGE + body
    }

    /// The client's random, of 32 bytes.
    #[must_use]
    pub fn random(&self) -> &[u8] {
        self.head.get(2..FIXED).unwrap_or_default()
    }

    /// An extension's value.
    #[must_use]
    pub fn extension(&self, kind: u16) -> Option<&[u8]> {
        self.extensions.iter().find(|(one, _)| *one == kind).map(|(_, value)| value.as_slice())
    }

    /// The groups offered, best first.
    #[must_use]
    pub fn groups(&self) -> Vec<u16> {
        let list = self.extension(extension::GROUPS).and_then(|mut value| numbers(prefixed(&mut value)?));
        list.unwrap_or_default()
    }

    /// The groups of the key shares, and each share's length in bytes.
    #[must_use]
    pub fn key_shares(&self) -> Vec<(u16, usize)> {
        self.shares().iter().map(|(group, share)| (*group, share.len())).collect()
    }

    fn shares(&self) -> Vec<(u16, Vec<u8>)> {
        let mut value = self.extension(extension::KEY_SHARE).unwrap_or_default();
        let mut list = prefixed(&mut value).unwrap_or_default();
        let mut shares = Vec::new();
        while let Some(group) = number(&mut list) {
            let Some(share) = prefixed(&mut list) else { break };
            shares.push((group, share.to_vec()));
        }
        shares
    }

    fn set(&mut self, kind: u16, value: Vec<u8>) {
        if let Some((_, old)) = self.extensions.iter_mut().find(|(one, _)| *one == kind) {
            *old = value;
        }
    }

    /// Offers these groups.
    pub fn set_groups(&mut self, groups: &[u16]) {
        self.set(extension::GROUPS, prefix(&bytes(groups)));
    }

    /// Adds a key share in front of the others.
    pub fn add_share(&mut self, group: u16, share: &[u8]) {
        let mut shares = self.shares();
        shares.insert(0, (group, share.to_vec()));
        self.set_shares(&shares);
    }

    fn set_shares(&mut self, shares: &[(u16, Vec<u8>)]) {
        let mut list = Vec::new();
        for (group, share) in shares {
            list.extend(group.to_be_bytes());
            push(&mut list, share);
        }
        self.set(extension::KEY_SHARE, prefix(&list));
    }

    /// Adds a version in front of the others.
    pub fn add_version(&mut self, version: u16) {
        let Some(value) = self.extension(extension::VERSIONS) else { return };
        let mut versions = version.to_be_bytes().to_vec();
        versions.extend(value.iter().skip(1));
        let length = u8::try_from(versions.len()).unwrap_or(u8::MAX);
        versions.insert(0, length);
        self.set(extension::VERSIONS, versions);
    }

    /// The same without an extension.
    #[must_use]
    pub fn without(&self, kind: u16) -> ClientHello {
        let mut other = self.clone();
        other.extensions.retain(|(one, _)| *one != kind);
        other
    }

    /// The same, offering these ALPN protocols (RFC 7301).
    #[must_use]
    pub fn with_alpn(&self, names: &[&[u8]]) -> ClientHello {
        let mut list = Vec::new();
        for name in names {
            list.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            list.extend(*name);
        }
        let mut other = self.clone();
        other.set(extension::ALPN, prefix(&list));
        other
    }

    /// The same without a group and its key share.
    #[must_use]
    pub fn without_group(&self, group: u16) -> ClientHello {
        let mut other = self.clone();
        let groups: Vec<u16> = self.groups().into_iter().filter(|one| *one != group).collect();
        other.set_groups(&groups);
        let shares: Vec<_> = self.shares().into_iter().filter(|(one, _)| *one != group).collect();
        other.set_shares(&shares);
        other
    }

    /// The same with another server name, or with none.
    #[must_use]
    pub fn with_name(&self, name: Option<&str>) -> ClientHello {
        let Some(name) = name else { return self.without(extension::SERVER_NAME) };
        let mut other = self.clone();
        let entry = [&[0][..], &prefix(name.as_bytes())].concat();
        if other.extension(extension::SERVER_NAME).is_none() {
            other.extensions.insert(0, (extension::SERVER_NAME, Vec::new()));
        }
        other.set(extension::SERVER_NAME, prefix(&entry));
        other
    }

    /// The same with a record of this many bytes, where it is shorter: by padding alone.
    #[must_use]
    pub fn padded_to(&self, length: usize) -> ClientHello {
        let mut other = self.without(extension::PADDING);
        if let Some(room) = length.checked_sub(other.record_length() + 4) {
            other.extensions.push((extension::PADDING, vec![0; room]));
        }
        other
    }
}

fn bytes(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn numbers(bytes: &[u8]) -> Option<Vec<u16>> {
    let pairs = bytes.chunks_exact(2);
    pairs.remainder().is_empty().then(|| pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect())
}

fn prefix(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push(&mut out, value);
    out
}

fn push(out: &mut Vec<u8>, value: &[u8]) {
    out.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(value);
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u16> {
    take(rest, 2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

fn prefixed<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)?;
    take(rest, usize::from(length))
}

#[cfg(test)]
#[path = "client_hello_tests.rs"]
mod tests;
