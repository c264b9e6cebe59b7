//! The functions of a script, value for value as headless Chromium has them: each expression's value becomes the
//! address of a proxy, and the address that Chromium dials is compared with ours.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use netcheck_pac::{Limits, Question, decode, evaluate};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// What both are asked; one per line.
const EXPRESSIONS: &str = include_str!("expressions.txt");
/// Where the PAC file and the page are served.
const PORT: u16 = 3128;

/// The names that both know.
const HOSTS: &str = "127.0.0.1 localhost\n10.9.8.7 four.pac.test\n2001:db8::7 six.pac.test\n10.1.1.1 both.pac.test\n\
                     2001:db8::1 both.pac.test\n";

fn expressions() -> Vec<&'static str> {
    EXPRESSIONS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// A script that turns the value of expression N into a proxy's address for the host `eN.pac.test`.
fn script() -> String {
    let mut script = "function hash(text) { var h = 5381; for (var i = 0; i < text.length; i++) \
                      h = (h * 33 + text.charCodeAt(i)) % 16000000; return h; }\n\
                      function value(make) { try { var v = make(); return typeof v + ':' + v; } \
                      catch (e) { return 'threw'; } }\nvar all = [\n"
        .to_owned();
    for expression in expressions() {
        let _ = writeln!(script, "  function (url, host) {{ return {expression}; }},");
    }
    script
        + "];\nfunction FindProxyForURL(url, host) {\n  var m = /^e(\\d+)\\./.exec(host);\n  \
              if (!m) return 'DIRECT';\n  var h = hash(value(function () { return all[+m[1]](url, host); }));\n  \
              return 'PROXY 127.' + (h >> 16) + '.' + ((h >> 8) & 255) + '.' + (h & 255) + ':3128';\n}\n"
}

fn known(name: Option<&str>) -> Vec<IpAddr> {
    let Some(name) = name else { return vec!["127.0.0.1".parse().unwrap()] };
    let lines = HOSTS.lines().filter_map(|line| line.split_once(' '));
    lines.filter(|(_, host)| *host == name).map(|(address, _)| address.parse().unwrap()).collect()
}

/// Our own choice for each expression.
fn ours(script: &str) -> BTreeMap<usize, String> {
    (0..expressions().len())
        .map(|number| {
            let host = format!("e{number}.pac.test");
            let question = Question { script: script.into(), url: format!("http://{host}/p"), host };
            let answer = evaluate(question, Limits::default(), known).answer.unwrap();
            (number, answer.trim_start_matches("PROXY ").trim_end_matches(":3128").to_owned())
        })
        .collect()
}

/// Serves the script and the page; returns which address was dialled for which expression.
fn serve(listener: &TcpListener, script: &str, count: usize) -> BTreeMap<usize, String> {
    let mut page = String::from("<!doctype html>");
    (0..count).for_each(|number| {
        let _ = write!(page, "<img src=\"http://e{number}.pac.test/p\">");
    });
    let mut dialled = BTreeMap::new();
    while dialled.len() < count {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let address = stream.local_addr().unwrap().ip().to_string();
        let Some(line) = request_line(&stream) else { continue };
        let number = line.split_once("://e").and_then(|(_, rest)| rest.split('.').next()?.parse().ok());
        let (kind, body) = match number {
            Some(number) => {
                dialled.insert(number, address);
                ("image/gif", "")
            }
            None if line.contains(".pac ") => ("application/x-ns-proxy-autoconfig", script),
            None => ("text/html", page.as_str()),
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _ = (&stream).write_all((head + body).as_bytes());
    }
    dialled
}

fn request_line(stream: &TcpStream) -> Option<String> {
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next()?.ok()?;
    lines.map_while(Result::ok).find(String::is_empty)?;
    Some(first)
}

/// A network and a hosts file of this thread's own; what it starts lives in them too.
fn seclude(folder: &std::path::Path) {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
    for (file, text) in [("hosts", HOSTS), ("resolv.conf", "")] {
        fs::write(folder.join(file), text).unwrap();
        let own = folder.join(file);
        mount(Some(&own), &*format!("/etc/{file}"), None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    }
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
}

#[test]
fn every_function_has_the_value_that_chromium_gives_it() {
    let folder = tempfile::tempdir().unwrap();
    seclude(folder.path());
    let listener = TcpListener::bind(("0.0.0.0", PORT)).unwrap();
    let script = script();
    let mut browser = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args(["--disable-component-update", "--disable-sync", "--timeout=60000"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("--proxy-pac-url=http://127.0.0.1:{PORT}/p.pac"))
        .arg(format!("http://127.0.0.1:{PORT}/page"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let theirs = serve(&listener, &script, expressions().len());
    let _ = browser.kill();
    let _ = browser.wait();
    // Served without a charset, a script is Latin-1.
    let ours = ours(&decode(script.as_bytes(), None));
    let differing: Vec<&str> = expressions()
        .into_iter()
        .enumerate()
        .filter(|(number, _)| ours.get(number) != theirs.get(number))
        .map(|(_, expression)| expression)
        .collect();
    assert_eq!(differing, Vec::<&str>::new());
}
