//! Whom a chain convinces, and what is wrong with one that convinces nobody.

/// Whom a chain convinces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The public roots, or the further roots the check counts as genuine.
    Public,
    /// Only the system's own trust store: TLS was opened on the way.
    System,
    /// Nobody; only where that was allowed.
    Nobody,
}

impl Trust {
    /// The word in `facts.tls.trust`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Trust::Public => "public",
            Trust::System => "system",
            Trust::Nobody => "none",
        }
    }
}

/// What is wrong with a chain that no root accepts, besides its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// It ends before a root, and the certificate that would continue it was not sent: an intermediate is missing, or
    /// the authority is a private one.
    Incomplete(String),
    /// A certificate of it is not for TLS servers (extended key usage, RFC 5280 section 4.2.1.12).
    Purpose,
    /// An authority of it may not sign for these names (RFC 5280 section 4.2.1.10).
    NameConstraint,
    /// The authority at its end is not known.
    UnknownAuthority,
}
