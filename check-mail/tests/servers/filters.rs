//! The filters beside postfix: each with a folder and a port of its own, stopped when dropped.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::script::free_port;
use tempfile::TempDir;

use crate::started::{PATIENCE, folder};

/// Waits until a filter listens: it says nothing when it is ready, so its port is asked.
pub fn wait_for_port(child: &mut Child, port: u16) {
    let begun = std::time::Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "the filter ended");
        assert!(begun.elapsed() < PATIENCE, "the filter does not listen");
        thread::yield_now();
    }
}

/// Starts a server that says nothing.
pub fn quiet(command: &mut Command) -> Child {
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the filter starts")
}

/// An opendkim that signs.
pub struct Opendkim {
    pub port: u16,
    dir: TempDir,
    child: Child,
}

impl Opendkim {
    /// With a new RSA key.
    pub fn start(domain: &str, selector: &str) -> Opendkim {
        let dir = folder();
        let made = Command::new("/usr/sbin/opendkim-genkey")
            .args(["-b", "2048", "-d", domain, "-s", selector, "-D"])
            .arg(dir.path())
            .status()
            .expect("opendkim-genkey");
        assert!(made.success());
        fs::rename(dir.path().join(format!("{selector}.txt")), dir.path().join("record")).unwrap();
        let port = free_port();
        let path = dir.path().display();
        let settings = format!(
            "Socket inet:{port}@127.0.0.1\nMode s\nDomain {domain}\nSelector {selector}\nKeyFile {path}/{selector}.private\n\
             RequireSafeKeys no\nCanonicalization relaxed/simple\nBackground no\nSyslog no\nOversignHeaders From\n"
        );
        fs::write(dir.path().join("opendkim.conf"), settings).unwrap();
        let child = Command::new("/usr/sbin/opendkim")
            .args(["-f", "-x"])
            .arg(dir.path().join("opendkim.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("opendkim");
        let mut opendkim = Opendkim { port, dir, child };
        wait_for_port(&mut opendkim.child, port);
        opendkim
    }

    /// The key's record: the quoted pieces of a zone file, joined.
    pub fn record(&self) -> String {
        let zone = fs::read_to_string(self.dir.path().join("record")).unwrap();
        zone.split('"').skip(1).step_by(2).collect()
    }
}

impl Drop for Opendkim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A postgrey that puts every new sender off for two seconds.
pub struct Postgrey {
    pub port: u16,
    child: Child,
    _dir: TempDir,
}

impl Postgrey {
    pub fn start() -> Postgrey {
        let dir = folder();
        let port = free_port();
        let nobody = dir.path().join("nobody");
        fs::write(&nobody, "").unwrap();
        let file = |name: &str| format!("--{name}={}", nobody.display());
        let mut child = quiet(
            Command::new("/usr/sbin/postgrey")
                .args(["--delay=2", "--user=root", "--group=root", "--hostname=mx.example.net"])
                .arg(format!("--inet=127.0.0.1:{port}"))
                .arg(format!("--dbdir={}", dir.path().display()))
                .args([file("whitelist-clients"), file("whitelist-recipients")]),
        );
        wait_for_port(&mut child, port);
        Postgrey { port, child, _dir: dir }
    }
}

impl Drop for Postgrey {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An opendmarc that judges mail by the zone it is given; it reads its resolver from a resolv.conf that only it sees.
pub struct Opendmarc {
    pub port: u16,
    child: Child,
    _dir: TempDir,
    _dns: DnsServer,
}

impl Opendmarc {
    pub fn start(zone: Zone) -> Opendmarc {
        let dir = folder();
        let port = free_port();
        let dns = DnsServer::start_on("127.0.0.61:53".parse().unwrap(), zone);
        let path = dir.path().display();
        fs::write(dir.path().join("resolv.conf"), "nameserver 127.0.0.61\n").unwrap();
        let settings = format!(
            "Socket inet:{port}@127.0.0.1\nAuthservID mx.example.net\nTrustedAuthservIDs mx.example.net\nRejectFailures false\n\
             SPFIgnoreResults true\nSPFSelfValidate false\nIgnoreHosts {path}/ignored\nSyslog false\nBackground false\n"
        );
        fs::write(dir.path().join("opendmarc.conf"), settings).unwrap();
        fs::write(dir.path().join("ignored"), "192.0.2.255\n").unwrap();
        let start = format!(
            "mount --bind {path}/resolv.conf /etc/resolv.conf && exec /usr/sbin/opendmarc -f -c {path}/opendmarc.conf"
        );
        let mut child = quiet(Command::new("/usr/bin/unshare").args(["--mount", "sh", "-c", &start]));
        wait_for_port(&mut child, port);
        Opendmarc { port, child, _dir: dir, _dns: dns }
    }
}

impl Drop for Opendmarc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
