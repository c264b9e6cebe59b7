//! The links of a text: only their hosts are looked at, and only vendors' names are kept.

use std::collections::BTreeMap;

use super::hostname;
use super::vendor;

/// How much of a path is compared with what a rewriter's paths begin with.
const PATH: usize = 64;

/// The links of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// How many there are.
    pub total: usize,
    /// How many a scanner rewrote, by its name.
    pub rewritten: BTreeMap<&'static str, usize>,
}

impl Links {
    /// Counts the links of a text.
    pub fn read(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some(at) = rest.windows(3).position(|window| window == b"://") {
            let (before, after) = (&rest[..at], &rest[at + 3..]);
            if scheme(before, b"http") || scheme(before, b"https") {
                self.total += 1;
                let link = &after[..after.iter().position(ends_link).unwrap_or(after.len())];
                if let Some(name) = rewriter(link) {
                    *self.rewritten.entry(name).or_default() += 1;
                }
                // A link inside a link is part of it.
                rest = &after[link.len()..];
                continue;
            }
            rest = after;
        }
    }
}

fn scheme(before: &[u8], name: &[u8]) -> bool {
    let Some(start) = before.len().checked_sub(name.len()) else { return false };
    let apart = start.checked_sub(1).is_none_or(|at| !before[at].is_ascii_alphanumeric());
    apart && before[start..].eq_ignore_ascii_case(name)
}

fn ends_link(byte: &u8) -> bool {
    !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b')' | b'\\')
}

fn rewriter(link: &[u8]) -> Option<&'static str> {
    let link = &link[..link.len().min(253 + PATH)];
    let end = link.iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(link.len());
    let (authority, path) = link.split_at(end);
    let authority = authority.rsplit(|&byte| byte == b'@').next().unwrap_or(authority);
    let name = authority.split(|&byte| byte == b':').next().unwrap_or(authority);
    vendor::rewriter(&hostname::clean(name)?, &path[..path.len().min(PATH)])
}
