//! The page that shows both ClientHellos side by side.

use std::fmt::Write as _;

use super::{Comparison, Hellos, Offer, mean};

/// Names of the numbers that appear (IANA "TLS Parameters", "TLS ExtensionType Values").
const NAMES: &[(u16, &str)] =
    &[(0x11ec, "X25519MLKEM768"), (0x001d, "X25519"), (0x0017, "secp256r1"), (0x0018, "secp384r1")];
const EXTENSIONS: &[(u16, &str)] = &[
    (0, "server_name"),
    (5, "status_request"),
    (10, "supported_groups"),
    (11, "ec_point_formats"),
    (13, "signature_algorithms"),
    (16, "application_layer_protocol_negotiation"),
    (18, "signed_certificate_timestamp"),
    (21, "padding"),
    (23, "extended_master_secret"),
    (27, "compress_certificate"),
    (35, "session_ticket"),
    (43, "supported_versions"),
    (45, "psk_key_exchange_modes"),
    (51, "key_share"),
    (57, "quic_transport_parameters"),
    (0x44cd, "application_settings"),
    (0xca34, "trust_anchors"),
    (0xfe0d, "encrypted_client_hello"),
    (0xff01, "renegotiation_info"),
];

/// The comparison as a page in Markdown.
pub(super) fn markdown(comparison: &Comparison, date: &str) -> String {
    let mut text = format!(
        "# The browser's ClientHello beside ours\n\n\
         Captured on {date} with {} by `netcheck-lab browser-hello --write docs/BROWSER_HELLO.md`, in a network namespace\n\
         without a way out. Length (± 10 %), groups and key shares must be equal, without GREASE; the command fails where they\n\
         are not.\n",
        comparison.browser
    );
    for (title, hellos) in [("TLS over TCP", &comparison.tcp), ("QUIC", &comparison.quic)] {
        let _ = write!(text, "\n## {title}\n\n{}", table(hellos));
    }
    text + DIFFERENCES
}

/// Why what differs differs.
const DIFFERENCES: &str = "
## What differs, and why

- Over TCP, extensions that servers answer and the TLS library does not know are left out: Encrypted Client Hello (GREASE), signed
  certificate timestamps, session tickets, application settings, trust anchors. A server's answer to one of them would end the handshake.
  Padding (RFC 7685), which no server answers, takes their place, so that the length is a browser's.
- Cipher suites without forward secrecy or with CBC, and the ML-DSA signature schemes, are left out: the cryptography cannot speak them.
- The signal against renegotiation is a cipher suite (0x00ff) instead of an extension (RFC 5746 section 3.3 allows both).
- Over QUIC, Encrypted Client Hello (GREASE) is sent, as browsers do. Chromium cuts its CRYPTO frames into many small ones in
  random order; ours are in order. There is no GREASE transport parameter of a fixed form.
";

fn table(hellos: &Hellos) -> String {
    let (browser, ours) = (&hellos.browser, &hellos.ours);
    let mut text = String::from("| | browser | netcheck |\n|---|---|---|\n");
    let mut row = |what: &str, show: &dyn Fn(&[Offer]) -> String| {
        let _ = writeln!(text, "| {what} | {} | {} |", show(browser), show(ours));
    };
    let first = |offers: &[Offer]| offers.first().cloned().unwrap_or_default();
    row("captured", &|offers| offers.len().to_string());
    row("length of the message, bytes", &lengths);
    row("groups", &|offers| names(&first(offers).groups, NAMES));
    row("key shares", &|offers| {
        let shares = first(offers).shares;
        let shares = shares.iter().map(|(group, length)| format!("{} ({length})", name(*group, NAMES)));
        shares.collect::<Vec<_>>().join(", ")
    });
    row("versions", &|offers| names(&first(offers).versions, &[]));
    row("cipher suites", &|offers| names(&first(offers).suites, &[]));
    row("signature schemes", &|offers| names(&first(offers).schemes, &[]));
    row("extensions", &|offers| names(&first(offers).extensions, EXTENSIONS));
    row("GREASE", &|offers| if first(offers).greased { "yes" } else { "no" }.to_owned());
    text
}

fn lengths(offers: &[Offer]) -> String {
    let all = || offers.iter().map(|offer| offer.length);
    format!("{}-{}, mean {}", all().min().unwrap_or(0), all().max().unwrap_or(0), mean(offers))
}

fn name(number: u16, known: &[(u16, &str)]) -> String {
    let found = known.iter().find(|(one, _)| *one == number);
    found.map_or_else(|| format!("{number:04x}"), |(_, name)| (*name).to_owned())
}

fn names(numbers: &[u16], known: &[(u16, &str)]) -> String {
    numbers.iter().map(|number| name(*number, known)).collect::<Vec<_>>().join(", ")
}
