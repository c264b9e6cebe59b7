//! A Kerberos realm of its own on loopback: MIT's KDC, its users, services, caches, and Squid's judge of tokens.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::script::free_port;
use crate::world::{listening, output_of, taking};

/// Encryption types of the realm's keys, strongest first.
pub const ALL_ETYPES: &str = "aes256-sha2:normal aes128-sha2:normal aes256-cts:normal aes128-cts:normal";

/// A running KDC. Dropping it ends the KDC and removes its files.
pub struct Realm {
    dir: TempDir,
    kdc: Option<Child>,
    realms: Vec<String>,
    /// Where it listens: `127.0.0.1:PORT`.
    pub kdc_address: String,
}

impl Realm {
    /// Starts a KDC for these realms; `more` is added to `krb5.conf`, which is the KDC's and the clients'.
    ///
    /// # Panics
    /// The KDC cannot be made or started: `krb5-kdc`, `krb5-admin-server` and `krb5-user` are needed.
    #[must_use]
    pub fn start(realms: &[&str], etypes: &str, more: &str) -> Realm {
        let kdc_address = format!("127.0.0.1:{}", free_port());
        let realms = realms.iter().map(|realm| (*realm).to_owned()).collect();
        let mut realm = Realm { dir: tempfile::tempdir().unwrap(), kdc: None, realms, kdc_address };
        realm.configure(etypes, more);
        for name in realm.realms.clone() {
            realm.run("kdb5_util", &["-r", &name, "create", "-s", "-P", "master"], "");
        }
        realm.resume();
        realm
    }

    /// The realm `LAB.TEST` with Alice, whose password is given, and `HTTP/proxy.lab.test`, whose key is in the file
    /// `http.keytab`.
    ///
    /// # Panics
    /// As [`Realm::start`].
    #[must_use]
    pub fn with_proxy(password: &str, more: &str) -> Realm {
        let more = format!("[domain_realm]\n.lab.test = LAB.TEST\n{more}");
        let realm = Realm::start(&["LAB.TEST"], ALL_ETYPES, &more);
        realm.admin("LAB.TEST", &format!("addprinc -pw {password} +requires_preauth alice"));
        realm.admin("LAB.TEST", "addprinc -randkey HTTP/proxy.lab.test");
        realm.admin("LAB.TEST", "ktadd -k http.keytab HTTP/proxy.lab.test");
        realm
    }

    fn configure(&self, etypes: &str, more: &str) {
        let (dir, address) = (self.dir.path().display(), &self.kdc_address);
        let (mut clients, mut servers) = (String::new(), String::new());
        for realm in &self.realms {
            clients += &format!("{realm} = {{\n kdc = {address}\n}}\n");
            servers += &format!(
                "{realm} = {{\n database_name = {dir}/{realm}.db\n key_stash_file = {dir}/{realm}.stash\n \
                 kdc_listen = {address}\n kdc_tcp_listen = {address}\n supported_enctypes = {etypes}\n \
                 master_key_type = aes256-cts\n}}\n"
            );
        }
        let krb5 = format!(
            "[libdefaults]\ndefault_realm = {}\ndns_lookup_kdc = false\ndns_canonicalize_hostname = false\n\
             rdns = false\nudp_preference_limit = 1\n[realms]\n{clients}{more}\n",
            self.realms[0]
        );
        fs::write(self.path("krb5.conf"), krb5).unwrap();
        fs::write(self.path("kdc.conf"), format!("[realms]\n{servers}")).unwrap();
    }

    /// Starts the KDC again after [`Realm::pause`].
    ///
    /// # Panics
    /// It does not listen.
    pub fn resume(&mut self) {
        self.spawn();
        listening(self.kdc_address.parse().unwrap()).unwrap();
    }

    fn spawn(&mut self) {
        let mut command = self.command("krb5kdc");
        for realm in &self.realms {
            command.args(["-r", realm]);
        }
        let pid = self.path("kdc.pid");
        let child = command.arg("-n").arg("-P").arg(pid).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.kdc = Some(child.unwrap());
    }

    /// Lets the KDC answer over UDP alone: its TCP port refuses from now on.
    ///
    /// # Panics
    /// It does not listen.
    pub fn over_udp_only(&mut self) {
        self.pause();
        let config = fs::read_to_string(self.path("kdc.conf")).unwrap();
        let lines = config.lines().map(|line| match line.trim_start().starts_with("kdc_tcp_listen") {
            true => " kdc_tcp_listen = \"\"",
            false => line,
        });
        fs::write(self.path("kdc.conf"), lines.collect::<Vec<_>>().join("\n")).unwrap();
        self.spawn();
        taking(self.kdc_address.parse().unwrap()).unwrap();
    }

    /// Ends the KDC: its port refuses from now on.
    pub fn pause(&mut self) {
        if let Some(mut kdc) = self.kdc.take() {
            let _ = kdc.kill();
            let _ = kdc.wait();
        }
    }

    /// A file of the realm.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A command with the realm's settings.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("KRB5_CONFIG", self.path("krb5.conf"))
            .env("KRB5_KDC_PROFILE", self.path("kdc.conf"))
            .env("KRB5CCNAME", format!("FILE:{}", self.path("cc").display()))
            .current_dir(self.dir.path());
        command
    }

    /// Runs a command of the realm to its end; what it wrote.
    ///
    /// # Panics
    /// It fails.
    pub fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        output_of(self.command(program).args(arguments), input)
            .unwrap_or_else(|why| panic!("{program}: {why}"))
    }

    /// One order to the database of a realm: `addprinc -pw secret alice`.
    pub fn admin(&self, realm: &str, order: &str) {
        self.run("kadmin.local", &["-r", realm, "-q", order], "");
    }

    /// Logs `user` on with a password; the cache is the realm's file `cc` unless arguments say otherwise.
    pub fn log_on(&self, user: &str, password: &str, arguments: &[&str]) {
        let mut all = arguments.to_vec();
        all.push(user);
        self.run("kinit", &all, &format!("{password}\n"));
    }

    /// What Squid's helper thinks of a token in base64: `OK user=…`, or `BH …` where it refuses it.
    ///
    /// # Panics
    /// The helper (of `squid-openssl`) cannot be run.
    #[must_use]
    pub fn judge(&self, keytab: &Path, service: &str, token: &str) -> String {
        let mut helper = self.command("/usr/lib/squid/negotiate_kerberos_auth");
        helper.arg("-k").arg(keytab).args(["-s", service, "-t", "none"]);
        let mut child =
            helper.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("YR {token}\n").as_bytes()).unwrap();
        let said = child.wait_with_output().unwrap().stdout;
        String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        self.pause();
    }
}

/// Squid before a realm's services: it asks every client for a Kerberos token. Dropping it ends it.
pub struct Squid {
    child: Child,
    /// Where it listens, on loopback.
    pub port: u16,
}

impl Squid {
    /// Starts it with these lines of `squid.conf` for authentication; `clock` shifts its clock, as faketime has it.
    ///
    /// # Panics
    /// It cannot be started: `squid-openssl` and `faketime` are needed.
    #[must_use]
    pub fn start(realm: &Realm, authentication: &str, clock: Option<&str>) -> Squid {
        let port = free_port();
        let dir = realm.dir.path().display();
        let config = format!(
            "http_port 127.0.0.1:{port}\npid_filename none\ncache deny all\naccess_log none\ncache_log {dir}/squid.log\n\
             coredump_dir {dir}\nshutdown_lifetime 0 seconds\nvisible_hostname proxy.lab.test\n{authentication}\n\
             acl users proxy_auth REQUIRED\nhttp_access allow users\nhttp_access deny all\n"
        );
        fs::write(realm.path("squid.conf"), config).unwrap();
        open_to_all(realm);
        let mut command = match clock {
            Some(clock) => {
                let mut command = realm.command("faketime");
                command.args(["-f", clock, "squid"]);
                command
            }
            None => realm.command("squid"),
        };
        command.arg("-N").arg("-f").arg(realm.path("squid.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let squid = Squid { child, port };
        if let Err(why) = listening(([127, 0, 0, 1], port).into()) {
            panic!("{why}: {}", fs::read_to_string(realm.path("squid.log")).unwrap_or_default());
        }
        squid
    }

    /// Starts it with Negotiate alone, its key in the realm's file `http.keytab`.
    #[must_use]
    pub fn negotiate(realm: &Realm, clock: Option<&str>) -> Squid {
        let keytab = realm.path("http.keytab");
        let helper = format!(
            "auth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth -k {} -s HTTP/proxy.lab.test@LAB.TEST -t none\n\
             auth_param negotiate children 2 startup=1 idle=1",
            keytab.display()
        );
        Squid::start(realm, &helper, clock)
    }
}

impl Drop for Squid {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Squid gives up root before it reads the keytab and writes its log.
fn open_to_all(realm: &Realm) {
    use std::os::unix::fs::PermissionsExt;
    let open = |path: PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let _ = fs::write(realm.path("squid.log"), "");
    open(realm.dir.path().to_owned(), 0o755).unwrap();
    for (name, mode) in [("squid.log", 0o666), ("http.keytab", 0o644), ("krb5.conf", 0o644)] {
        let _ = open(realm.path(name), mode);
    }
}
