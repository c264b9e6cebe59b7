//! Playlists that would make a player flood a server with requests.

use std::io::{BufRead, BufReader, Read, Write};

use netcheck_lab::Server;
use netcheck_lab::view::observed;
use serde_json::Value;

use crate::trial::{NAME, tool};

/// Downloads for two seconds from a server whose segments are empty and whose playlist is `list`.
fn download(list: String) -> Value {
    let server = Server::each(move |wire| {
        let (mut reader, mut writer) = (BufReader::new(wire.socket()), wire.socket());
        let mut lines = reader.by_ref().lines().map_while(Result::ok);
        while let Some(request) = lines.next() {
            let body = if request.contains(" /list ") { list.as_str() } else { "" };
            if !lines.by_ref().any(|line| line.is_empty())
                || write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).is_err()
            {
                break;
            }
        }
    });
    let target = format!("http://{NAME}:{}/list", server.port);
    let outcome = tool().args(["--download", "2", &target]).run();
    outcome.one().clone()
}

#[test]
fn thousands_of_empty_segments_are_asked_for_at_most_fifty_times_a_second() {
    let segments: String = (0..9000).map(|number| format!("#EXTINF:0.01,\n{number}\n")).collect();
    let record = download(format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{segments}#EXT-X-ENDLIST\n"));
    assert_eq!(observed(&record), "pass -", "{record:#}");
    let download = &record["facts"]["download"];
    assert!((2..=101).contains(&download["segments"].as_u64().unwrap()), "{download:#}");
    assert_eq!(download["words"], "too few bytes to tell");
}
