//! The same proxy settings given to headless Chromium and to us: which proxies are dialled, in which order, and whether the
//! service is dialled without one.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(clippy::print_stdout, reason = "the rows of docs/evidence/BROWSER_PROXIES.md")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{io, thread};

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use netcheck_lab::tool::Tool;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// The addresses that listen on the proxies' port, and how each behaves.
const PROXIES: [(&str, &str); 7] = [
    ("127.3.0.1", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    ("127.3.0.2", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    ("127.3.0.3", "close"),
    ("127.3.0.4", "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n"),
    ("127.3.0.5", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"),
    ("127.3.0.6", "SSH-2.0-lab\r\n"),
    ("127.3.0.7", "reset"),
];
const PORT: u16 = 3128;
/// A proxy on the port that a script means where it names none.
const USUAL: (&str, u16) = ("127.3.0.8", 80);
/// The service, and what it is called among those that were dialled.
const SERVICE: (&str, u16) = ("127.4.0.1", 443);
const DIRECT: &str = "DIRECT";
/// A script that Chromium never ends: its request never leaves. Ours is ended after 2 s, and goes direct.
const ENDLESS: &str = "a loop";
/// Where scripts are served; each by its own name.
const WEB: u16 = 8000;

/// What the script is (as it is served), and what it is about.
fn situations() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let answer =
        |text: &str| format!("function FindProxyForURL(url, host) {{ return '{text}'; }}").into_bytes();
    let wide = |text: Vec<u8>| -> Vec<u8> {
        let text = String::from_utf8(text).unwrap();
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    };
    let code = |text: &str| text.as_bytes().to_vec();
    vec![
        ("one proxy", "200 OK", answer("PROXY 127.3.0.1:3128")),
        ("refused, then another", "200 OK", answer("PROXY 127.3.0.9:3128; PROXY 127.3.0.1:3128")),
        ("unknown name, then another", "200 OK", answer("PROXY nowhere.invalid:3128; PROXY 127.3.0.1:3128")),
        ("reset, then another", "200 OK", answer("PROXY 127.3.0.7:3128; PROXY 127.3.0.1:3128")),
        ("closed, then another", "200 OK", answer("PROXY 127.3.0.3:3128; PROXY 127.3.0.1:3128")),
        ("403 is an answer", "200 OK", answer("PROXY 127.3.0.2:3128; PROXY 127.3.0.1:3128")),
        ("407 is an answer", "200 OK", answer("PROXY 127.3.0.4:3128; PROXY 127.3.0.1:3128")),
        ("502 is an answer", "200 OK", answer("PROXY 127.3.0.5:3128; PROXY 127.3.0.1:3128")),
        ("garbage is an answer", "200 OK", answer("PROXY 127.3.0.6:3128; PROXY 127.3.0.1:3128")),
        ("junk before a proxy", "200 OK", answer("WHAT 1; PROXY 127.3.0.1:3128")),
        ("junk alone", "200 OK", answer("WHAT")),
        ("null", "200 OK", code("function FindProxyForURL() { return null; }")),
        ("a throw", "200 OK", code("function FindProxyForURL() { throw 'x'; }")),
        ("a syntax error", "200 OK", code("function FindProxyForURL(")),
        ("no function", "200 OK", code("var a = 1;")),
        ("no port", "200 OK", answer("PROXY 127.3.0.8; PROXY 127.3.0.1:3128")),
        ("direct, then a proxy", "200 OK", answer("DIRECT; PROXY 127.3.0.1:3128")),
        ("refused, then direct", "200 OK", answer("PROXY 127.3.0.9:3128; DIRECT")),
        ("refused, and no other", "200 OK", answer("PROXY 127.3.0.9:3128")),
        ("moved", "302 Found\r\nLocation: http://127.0.0.1:8000/0.pac", Vec::new()),
        (
            "Latin-1",
            "200 OK",
            b"function FindProxyForURL() { return '\xe9'.charCodeAt(0) == 233 ? 'PROXY 127.3.0.1:3128' : 'DIRECT'; }"
                .to_vec(),
        ),
        (
            "UTF-8 by its charset",
            "200 OK\r\nContent-Type: text/plain; charset=utf-8",
            "function FindProxyForURL() { return 'é'.charCodeAt(0) == 233 ? 'PROXY 127.3.0.1:3128' : 'DIRECT'; }"
                .as_bytes()
                .to_vec(),
        ),
        (ENDLESS, "200 OK", code("function FindProxyForURL() { for (;;) ; }")),
        ("404", "404 Not Found", answer("PROXY 127.3.0.1:3128")),
        ("a page", "200 OK", code("<html>function FindProxyForURL</html>")),
        ("UTF-16", "200 OK", wide(answer("PROXY 127.3.0.1:3128"))),
        ("a byte order mark", "200 OK", [b"\xef\xbb\xbf".to_vec(), answer("PROXY 127.3.0.1:3128")].concat()),
        ("served as text/html", "200 OK\r\nContent-Type: text/html", answer("PROXY 127.3.0.1:3128")),
        (
            "the URL of https has no path",
            "200 OK",
            code(
                "function FindProxyForURL(url) { return url == 'https://service.pac.test/' ? 'PROXY 127.3.0.1:3128' : 'PROXY 127.3.0.2:3128'; }",
            ),
        ),
    ]
}

/// The proxies that were asked for the service, each once, in the order in which they were first.
type Dialled = Arc<Mutex<Vec<String>>>;
/// The numbers of the scripts that were fetched.
type Fetched = Arc<Mutex<BTreeSet<usize>>>;

fn listen(dialled: &Dialled) {
    let proxies = PROXIES.map(|(address, behaviour)| ((address, PORT), address, behaviour));
    let more =
        [(USUAL, USUAL.0, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), (SERVICE, DIRECT, "close")];
    for (at, name, behaviour) in proxies.into_iter().chain(more) {
        let listener = TcpListener::bind(at).unwrap();
        let dialled = Arc::clone(dialled);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let dialled = Arc::clone(&dialled);
                thread::spawn(move || proxy(stream, name, behaviour, &dialled));
            }
        });
    }
}

fn proxy(mut stream: TcpStream, name: &str, behaviour: &str, dialled: &Dialled) {
    let request = if name == DIRECT { hello(&mut stream) } else { head(&mut stream) };
    let Ok(request) = request else { return };
    // A browser connects ahead of time, and asks its makers for things.
    if request.contains("service.pac.test") {
        let mut dialled = dialled.lock().unwrap();
        if !dialled.iter().any(|known| known == name) {
            dialled.push(name.to_owned());
        }
    }
    if behaviour == "reset" {
        let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    } else if behaviour != "close" {
        let _ = stream.write_all(behaviour.as_bytes());
        let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
        let _ = stream.read(&mut [0; 64]);
    }
}

/// A ClientHello, as far as the name in it.
fn hello(stream: &mut TcpStream) -> io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut raw, mut piece) = (String::new(), [0; 4096]);
    while !raw.contains("service.pac.test") {
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => raw += &String::from_utf8_lossy(&piece[..count]),
        }
    }
    Ok(raw)
}

fn head(stream: &mut TcpStream) -> io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut raw, mut piece) = (Vec::new(), [0; 2048]);
    while !raw.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => raw.extend_from_slice(&piece[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&raw).into_owned())
}

fn serve(scripts: Vec<(&'static str, Vec<u8>)>, fetched: Fetched) {
    let listener = TcpListener::bind(("127.0.0.1", WEB)).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok(request) = head(&mut stream) else { continue };
            let number = request.split(['/', '.']).nth(1).and_then(|text| text.parse::<usize>().ok());
            let Some((head, body)) = number.and_then(|number| scripts.get(number)) else { continue };
            fetched.lock().unwrap().extend(number);
            let head =
                format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(&[head.into_bytes(), body.clone()].concat());
        }
    });
}

fn seclude(folder: &Path) {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
    for (file, text) in [("hosts", "127.0.0.1 localhost\n127.4.0.1 service.pac.test\n"), ("resolv.conf", "")]
    {
        fs::write(folder.join(file), text).unwrap();
        mount(
            Some(&folder.join(file)),
            &*format!("/etc/{file}"),
            None::<&str>,
            MsFlags::MS_BIND,
            None::<&str>,
        )
        .unwrap();
    }
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
}

fn browse(folder: &Path, number: usize) {
    let profile = folder.join(format!("profile{number}"));
    let _ = Command::new("timeout")
        .args([
            "30",
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--dump-dom",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--timeout=5000",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("--proxy-pac-url=http://127.0.0.1:{WEB}/{number}.pac"))
        .arg("https://service.pac.test/secret?path")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

#[test]
fn the_same_proxies_are_dialled_as_by_chromium() {
    let folder = tempfile::tempdir().unwrap();
    seclude(folder.path());
    let dialled = Dialled::default();
    listen(&dialled);
    let situations = situations();
    let fetched = Fetched::default();
    serve(situations.iter().map(|(_, head, body)| (*head, body.clone())).collect(), Arc::clone(&fetched));
    let taken = || std::mem::take(&mut *dialled.lock().unwrap());
    for (number, (name, _, _)) in situations.iter().enumerate() {
        browse(folder.path(), number);
        // A browser that did not start would agree with whoever dials no proxy.
        assert!(
            std::mem::take(&mut *fetched.lock().unwrap()).contains(&number),
            "{name}: Chromium has no script"
        );
        let theirs = taken();
        let _ = Tool::new(env!("CARGO_BIN_EXE_check-tcp"))
            .args(["--proxy", &format!("pac+http://127.0.0.1:{WEB}/{number}.pac"), "--timeout", "2"])
            .args(["--diagnose", "never", "https://service.pac.test/secret?path"])
            .run();
        let ours = taken();
        println!("{name}: Chromium {theirs:?}, netcheck {ours:?}");
        if *name == ENDLESS {
            assert_eq!(
                (theirs, ours),
                (Vec::new(), vec![DIRECT.to_owned()]),
                "{name}: Chromium's, then ours"
            );
        } else {
            assert_eq!(ours, theirs, "{name}: ours, then Chromium's");
        }
    }
}
