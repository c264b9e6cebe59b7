//! Mailboxes, names and addresses as flags take them: nothing that could end an SMTP command passes.

use std::net::IpAddr;

use netcheck_common::target::Host;

/// Who sends: an address for `sender://`, a mailbox for `smtp://`.
#[derive(Clone, Debug)]
pub enum Sender {
    /// An address.
    Address(IpAddr),
    /// A mailbox.
    Mailbox(String),
}

/// Reads a sender.
///
/// # Errors
/// It is neither.
pub fn sender(text: &str) -> Result<Sender, String> {
    match text.parse() {
        Ok(address) => Ok(Sender::Address(address)),
        Err(_) => mailbox(text).map(Sender::Mailbox).map_err(|_| "an address, or a mailbox".into()),
    }
}

/// A mailbox that can stand in an SMTP command: nothing that ends the line or the path.
///
/// # Errors
/// It is none.
pub fn mailbox(text: &str) -> Result<String, String> {
    let proper =
        text.len() <= 254 && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\".contains(&byte));
    match text.rsplit_once('@') {
        Some((local, domain)) if proper && !local.is_empty() => name(domain).map(|_| text.to_owned()),
        _ => Err("a mailbox: local@domain, ASCII".into()),
    }
}

/// Reads a host name.
///
/// # Errors
/// It is none.
pub fn name(text: &str) -> Result<String, String> {
    match Host::parse(text) {
        Ok(Host::Name(name)) => Ok(name),
        Ok(Host::Address(_)) => Err("a name, not an address".into()),
        Err(why) => Err(why.0),
    }
}

/// A name, or an address literal in brackets (RFC 5321 section 4.1.3).
///
/// # Errors
/// It is neither.
pub fn helo(text: &str) -> Result<String, String> {
    let literal = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match literal {
        Some(address) if address.trim_start_matches("IPv6:").parse::<IpAddr>().is_ok() => Ok(text.to_owned()),
        _ => name(text),
    }
}

/// This machine's full name, or one that claims nothing.
#[must_use]
pub fn own_name() -> String {
    let full = name(&netcheck_common::os::user::host_name()).ok().filter(|name| name.contains('.'));
    full.unwrap_or_else(|| "localhost.localdomain".to_owned())
}
