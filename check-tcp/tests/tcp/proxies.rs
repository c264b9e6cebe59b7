//! HTTP proxies: asked with CONNECT or with a whole URL, refusing in every way, and never told on.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use netcheck_lab::pki::Authority;
use netcheck_lab::script::Wire;
use netcheck_lab::tool::{Outcome, Tool, normal};
use netcheck_lab::view::{cause_evidence, diagnosed, stages};
use netcheck_lab::{Act, Server, closed_port};
use serde_json::json;

use crate::peer::{OK, http, quiet, tool};

/// A name only the proxy could know.
const SERVICE: &str = "tcp://service.example:443";
/// `alice:hunter2` as a proxy sees it (RFC 7617).
const TOKEN: &str = "YWxpY2U6aHVudGVyMg==";

/// A proxy that reads one request and answers it like this.
fn proxy(answer: &str) -> Server {
    Server::tcp(vec![Act::until("\r\n\r\n"), Act::send(answer), Act::Stall])
}

fn url(server: &Server) -> String {
    format!("http://127.0.0.1:{}", server.port)
}

/// The tool through this proxy, without a resolver that works.
fn through(server: &Server, args: &[&str]) -> Tool {
    let nobody = format!("127.0.0.1:{}", closed_port());
    tool(&["--proxy", &url(server), "--resolver", &nobody]).args(args)
}

fn request(server: &Server) -> String {
    String::from_utf8(server.seen().remove(0)).unwrap()
}

const TUNNEL: &str = "HTTP/1.1 200 Connection established\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 407 Proxy Authentication Required\r\n";

#[test]
fn a_tunnel_passes_and_the_proxy_resolves_the_name() {
    let server = proxy(TUNNEL);
    let outcome = through(&server, &[SERVICE]).run();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        request(&server),
        format!(
            "CONNECT service.example:443 HTTP/1.1\r\nHost: service.example:443\r\nUser-Agent: netcheck/{version}\r\n\r\n"
        )
    );
    insta::assert_json_snapshot!(normal(outcome.one()), @r#"
    {
      "v": 1,
      "ts": "TS",
      "check": "tcp",
      "target": "tcp://service.example:443",
      "verdict": "pass",
      "stages": [
        {
          "stage": "proxy",
          "ok": true,
          "us": 0
        }
      ],
      "path": {
        "via": "proxy",
        "proxy": "http://127.0.0.1:PORT",
        "address": "127.0.0.1:PORT",
        "local": "LOCAL",
        "interface": "lo",
        "tunnel": false
      },
      "facts": {
        "proxy": {
          "source": "flag",
          "status": 200
        }
      }
    }
    "#);
}

#[test]
fn a_proxy_that_asks_for_credentials_is_auth_required() {
    let server =
        proxy(&format!("{REFUSED}Proxy-Authenticate: Basic realm=\"corp\"\r\nContent-Length: 0\r\n\r\n"));
    let outcome = through(&server, &[SERVICE]).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_required proxy_auth proxy medium");
    assert_eq!((stages(outcome.one()).as_str(), outcome.code), ("proxy!", 1));
    assert_eq!(
        outcome.one()["facts"]["proxy"],
        json!({"source": "flag", "status": 407, "schemes": ["Basic"]})
    );
}

#[test]
fn schemes_this_tool_does_not_speak_are_named() {
    let server = proxy(&format!(
        "{REFUSED}Proxy-Authenticate: NTLM, Digest realm=\"a, b\"\r\nContent-Length: 0\r\n\r\n"
    ));
    let outcome = through(&server, &[SERVICE]).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_required proxy_scheme proxy medium");
    assert_eq!(outcome.one()["facts"]["proxy"]["schemes"], json!(["NTLM", "Digest"]));
    insta::assert_snapshot!(cause_evidence(&outcome), @"
    it offers only NTLM, Digest, which this tool does not speak
    http://127.0.0.1:PORT asks for credentials; it offers NTLM, Digest
    ");
}

/// A proxy that wants Alice.
fn guarded() -> Server {
    let answer = |request: &[u8]| {
        let request = String::from_utf8_lossy(request).to_lowercase();
        let known = request.contains(&format!("\r\nproxy-authorization: basic {}\r\n", TOKEN.to_lowercase()));
        let answer = match (known, request.starts_with("connect ")) {
            (false, _) => "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
            (true, true) => TUNNEL,
            (true, false) => OK,
        };
        answer.as_bytes().to_vec()
    };
    let ask = || [Act::until("\r\n\r\n"), Act::reply(answer)];
    Server::tcp(ask().into_iter().chain(ask()).chain([Act::Stall]).collect())
}

#[test]
fn a_tunnel_that_is_granted_before_it_is_asked_for_again_is_none() {
    // What follows the refusal in one write comes before the request with the credential: that connection is given up, and
    // the next one begins with a refusal again.
    let early = format!("{REFUSED}Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n{TUNNEL}");
    let outcome = through(&proxy(&early), &[SERVICE])
        .env("NETCHECK_PROXY_USER", "alice")
        .env("NETCHECK_PROXY_PASSWORD", "hunter2")
        .run();
    assert_eq!(diagnosed(&outcome), "fail proxy.auth_refused proxy_auth local medium", "{outcome:?}");
    secret_is_kept(&outcome);
}

/// Neither the password nor what stands for it is anywhere in what the tool said.
fn secret_is_kept(outcome: &Outcome) {
    for secret in ["hunter2", TOKEN] {
        assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{outcome:?}");
    }
}

#[test]
fn credentials_come_from_the_environment_a_file_or_the_proxy_variable() {
    let server = guarded();
    let variable = format!("http://alice:hunter2@127.0.0.1:{}", server.port);
    let ways = [
        tool(&["-v", "--proxy", &url(&server)])
            .env("NETCHECK_PROXY_USER", "alice")
            .env("NETCHECK_PROXY_PASSWORD", "hunter2"),
        tool(&["--proxy", &url(&server), "--proxy-credentials", "secret"])
            .file("secret", "alice:hunter2\nanother line\n"),
        tool(&[]).env("ALL_PROXY", &variable),
        tool(&[]).env("all_proxy", variable.replace("hunter2", "hunter%32")),
    ];
    for way in ways {
        let outcome = way.arg(SERVICE).run();
        assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
        assert_eq!(outcome.one()["path"]["proxy"], url(&server));
        secret_is_kept(&outcome);
    }
}

#[test]
fn credentials_that_are_refused_are_told_from_those_not_given() {
    let answer = format!("{REFUSED}Proxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n");
    let ask = || [Act::until("\r\n\r\n"), Act::send(&answer)];
    let server = Server::tcp(ask().into_iter().chain(ask()).chain([Act::Stall]).collect());
    for (user, said, expected) in [
        (None, "asks for credentials", "fail proxy.auth_required proxy_auth proxy medium"),
        (Some("alice"), "refuses the credentials", "fail proxy.auth_refused proxy_auth local medium"),
    ] {
        let mut tool = through(&server, &[SERVICE]);
        if let Some(user) = user {
            tool = tool.env("NETCHECK_PROXY_USER", user).env("NETCHECK_PROXY_PASSWORD", "hunter2");
        }
        let outcome = tool.run();
        assert_eq!(diagnosed(&outcome), expected);
        assert!(outcome.one()["failure"]["detail"].as_str().unwrap().contains(said), "{outcome:?}");
        secret_is_kept(&outcome);
    }
}

#[test]
fn user_information_in_an_argument_is_a_usage_error() {
    for url in
        ["http://alice:hunter2@127.0.0.1:9", "alice:hunter2@127.0.0.1:9", "socks5h://alice:hunter2@h:9"]
    {
        let outcome = tool(&["--proxy", url, "tcp://127.0.0.1:9"]).run();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
        assert!(outcome.stderr.contains("NETCHECK_PROXY_USER"), "{outcome:?}");
        secret_is_kept(&outcome);
    }
    let outcome = tool(&["tcp://a:9"]).env("ALL_PROXY", "ftp://alice:hunter2@127.0.0.1:9").run();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(outcome.stderr.contains("ALL_PROXY"), "{outcome:?}");
    secret_is_kept(&outcome);
    assert_eq!(tool(&["--proxy-credentials", "no-such-file", "tcp://127.0.0.1:9"]).run().code, 2);
}

#[test]
fn each_refusal_of_a_proxy_has_its_own_code() {
    let page = "<html>Access denied by policy</html>";
    let forbidden = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    for (answer, expected) in [
        (forbidden.as_str(), "fail proxy.denied proxy_policy proxy medium"),
        ("HTTP/1.1 405 Method Not Allowed\r\n\r\n", "fail proxy.denied proxy_policy proxy medium"),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://login\r\n\r\n",
            "fail proxy.denied proxy_policy proxy medium",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "fail proxy.upstream proxy_upstream proxy medium"),
        ("HTTP/1.1 503 Unavailable\r\n\r\n", "fail proxy.upstream proxy_upstream proxy medium"),
        ("HTTP/1.1 504 Timeout\r\n\r\n", "fail proxy.upstream proxy_upstream proxy medium"),
        ("SSH-2.0-lab\x1b[31m\r\n", "fail proxy.protocol proxy_down proxy low"),
        ("HTTP/1.1 600 What\r\n\r\n", "fail proxy.protocol proxy_down proxy low"),
        ("HTTP/1.1 200 OK\r\n\r\n<html>Welcome</html>", "fail proxy.protocol proxy_down proxy low"),
    ] {
        let server = proxy(answer);
        let outcome = through(&server, &[SERVICE]).run();
        assert_eq!(diagnosed(&outcome), expected, "{answer}: {outcome:?}");
        assert_eq!(stages(outcome.one()), "proxy!");
        assert!(!outcome.stdout.contains('\x1b'));
        let fix = outcome.one()["cause"]["fix"].as_str().unwrap();
        assert!(fix.contains(&url(&server)), "{fix}");
    }
}

#[test]
fn a_proxy_that_goes_wrong_is_told_apart() {
    let ends = |acts| {
        let server = Server::tcp(acts);
        diagnosed(&through(&server, &["--timeout", "1", SERVICE]).run())
    };
    assert_eq!(ends(vec![Act::until("\r\n\r\n"), Act::Close]), "fail proxy.protocol proxy_down proxy low");
    assert_eq!(ends(vec![Act::Stall]), "fail proxy.timeout proxy_down proxy medium");
    assert_eq!(
        ends(vec![Act::until("\r\n\r\n"), Act::Reset]),
        "fail proxy.unreachable proxy_down proxy medium"
    );
    let endless =
        vec![Act::until("\r\n\r\n"), Act::send("HTTP/1.1 200 OK\r\n"), Act::Flood(b"x-a: b\r\n".to_vec())];
    assert_eq!(ends(endless), "fail proxy.protocol proxy_down proxy low");
}

#[test]
fn a_proxy_that_is_not_there_is_unreachable() {
    let proxy = format!("http://127.0.0.1:{}", closed_port());
    let outcome = tool(&["--proxy", &proxy, SERVICE]).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.unreachable proxy_down proxy medium");
    assert_eq!(outcome.one()["facts"]["proxy"]["failure"], "tcp.refused");
    assert_eq!(
        (&outcome.one()["path"]["via"], &outcome.one()["path"]["proxy"]),
        (&json!("proxy"), &json!(proxy))
    );
    let nobody = format!("127.0.0.1:{}", closed_port());
    let outcome = tool(&["--resolver", &nobody, "--proxy", "http://proxy.example:3128", SERVICE]).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.unreachable proxy_down proxy medium");
    assert_eq!(outcome.one()["facts"]["proxy"]["failure"], "dns.unreachable");
}

/// Passes bytes on between a client and what it asked for, which is always this port.
#[expect(clippy::disallowed_methods, reason = "a proxy dials")]
fn forward(mut wire: Wire, port: u16) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if wire.read_exact(&mut byte).is_err() {
            return;
        }
        head.push(byte[0]);
    }
    wire.write_all(TUNNEL.as_bytes()).unwrap();
    let mut up = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let (mut from, mut to) = (wire.socket().try_clone().unwrap(), up.try_clone().unwrap());
    let there = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let _ = std::io::copy(&mut up, &mut wire);
    wire.hang_up();
    let _ = there.join();
}

#[test]
fn tls_and_http_run_through_the_tunnel() {
    let root = Authority::new("Lab Root");
    let acts = vec![Act::until("\r\n\r\n"), Act::send(OK), Act::Close];
    let service = Server::tls(&root.leaf(&["service.example"]), &["http/1.1"], acts);
    let port = service.port;
    let proxy = Server::each(move |wire| forward(wire, port));
    let dir = tempfile::tempdir().unwrap();
    let roots = root.write(dir.path());
    let args = ["--public-roots", roots.to_str().unwrap(), "https://service.example"];
    let outcome = tool(&args).env("https_proxy", url(&proxy)).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    assert_eq!(stages(outcome.one()), "proxy tls http");
    assert_eq!(outcome.one()["target"], "https://service.example:443");
}

#[test]
fn a_proxy_may_itself_be_reached_by_tls() {
    let root = Authority::new("Lab Root");
    let acts = vec![Act::until("\r\n\r\n"), Act::send(TUNNEL), Act::Stall];
    let server = Server::tls(&root.leaf(&["127.0.0.1"]), &[], acts);
    let proxy = format!("https://127.0.0.1:{}", server.port);
    let dir = tempfile::tempdir().unwrap();
    let roots = root.write(dir.path());
    let outcome = tool(&["--public-roots", roots.to_str().unwrap(), "--proxy", &proxy, SERVICE]).run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    assert_eq!(outcome.one()["path"]["proxy"], proxy);
    let other_user = tool(&["--proxy", &proxy, SERVICE]).run();
    assert_eq!(diagnosed(&other_user), "fail proxy.unreachable proxy_down proxy medium", "{other_user:?}");
}

#[test]
fn plain_http_is_asked_with_the_whole_url() {
    let server = guarded();
    let outcome = tool(&["http://service.example/a?b=c"])
        .env("http_proxy", url(&server))
        .env("NETCHECK_PROXY_USER", "alice")
        .env("NETCHECK_PROXY_PASSWORD", "hunter2")
        .run();
    assert_eq!(diagnosed(&outcome), "pass - - - -", "{outcome:?}");
    assert_eq!(stages(outcome.one()), "proxy http");
    let request = request(&server);
    assert!(request.starts_with("GET http://service.example/a?b=c HTTP/1.1\r\n"), "{request}");
    assert!(!request.to_lowercase().contains("authorization"), "nothing is sent unasked: {request}");
    assert!(request.to_lowercase().contains("\r\nhost: service.example\r\n"), "{request}");
    secret_is_kept(&outcome);
}

#[test]
fn refusals_of_a_whole_url_are_the_proxys() {
    let page = "blocked by cisco umbrella";
    let forbidden = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    let asked = format!("{REFUSED}Proxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n");
    for (answer, expected) in [
        (asked.as_str(), "fail proxy.auth_required proxy_scheme proxy medium"),
        (
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
            "fail proxy.upstream proxy_upstream proxy medium",
        ),
        (forbidden.as_str(), "fail proxy.denied proxy_policy proxy medium"),
    ] {
        let server = http(answer);
        let outcome = through(&server, &["http://service.example/"]).run();
        assert_eq!(diagnosed(&outcome), expected, "{outcome:?}");
    }
    let server = http(&asked);
    let outcome = through(&server, &["http://service.example/"]).run();
    assert_eq!(outcome.one()["facts"]["proxy"]["schemes"], json!(["NTLM"]));
}

#[test]
fn each_scheme_has_its_variables() {
    let open = http(OK);
    let direct = format!("http://127.0.0.1:{}/", open.port);
    let nowhere = format!("http://127.0.0.1:{}", closed_port());
    let through = |target: &str, name: &str| {
        let outcome = tool(&["--connect-to", "a.test=127.0.0.1", target]).env(name, &nowhere).run();
        outcome.one()["path"]["via"] == "proxy"
    };
    for (target, names) in [
        ("http://a.test:9/", &["http_proxy", "all_proxy", "ALL_PROXY"][..]),
        ("https://a.test:9/", &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
        ("tcp://a.test:9", &["all_proxy", "ALL_PROXY"]),
        ("tls://a.test:9", &["all_proxy", "ALL_PROXY"]),
    ] {
        for name in
            ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy"]
        {
            assert_eq!(through(target, name), names.contains(&name), "{target} {name}");
        }
    }
    let outcome = tool(&["--proxy", "none", &direct]).env("http_proxy", &nowhere).run();
    assert_eq!(
        (diagnosed(&outcome).as_str(), &outcome.one()["path"]["via"]),
        ("pass - - - -", &json!("direct"))
    );
}

#[test]
fn no_proxy_exempts_names_their_children_and_blocks() {
    let nowhere = format!("http://127.0.0.1:{}", closed_port());
    let server = quiet();
    for (exempt, host, direct) in [
        ("lab.test", "lab.test", true),
        ("lab.test", "www.lab.test", true),
        (".lab.test", "www.lab.test", true),
        ("lab.test", "notlab.test", false),
        ("127.0.0.0/8", "127.0.0.1", true),
        ("10.0.0.0/8", "127.0.0.1", false),
        ("other.test lab.test.\tmore.test", "lab.test", true),
        ("*", "lab.test", true),
        ("*,other.test", "lab.test", false),
        ("", "lab.test", false),
    ] {
        let pin = format!("{host}=127.0.0.1");
        let outcome = tool(&["--proxy", &nowhere, "--connect-to", &pin])
            .arg(format!("tcp://{host}:{}", server.port))
            .env("NO_PROXY", exempt)
            .run();
        let via = if direct { "direct" } else { "proxy" };
        assert_eq!(outcome.one()["path"]["via"], via, "{exempt} {host}");
    }
}

#[test]
fn a_variable_that_names_no_proxy_stops_only_the_targets_it_is_for() {
    let server = quiet();
    let direct = format!("tcp://127.0.0.1:{}", server.port);
    let with = |args: &[&str]| tool(args).env("https_proxy", "http://user:hunter2@proxy.example:port");
    assert_eq!(diagnosed(&with(&[&direct]).run()), "pass - - - -");
    let refused = with(&["https://a.test/"]).run();
    assert_eq!((refused.code, refused.records.len()), (2, 0), "{refused:?}");
    assert!(refused.stderr.contains("https_proxy") && !refused.stderr.contains("hunter2"), "{refused:?}");
    let mixed = with(&["--ordered"]).stdin(format!("https://a.test/\n{direct}\n")).run();
    let verdicts: Vec<_> = mixed.records.iter().map(|record| &record["verdict"]).collect();
    assert_eq!((mixed.code, verdicts), (2, vec![&json!("inconclusive"), &json!("pass")]), "{mixed:?}");
    assert_eq!(mixed.records[0]["failure"]["code"], "input.invalid");
    assert!(!format!("{mixed:?}").contains("hunter2"), "{mixed:?}");
}

#[test]
fn a_connect_left_pending_is_the_proxys_only_while_it_answers_another() {
    let judge = |request: &[u8]| {
        let control = String::from_utf8_lossy(request).contains(".invalid:443");
        if control { b"HTTP/1.1 503 No such host\r\nContent-Length: 0\r\n\r\n".to_vec() } else { Vec::new() }
    };
    let server = Server::tcp(vec![Act::until("\r\n\r\n"), Act::reply(judge), Act::Stall]);
    let outcome = through(&server, &["--timeout", "2", SERVICE]).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.upstream proxy_upstream proxy medium", "{outcome:?}");
    insta::assert_snapshot!(cause_evidence(&outcome), @"
    meanwhile the same proxy answered another CONNECT, for a name that does not exist, with 503
    http://127.0.0.1:PORT leaves this CONNECT unanswered, and answers another
    ");
    let silent = Server::tcp(vec![Act::Stall]);
    let outcome = through(&silent, &["--timeout", "2", SERVICE]).run();
    assert_eq!(diagnosed(&outcome), "fail proxy.timeout proxy_down proxy medium", "{outcome:?}");
    assert_eq!(outcome.one()["cause"]["action"]["how"], "answer");
    let outcome = through(&silent, &["--timeout", "2", "--diagnose", "never", SERVICE]).run();
    assert_eq!(outcome.one()["failure"]["code"], "proxy.timeout");
    let asked = String::from_utf8_lossy(&silent.seen().concat()).matches(".invalid").count();
    assert_eq!(asked, 2, "Host and request of one control, and none without diagnosis");
}

#[test]
fn squids_own_words_tell_policy_from_a_path_that_is_broken() {
    for (status, error, expected) in [
        (500, "ERR_CANNOT_FORWARD 0", "fail proxy.upstream proxy_upstream proxy medium"),
        (503, "ERR_CONNECT_FAIL 111", "fail proxy.upstream proxy_upstream proxy medium"),
        (503, "ERR_ACCESS_DENIED 0", "fail proxy.denied proxy_policy proxy medium"),
    ] {
        let server =
            proxy(&format!("HTTP/1.1 {status} x\r\nX-Squid-Error: {error}\r\nContent-Length: 0\r\n\r\n"));
        let outcome = through(&server, &[SERVICE]).run();
        assert_eq!(diagnosed(&outcome), expected, "{outcome:?}");
    }
}

#[test]
fn the_entry_that_exempts_a_target_is_named() {
    let server = quiet();
    let outcome =
        tool(&["--connect-to", "www.lab.test=127.0.0.1", &format!("tcp://www.lab.test:{}", server.port)])
            .env("all_proxy", format!("http://127.0.0.1:{}", closed_port()))
            .env("no_proxy", "other.test,lab.test")
            .run();
    assert_eq!(outcome.one()["facts"]["proxy"], json!({"source": "environment", "exempt": "lab.test"}));
}
