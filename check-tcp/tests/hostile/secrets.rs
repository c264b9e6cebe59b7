//! A proxy's password, and a proxy that sends it back in all it says.

use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::{Act, Server};

use crate::trial::{NAME, tool};

const PASSWORD: &str = "hunter2-do-not-show";
/// `user:hunter2-do-not-show` in base64, as it goes over the line.
const TOKEN: &str = "dXNlcjpodW50ZXIyLWRvLW5vdC1zaG93";

/// A proxy that asks for a password before anything else.
const ASK: &str =
    "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn assert_hidden(outcome: &Outcome) {
    for text in [&outcome.stdout, &outcome.stderr] {
        for secret in [PASSWORD, TOKEN, &PASSWORD[..12], &TOKEN[..16]] {
            assert!(!text.contains(secret), "{secret}: {outcome:#?}");
        }
    }
}

fn echo(status: &str) -> Vec<Act> {
    let long = "x".repeat(290);
    let head = format!(
        "HTTP/1.1 {status} {PASSWORD}\r\nVia: 1.1 {PASSWORD}\r\nServer: {long}{PASSWORD}\r\nLocation: http://{NAME}/{TOKEN}\r\n\
         Proxy-Authenticate: {TOKEN} realm={PASSWORD}\r\nContent-Type: text/html\r\n\r\n<html>{TOKEN} {PASSWORD}</html>"
    );
    let answer = move |request: &[u8]| {
        let asked = String::from_utf8_lossy(request).contains(TOKEN);
        if asked { head.clone().into_bytes() } else { ASK.as_bytes().to_vec() }
    };
    vec![Act::until("\r\n\r\n"), Act::reply(answer), Act::Close]
}

fn through(tool: Tool, acts: Vec<Act>, targets: &[&str]) -> (Outcome, Server) {
    let server = Server::tcp(acts);
    let outcome = tool
        .env("NETCHECK_PROXY_USER", "user")
        .env("NETCHECK_PROXY_PASSWORD", PASSWORD)
        .args(["-v", "--timeout", "2", "--proxy", &format!("http://127.0.0.1:{}", server.port)])
        .args(targets)
        .run();
    (outcome, server)
}

#[test]
fn a_proxy_that_sends_its_password_back_gets_it_into_no_record() {
    let (tls, web) = (format!("tls://{NAME}:443"), format!("http://{NAME}/"));
    for status in ["200", "302", "403", "407", "502", "999"] {
        for format in ["json", "text"] {
            let (outcome, server) = through(tool().args(["--format", format]), echo(status), &[&tls, &web]);
            assert_hidden(&outcome);
            let seen = String::from_utf8_lossy(&server.seen().concat()).into_owned();
            assert!(seen.contains(TOKEN), "the proxy was given it: {seen}");
        }
    }
}

#[test]
fn a_first_line_that_repeats_the_password_is_hidden() {
    let answer = |request: &[u8]| {
        let asked = String::from_utf8_lossy(request).contains(TOKEN);
        if asked { format!("SSH-2.0 {PASSWORD} {TOKEN}\r\n").into_bytes() } else { ASK.as_bytes().to_vec() }
    };
    let acts = vec![Act::until("\r\n\r\n"), Act::reply(answer), Act::Close];
    let (outcome, _) = through(tool(), acts, &[&format!("tls://{NAME}:443")]);
    assert_hidden(&outcome);
    assert!(outcome.stdout.contains("[hidden]"), "{}", outcome.stdout);
}

#[test]
fn a_password_in_the_environments_url_is_nobodys_to_see_while_the_tool_runs() {
    let server = Server::tcp(vec![Act::until("\r\n\r\n"), Act::Stall]);
    let running = tool()
        .env("RUST_BACKTRACE", "1")
        .env("https_proxy", format!("http://user:{PASSWORD}@127.0.0.1:{}", server.port))
        .args(["-v", "--timeout", "600", &format!("https://{NAME}/")])
        .start();
    while server.accepted() == 0 {
        std::thread::yield_now();
    }
    let line = std::fs::read(format!("/proc/{}/cmdline", running.pid())).unwrap();
    assert!(line.starts_with(b"/") && !String::from_utf8_lossy(&line).contains(PASSWORD));
    running.terminate();
    let outcome = running.wait();
    assert_eq!(outcome.code, 143);
    assert_hidden(&outcome);
}

#[test]
fn a_password_where_it_does_not_belong_is_refused_without_repeating_it() {
    for args in [
        vec!["--proxy".to_owned(), format!("http://user:{PASSWORD}@127.0.0.1:1"), "tcp://a:1".to_owned()],
        vec![format!("https://user:{PASSWORD}@{NAME}/")],
    ] {
        let outcome = tool().args(args).run();
        assert_eq!(outcome.code, 2, "{outcome:?}");
        assert_hidden(&outcome);
    }
    let outcome = tool().stdin(format!("https://user:{PASSWORD}@{NAME}/\n")).run();
    assert_hidden(&outcome);
}
