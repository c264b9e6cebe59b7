//! Targets: arguments and lines, what each becomes, and what becomes of those that are none.

use std::collections::BTreeSet;

use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::diagnosed;
use netcheck_lab::{Act, Server, closed_port, closed_ports};
use serde_json::json;

use crate::peer::{OK, http, quiet, targets, tool};

fn lines(text: &str) -> Outcome {
    tool(&["--ordered"]).stdin(text).run()
}

#[test]
fn a_bad_line_becomes_a_record_and_costs_the_others_nothing() {
    let server = quiet();
    let good = format!("tcp://127.0.0.1:{}", server.port);
    let outcome = lines(&format!("{good}\nnonsense\n{good}\n"));
    let said: Vec<String> = outcome.records.iter().map(diagnosed).collect();
    assert_eq!(said, ["pass - - - -", "inconclusive input.invalid - - -", "pass - - - -"]);
    assert_eq!(outcome.records[1]["target"], "nonsense");
    assert_eq!(outcome.code, 2);
}

#[test]
fn every_kind_of_bad_line_says_what_is_wrong_with_it() {
    for (line, why) in [
        ("nonsense", "neither scheme://host nor host:port, as in tcp://host:443"),
        ("tcp://lab.test", "tcp:// needs a port, as in tcp://lab.test:443"),
        ("tcp://lab.test:0", "port"),
        ("tcp://lab.test:65536", "port"),
        ("tcp://lab.test:80-70", "upwards"),
        ("tcp://:80", "host is empty"),
        ("tcp://1.2.3:80", "IPv4"),
        ("tcp://::1:80", "brackets"),
        ("tcp://[::1:80", "bracket"),
        ("tcp://{a,b:80", "brace"),
        ("tcp://a}b:80", "brace"),
        ("tcp://{a,{b,c}}.test:80", "nested"),
        ("tcp://*.spotme.com:443", "name a host under it"),
        ("tcp://-.a b:80", "spaces"),
        ("gopher://lab.test:70", "the scheme is not known (check-tcp has tcp, tls, http, https)"),
        (
            "htps://lab.test",
            "the scheme is not known; did you mean https://? (check-tcp has tcp, tls, http, https)",
        ),
        ("wss://lab.test", "check-wss"),
        ("stun://lab.test", "check-udp"),
        ("tcp://127.0.0.0/8:9", "--sample"),
        ("tcp://alice:hunter2@lab.test:9", "user information"),
        ("{\"target\":", "not a JSON object"),
        ("{\"labels\":{}}", "no \"target\""),
        ("{\"target\":7}", "no \"target\""),
        ("{\"target\":\"tcp://a.test:9\",\"labels\":[]}", "\"labels\" is not an object"),
        ("{\"target\":\"gopher://a.test:9\"}", "scheme is not known"),
        ("{\"target\":\"a.test\"}", "neither"),
    ] {
        let outcome = lines(line);
        assert_eq!(diagnosed(&outcome), "inconclusive input.invalid - - -", "{line}");
        let detail = outcome.one()["failure"]["detail"].as_str().unwrap();
        assert!(detail.contains(why), "{line}: {detail}");
        assert_eq!((outcome.code, outcome.one()["stages"].clone()), (2, json!([])));
    }
}

#[test]
fn a_bad_argument_is_a_usage_error_before_any_packet() {
    let server = quiet();
    let good = format!("tcp://127.0.0.1:{}", server.port);
    for bad in [
        "nonsense",
        "tcp://lab.test",
        "tcp://127.0.0.0/8:443",
        "tcp://[2620:149::/32]:443",
        "tcp://*.spotme.com:443",
        "wss://lab.test",
        "gopher://lab.test",
        "tcp://alice:hunter2@lab.test:9",
        "{\"target\":\"tcp://lab.test:9\"}",
        "tcp://\x1b[31m:9",
    ] {
        let outcome = tool(&[&good, bad, &good]).run();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{bad}");
        assert!(outcome.stderr.contains("check-tcp: ") && !outcome.stderr.contains(['\x1b']), "{outcome:?}");
    }
    for flags in [
        &["--timeout", "0"][..],
        &["--timeout", "x"],
        &["--jobs", "0"],
        &["--timeout", "nan"],
        &["--deadline", "inf"],
        &["--deadline", "1e300"],
        &["--rate", "-1"],
        &["--rate", "0"],
        &["--rate", "1e-20"],
        &["--rate", "nan"],
        &["--rate", "inf"],
        &["--attempts", "0"],
        &["--sample", "0"],
        &["--resolver", "resolver.example"],
        &["--connect-to", "a"],
        &["--proxy", "ftp://a"],
        &["--public-roots", "no-such-file.pem"],
        &["--no-such-flag"],
    ] {
        let outcome = tool(flags).arg(&good).run();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{flags:?}");
    }
    assert_eq!(server.accepted(), 0);
}

#[test]
fn a_wildcard_is_told_to_name_a_host() {
    let outcome = tool(&["tls://*.spotme.com"]).run();
    assert!(outcome.stderr.contains("name a host"), "{outcome:?}");
}

#[test]
fn json_lines_bring_labels_that_come_back_unchanged() {
    let server = quiet();
    let labels = r#"{"z":1,"required":true,"nested":{"b":[1.5,null,"é\u001b"],"a":{}},"a":"x"}"#;
    let line = format!("{{\"labels\":{labels},\"target\":\"tcp://127.0.0.1:{}\",\"other\":1}}", server.port);
    let outcome = lines(&line);
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    assert!(outcome.stdout.contains(&format!("\"labels\":{labels}")), "{}", outcome.stdout);
}

#[test]
fn labels_keep_their_numbers_as_they_were_written_and_act_on_no_terminal() {
    let port = closed_port();
    let odd = "c\u{9b}2Jb\u{202e}l\u{2028}";
    let numbers =
        r#""big":123456789012345678901234567890,"far":1e400,"fine":0.1000000000000000055511151231257827"#;
    let line =
        format!("{{\"target\":\"tcp://127.0.0.1:{port}\",\"labels\":{{{numbers},\"odd\":\"{odd}\"}}}}");
    // Read as text: a parser with numbers of 64 bits refuses what it cannot hold.
    let text = tool(&["--format", "json"]).stdin(line).start().line().unwrap();
    let written = format!("{numbers},\"odd\":\"c\\u009b2Jb\\u202el\\u2028\"");
    assert!(text.contains(&written), "{text}");
    let labels: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> = {
        let at = text.find("\"labels\":").unwrap() + "\"labels\":".len();
        serde_json::from_str(text[at..].trim_end().strip_suffix('}').unwrap()).unwrap()
    };
    assert_eq!(serde_json::from_str::<String>(labels["odd"].get()).unwrap(), odd);
}

#[test]
fn labels_belong_to_every_target_of_their_line() {
    let [first, second] = closed_ports();
    let outcome =
        lines(&format!("{{\"target\":\"tcp://127.0.0.1:{first},{second}\",\"labels\":{{\"role\":\"a\"}}}}"));
    assert_eq!(outcome.records.len(), 2);
    assert!(outcome.records.iter().all(|record| record["labels"] == json!({"role": "a"})));
}

#[test]
fn a_plan_can_be_teed_to_every_tool() {
    let server = quiet();
    let plan = format!(
        "{{\"target\":\"wss://lab.test\"}}\n{{\"target\":\"STUN://lab.test\"}}\n{{\"target\":\"sender://lab.test\"}}\n\
         {{\"target\":\"tcp://127.0.0.1:{}\"}}\n",
        server.port
    );
    let outcome = lines(&plan);
    assert_eq!((diagnosed(&outcome).as_str(), outcome.code), ("pass - - - -", 0));
    // What is wrong besides with another tool's line is the other tool's to say.
    let outcome = lines(&format!("{{\"target\":\"wss://lab.test\",\"labels\":5}}\n{plan}"));
    assert_eq!((diagnosed(&outcome).as_str(), outcome.code), ("pass - - - -", 0));
}

#[test]
fn blank_lines_and_comments_are_nothing() {
    let server = quiet();
    let outcome = lines("\n  \t\n# tcp://127.0.0.1:1\n   # more\r\n\r\n");
    assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (0, "", ""));
    let last = format!("  tcp://127.0.0.1:{}  ", server.port);
    assert_eq!(diagnosed(&lines(&last)), "pass - - - -");
    assert_eq!(diagnosed(&lines(&format!("{last}\r\n"))), "pass - - - -");
    let (blank, long) = (" ".repeat(70_000), "x".repeat(200_000));
    assert_eq!(
        diagnosed(&lines(&format!("{blank}\n# {long}\n{blank}# {long}\n{blank}{last}"))),
        "pass - - - -"
    );
    // What a comment is written in is nobody's business.
    let latin = [b"# caf\xe9\n", last.as_bytes()].concat();
    assert_eq!(diagnosed(&tool(&[]).stdin(latin).run()), "pass - - - -");
}

#[test]
fn empty_input_is_no_error() {
    let outcome = lines("");
    assert_eq!((outcome.code, outcome.stdout.as_str(), outcome.stderr.as_str()), (0, "", ""));
}

#[test]
fn input_that_cannot_be_read_is_the_tools_failure() {
    let outcome = Tool::new("/bin/sh").args(["-c", "exec \"$0\" < /", env!("CARGO_BIN_EXE_check-tcp")]).run();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(outcome.stderr.starts_with("check-tcp: standard input "), "{outcome:?}");
    assert_eq!(outcome.stderr.lines().count(), 1);
}

#[test]
fn a_terminal_in_place_of_input_is_a_usage_error() {
    // script(1) runs the tool with a terminal as its input and output.
    let outcome = Tool::new("script").args(["-qec", env!("CARGO_BIN_EXE_check-tcp"), "/dev/null"]).run();
    assert_eq!(outcome.code, 2);
    assert!(outcome.stdout.contains("terminal"), "{outcome:?}");
}

#[test]
fn with_arguments_the_input_is_not_read() {
    let server = quiet();
    let outcome = tool(&[&format!("tcp://127.0.0.1:{}", server.port)]).stdin("nonsense\n").run();
    assert_eq!((diagnosed(&outcome).as_str(), outcome.code), ("pass - - - -", 0));
}

#[test]
fn lines_that_are_too_long_or_not_text_cost_one_record() {
    let server = quiet();
    let good = format!("tcp://127.0.0.1:{}\n", server.port);
    let long = "a".repeat(200_000);
    let text = [
        long.as_bytes(),
        b"\n",
        good.as_bytes(),
        b"tcp://\xff\xfe:9\n",
        good.as_bytes(),
        b"{\"target\":\"tcp://lab.test:9\",\"labels\":{\"a\":\"\xff\"}}\n",
    ]
    .concat();
    let outcome = tool(&["--ordered"]).stdin(text).run();
    let verdicts: Vec<&str> = outcome.records.iter().map(|r| r["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["inconclusive", "pass", "inconclusive", "pass", "inconclusive"]);
    let bad = outcome.records.iter().filter(|record| record["verdict"] == "inconclusive");
    assert!(bad.into_iter().all(|record| record["failure"]["code"] == "input.invalid"), "{outcome:#?}");

    assert!(outcome.stdout.len() < 4000);
}

#[test]
fn names_braces_and_ports_multiply() {
    let pins = ["eu", "us", "ap"].map(|region| format!("{region}-channel.lab.test=127.77.0.1"));
    let mut args = vec!["--diagnose", "never"];
    pins.iter().for_each(|pin| args.extend(["--connect-to", pin]));
    let outcome = tool(&args).arg("tcp://{eu,us,ap}-channel.lab.test:10000-10050").run();
    let all: BTreeSet<&str> = targets(&outcome).into_iter().collect();
    assert_eq!((outcome.records.len(), all.len()), (153, 153));
    for region in ["eu", "us", "ap"] {
        for port in 10000..=10050 {
            assert!(all.contains(format!("tcp://{region}-channel.lab.test:{port}").as_str()));
        }
    }
}

#[test]
fn expansion_keeps_the_order_of_what_was_written() {
    let args = ["--ordered", "--connect-to", "a.test=127.0.0.1", "--connect-to", "b.test=127.0.0.1"];
    let outcome = tool(&args).args(["{b,a}.test:9,7-8", "127.77.0.0/31:9", "tcp://127.77.0.{1..2}:9"]).run();
    let expected = [
        "b.test:9",
        "b.test:7",
        "b.test:8",
        "a.test:9",
        "a.test:7",
        "a.test:8",
        "127.77.0.0:9",
        "127.77.0.1:9",
        "127.77.0.1:9",
        "127.77.0.2:9",
    ];
    assert_eq!(targets(&outcome), expected.map(|authority| format!("tcp://{authority}")));
}

#[test]
fn targets_are_canonical() {
    let pins = ["--connect-to", "xn--bcher-kva.test=127.0.0.1", "--connect-to", "lab.test=127.0.0.1"];
    let port = closed_port();
    for (written, canonical) in [
        (format!("TCP://BÜCHER.Test:{port}"), format!("tcp://xn--bcher-kva.test:{port}")),
        (format!("Lab.Test.:{port}"), format!("tcp://lab.test:{port}")),
        (format!("tls://[0:0::1]:{port}"), format!("tls://[::1]:{port}")),
        ("tls://lab.test".into(), "tls://lab.test:443".into()),
        ("https://lab.test".into(), "https://lab.test:443".into()),
        ("http://lab.test?a=b".into(), "http://lab.test:80?a=b".into()),
        ("http://lab.test/ä b#part".replace(' ', ""), "http://lab.test:80/%C3%A4b".into()),
        ("http://127.0.0.1/24".into(), "http://127.0.0.1:80/24".into()),
        (format!("127.0.0.1/32:{port}"), format!("tcp://127.0.0.1:{port}")),
    ] {
        let outcome = tool(&pins).args(["--diagnose", "never", &written]).run();
        assert_eq!(targets(&outcome), [canonical], "{written}");
    }
}

#[test]
fn path_and_query_reach_the_server() {
    let server = http(OK);
    let outcome = tool(&[&format!("http://127.0.0.1:{}/a/b?c={{d}}&e=f#g", server.port)]).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -");
    let request = server.seen().remove(0);
    assert!(request.starts_with(b"GET /a/b?c=%7Bd%7D&e=f HTTP/1.1\r\n"), "{}", request.escape_ascii());
}

fn sample(args: &[&str]) -> Vec<String> {
    let block = format!("tcp://127.0.0.0/8:{}", closed_port());
    let outcome = tool(&["--ordered", "--sample", "4"]).args(args).arg(block).run();
    let host = |target: &str| target["tcp://".len()..].split_once(':').unwrap().0.to_owned();
    targets(&outcome).into_iter().map(host).collect()
}

#[test]
fn a_sample_is_even_and_the_same_for_the_same_seed() {
    let drawn = sample(&["--seed", "7"]);
    let quarters: Vec<u8> =
        drawn.iter().map(|host| host.split('.').nth(1).unwrap().parse::<u8>().unwrap() / 64).collect();
    assert_eq!(quarters, [0, 1, 2, 3]);
    assert_eq!(sample(&["--seed", "7"]), drawn);
    assert_ne!(sample(&["--seed", "8"]), drawn);
    assert_eq!(sample(&[]), sample(&["--seed", "0"]));
}

#[test]
fn each_address_of_a_sample_is_taken_on_every_port() {
    let [first, second] = closed_ports();
    let block = format!("tcp://127.0.0.0/8:{first},{second}");
    let outcome = tool(&["--sample", "3", &block]).run();
    let hosts: BTreeSet<&str> =
        targets(&outcome).into_iter().map(|target| target.rsplit_once(':').unwrap().0).collect();
    assert_eq!((outcome.records.len(), hosts.len()), (6, 3));
}

#[test]
fn a_small_block_is_taken_whole() {
    let block = format!("tcp://127.77.0.0/24:{}", closed_port());
    let outcome = tool(&[&block]).run();
    assert_eq!(targets(&outcome).into_iter().collect::<BTreeSet<_>>().len(), 256);
}

#[test]
fn user_information_is_never_printed() {
    let long = "x".repeat(400);
    let hostile = [
        "tcp://alice:hunter2@127.0.0.1:9".to_owned(),
        "alice:hunter2@127.0.0.1:9".into(),
        "https://alice:hun/hunter2@127.0.0.1:9".into(),
        "https://alice:hunter2@x@127.0.0.1:9/p".into(),
        "wss://alice:hunter2@127.0.0.1:9".into(),
        "{\"target\":\"tcp://alice:hunter2@127.0.0.1:9\",\"labels\":{}}".into(),
        format!("tcp://alice:hunter2{long}@127.0.0.1:9"),
    ];
    for text in hostile {
        for outcome in [tool(&["-v", &text]).run(), tool(&["-v"]).stdin(&text).run()] {
            let told = format!("{}{}", outcome.stdout, outcome.stderr);
            assert!(!told.contains("hunter2") && !told.contains("alice"), "{text}: {told}");
        }
    }
}

#[test]
fn a_server_is_asked_no_more_than_once() {
    let server = Server::tcp(vec![Act::until("\r\n\r\n"), Act::send(OK), Act::Close]);
    assert_eq!(diagnosed(&tool(&[&format!("http://127.0.0.1:{}", server.port)]).run()), "pass - - - -");
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_byte_order_mark_before_the_first_line_is_no_part_of_it() {
    let server = quiet();
    let target = format!("tcp://127.0.0.1:{}", server.port);
    for line in [target.clone(), format!("{{\"target\":\"{target}\"}}"), format!("# a comment\n{target}")] {
        let outcome = tool(&[]).stdin(format!("\u{feff}{line}\n")).run();
        assert_eq!(outcome.code, 0, "{outcome:?}");
        assert_eq!(outcome.one()["target"], target.as_str());
    }
}
