//! What a ClientHello offers, as far as two clients are compared by it (RFC 8446 section 4.1.2).

/// What a ClientHello offers, GREASE (RFC 8701) left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The message's length in bytes.
    pub length: usize,
    /// The server name.
    pub name: String,
    /// Cipher suites in their order.
    pub suites: Vec<u16>,
    /// Types of extensions, sorted: browsers shuffle them.
    pub extensions: Vec<u16>,
    /// Groups in their order.
    pub groups: Vec<u16>,
    /// Key shares: group and length in bytes.
    pub shares: Vec<(u16, usize)>,
    /// Signature schemes in their order.
    pub schemes: Vec<u16>,
    /// Versions in their order.
    pub versions: Vec<u16>,
    /// Whether any GREASE value was there.
    pub greased: bool,
}

impl Offer {
    /// Reads the handshake message; none where it is not a whole ClientHello.
    #[must_use]
    pub fn read(message: &[u8]) -> Option<Offer> {
        let mut rest = message.get(4 + 2 + 32..)?;
        take_prefixed::<1>(&mut rest)?;
        let suites = numbers(take_prefixed::<2>(&mut rest)?);
        take_prefixed::<1>(&mut rest)?;
        let mut list = take_prefixed::<2>(&mut rest)?;
        let mut offer = Offer { length: message.len(), suites, ..Offer::default() };
        while !list.is_empty() {
            let kind = number(&mut list)?;
            let value = take_prefixed::<2>(&mut list)?;
            offer.extensions.push(kind);
            offer.extension(kind, value);
        }
        offer.drop_grease();
        offer.extensions.sort_unstable();
        Some(offer)
    }

    fn extension(&mut self, kind: u16, mut value: &[u8]) {
        match kind {
            0 => {
                let name = value.get(5..).unwrap_or_default();
                self.name = String::from_utf8_lossy(name).into_owned();
            }
            10 => self.groups = numbers(take_prefixed::<2>(&mut value).unwrap_or_default()),
            13 => self.schemes = numbers(take_prefixed::<2>(&mut value).unwrap_or_default()),
            43 => self.versions = numbers(take_prefixed::<1>(&mut value).unwrap_or_default()),
            51 => {
                let mut list = take_prefixed::<2>(&mut value).unwrap_or_default();
                while let (Some(group), Some(share)) = (number(&mut list), take_prefixed::<2>(&mut list)) {
                    self.shares.push((group, share.len()));
                }
            }
            _ => {}
        }
    }

    fn drop_grease(&mut self) {
        let before = self.suites.len() + self.extensions.len();
        let lists =
            [&mut self.suites, &mut self.extensions, &mut self.groups, &mut self.schemes, &mut self.versions];
        for list in lists {
            list.retain(|value| !is_grease(*value));
        }
        self.shares.retain(|(group, _)| !is_grease(*group));
        self.greased = self.suites.len() + self.extensions.len() < before;
    }
}

fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && low & 15 == 10
}

fn numbers(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

fn number(rest: &mut &[u8]) -> Option<u16> {
    let (pair, left) = rest.split_first_chunk::<2>()?;
    *rest = left;
    Some(u16::from_be_bytes(*pair))
}

/// What comes after its length, which has that many bytes.
fn take_prefixed<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, left) = rest.split_first_chunk::<N>()?;
    let length = length.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
    let (value, left) = left.split_at_checked(length)?;
    *rest = left;
    Some(value)
}
