//! The sentence for a change request: host, port and protocol, ready to paste.

use netcheck_record::target::Target;

/// The transport and application protocol of a target, as a firewall's form asks for them.
#[must_use]
pub fn protocol(target: &Target) -> &'static str {
    match target.scheme.name {
        "tcp" => "TCP",
        "tls" => "TLS over TCP",
        "http" => "HTTP over TCP",
        "https" => "HTTPS over TCP",
        "ws" => "WebSocket over HTTP over TCP",
        "wss" => "WebSocket over TLS over TCP",
        "rtmp" => "RTMP over TCP",
        "rtmps" => "RTMPS over TCP",
        "stun" => "STUN over UDP",
        "turn" if target.query("transport") == Some("tcp") => "TURN over TCP",
        "turn" => "TURN over UDP",
        "turns" => "TURN over TLS over TCP",
        "quic" => "QUIC over UDP",
        "h3" => "HTTP/3 over UDP",
        "apns" | "apns-provider" => "Apple push over TLS over TCP",
        "fcm" | "fcm-api" => "Firebase push over TLS over TCP",
        "smtp" => "SMTP over TCP",
        _ => "ICMP echo",
    }
}

fn transport(target: &Target) -> &'static str {
    if protocol(target).ends_with("UDP") { "UDP" } else { "TCP" }
}

/// `TCP 10000 to us-channel.spotme.com (RTMPS over TCP)`.
#[must_use]
pub fn what(target: &Target) -> String {
    match target.port {
        Some(port) if protocol(target) == "TCP" => format!("TCP {port} to {}", target.host),
        Some(port) => format!("{} {port} to {} ({})", transport(target), target.host, protocol(target)),
        None => format!("{} to {}", protocol(target), target.host),
    }
}

/// Let it through.
#[must_use]
pub fn allow(target: &Target) -> String {
    format!("Allow {}.", what(target))
}

/// Nothing to ask of the network: the service itself refused.
#[must_use]
pub fn idle(target: &Target) -> String {
    format!("Nothing: the way is open for {}, and nothing listens there now.", what(target))
}

/// Do not filter by name.
#[must_use]
pub fn name_filter(target: &Target) -> String {
    format!("Allow {} by name (SNI {}); exempt it from name-based filtering.", what(target), target.host)
}

/// Do not open TLS.
#[must_use]
pub fn inspection(target: &Target) -> String {
    format!("Exempt {} from TLS inspection (decryption).", what(target))
}

/// Let the protocol through.
#[must_use]
pub fn protocol_filter(target: &Target) -> String {
    format!("Allow {}: the port opens, and what is said on it does not pass.", what(target))
}

/// Resolve the name.
#[must_use]
pub fn resolve(target: &Target) -> String {
    format!(
        "Have the resolver answer {} with its public addresses, exempt from DNS filtering: it is needed for {}.",
        target.host,
        what(target)
    )
}

/// Do not stand in between.
#[must_use]
pub fn bypass(target: &Target) -> String {
    format!("Let {} pass the transparent proxy untouched.", what(target))
}

/// Repair the MTU.
#[must_use]
pub fn mtu(target: &Target) -> String {
    format!("Let ICMP \"fragmentation needed\" pass, or clamp the TCP MSS, on the path of {}.", what(target))
}

/// Nothing to ask of the network.
#[must_use]
pub fn service(target: &Target, what_is_wrong: &str) -> String {
    format!(
        "Nothing in this network: tell the operator of {} ({}) that {what_is_wrong}.",
        target.authority(),
        protocol(target)
    )
}
