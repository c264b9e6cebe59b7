//! Any bytes as an SPF record: no panic, and no more terms than the record has words.

use crate::spf::domain_spec::MacroValues;
use crate::spf::record::{Mechanism, SpfRecord};

/// Reads it as an SPF record, and expands its domains.
pub fn decode(bytes: &[u8]) {
    let record = [b"v=spf1 ".as_slice(), bytes].concat();
    let Ok(record) = SpfRecord::parse(&record) else { return };
    assert!(record.directives.len() <= bytes.len());
    let values = MacroValues {
        ip: std::net::Ipv4Addr::LOCALHOST.into(),
        domain: "mail.example.net",
        local_part: "postmaster",
        sender_domain: "example.net",
        helo: "out.example.net",
        validated: "unknown",
    };
    for directive in &record.directives {
        if let Mechanism::Include(domain) | Mechanism::Exists(domain) = &directive.mechanism {
            assert!(domain.expand(&values).len() <= bytes.len() * 100 + 253);
        }
    }
}
