//! The URL of a proxy, as flags, variables and settings write it.

use netcheck_record::target::Host;

use super::super::auth::credentials::Credentials;
use super::super::server::{Kind, Proxy};

/// Reads a proxy's URL; `port` is what a bare `http://host` means where the setting comes from.
///
/// # Errors
/// What is wrong with it.
pub fn parse(url: &str, given: Option<Credentials>, port: u16) -> Result<Proxy, String> {
    // curl reads a bare host:port as an HTTP proxy.
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (kind, default) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Kind::Http, port),
        "https" => (Kind::Https, 443),
        "socks5h" | "socks5" => (Kind::Socks5h, 1080),
        _ => return Err("a proxy is http://, https:// or socks5h://".into()),
    };
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (credentials, authority) = match rest.rsplit_once('@') {
        Some((user, authority)) => (Some(Credentials::of_url(user)), authority),
        None => (given, rest),
    };
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or("the bracket is not closed")?;
            (host, rest.strip_prefix(':'))
        }
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let port = match port.filter(|port| !port.is_empty()) {
        Some(port) => {
            port.parse::<u16>().ok().filter(|port| *port > 0).ok_or("a port is a number from 1 to 65535")?
        }
        None => default,
    };
    let host = Host::parse(host).map_err(|why| why.0)?;
    Ok(Proxy { kind, host, port, credentials })
}
