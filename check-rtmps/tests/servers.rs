//! Against servers nobody here wrote: nginx with its RTMP module, and (tier `heavy`) ffmpeg as the reference encoder.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test ends the test")]

mod ingest;

use std::io::{BufRead, BufReader, Write};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use ingest::{Ingest, NAME, statistics};
use netcheck_lab::script::{Act, Server};
use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::observed;

const KEY: &str = "sk-live-do-not-show-me";

/// A stream's life as nginx tells it: `publish`, `update`, `done`, `recorded`; `deny` asks for leave and is refused.
struct Notices {
    server: Server,
    told: Receiver<String>,
}

fn notices() -> Notices {
    let (tell, told) = channel();
    let server = Server::each(move |wire| {
        let mut wire = BufReader::new(wire);
        let mut line = String::new();
        wire.read_line(&mut line).unwrap();
        let mut rest = String::new();
        while wire.read_line(&mut rest).is_ok_and(|count| count > 2) {}
        let notice = line.split(['/', ' ']).nth(2).unwrap_or_default().to_owned();
        let status = if notice == "deny" { "403 Forbidden" } else { "200 OK" };
        let _ =
            wire.get_mut().write_all(format!("HTTP/1.0 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes());
        let _ = tell.send(notice);
    });
    Notices { server, told }
}

fn ingest() -> (Ingest, Notices) {
    let notices = notices();
    (Ingest::start(notices.server.addr), notices)
}

fn tool(ingest: &Ingest) -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-rtmps")).args(ingest.args())
}

fn no_key_in(outcome: &Outcome) {
    assert!(!outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY), "{outcome:?}");
}

#[test]
fn real_nginx_takes_the_handshake_and_connect_plain_and_in_tls() {
    let (ingest, _notices) = ingest();
    for target in [format!("rtmp://{NAME}/live"), format!("rtmps://{NAME}:10000/live")] {
        let record = tool(&ingest).arg(target).run().one().clone();
        assert_eq!(observed(&record), "pass -", "{record}");
        let rtmp = &record["facts"]["rtmp"];
        assert_eq!((&rtmp["version"], &rtmp["echo"]), (&3.into(), &true.into()), "{record}");
        assert_eq!(rtmp["connect"]["code"], "NetConnection.Connect.Success");
        assert_eq!(rtmp["connect"]["chunk_size"], 4096);
    }
}

#[test]
fn real_nginx_closes_on_an_unknown_application_and_that_is_degraded() {
    let (ingest, _notices) = ingest();
    let record = tool(&ingest).arg(format!("rtmps://{NAME}:10050/nosuch")).run().one().clone();
    assert_eq!(record["verdict"], "degraded", "{record}");
    assert_eq!(record["cause"]["who"], "service");
}

#[test]
fn real_nginx_refuses_a_stream_and_that_is_degraded() {
    let (ingest, _notices) = ingest();
    let tool = tool(&ingest).env("RTMP_STREAM_KEY", KEY).args(["--publish", "1"]);
    let outcome = tool.arg(format!("rtmps://{NAME}:10001/closed")).run();
    assert_eq!(outcome.one()["verdict"], "degraded", "{:?}", outcome.one());
    assert_eq!(outcome.one()["cause"]["who"], "service");
    no_key_in(&outcome);
}

/// The number in the first element of that name after `from`.
fn number(xml: &str, from: &str, element: &str) -> u64 {
    let after = xml.split_once(from).map_or("", |(_, after)| after);
    let open = format!("<{element}>");
    let text = after.split_once(&open).map_or("", |(_, after)| after);
    text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or_default()
}

#[test]
fn real_nginx_statistics_show_the_stream_and_its_record_is_whole() {
    let (ingest, notices) = ingest();
    let tool = tool(&ingest).env("RTMP_STREAM_KEY", KEY).args(["--publish", "2", "--bitrate", "1500"]);
    let running = tool.arg(format!("rtmps://{NAME}:10025/live")).start();
    let told = |wanted: &str| while notices.told.recv().unwrap() != wanted {};
    told("publish");
    told("update");
    told("update");
    let xml = statistics((ingest.address, 80).into());
    let outcome = running.wait();
    assert!(xml.contains(&format!("<name>{KEY}</name>")), "{xml}");
    let from = format!("<name>{KEY}</name>");
    assert!(number(&xml, &from, "bytes_in") > 50_000, "{xml}");
    assert_eq!((number(&xml, &from, "width"), number(&xml, &from, "height")), (64, 64), "{xml}");
    assert!(xml.contains("<codec>H264</codec>") && xml.contains("<codec>AAC</codec>"), "{xml}");

    let record = outcome.one();
    assert_eq!(observed(record), "pass -", "{record}");
    let publish = &record["facts"]["publish"];
    assert_eq!((&publish["pictures"], &publish["measured_by"]), (&50.into(), &"tcp".into()), "{publish}");
    assert!(publish["throughput_kbps"].as_f64().unwrap() > 1200.0, "{publish}");
    assert!(publish["acknowledgements"]["count"].as_u64().unwrap() >= 4, "{publish}");
    no_key_in(&outcome);

    told("recorded");
    let flv = std::fs::read(ingest.dir.path().join("record").join(format!("{KEY}.flv"))).unwrap();
    assert!(flv.len() > 350_000, "{} bytes recorded", flv.len());
}

#[test]
fn sigint_during_a_stream_to_real_nginx_keeps_the_figures_so_far() {
    let (ingest, notices) = ingest();
    let tool = tool(&ingest).env("RTMP_STREAM_KEY", KEY).args(["--publish", "600", "--bitrate", "1500"]);
    let running = tool.arg(format!("rtmps://{NAME}:10026/live")).start();
    let told = |wanted: &str| while notices.told.recv().unwrap() != wanted {};
    told("publish");
    // One each 300 ms.
    (0..5).for_each(|_| told("update"));
    running.interrupt();
    let outcome = running.wait();
    assert_eq!(outcome.code, 130, "{}", outcome.stderr);
    let publish = &outcome.one()["facts"]["publish"];
    assert_eq!(
        (&publish["interrupted"], &publish["measured_by"]),
        (&true.into(), &"tcp".into()),
        "{publish:#}"
    );
    assert!((1.0..60.0).contains(&publish["seconds"].as_f64().unwrap()), "{publish:#}");
    assert!(publish["throughput_kbps"].as_f64().unwrap() > 1000.0, "{publish:#}");
    no_key_in(&outcome);
    told("recorded");
}

#[test]
fn real_groups_of_forty_ports_are_each_told_right() {
    let (ingest, _notices) = ingest();
    let config = ingest.leaf.server_config(&[]);
    let tls_only =
        |port| Server::bind((ingest.address, port).into(), Some(config.clone()), vec![vec![Act::Stall]]);
    let silent: Vec<Server> = (10_060..10_070).map(tls_only).collect();
    let targets = [
        format!("rtmps://{NAME}:10000-10009"),
        format!("rtmps://{NAME}:10051-10059,10070"),
        format!("rtmps://{NAME}:10100-10109"),
        format!("rtmps://{NAME}:10060-10069"),
    ];
    let outcome = tool(&ingest).args(["--timeout", "2", "--ordered"]).args(targets).run();
    assert_eq!(outcome.records.len(), 40, "{}", outcome.stderr);
    // A port of this very machine that refuses proves that nothing is between.
    let expected = ["pass -", "degraded tcp.refused", "fail rtmp.not_rtmp", "fail rtmp.timeout"];
    for (nth, record) in outcome.records.iter().enumerate() {
        assert_eq!(observed(record), expected[nth / 10], "{record}");
    }
    assert_eq!(outcome.records[25]["facts"]["rtmp"]["speaks"], "http");
    assert_eq!(outcome.code, 1);
    drop(silent);
}

fn ffmpeg(args: &[&str]) -> (bool, String) {
    let output = Command::new("ffmpeg").args(["-nostdin", "-hide_banner", "-v", "info"]).args(args).output();
    let output = output.expect("ffmpeg is installed: packages.txt");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn heavy_what_the_reference_encoder_can_publish_to_check_rtmps_can_too() {
    let (ingest, notices) = ingest();
    let source =
        ["-re", "-f", "lavfi", "-i", "testsrc=size=64x64:rate=25", "-t", "1", "-c:v", "flv", "-f", "flv"];
    let plain = format!("rtmp://{}/live/reference", ingest.address);
    let tls = format!("rtmps://{}:10003/live/reference-tls", ingest.address);
    for url in [&plain, &tls] {
        let (published, said) = ffmpeg(&[&source[..], &[url]].concat());
        assert!(published, "{said}");
    }
    for target in [format!("rtmp://{NAME}/live"), format!("rtmps://{NAME}:10003/live")] {
        let tool = tool(&ingest).env("RTMP_STREAM_KEY", KEY).args(["--publish", "1"]);
        let outcome = tool.arg(target).run();
        assert_eq!(observed(outcome.one()), "pass -", "{outcome:?}");
    }
    while notices.told.recv().unwrap() != "done" {}
}

/// Whether a program of this machine listens on that port of 127.0.0.1.
fn listens(port: u16) -> bool {
    let own = format!("0100007F:{port:04X} 00000000:0000 0A");
    std::fs::read_to_string("/proc/net/tcp").unwrap().contains(&own)
}

#[test]
fn heavy_sigint_during_a_stream_to_ffmpeg_keeps_the_figures_so_far() {
    let port = netcheck_lab::free_port();
    let url = format!("rtmp://127.0.0.1:{port}/live/reference");
    let mut ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-listen", "1", "-i", &url])
        .args(["-c", "copy", "-progress", "pipe:1", "-stats_period", "0.2", "-f", "null", "-"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("ffmpeg is installed: packages.txt");
    while !listens(port) {
        assert!(ffmpeg.try_wait().unwrap().is_none(), "ffmpeg ended");
        std::thread::yield_now();
    }
    let tool = Tool::new(env!("CARGO_BIN_EXE_check-rtmps")).env("RTMP_STREAM_KEY", "reference");
    let running = tool
        .args([
            "--publish",
            "600",
            "--bitrate",
            "1000",
            "--timeout",
            "20",
            &format!("rtmp://127.0.0.1:{port}/live"),
        ])
        .start();
    let frames = BufReader::new(ffmpeg.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("frame=").and_then(|number| number.trim().parse::<u32>().ok()));
    let seen = frames.take_while(|number| *number < 50).count();
    running.interrupt();
    let outcome = running.wait();
    let _ = ffmpeg.kill();
    ffmpeg.wait().unwrap();
    assert_eq!(outcome.code, 130, "{seen} {}", outcome.stderr);
    let publish = &outcome.one()["facts"]["publish"];
    assert_eq!(
        (&publish["interrupted"], &publish["measured_by"]),
        (&true.into(), &"tcp".into()),
        "{publish:#}"
    );
    assert!(publish["pictures"].as_u64().unwrap() >= 50, "{publish:#}");
    assert!(publish["throughput_kbps"].as_f64().unwrap() > 600.0, "{publish:#}");
}

#[test]
fn heavy_the_reference_decoder_finds_no_fault_in_the_stream() {
    let (ingest, notices) = ingest();
    let tool = tool(&ingest).env("RTMP_STREAM_KEY", KEY).args(["--publish", "3", "--bitrate", "2000"]);
    let outcome = tool.arg(format!("rtmps://{NAME}:10004/live")).run();
    assert_eq!(observed(outcome.one()), "pass -", "{outcome:?}");
    let told: Vec<String> = notices.told.iter().take_while(|notice| notice != "recorded").collect();
    let streams =
        told.into_iter().chain(notices.told.try_iter()).filter(|notice| notice == "publish").count();
    assert_eq!(streams, 1, "one stream, however long it lasts");
    let file = ingest.dir.path().join("record").join(format!("{KEY}.flv")).display().to_string();
    let (decoded, said) = ffmpeg(&["-v", "debug", "-xerror", "-i", &file, "-f", "null", "-"]);
    assert!(decoded && said.contains(", 0 decoding errors"), "{said}");
    assert!(said.contains("64x64") && said.contains("44100 Hz, mono"), "{said}");
}
