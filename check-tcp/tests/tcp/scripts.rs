//! Proxies that a script (PAC) chooses: found, asked, failed over, and ignored as a browser ignores it.

use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::view::{diagnosed, stages};
use netcheck_lab::{Act, Server, closed_port};
use serde_json::{Value, json};

use crate::peer::tool;

const TUNNEL: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// A proxy that grants a tunnel in which nobody answers.
fn open() -> Server {
    Server::tcp(vec![Act::until("\r\n\r\n"), Act::send(TUNNEL), Act::Close])
}

/// A web server with a script.
fn serving(head: &str, body: &[u8]) -> Server {
    let mut answer =
        format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
            .into_bytes();
    answer.extend_from_slice(body);
    Server::tcp(vec![Act::until("\r\n\r\n"), Act::Send(answer), Act::Close])
}

fn script(answer: &str) -> Vec<u8> {
    format!("function FindProxyForURL(url, host) {{ return \"{answer}\"; }}").into_bytes()
}

fn asked(web: &Server) -> Tool {
    let nobody = format!("127.0.0.1:{}", closed_port());
    let pac = format!("pac+http://127.0.0.1:{}/p.pac", web.port);
    tool(&["--proxy", &pac, "--resolver", &nobody, "--timeout", "2"])
}

fn steps(outcome: &Outcome) -> Vec<String> {
    let list = outcome.one()["facts"]["proxy"]["steps"].as_array().cloned().unwrap_or_default();
    list.iter().map(|step| step["outcome"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_script_names_the_proxy_and_the_record_says_so() {
    let proxy = open();
    let web = serving("200 OK", &script(&format!("PROXY 127.0.0.1:{}", proxy.port)));
    let outcome = asked(&web).arg("tcp://service.example:443").run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    let facts = &outcome.one()["facts"]["proxy"];
    assert_eq!(facts["source"], "flag");
    assert_eq!(facts["pac"]["answer"], format!("PROXY 127.0.0.1:{}", proxy.port));
    assert_eq!((&facts["pac"]["names_asked"], &facts["pac"]["fault"]), (&json!([]), &Value::Null));
    assert!(String::from_utf8_lossy(&proxy.seen().remove(0)).starts_with("CONNECT service.example:443"));
}

#[test]
fn a_browser_goes_on_to_the_next_proxy_after_silence_and_not_after_a_no() {
    let good = open();
    let closing = Server::tcp(vec![Act::until("\r\n\r\n"), Act::Close]);
    let resetting = Server::tcp(vec![Act::until("\r\n\r\n"), Act::Reset]);
    let silent = Server::tcp(vec![Act::Stall]);
    let denying =
        Server::tcp(vec![Act::until("\r\n\r\n"), Act::send("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")]);
    let garbage = Server::tcp(vec![Act::until("\r\n\r\n"), Act::send("SSH-2.0-lab\r\n"), Act::Stall]);
    for (first, expected, outcomes) in [
        (closed_port(), "pass - - - -", &["proxy.unreachable", "ok"][..]),
        (resetting.port, "pass - - - -", &["proxy.unreachable", "ok"]),
        (closing.port, "fail proxy.protocol proxy_down proxy low", &["proxy.protocol"]),
        (silent.port, "pass - - - -", &["proxy.timeout", "ok"]),
        (denying.port, "fail proxy.denied proxy_policy proxy medium", &["proxy.denied"]),
        (garbage.port, "fail proxy.protocol proxy_down proxy low", &["proxy.protocol"]),
    ] {
        let list = format!("PROXY 127.0.0.1:{first}; PROXY 127.0.0.1:{}", good.port);
        let web = serving("200 OK", &script(&list));
        let outcome = asked(&web).arg("tcp://service.example:443").run();
        assert_eq!(
            (diagnosed(&outcome).as_str(), steps(&outcome)),
            (expected, outcomes.iter().map(ToString::to_string).collect()),
            "{outcome:?}"
        );
    }
}

#[test]
fn after_the_last_proxy_the_target_is_reached_directly() {
    let service = Server::tcp(vec![Act::Stall]);
    let web = serving("200 OK", &script(&format!("PROXY 127.0.0.1:{}; DIRECT", closed_port())));
    let outcome = asked(&web)
        .args([
            "--connect-to",
            "service.lab.test=127.0.0.1",
            &format!("tcp://service.lab.test:{}", service.port),
        ])
        .run();
    assert_eq!(
        (diagnosed(&outcome).as_str(), stages(outcome.one()).as_str()),
        ("pass - - - -", "proxy tcp"),
        "{outcome:?}"
    );
    assert_eq!(steps(&outcome), ["proxy.unreachable", "ok"]);
}

#[test]
fn a_script_that_is_of_no_use_is_ignored_and_said() {
    let service = Server::tcp(vec![Act::Stall]);
    let target = format!("tcp://service.lab.test:{}", service.port);
    for (head, body, code) in [
        ("404 Not Found", &b"nothing"[..], "proxy.pac_unreachable"),
        ("200 OK", b"<html>Log in</html>", "proxy.pac_invalid"),
        ("200 OK", b"function FindProxyForURL(", "proxy.pac_invalid"),
        ("200 OK", b"throw 'no';", "proxy.pac_invalid"),
        ("200 OK", b"function FindProxyForURL() { return null; }", "proxy.pac_invalid"),
        ("200 OK", b"function FindProxyForURL() { return 'what'; }", "proxy.pac_invalid"),
        ("200 OK", b"function FindProxyForURL() { for (;;) ; }", "proxy.pac_timeout"),
    ] {
        let web = serving(head, body);
        let outcome = asked(&web).args(["--connect-to", "service.lab.test=127.0.0.1", &target]).run();
        let expected = format!("degraded {code} proxy_pac proxy high");
        assert_eq!(diagnosed(&outcome), expected, "{outcome:?}");
        assert_eq!(outcome.one()["facts"]["proxy"]["pac"]["fault"], code);
    }
    let nowhere = format!("pac+http://127.0.0.1:{}/p.pac", closed_port());
    let outcome = tool(&["--proxy", &nowhere, "--connect-to", "service.lab.test=127.0.0.1", &target]).run();
    assert_eq!(diagnosed(&outcome), "degraded proxy.pac_unreachable proxy_pac proxy high", "{outcome:?}");
}

#[test]
fn a_target_that_fails_says_that_the_script_was_ignored() {
    let web = serving("404 Not Found", b"");
    let target = format!("tcp://service.lab.test:{}", closed_port());
    let outcome = asked(&web).args(["--connect-to", "service.lab.test=127.0.0.1", &target]).run();
    assert!(outcome.one()["cause"]["evidence"].to_string().contains("a browser goes direct"), "{outcome:?}");
}

#[test]
fn a_target_that_fails_says_that_the_script_sends_it_direct() {
    let web = serving("200 OK", &script("DIRECT"));
    let target = format!("tcp://service.lab.test:{}", closed_port());
    let outcome = asked(&web).args(["--connect-to", "service.lab.test=127.0.0.1", &target]).run();
    let url = format!("http://127.0.0.1:{}/p.pac", web.port);
    let evidence = outcome.one()["cause"]["evidence"].as_array().cloned().unwrap_or_default();
    let expected = format!("service.lab.test goes DIRECT by your PAC file {url}, without the proxy");
    assert_eq!(evidence.first(), Some(&json!(expected)), "{outcome:?}");
}

#[test]
fn every_encoding_and_a_redirect_are_read() {
    let proxy = open();
    let plain = script(&format!("PROXY 127.0.0.1:{}", proxy.port));
    let text = String::from_utf8(plain.clone()).unwrap();
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let marked = [b"\xef\xbb\xbf".to_vec(), plain.clone()].concat();
    let there = serving("200 OK", &plain);
    let moved = format!("302 Found\r\nLocation: http://127.0.0.1:{}/q.pac", there.port);
    for (head, body) in [
        ("200 OK\r\nContent-Type: text/html", plain),
        ("200 OK", wide),
        ("200 OK", marked),
        (&moved, Vec::new()),
    ] {
        let web = serving(head, &body);
        let outcome = asked(&web).arg("tcp://service.example:443").run();
        assert_eq!(diagnosed(&outcome), "pass - - - -", "{head}: {outcome:?}");
    }
}

#[test]
fn a_password_goes_to_no_proxy_that_a_script_in_the_clear_chose_unless_it_is_listed() {
    let ask = "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n";
    let acts = || [Act::until("\r\n\r\n"), Act::send(ask)];
    let proxy = Server::tcp(acts().into_iter().chain(acts()).chain([Act::Stall]).collect());
    let web = serving("200 OK", &script(&format!("PROXY 127.0.0.1:{}", proxy.port)));
    let with = |args: &[&str]| {
        asked(&web)
            .env("NETCHECK_PROXY_USER", "alice")
            .env("NETCHECK_PROXY_PASSWORD", "hunter2")
            .args(args)
            .arg("tcp://service.example:443")
            .run()
    };
    let outcome = with(&[]);
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_impossible proxy_auth local high", "{outcome:?}");
    assert!(!String::from_utf8_lossy(&proxy.seen().concat()).to_lowercase().contains("authorization"));
    let outcome = with(&["--proxy-auth-to", "127.0.0.1"]);
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_refused proxy_auth local medium", "{outcome:?}");
}

#[test]
fn one_script_serves_the_whole_run_and_hangs_only_its_own_targets() {
    let proxy = open();
    let text = format!(
        "function FindProxyForURL(url, host) {{ if (host == \"bad.example\") for (;;) ; return \"PROXY 127.0.0.1:{}\"; }}",
        proxy.port
    );
    let web = serving("200 OK", text.as_bytes());
    let targets = ["tcp://a.example:443", "tcp://bad.example:443", "tcp://b.example:443"];
    let outcome = asked(&web).arg("--ordered").args(targets).run();
    let verdicts: Vec<_> = outcome.records.iter().map(|record| record["verdict"].as_str().unwrap()).collect();
    assert_eq!((verdicts[0], verdicts[2]), ("pass", "pass"), "{outcome:?}");
    assert_eq!(outcome.records[1]["facts"]["proxy"]["pac"]["fault"], "proxy.pac_timeout");
    assert_eq!(web.seen().len(), 1, "the script is fetched once");
}

#[test]
fn a_service_that_nothing_proxies_asks_no_script() {
    let web = serving("200 OK", &script("PROXY 127.0.0.1:1"));
    let service = Server::tcp(vec![Act::Stall]);
    let outcome = asked(&web).arg(format!("tcp://127.0.0.1:{}", service.port)).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    assert!(web.seen().is_empty(), "a browser reaches its own machine directly");
}
