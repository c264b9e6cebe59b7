//! The healthy world: places, certificates, resolvers, services; and commands run at its client.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use nix::mount::{MsFlags, mount};

use super::isolate::isolated;
use super::options::Options;
use super::topology::{Network, ROUTER1};
use super::{certificates, names, services};
use crate::dns::{DnsServer, Zone};
use crate::pki::Authority;

/// Where the world keeps its files: a file system of its own in memory, gone with the world.
pub const FILES: &str = "/run/lab";

/// A world that runs; dropping it ends it.
pub struct World {
    /// Its places.
    pub network: Network,
    certificates: certificates::Certificates,
    resolvers: Vec<DnsServer>,
}

impl World {
    /// Builds a healthy world.
    ///
    /// # Errors
    /// This process does not stand alone (see [`isolate`]), a program of `packages.txt` is missing, or the kernel refuses.
    pub fn build(options: &Options) -> io::Result<World> {
        if !isolated() {
            return Err(io::Error::other("a world is built by a process of its own: call isolate first"));
        }
        let dir = prepare()?;
        let network = Network::build(options.v6)?;
        let certificates = certificates::Certificates::new(dir, options)?;
        let mut world = World { network, certificates, resolvers: Vec::new() };
        world.serve(dir, options)?;
        Ok(world)
    }

    fn serve(&mut self, dir: &Path, options: &Options) -> io::Result<()> {
        let inet = &self.network.inet;
        services::silent::start(inet, dir)?;
        services::socket::start(inet, dir)?;
        services::nginx::start(inet, dir, &self.certificates, options)?;
        let spotme = self.certificates.leaf(&names::SITES[0]);
        services::mail::start(inet, spotme.server_config(&[]))?;
        services::quic::start(inet, &self.certificates)?;
        services::media::start(inet, dir)?;
        self.resolve()
    }

    /// An honest resolver at every address of the internet.
    fn resolve(&mut self) -> io::Result<()> {
        let inet = &self.network.inet;
        let own = ([100, 64, 0, 1], 53).into();
        let redirect = "table inet names { chain in { type nat hook prerouting priority -100;\n\
             udp dport 53 redirect\ntcp dport 53 redirect\n}\n}\n";
        inet.run("nft", &["-f", "-"], redirect)?;
        self.resolvers.push(inet.inside(|| Ok(DnsServer::start_on(own, names::zone(Zone::new(), &[]))))?);
        Ok(())
    }

    /// Starts the corporate resolver at hop 1, which the client asks, with a zone of its own.
    ///
    /// # Errors
    /// The router cannot be entered.
    pub fn resolver(&mut self, zone: Zone) -> io::Result<()> {
        let address = (ROUTER1.parse::<std::net::IpAddr>().map_err(io::Error::other)?, 53).into();
        let server = self.network.router1.inside(|| Ok(DnsServer::start_on(address, zone)))?;
        self.resolvers.push(server);
        Ok(())
    }

    /// A genuine certificate for a name that is no site's.
    #[must_use]
    pub fn genuine(&self, name: &str) -> crate::pki::Leaf {
        self.certificates.genuine(name)
    }

    /// The corporation's authority, which signs what is inspected.
    #[must_use]
    pub fn corporate(&self) -> Arc<Authority> {
        Arc::clone(&self.certificates.corporate)
    }

    /// Runs a command at the client, with the client's trust store and no proxy, and waits for it.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn client(&self, command: &mut Command) -> io::Result<std::process::Output> {
        self.at_client(command, Command::output)
    }

    /// The same for a person: the command has the terminal.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn show(&self, command: &mut Command) -> io::Result<std::process::ExitStatus> {
        self.at_client(command, Command::status)
    }

    fn at_client<T: Send>(
        &self,
        command: &mut Command,
        run: impl FnOnce(&mut Command) -> io::Result<T> + Send,
    ) -> io::Result<T> {
        self.network.client.inside(|| run(settle(command)))
    }
}

/// Settings of this machine that must not reach the client.
const FOREIGN: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "CURL_CA_BUNDLE",
    "SSL_CERT_DIR",
];

fn settle(command: &mut Command) -> &mut Command {
    let set: Vec<_> =
        command.get_envs().filter(|(_, value)| value.is_some()).map(|(key, _)| key.to_owned()).collect();
    for name in FOREIGN {
        if !set.iter().any(|key| key == name) {
            command.env_remove(name);
        }
    }
    let trust = Path::new(FILES).join("system.pem");
    command.env("SSL_CERT_FILE", trust).env("LAB", FILES)
}

/// A /run of our own, and a resolver configuration that names hop 1.
fn prepare() -> io::Result<&'static Path> {
    let resolv = fs::canonicalize("/etc/resolv.conf").unwrap_or_else(|_| PathBuf::from("/etc/resolv.conf"));
    mount(Some("lab"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))?;
    // squid names its shared memory alike in every world.
    mount(Some("lab"), "/dev/shm", Some("tmpfs"), MsFlags::empty(), None::<&str>)?;
    let dir = Path::new(FILES);
    fs::create_dir_all(dir)?;
    fs::create_dir_all("/run/netns")?;
    if !resolv.exists() {
        resolv.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&resolv, "")?;
    }
    let own = dir.join("resolv.conf");
    fs::write(&own, format!("nameserver {ROUTER1}\n"))?;
    mount(Some(&own), &resolv, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    Ok(dir)
}
