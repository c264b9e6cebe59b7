//! HLS playlists (RFC 8216) as far as a player needs them to choose and fetch segments. Text in, values out.

/// The first line of every playlist.
pub const MARK: &[u8] = b"#EXTM3U";
/// How many variants and segments of a playlist are read.
const MOST: usize = 10_000;
/// The longest address that is read.
const LONGEST: usize = 4096;

/// What a playlist lists.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// The same content at several bitrates, in the playlist's order.
    Variants(Vec<Variant>),
    /// The segments of one bitrate.
    Segments(Segments),
}

/// One bitrate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// `BANDWIDTH`: its highest bitrate, in bit/s.
    pub bandwidth: u64,
    /// Where its own playlist is.
    pub address: String,
}

/// The segments of one bitrate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segments {
    /// The number of the first segment.
    pub first: u64,
    /// The longest duration of a segment, in seconds.
    pub target: f64,
    /// No segment will be added.
    pub complete: bool,
    /// The segments, in order.
    pub list: Vec<Segment>,
}

/// One segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// How long it plays, in seconds.
    pub seconds: f64,
    /// Where it is.
    pub address: String,
    /// Which bytes of that are it: the first, and how many.
    pub range: Option<(u64, u64)>,
}

/// Reads a playlist; none where the text is not one, or lists nothing.
pub fn parse(text: &str) -> Option<Playlist> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if !lines.next()?.as_bytes().starts_with(MARK) {
        return None;
    }
    let mut variants = Vec::new();
    let mut segments = Segments { target: 6.0, ..Segments::default() };
    let (mut bandwidth, mut seconds, mut length, mut end) = (None, None, None, 0);
    for line in lines.take(MOST * 4) {
        if let Some(attributes) = line.strip_prefix("#EXT-X-STREAM-INF:") {
            bandwidth =
                Some(attribute(attributes, "BANDWIDTH").and_then(|value| value.parse().ok()).unwrap_or(0));
        } else if let Some(value) = line.strip_prefix("#EXTINF:") {
            seconds = value.split(',').next().and_then(duration);
        } else if let Some(value) = line.strip_prefix("#EXT-X-BYTERANGE:") {
            let (count, from) =
                value.split_once('@').map_or((value, None), |(count, from)| (count, Some(from)));
            let from = from.and_then(|from| from.trim().parse().ok()).unwrap_or(end);
            length = count.trim().parse::<u64>().ok().map(|count| (from, count));
        } else if let Some(value) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
            segments.target = duration(value).unwrap_or(segments.target);
        } else if let Some(value) = line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:") {
            segments.first = value.trim().parse().unwrap_or(0);
        } else if line == "#EXT-X-ENDLIST" {
            segments.complete = true;
        } else if !line.starts_with('#') && line.len() <= LONGEST {
            let address = line.to_owned();
            if let Some(bandwidth) = bandwidth.take() {
                variants.push(Variant { bandwidth, address });
            } else if let Some(seconds) = seconds.take() {
                let range = length.take();
                end = range.map_or(0, |(from, count): (u64, u64)| from.saturating_add(count));
                segments.list.push(Segment { seconds, address, range });
            }
        }
        if variants.len() + segments.list.len() >= MOST {
            break;
        }
    }
    if !variants.is_empty() {
        return Some(Playlist::Variants(variants));
    }
    // A live playlist may be empty for a while; without any tag of its own it is a list of songs.
    (!segments.list.is_empty() || text.contains("#EXT-X-TARGETDURATION:"))
        .then_some(Playlist::Segments(segments))
}

/// A duration that a segment can have.
fn duration(text: &str) -> Option<f64> {
    let seconds: f64 = text.trim().parse().ok()?;
    (0.01..=600.0).contains(&seconds).then_some(seconds)
}

/// The value of an attribute that is not quoted.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let mut quoted = false;
    let parts = attributes.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.filter_map(|part| part.trim().split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The address that `reference` means in a playlist at `base` (RFC 3986 section 5), both without a fragment.
pub fn resolve(base: &str, reference: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.contains("://") && !reference.starts_with(['/', '?', '.']) {
        return reference.to_owned();
    }
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    if let Some(rest) = reference.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    let (authority, path) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
    let path = path.split('?').next().unwrap_or_default();
    if reference.is_empty() || reference.starts_with('?') {
        return format!("{scheme}://{authority}{path}{reference}");
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole =
        if reference.starts_with('/') { reference.to_owned() } else { format!("{folder}/{reference}") };
    let (whole, query) = whole.find('?').map_or((whole.as_str(), ""), |at| whole.split_at(at));
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.trim_start_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("{scheme}://{authority}/{}{query}", parts.join("/"))
}

#[cfg(test)]
#[path = "playlist_tests.rs"]
mod tests;
