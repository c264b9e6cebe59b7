//! Headless Chromium, curl and us in one network with a resolver and a KDC: for which name each asks a ticket, and which
//! script each finds by DNS.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]
#![expect(clippy::disallowed_methods, reason = "whether the port is taken is asked with a socket")]
#![expect(clippy::print_stdout, reason = "the rows of docs/evidence/BROWSER_PROXIES.md")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use netcheck_lab::kerberos::{Realm, Squid};
use netcheck_lab::tool::Tool;
use netcheck_lab::{Act, Server};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

/// The search list of the office.
const RESOLV: &str = "nameserver 127.0.0.1\nsearch office.lab.test\n";

/// Ends a program with the test.
struct Mortal(Child);

impl Drop for Mortal {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A network and a resolver of this thread's own; what it starts lives in them too.
fn seclude(folder: &Path, records: &[&str]) -> Mortal {
    unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>).unwrap();
    for (file, text) in [("hosts", "127.0.0.1 localhost\n"), ("resolv.conf", RESOLV)] {
        let own = folder.join(file);
        fs::write(&own, text).unwrap();
        mount(Some(&own), &*format!("/etc/{file}"), None::<&str>, MsFlags::MS_BIND, None::<&str>).unwrap();
    }
    assert!(Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap().success());
    let dnsmasq = Command::new("dnsmasq")
        .args(["--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--group=root", "--no-hosts"])
        .args(["--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--local=/lab.test/"])
        .args(records)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let dnsmasq = Mortal(dnsmasq);
    // It listens once nobody else can.
    while UdpSocket::bind(("127.0.0.1", 53)).is_ok() {
        thread::yield_now();
    }
    dnsmasq
}

fn browse(folder: &Path, name: &str, arguments: &[&str], realm: Option<&Realm>) {
    let mut command = Command::new("timeout");
    command
        .args([
            "--kill-after=5",
            "30",
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--dump-dom",
        ])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg("--timeout=5000")
        .arg(format!("--user-data-dir={}", folder.join(format!("profile-{name}")).display()))
        .args(arguments);
    if let Some(realm) = realm {
        with_realm(&mut command, realm);
    }
    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn with_realm(command: &mut Command, realm: &Realm) {
    command
        .env("KRB5_CONFIG", realm.path("krb5.conf"))
        .env("KRB5CCNAME", format!("FILE:{}", realm.path("cc").display()));
}

/// The services that tickets were asked for since the log was this long, each once, in order; and how long it is now.
fn asked(realm: &Realm, from: usize) -> (Vec<String>, usize) {
    let log = fs::read_to_string(realm.path("kdc.log")).unwrap_or_default();
    let mut services = Vec::new();
    for line in log[from..].lines().filter(|line| line.contains("TGS_REQ")) {
        let service =
            line.rsplit_once(" for ").map_or("", |(_, service)| service.split(',').next().unwrap_or(""));
        if !services.iter().any(|known| known == service) {
            services.push(service.to_owned());
        }
    }
    (services, log.len())
}

#[test]
fn the_ticket_is_asked_for_the_name_that_chromium_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    let _dnsmasq = seclude(
        folder.path(),
        &[
            "--host-record=proxy.lab.test,127.0.0.1",
            "--cname=alias.lab.test,proxy.lab.test",
            "--cname=far.lab.test,alias.lab.test",
        ],
    );
    let realm = Realm::with_proxy("secret", "[logging]\nkdc = FILE:kdc.log\n");
    realm.admin("LAB.TEST", "addprinc -randkey HTTP/alias.lab.test");
    let squid = Squid::negotiate(&realm, None);
    let service = Server::tcp(vec![Act::Stall]);
    let canonical = "HTTP/proxy.lab.test@LAB.TEST";
    let mut at = asked(&realm, 0).1;
    for (host, theirs, curls) in [
        ("proxy.lab.test", canonical, canonical),
        ("alias.lab.test", canonical, "HTTP/alias.lab.test@LAB.TEST"),
        ("far.lab.test", canonical, "HTTP/far.lab.test@LAB.TEST"),
    ] {
        let mut since = || {
            let (services, length) = asked(&realm, at);
            at = length;
            services
        };
        let proxy = format!("http://{host}:{}", squid.port);
        let log_on = || realm.log_on("alice", "secret", &[]);
        log_on();
        let url = format!("http://127.0.0.1:{}/", service.port);
        browse(
            folder.path(),
            host,
            &[&format!("--proxy-server={proxy}"), "--proxy-bypass-list=<-loopback>", &url],
            Some(&realm),
        );
        let browser = since();
        log_on();
        let outcome = Tool::new(env!("CARGO_BIN_EXE_check-tcp"))
            .args(["--proxy", &proxy, &format!("tcp://127.0.0.1:{}", service.port)])
            .env("KRB5_CONFIG", realm.path("krb5.conf"))
            .env("KRB5CCNAME", format!("FILE:{}", realm.path("cc").display()))
            .run();
        let ours = since();
        log_on();
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--proxy-negotiate",
            "--proxy-user",
            ":",
            "--proxy",
            &proxy,
            "--max-time",
            "3",
        ]);
        with_realm(&mut curl, &realm);
        let _ = curl.arg(&url).env_remove("no_proxy").stdout(Stdio::null()).status().unwrap();
        let curl = since();
        println!("{host}: Chromium {browser:?}, netcheck {ours:?}, curl {curl:?}");
        assert_eq!(ours, [theirs], "{host}: {outcome:?}");
        assert_eq!(browser, ours, "{host}: Chromium, netcheck");
        assert_eq!(outcome.one()["verdict"], "pass", "{host}: {outcome:?}");
        assert_eq!(curl, [curls], "{host}: curl");
    }
}

/// Serves `wpad.dat` and notes the Host of each request for it.
fn serve(hosts: &Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.2", 80)).unwrap();
    let hosts = Arc::clone(hosts);
    let script = "function FindProxyForURL(url, host) { return 'PROXY 127.0.0.3:3128'; }";
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let lines: Vec<String> = BufReader::new(&stream)
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            let host = lines
                .iter()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("host: ").map(str::to_owned));
            if lines.first().is_some_and(|line| line.contains("/wpad.dat")) {
                hosts.lock().unwrap().extend(host);
            }
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", script.len());
            let _ = (&stream).write_all((head + script).as_bytes());
        }
    });
}

/// A proxy that notes the names it is asked for.
fn proxy(asked: &Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.3", 3128)).unwrap();
    let asked = Arc::clone(asked);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let line = BufReader::new(&stream).lines().map_while(Result::ok).next().unwrap_or_default();
            if line.contains("service.lab.test") {
                asked.lock().unwrap().push(line);
            }
            let _ = (&stream).write_all(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
}

/// What Chromium and we take in a network with this name: the Host that the script was asked of, and whether its proxy was.
fn found(record: &str) -> [(Option<String>, bool); 2] {
    let folder = tempfile::tempdir().unwrap();
    let record = record.to_owned();
    thread::spawn(move || {
        let _dnsmasq = seclude(folder.path(), &[&record]);
        let (hosts, asked) = (Arc::default(), Arc::default());
        serve(&hosts);
        proxy(&asked);
        let taken = || {
            let host = std::mem::take(&mut *hosts.lock().unwrap()).first().cloned();
            (host, !std::mem::take(&mut *asked.lock().unwrap()).is_empty())
        };
        browse(folder.path(), "wpad", &["--proxy-auto-detect", "http://service.lab.test/"], None);
        let theirs = taken();
        let outcome = Tool::new(env!("CARGO_BIN_EXE_check-tcp"))
            .args(["--proxy", "system", "--timeout", "3", "--diagnose", "never", "http://service.lab.test/"])
            .run();
        let _: &Value = outcome.one();
        [theirs, taken()]
    })
    .join()
    .unwrap()
}

#[test]
fn the_script_that_dns_announces_is_the_one_that_chromium_finds() {
    let [theirs, ours] = found("--address=/wpad.office.lab.test/127.0.0.2");
    println!("wpad in the search domain: Chromium {theirs:?}, netcheck {ours:?}");
    assert_eq!((theirs.1, ours.1), (true, true), "{theirs:?} {ours:?}");
    let [theirs, ours] = found("--address=/other.test/127.0.0.2");
    println!("no wpad: Chromium {theirs:?}, netcheck {ours:?}");
    assert_eq!((theirs, ours), ((None, false), (None, false)));
    let [theirs, ours] = found("--address=/wpad.lab.test/127.0.0.2");
    println!("wpad above the search domain: Chromium {theirs:?}, netcheck {ours:?}");
    // Windows looks there too; Chromium on Linux does not.
    assert_eq!((theirs.1, ours.1), (false, true), "{theirs:?} {ours:?}");
}
