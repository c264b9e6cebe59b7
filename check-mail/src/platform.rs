//! What the platform publishes of its mail.

use std::net::{IpAddr, Ipv4Addr};

/// The domain it sends for.
pub const DOMAIN: &str = "spotme.com";
/// The host it sends from.
pub const HOST: &str = "mail.spotme.com";
/// That host's address, for allow-lists.
pub const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 2, 132, 142));
/// The selector of its DKIM key.
pub const SELECTOR: &str = "mandrill";
/// An envelope sender of that host's, used to ask a gateway; no message is ever sent from it.
pub const ENVELOPE: &str = "bounces@mail.spotme.com";
/// How long a log-in link is valid, in seconds.
pub const LINK_LIFETIME: i64 = 1800;
