//! The address families the user wants (`-4`, `-6`).

use std::net::IpAddr;

/// The address families the user wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// Both.
    #[default]
    Both,
    /// `-4`.
    V4,
    /// `-6`.
    V6,
}

impl Families {
    /// Whether an address is wanted.
    #[must_use]
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Families::Both => true,
            Families::V4 => address.is_ipv4(),
            Families::V6 => address.is_ipv6(),
        }
    }
}
