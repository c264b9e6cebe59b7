//! An exim that takes mail for example.net, from the package that `cargo xtask test` unpacks: its own would remove postfix.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;
use std::process::{Child, Command};

use netcheck_lab::pki::Leaf;
use netcheck_lab::script::free_port;
use tempfile::TempDir;

use crate::filters::{quiet, wait_for_port};
use crate::started::folder;

/// The user that the package's scripts would make: exim looks it up when it starts.
const USER: &str = "Debian-exim";
const ID: u32 = 65_530;

/// An exim, stopped when dropped.
pub struct Exim {
    pub port: u16,
    child: Child,
    _dir: TempDir,
}

impl Exim {
    /// One that hands mail on to `next`; `rcpt` is the beginning of its access list for recipients.
    pub fn start(next: u16, rcpt: &str, leaf: &Leaf) -> Exim {
        let dir = folder();
        let port = free_port();
        let path = dir.path().display();
        fs::write(dir.path().join("chain.pem"), leaf.chain_pem()).unwrap();
        fs::write(dir.path().join("key.pem"), leaf.key_pem()).unwrap();
        fs::set_permissions(dir.path().join("key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
        for owned in ["spool", "log"] {
            fs::create_dir(dir.path().join(owned)).unwrap();
            chown(dir.path().join(owned), Some(ID), Some(ID)).unwrap();
        }
        for (file, line) in [
            ("passwd", format!("{USER}:x:{ID}:{ID}::/nonexistent:/usr/sbin/nologin\n")),
            ("group", format!("{USER}:x:{ID}:\n")),
        ] {
            let system = fs::read_to_string(format!("/etc/{file}")).unwrap();
            fs::write(dir.path().join(file), system + &line).unwrap();
        }
        let exim = program();
        let settings = format!(
            "primary_hostname = mx.example.net\nexim_path = {exim}\nspool_directory = {path}/spool\n\
             log_file_path = {path}/log/%slog\npid_file_path = {path}/exim.pid\nkeep_environment =\n\
             local_interfaces = 127.0.0.1\ndaemon_smtp_ports = {port}\nhost_lookup =\nrfc1413_query_timeout = 0s\n\
             tls_advertise_hosts = *\ntls_certificate = {path}/chain.pem\ntls_privatekey = {path}/key.pem\n\
             acl_smtp_rcpt = rcpt\n\
             begin acl\nrcpt:\n{rcpt}\n  deny message = relay not permitted\n    !domains = example.net\n  accept\n\
             begin routers\nnext:\n  driver = manualroute\n  transport = next\n  route_list = * 127.0.0.1\n  self = send\n\
             begin transports\nnext:\n  driver = smtp\n  port = {next}\n  allow_localhost\n",
            exim = exim.display()
        );
        fs::write(dir.path().join("exim.conf"), settings).unwrap();
        let start = format!(
            "mount --bind {path}/passwd /etc/passwd && mount --bind {path}/group /etc/group && \
             exec {exim} -C {path}/exim.conf -bdf",
            exim = exim.display()
        );
        let mut child = quiet(Command::new("/usr/bin/unshare").args(["--mount", "sh", "-c", &start]));
        wait_for_port(&mut child, port);
        Exim { port, child, _dir: dir }
    }
}

impl Drop for Exim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> PathBuf {
    let packages = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("packages");
    let program = packages.join("exim4-daemon-light/usr/sbin/exim4");
    assert!(
        program.is_file(),
        "there is no {}: `cargo xtask test --tier heavy` unpacks it",
        program.display()
    );
    program
}
