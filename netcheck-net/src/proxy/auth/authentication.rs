//! What a run may answer a 407 with, as its flags say.

use std::path::PathBuf;

use netcheck_record::flags::{Flags, ProxyAuth};

/// What a run may answer with.
#[derive(Debug, Default)]
pub struct Authentication {
    pub(super) mode: ProxyAuth,
    /// Hosts that get a password although a script fetched without TLS chose them.
    pub(super) trusted: Vec<String>,
    #[cfg_attr(not(feature = "kerberos"), expect(dead_code, reason = "only Kerberos reads it"))]
    pub(super) spn: Option<String>,
    #[cfg_attr(not(feature = "kerberos"), expect(dead_code, reason = "only Kerberos reads it"))]
    pub(super) keytab: Option<PathBuf>,
    #[cfg(feature = "kerberos")]
    pub(super) tickets: super::tickets::Tickets,
}

impl Authentication {
    /// Reads the flags.
    #[must_use]
    pub fn new(flags: &Flags) -> Self {
        Authentication {
            mode: flags.proxy_auth,
            trusted: flags.proxy_auth_to.iter().map(|host| host.to_ascii_lowercase()).collect(),
            spn: flags.proxy_spn.clone(),
            keytab: flags.proxy_keytab.clone(),
            #[cfg(feature = "kerberos")]
            tickets: super::tickets::Tickets::default(),
        }
    }

    /// Whether `--proxy-auth` permits a scheme.
    pub(super) fn allows(&self, scheme: ProxyAuth) -> bool {
        self.mode == ProxyAuth::Auto || self.mode == scheme
    }
}
