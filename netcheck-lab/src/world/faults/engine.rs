//! Filters that others wrote, in the path of TLS connections: squid that peeks and splices, haproxy that reads the server name.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::super::internet::{FILES, World};
use super::super::place::output_of;
use super::super::wait;
use super::proxy::squid;

/// Where it listens; a router redirects TCP 443 to it.
const PORT: u16 = 8443;
/// Where it shows that it is ready. A connection to the other port that nobody redirected would lead to itself.
const READY: u16 = 3129;

/// One such filter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// `router1` or `router2`.
    pub at: String,
    /// Which program it is.
    pub program: Program,
    /// The lines of its configuration that say what is blocked.
    pub rules: String,
}

/// A program that filters.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// `rules` are `acl` and `ssl_bump` lines; what no rule ends is spliced.
    Squid,
    /// `rules` are `tcp-request content` lines of a frontend in TCP mode.
    Haproxy,
}

impl Engine {
    /// Starts the program and redirects TLS to it.
    ///
    /// # Errors
    /// There is no such place, or the program cannot be started.
    pub fn place(&self, world: &World) -> io::Result<()> {
        let at =
            world.network.place(&self.at).ok_or_else(|| io::Error::other(format!("no place {}", self.at)))?;
        let dir = Path::new(FILES).join("engine");
        fs::create_dir_all(&dir)?;
        let (file, certificate) = (dir.join("conf"), dir.join("certificate.pem"));
        let mut command = match self.program {
            Program::Squid => {
                let own = world.genuine("gateway.corp.example");
                fs::write(&certificate, own.chain_pem() + &own.key_pem())?;
                fs::write(&file, self.squid(&dir, &certificate))?;
                squid(&dir)?
            }
            Program::Haproxy => {
                fs::write(&file, self.haproxy())?;
                let mut haproxy = Command::new("haproxy");
                haproxy.arg("-D");
                haproxy
            }
        };
        command.arg("-f").arg(&file);
        at.inside(|| {
            output_of(&mut command, "")?;
            wait::listening((IpAddr::V4(Ipv4Addr::LOCALHOST), READY).into())
        })?;
        let redirect = format!(
            "table ip engine {{ chain in {{ type nat hook prerouting priority dstnat;\n\
             tcp dport 443 redirect to :{PORT}\n}}\n}}\n"
        );
        at.run("nft", &["-f", "-"], &redirect).map(drop)
    }

    fn squid(&self, dir: &Path, certificate: &Path) -> String {
        let (dir, certificate, rules) = (dir.display(), certificate.display(), &self.rules);
        format!(
            "http_port 127.0.0.1:{READY}\n\
             https_port 0.0.0.0:{PORT} intercept ssl-bump generate-host-certificates=off tls-cert={certificate}\n\
             pid_filename {dir}/pid\naccess_log none\ncache_log {dir}/log\ncache deny all\ncoredump_dir {dir}\n\
             visible_hostname gateway.corp.example\nworkers 1\nshutdown_lifetime 0 seconds\npinger_enable off\n\
             netdb_filename none\nacl begun at_step SslBump1\nssl_bump peek begun\n{rules}\nssl_bump splice all\n\
             http_access allow all\n"
        )
    }

    fn haproxy(&self) -> String {
        let rules = &self.rules;
        // The destination 0.0.0.0 is that of the redirected connection.
        format!(
            "global\n  maxconn 200\n\
             defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 20s\n  timeout server 20s\n\
             frontend ready\n  bind 127.0.0.1:{READY}\n  tcp-request connection reject\n\
             frontend tls\n  bind 0.0.0.0:{PORT}\n  tcp-request inspect-delay 5s\n{rules}\n  \
             tcp-request content accept if {{ req.ssl_hello_type 1 }}\n  default_backend out\n\
             backend out\n  server out 0.0.0.0:0\n"
        )
    }
}
