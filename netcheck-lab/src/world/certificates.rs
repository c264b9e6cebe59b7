//! The lab's authorities, and the certificates of its sites, right or wrong as the scenario wants them.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::names::{Signer, Site};
use super::options::Options;
use crate::pki::{Authority, ChainFlaw, Leaf};

/// The authorities.
pub struct Certificates {
    public: Authority,
    apple: Authority,
    /// The corporation's own, which signs what is inspected.
    pub corporate: Arc<Authority>,
    options: Options,
}

impl Certificates {
    /// Makes the authorities and writes the roots: `roots.pem`, `apple.pem`, `corporate.pem` and `system.pem`, the
    /// client's own trust store.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn new(dir: &Path, options: &Options) -> io::Result<Certificates> {
        let certificates = Certificates {
            public: Authority::new("Lab Public Root"),
            apple: Authority::new("Lab Apple Root"),
            corporate: Arc::new(Authority::new(options.inspector.as_deref().unwrap_or("Corp Inspection CA"))),
            options: options.clone(),
        };
        let (public, corporate) = (certificates.public.pem(), certificates.corporate.pem());
        let system = if options.corporate_trust { format!("{public}{corporate}") } else { public.clone() };
        fs::write(dir.join("roots.pem"), public)?;
        fs::write(dir.join("apple.pem"), certificates.apple.pem())?;
        fs::write(dir.join("corporate.pem"), corporate)?;
        fs::write(dir.join("system.pem"), system)?;
        Ok(certificates)
    }

    /// A genuine certificate for a name that is no site's: a portal's own.
    #[must_use]
    pub fn genuine(&self, name: &str) -> Leaf {
        self.public.leaf(&[name])
    }

    /// The certificate a site shows.
    #[must_use]
    pub fn leaf(&self, site: &Site) -> Leaf {
        let signer = match site.signer {
            Signer::Public => &self.public,
            Signer::Apple => &self.apple,
        };
        let among = |list: &[String]| list.iter().any(|key| key == site.key);
        if among(&self.options.self_signed) {
            return crate::pki::self_signed(site.names);
        }
        let flaws = [
            (&self.options.incomplete_chain, ChainFlaw::Incomplete),
            (&self.options.wrong_purpose, ChainFlaw::Purpose),
            (&self.options.constrained, ChainFlaw::NameConstraint),
            (&self.options.expired_intermediate, ChainFlaw::ExpiredIntermediate),
        ];
        if let Some((_, flaw)) = flaws.iter().find(|(sites, _)| among(sites)) {
            return signer.flawed_leaf(site.names, *flaw);
        }
        let names = if among(&self.options.wrong_name) { &["www.example.com"][..] } else { site.names };
        let (from, to) = if among(&self.options.expired) { (-90, -3) } else { (-30, 60) };
        signer.leaf_valid(names, from + self.options.clock, to + self.options.clock)
    }
}
