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
/// Words less alike than this are different words (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.8;

/// The scheme that was probably meant by `name`.
#[must_use]
pub fn scheme(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let alike = |known: &'static str| (strsim::jaro_winkler(&name, known), known);
    let (likeness, nearest) =
        scheme::all().map(|scheme| alike(scheme.name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness >= ALIKE).then_some(nearest)
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
