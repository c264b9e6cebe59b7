//! An explicit proxy at hop 1: squid.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;
use serde::Deserialize;

use super::super::internet::{FILES, World};
use super::super::place::output_of;
use super::super::topology::ROUTER1;
use super::super::wait;

/// The proxy's port.
const PORT: u16 = 3128;

/// What the proxy wants and allows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// `basic` or `negotiate`; anyone may use it without.
    pub auth: Option<Auth>,
    /// Domains it refuses.
    #[serde(default)]
    pub deny: Vec<String>,
    /// The only ports it connects to; empty allows all.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Lines of `acl` and `ssl_bump` by which it ends TLS without opening it; what none of them ends is spliced.
    #[serde(default)]
    pub peeks: String,
}

/// How the proxy wants to know its user.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// User and password: `lab`, `secret`.
    Basic,
    /// Kerberos.
    Negotiate,
}

impl Proxy {
    /// Starts squid and waits until it listens.
    ///
    /// # Errors
    /// squid cannot be started, or does not listen.
    pub fn place(&self, world: &World) -> io::Result<()> {
        let dir = Path::new(FILES).join("squid");
        fs::create_dir_all(&dir)?;
        let file = dir.join("squid.conf");
        fs::write(&file, self.configuration(&dir))?;
        let own = world.genuine("proxy.corp.example");
        fs::write(dir.join("certificate.pem"), own.chain_pem() + &own.key_pem())?;
        // Checks user and password.
        fs::write(
            dir.join("basic"),
            "#!/bin/sh\nwhile read user password; do\n\
             if [ \"$user $password\" = 'lab secret' ]; then echo OK; else echo ERR; fi\ndone\n",
        )?;
        let mut squid = squid(&dir)?;
        squid.arg("-f").arg(&file);
        world.network.router1.inside(|| {
            output_of(&mut squid, "")?;
            wait::listening((ROUTER1.parse::<std::net::IpAddr>().map_err(io::Error::other)?, PORT).into())
        })
    }

    fn configuration(&self, dir: &Path) -> String {
        let dir = dir.display();
        let peeking = match self.peeks.is_empty() {
            true => String::new(),
            false => format!(" ssl-bump generate-host-certificates=off tls-cert={dir}/certificate.pem"),
        };
        let mut text = format!(
            "http_port {ROUTER1}:{PORT}{peeking}\npid_filename {dir}/pid\naccess_log none\ncache_log {dir}/log\ncache deny all\n\
             coredump_dir {dir}\nvisible_hostname proxy.corp.example\ndns_nameservers {ROUTER1}\nworkers 1\n\
             shutdown_lifetime 0 seconds\nconnect_timeout 2 seconds\nforward_timeout 3 seconds\nacl CONNECT method CONNECT\n\
             pinger_enable off\nnetdb_filename none\n"
        );
        match self.auth {
            Some(Auth::Basic) => text += &helper("basic", &format!("/bin/sh {dir}/basic")),
            // It only has to ask: nobody here has a ticket.
            Some(Auth::Negotiate) => text += &helper("negotiate", "/bin/cat"),
            None => {}
        }
        if !self.deny.is_empty() {
            let _ = writeln!(text, "acl denied dstdomain {}\nhttp_access deny denied", self.deny.join(" "));
        }
        if !self.ports.is_empty() {
            let ports: Vec<String> = self.ports.iter().map(u16::to_string).collect();
            let _ = writeln!(text, "acl allowed port {}\nhttp_access deny CONNECT !allowed", ports.join(" "));
        }
        if self.auth.is_some() {
            text += "acl known proxy_auth REQUIRED\nhttp_access deny !known\n";
        }
        if !self.peeks.is_empty() {
            let _ = write!(
                text,
                "acl begun at_step SslBump1\nssl_bump peek begun\n{}\nssl_bump splice all\n",
                self.peeks
            );
        }
        text + "http_access allow all\n"
    }
}

fn helper(scheme: &str, program: &str) -> String {
    let realm = if scheme == "basic" { "auth_param basic realm corp\n" } else { "" };
    format!("auth_param {scheme} program {program}\nauth_param {scheme} children 1 startup=0\n{realm}")
}

/// squid refuses to be root: as root it becomes the user `proxy`; in a user namespace with one user it gets another one
/// within, where that user is nobody special.
pub(super) fn squid(dir: &Path) -> io::Result<Command> {
    let single = fs::read_to_string("/proc/self/uid_map")?.split_whitespace().nth(2) == Some("1");
    debug_assert!(Uid::effective().is_root());
    if single {
        let mut command = Command::new("unshare");
        command.args(["-U", "--map-user=13", "--map-group=13", "--", "squid"]);
        return Ok(command);
    }
    let owner = nix::unistd::User::from_name("proxy")?.ok_or_else(|| io::Error::other("no user proxy"))?;
    nix::unistd::chown(dir, Some(owner.uid), Some(owner.gid))?;
    Ok(Command::new("squid"))
}
