//! TLS alerts (RFC 8446 section 6), and the I/O errors that carry one.

use netcheck_record::failure::{Code, Failure, Layer};

/// The failure an alert means.
pub(super) fn failure(number: u8) -> Failure {
    let code = match number {
        70 => Code::TlsVersion,
        120 => Code::TlsAlpn,
        _ => Code::TlsAlert,
    };
    let name = words(&format!("{:?}", rustls::AlertDescription::from(number)));
    Failure::new(code, format!("TLS alert {number}: {name}"))
}

/// The alert that ended a connection after its handshake, if one did: in TLS 1.3 a server that wants a certificate of
/// the client's says so only then.
fn late_alert(error: &std::io::Error) -> Option<Failure> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(description) => Some(failure(u8::from(*description))),
        _ => None,
    }
}

/// The failure an I/O error means on this layer: the alert it carries, or what its kind says.
#[must_use]
pub fn io_failure(layer: Layer, error: &std::io::Error) -> Failure {
    late_alert(error).unwrap_or_else(|| layer.io(error))
}

/// `TLSv1_3` as people write it: `TLS 1.3`; `HandshakeFailure` as `handshake failure`.
pub(super) fn words(name: &str) -> String {
    if let Some(version) = name.strip_prefix("TLSv") {
        return format!("TLS {}", version.replace('_', "."));
    }
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase()
            && !text.is_empty()
            && !text.ends_with(|c: char| c.is_ascii_uppercase() || c == ' ')
        {
            text.push(' ');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
