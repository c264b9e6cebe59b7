//! krb5.conf, and what is asked of it.

use netcheck_kerberos::config::{Config, Files};

/// A file system in which every file is this one.
struct Same(String);

impl Files for Same {
    fn text(&mut self, _path: &str, most: usize) -> Option<String> {
        self.0.get(..most.min(self.0.len())).map(str::to_owned)
    }

    fn names(&mut self, _folder: &str) -> Vec<String> {
        vec!["a".to_owned(), "b.conf".to_owned()]
    }
}

/// Reads it, its own inclusions too.
pub fn decode(bytes: &[u8]) {
    let mut files = Same(String::from_utf8_lossy(bytes).into_owned());
    let config = Config::load("/etc/krb5.conf", &mut files);
    let realm = config.realm_of("a.proxy.lab.test").unwrap_or("LAB.TEST").to_owned();
    assert!(config.kdcs(&realm).len() <= 32);
}
