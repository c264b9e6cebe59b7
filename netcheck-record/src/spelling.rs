//! What a person probably meant: the nearest scheme, and the usual slips in a top-level domain.

use crate::scheme;

/// Slips that are no top-level domains themselves, and what was meant.
const TOP_LEVEL: [(&str, &str); 11] = [
    ("con", "com"),
    ("cmo", "com"),
    ("ocm", "com"),
    ("comm", "com"),
    ("cpm", "com"),
    ("vom", "com"),
    ("xom", "com"),
    ("nte", "net"),
    ("nett", "net"),
    ("ogr", "org"),
    ("orgg", "org"),
];
/// One slip (a letter more, less, changed, or two exchanged) for so many letters is a typing error; more is another word.
const LETTERS: usize = 3;

/// The scheme that was probably meant by `name`.
#[must_use]
pub fn scheme(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let slips = |known: &'static str| (strsim::damerau_levenshtein(&name, known), known);
    let (slips, nearest) = scheme::all().map(|scheme| slips(scheme.name)).min_by_key(|(slips, _)| *slips)?;
    (slips * LETTERS <= name.len()).then_some(nearest)
}

/// The host name that was probably meant by `name`: `www.spotme.com` for `www.spotme.con`.
#[must_use]
pub fn host(name: &str) -> Option<String> {
    let (rest, top) = name.rsplit_once('.')?;
    let (_, meant) = TOP_LEVEL.iter().find(|(slip, _)| *slip == top)?;
    Some(format!("{rest}.{meant}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_scheme_has_its_nearest_and_another_word_has_none() {
        let meant = ["htps", "HTTPS", "rmtps", "tpc", "wsss", "gopher", "x"].map(scheme);
        assert_eq!(
            meant,
            [Some("https"), Some("https"), Some("rtmps"), Some("tcp"), Some("wss"), None, None]
        );
    }

    #[test]
    fn a_mistyped_top_level_domain_is_corrected_and_a_real_one_is_kept() {
        let meant = ["www.spotme.con", "a.b.ogr", "spotme.com", "install.events", "con"].map(host);
        assert_eq!(meant, [Some("www.spotme.com".to_owned()), Some("a.b.org".to_owned()), None, None, None]);
    }
}
