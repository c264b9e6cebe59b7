//! The ClientHellos of the browser on this machine beside those of the tools, both captured here (`netcheck-lab browser-hello`).

mod capture;
mod hello;
mod page;

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

pub use hello::Offer;

use capture::Capture;

/// The name both ask for.
const NAME: &str = "www.spotme.com";
/// How often the tools are run.
const RUNS: usize = 3;
/// How far the mean lengths may differ, in percent.
const TOLERANCE: usize = 10;
/// A browser that lasts longer has hung; it is ended.
const PATIENCE_S: &str = "25";

/// The ClientHellos of one protocol.
#[derive(Debug, Default)]
pub struct Hellos {
    /// The browser's.
    pub browser: Vec<Offer>,
    /// The tools'.
    pub ours: Vec<Offer>,
}

/// What was captured.
#[derive(Debug)]
pub struct Comparison {
    /// The browser and its version.
    pub browser: String,
    /// Over TCP.
    pub tcp: Hellos,
    /// Over QUIC.
    pub quic: Hellos,
}

impl Comparison {
    /// Runs the browser and the tools against listeners on the loopback interface of this network namespace.
    ///
    /// # Errors
    /// A listener or a program cannot be started.
    pub fn capture(tools: &Path) -> io::Result<Comparison> {
        Command::new("ip").args(["link", "set", "lo", "up"]).status()?;
        let capture = Capture::start()?;
        let version = Command::new("chromium").arg("--version").output()?;
        let browser = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        browse(&["--disable-quic"])?;
        let tcp = capture.take_tcp();
        browse(&[&format!("--origin-to-force-quic-on={NAME}:443")])?;
        capture.take_tcp();
        let quic = capture.take_quic();
        for _ in 0..RUNS {
            run(tools, "check-tcp", &format!("https://{NAME}/"))?;
            run(tools, "check-udp", &format!("quic://{NAME}"))?;
        }
        Ok(Comparison {
            browser,
            tcp: Hellos { browser: tcp, ours: capture.take_tcp() },
            quic: Hellos { browser: quic, ours: capture.take_quic() },
        })
    }

    /// What must be equal and is not, one line each.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let faults = |what: &str, hellos: &Hellos| {
            hellos.faults().into_iter().map(|fault| format!("{what}: {fault}")).collect::<Vec<_>>()
        };
        [faults("TCP", &self.tcp), faults("QUIC", &self.quic)].concat()
    }

    /// The page for docs/.
    #[must_use]
    pub fn markdown(&self, date: &str) -> String {
        page::markdown(self, date)
    }
}

impl Hellos {
    fn faults(&self) -> Vec<String> {
        let (Some(browser), Some(ours)) = (self.browser.first(), self.ours.first()) else {
            return vec![format!(
                "{} of the browser and {} of the tools were captured",
                self.browser.len(),
                self.ours.len()
            )];
        };
        let mut faults = Vec::new();
        if browser.groups != ours.groups {
            faults.push(format!("groups are {:x?}, the browser's are {:x?}", ours.groups, browser.groups));
        }
        if browser.shares != ours.shares {
            faults
                .push(format!("key shares are {:x?}, the browser's are {:x?}", ours.shares, browser.shares));
        }
        let (own, theirs) = (mean(&self.ours), mean(&self.browser));
        if own.abs_diff(theirs) * 100 > theirs * TOLERANCE {
            faults.push(format!("the mean length is {own} bytes, the browser's is {theirs}"));
        }
        faults
    }
}

fn mean(offers: &[Offer]) -> usize {
    offers.iter().map(|offer| offer.length).sum::<usize>() / offers.len().max(1)
}

fn browse(flags: &[&str]) -> io::Result<()> {
    let profile = tempfile::tempdir()?;
    Command::new("timeout")
        .args(["-s", "KILL", PATIENCE_S, "chromium", "--headless", "--no-sandbox", "--disable-gpu"])
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--host-resolver-rules=MAP * 127.0.0.1", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(flags)
        .arg(format!("https://{NAME}/"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(drop)
}

fn run(tools: &Path, tool: &str, target: &str) -> io::Result<()> {
    Command::new(tools.join(tool))
        .args(["--diagnose", "never", "--timeout", "1", "--proxy", "none"])
        .args(["--connect-to", &format!("{NAME}=127.0.0.1"), target])
        .stdout(Stdio::null())
        .status()
        .map(drop)
}
