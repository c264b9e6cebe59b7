//! TLS handshakes a second beside a bare rustls client; RTMPS and WSS beside TLS.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustls::client::Resumption;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use crate::measure::{Run, addresses, run, turns};
use crate::table::{Table, Wanted};
use crate::{Args, listen};

/// How many handshakes.
const COUNT: u32 = 3_000;
/// How many are in flight, for us and for the bare client.
const IN_FLIGHT: u32 = 32;
/// How many hosts the targets are of: check-rtmps spaces what it sends to one of them.
const HOSTS: u32 = 16;
const NAME: &str = "bench.example";
/// How many wait for a silent server at once.
const SILENT: u32 = 5_000;

/// All of it.
pub(crate) fn measure(args: &Args, table: &mut Table) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|why| why.to_string())?;
    let (authority, _, config) = listen::certificates();
    let roots = authority.write(folder.path());
    let tls = listen::secure(&config, listen::handshake)?;
    let mut memory: f64 = 0.0;
    let mut tool = |name: &str, url: Url| -> Result<Run, String> {
        let ended = many(args.tool(name), &roots, url)?;
        memory = memory.max(ended.memory);
        Ok(ended)
    };
    let a_second = |seconds: f64| f64::from(COUNT) / seconds;
    let what = "TLS handshakes, 3,000 targets";
    let (us, them) = turns(
        args.repeat,
        || tool("check-tcp", &|host| format!("tls://{host}:{tls}")).map(|run| run.wall),
        || {
            let lines = format!("tls://127.0.0.1:{tls}\n").repeat(COUNT as usize);
            run(args.alone("handshakes").arg("--roots").arg(&roots), Some(&lines)).map(|run| run.wall)
        },
        |seconds| *seconds,
    )?;
    let peer = ("bare rustls client", a_second(them));
    table.ratio(what, a_second(us), peer, "handshakes/s", Wanted::AtLeast(0.8));
    let rtmp = listen::secure(&config, listen::rtmp)?;
    let web = listen::secure(&config, listen::websocket)?;
    let ingest: Url = &|host| format!("rtmps://{host}:{rtmp}");
    let upgrade: Url = &|host| format!("wss://{host}:{web}/");
    for (name, url) in [("check-rtmps", ingest), ("check-wss", upgrade)] {
        let one = || many(args.tool(name), &roots, url);
        let beside = || many(args.tool("check-tcp"), &roots, &|host| format!("tls://{host}:{tls}"));
        let (us, them) = turns(args.repeat, one, beside, |run| run.wall)?;
        let what = format!("{name}, 3,000 targets");
        table.ratio(&what, us, ("check-tcp tls://", them), "s", Wanted::AtMost(1.3));
    }
    table.figure(&format!("{what}: peak memory"), memory, "MB", Wanted::AtMost(40.0));
    silence(args, table)
}

/// Servers that accept and never answer a ClientHello: what waits for them, and the diagnoses of it.
fn silence(args: &Args, table: &mut Table) -> Result<(), String> {
    allow_descriptors()?;
    let mut before: Option<(u32, f64)> = None;
    for count in [1_000, SILENT] {
        let port = listen::silent()?;
        let lines = format!("tls://127.0.0.1:{port}\n").repeat(count as usize);
        let ended = run(args.tool("check-tcp").args(["--jobs", &count.to_string()]), Some(&lines))?;
        let what = format!("silent TLS servers, {count} at once");
        let wanted = if count == SILENT { 60.0 } else { 40.0 };
        table.figure(&format!("{what}: peak memory"), ended.memory, "MB", Wanted::AtMost(wanted));
        if let Some((fewer, memory)) = before.replace((count, ended.memory)) {
            let each = (ended.memory - memory) * 1000.0 / f64::from(count - fewer);
            table.figure(&format!("{what}: memory of each further one"), each, "KB", Wanted::AtMost(12.0));
        }
    }
    Ok(())
}

/// The listener and the tool have a descriptor for each connection.
fn allow_descriptors() -> Result<(), String> {
    let said = |why: nix::errno::Errno| why.to_string();
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(said)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(said)
}

/// The target of a host.
type Url<'a> = &'a dyn Fn(&str) -> String;

/// The targets of some hosts again and again, by one process.
fn many(mut tool: Command, roots: &Path, url: Url) -> Result<Run, String> {
    let hosts: Vec<String> = (0..HOSTS).map(|number| format!("h{number}.{NAME}")).collect();
    tool.args(["--jobs", &IN_FLIGHT.to_string()]);
    tool.args(hosts.iter().flat_map(|host| ["--connect-to".to_owned(), format!("{host}=127.0.0.1")]));
    if tool.get_program().to_string_lossy().ends_with("check-rtmps") {
        // All hosts are one address here: what it sees at once is limited on purpose, and is not measured.
        tool.args(["--per-host", &IN_FLIGHT.to_string()]);
    }
    tool.arg("--public-roots").arg(roots);
    let lines: Vec<String> = hosts.iter().cycle().take(COUNT as usize).map(|host| url(host)).collect();
    run(&mut tool, Some(&lines.join("\n")))
}

/// A client that verifies the chain, and nothing else. A session that is resumed is no handshake.
fn client(roots: &Path) -> Result<Arc<ClientConfig>, String> {
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(roots).map_err(|why| why.to_string())?.flatten() {
        store.add(certificate).map_err(|why| why.to_string())?;
    }
    let mut config = ClientConfig::builder().with_root_certificates(store).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// One connection on its way.
struct Shake {
    stream: TcpStream,
    tls: ClientConnection,
}

/// As many handshakes as the tool does, so many at once, on one thread over epoll.
///
/// # Errors
/// A handshake fails.
pub(crate) fn bare(args: &Args) -> Result<(), String> {
    use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
    let said = |why: rustix::io::Errno| why.to_string();
    let config = &client(args.roots.as_deref().ok_or("--roots")?)?;
    let mut targets = addresses()?.into_iter();
    let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(said)?;
    let mut running: Vec<Option<Shake>> = (0..IN_FLIGHT).map(|_| None).collect();
    let mut events = Vec::with_capacity(running.len());
    loop {
        for (key, place) in running.iter_mut().enumerate().filter(|(_, place)| place.is_none()) {
            if let Some(target) = targets.next() {
                let shake = Shake::begin(config, target)?;
                let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
                epoll::add(&epoll, &shake.stream, EventData::new_u64(key as u64), interest).map_err(said)?;
                *place = Some(shake);
            }
        }
        if running.iter().all(Option::is_none) {
            return Ok(());
        }
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None).map_err(said)?;
        for event in &events {
            let Some(place) = running.get_mut(usize::try_from(event.data.u64()).unwrap_or(usize::MAX)) else {
                continue;
            };
            if let Some(shake) = place
                && shake.go_on()?
            {
                *place = None;
            }
        }
    }
}

impl Shake {
    fn begin(config: &Arc<ClientConfig>, target: SocketAddr) -> Result<Shake, String> {
        let stream = TcpStream::connect(target).map_err(|why| why.to_string())?;
        stream.set_nodelay(true).map_err(|why| why.to_string())?;
        stream.set_nonblocking(true).map_err(|why| why.to_string())?;
        let name = ServerName::try_from(NAME).map_err(|why| why.to_string())?;
        let tls = ClientConnection::new(Arc::clone(config), name).map_err(|why| why.to_string())?;
        Ok(Shake { stream, tls })
    }

    /// Reads and writes what can be; tells whether the handshake is done and said.
    fn go_on(&mut self) -> Result<bool, String> {
        loop {
            if self.tls.wants_write() {
                match self.tls.write_tls(&mut self.stream) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    Err(error) => return Err(error.to_string()),
                }
            } else if !self.tls.is_handshaking() {
                self.tls.send_close_notify();
                let _ = self.tls.write_tls(&mut self.stream);
                let _ = self.stream.flush();
                return Ok(true);
            } else {
                match self.tls.read_tls(&mut self.stream) {
                    Ok(0) => return Err("the server left".into()),
                    Ok(_) => {
                        self.tls.process_new_packets().map_err(|why| why.to_string())?;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    Err(error) => return Err(error.to_string()),
                }
            }
        }
    }
}
