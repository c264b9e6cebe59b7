//! A fix with its host, port and protocol taken out, so that 41 ports make one sentence.

use netcheck_record::record::Record;

use crate::target::Place;

/// A mark that no fix contains: records are escaped, so there are no control characters in them.
const HOST: &str = "\u{1}";
const PORT: &str = "\u{2}";
const PROTOCOL: &str = "\u{3}";

/// The words of a template with these hosts, ports and protocols.
pub(super) fn filled(words: &str, hosts: &[String], ports: &str, protocols: &str) -> String {
    let many = format!("{HOST} on port {PORT}");
    let words =
        if hosts.len() > 1 { words.replace(&format!("{HOST}:{PORT}"), &many) } else { words.to_owned() };
    words.replace(HOST, &hosts.join(", ")).replace(PORT, ports).replace(PROTOCOL, protocols)
}

/// Whether a template has a port to be filled in.
pub(super) fn names_port(words: &str) -> bool {
    words.contains(PORT)
}

/// A record's fix with host, port and protocol taken out, and the protocol.
pub(super) fn template(record: &Record, place: &Place) -> (String, Option<String>) {
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
    let fix = match place.port {
        Some(port) => number(&fix, &port.to_string()),
        None => fix,
    };
    protocol(fix)
}

/// Takes the protocol out: `(RTMPS over TCP)`, which differs where the rule to be written does not.
fn protocol(fix: String) -> (String, Option<String>) {
    let found = fix.match_indices('(').find_map(|(at, _)| {
        let (inside, _) = fix[at + 1..].split_once(')')?;
        let over = inside.ends_with(" over TCP") || inside.ends_with(" over UDP");
        (over && !inside.contains(['(', '\u{1}', '\u{2}'])).then(|| (at + 1, inside.to_owned()))
    });
    match found {
        Some((at, inside)) => {
            let words = format!("{}{PROTOCOL}{}", &fix[..at], &fix[at + inside.len()..]);
            (words, Some(inside))
        }
        None => (fix, None),
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
