//! An HLS playlist of a hostile server: bounded lists, playable durations, and addresses that keep their server.

use crate::playlist::{MARK, Playlist, parse, resolve};

const BASE: &str = "https://video.example.com/live/master.m3u8?token=1";

/// Reads it, and resolves every address that it lists.
pub fn decode(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(list) = parse(&text) else { return };
    assert!(text.trim_start().as_bytes().starts_with(MARK));
    let addresses: Vec<&str> = match &list {
        Playlist::Variants(variants) => variants.iter().map(|variant| variant.address.as_str()).collect(),
        Playlist::Segments(segments) => {
            assert!((0.01..=600.0).contains(&segments.target));
            for segment in &segments.list {
                assert!((0.01..=600.0).contains(&segment.seconds));
            }
            segments.list.iter().map(|segment| segment.address.as_str()).collect()
        }
    };
    assert!(addresses.len() <= 10_000);
    for address in addresses {
        assert!(!address.is_empty() && address.len() <= 4096);
        let resolved = resolve(BASE, address);
        assert!(resolved.contains("://"), "{resolved}");
        if !address.contains("//") {
            assert!(resolved.starts_with("https://video.example.com/"), "{resolved}");
        }
        // An absolute address without dots to remove stays as it is.
        assert_eq!(resolve("https://other.example/", &resolved), resolved);
    }
}
