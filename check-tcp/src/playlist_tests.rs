//! Playlists as packagers write them, and as nobody should.

use proptest::prelude::*;

use super::*;

#[test]
fn a_playlist_of_variants_lists_their_bitrates_and_addresses() {
    let text = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:CODECS=\"avc1,BANDWIDTH=1\",BANDWIDTH=864000,RESOLUTION=640x360\nlow/index.m3u8\n\
                #EXT-X-STREAM-INF:BANDWIDTH=5500000\nhttps://cdn.example/high.m3u8?x=1\n";
    let variant = |bandwidth, address: &str| Variant { bandwidth, address: address.to_owned() };
    let expected =
        vec![variant(864_000, "low/index.m3u8"), variant(5_500_000, "https://cdn.example/high.m3u8?x=1")];
    assert_eq!(parse(text), Some(Playlist::Variants(expected)));
}

#[test]
fn a_live_playlist_has_a_first_number_and_no_end() {
    let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:17\r\n#EXTINF:4.000,\r\na.ts\r\n#EXTINF:3.5,title\r\nb.ts\r\n";
    let segment = |seconds, address: &str| Segment { seconds, address: address.to_owned(), range: None };
    let list = vec![segment(4.0, "a.ts"), segment(3.5, "b.ts")];
    assert_eq!(
        parse(text),
        Some(Playlist::Segments(Segments { first: 17, target: 4.0, complete: false, list }))
    );
}

#[test]
fn a_byte_range_without_an_offset_begins_where_the_one_before_ended() {
    let text = "#EXTM3U\n#EXTINF:2,\n#EXT-X-BYTERANGE:100@20\nall.ts\n#EXTINF:2,\n#EXT-X-BYTERANGE:50\nall.ts\n#EXT-X-ENDLIST\n";
    let Some(Playlist::Segments(segments)) = parse(text) else { panic!("no segments") };
    assert!(segments.complete);
    assert_eq!(
        segments.list.iter().map(|segment| segment.range).collect::<Vec<_>>(),
        [Some((20, 100)), Some((120, 50))]
    );
}

#[test]
fn a_list_of_songs_and_a_page_are_no_playlists() {
    assert_eq!(parse("<html>"), None);
    assert_eq!(parse("#EXTM3U\n"), None);
    assert_eq!(parse(""), None);
}

#[test]
fn references_resolve_as_rfc_3986_has_it() {
    let base = "https://a.example:8443/live/x/master.m3u8?token=1";
    for (reference, address) in [
        ("720p.m3u8", "https://a.example:8443/live/x/720p.m3u8"),
        ("./s/1.ts?y=2", "https://a.example:8443/live/x/s/1.ts?y=2"),
        ("../1.ts", "https://a.example:8443/live/1.ts"),
        ("../../../../1.ts", "https://a.example:8443/1.ts"),
        ("/1.ts", "https://a.example:8443/1.ts"),
        ("//b.example/1.ts#t=1", "https://b.example/1.ts"),
        ("http://b.example/1.ts", "http://b.example/1.ts"),
        ("?z", "https://a.example:8443/live/x/master.m3u8?z"),
    ] {
        assert_eq!(resolve(base, reference), address, "{reference}");
    }
    assert_eq!(resolve("https://a.example", "1.ts"), "https://a.example/1.ts");
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>(), base in any::<String>()) {
        let _ = resolve(&base, &text);
        let _ = parse(&format!("#EXTM3U\n{text}"));
    }
}
