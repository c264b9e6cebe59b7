//! A fix with its host and port taken out, so that 41 ports make one sentence.

use netcheck_common::record::Record;

use crate::target::Place;

/// A mark that no fix contains: records are escaped, so there are no control characters in them.
const HOST: &str = "\u{1}";
const PORT: &str = "\u{2}";

/// The words of a template with these hosts and ports.
pub(super) fn filled(words: &str, hosts: &[String], ports: &str) -> String {
    words.replace(HOST, &hosts.join(", ")).replace(PORT, ports)
}

/// A record's fix with host and port taken out, so that 41 ports make one sentence.
pub(super) fn template(record: &Record, place: &Place) -> String {
    let fix = match &record.cause {
        Some(cause) if !cause.fix.is_empty() => cause.fix.clone(),
        _ => {
            let seen = record.failure.as_ref().map_or("nothing", |failure| failure.code.as_str());
            let (host, transport, protocol) = (&place.host, place.transport(), place.protocol());
            let port = place.port.map_or(String::new(), |port| format!(" {port}"));
            format!(
                "Find out why {protocol} to {host} on {transport}{port} does not work (observed: {seen})."
            )
        }
    };
    let fix = fix.replace(&place.host, HOST);
    match place.port {
        Some(port) => number(&fix, &port.to_string()),
        None => fix,
    }
}

/// Replaces a number where it stands alone: not within a longer one, an address or a name.
fn number(text: &str, digits: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(digits) {
        let before = rest[..at].chars().next_back().or_else(|| out.chars().next_back());
        let mut after = rest[at + digits.len()..].chars();
        let (next, after_next) = (after.next(), after.next());
        let decimal = next == Some('.') && after_next.is_some_and(|c| c.is_ascii_digit());
        let alone = before.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-'))
            && next.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-')
            && !decimal;
        out.push_str(&rest[..at]);
        out.push_str(if alone { PORT } else { digits });
        rest = &rest[at + digits.len()..];
    }
    out.push_str(rest);
    out
}
