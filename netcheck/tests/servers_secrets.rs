//! Passwords, keytabs, tickets and tokens of proxies: used, and found in no record, no message, no page and no list of
//! arguments.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use netcheck_lab::kerberos::{Realm, Squid};
use netcheck_lab::{Act, Server, closed_port};
use tempfile::TempDir;

/// The password that was planted, as Alice's in the directory and as Basic's.
const PASSWORD: &str = "Planted-Pw-7f3kQ9xZ";
/// How many characters in a row are no coincidence.
const WINDOW: usize = 24;
const FORMATS: [&str; 4] = ["html", "text", "json", "csv"];

/// Writes what a process list shows of the program and of its parent, then becomes the program.
const WRITES_ARGUMENTS: &str = "#!/bin/sh
{ tr '\\0' ' ' < /proc/$PPID/cmdline; printf '%s ' \"$0\" \"$@\"; echo; } >> \"$ARGUMENTS\"
";

/// Where netcheck is run, and what tells of its secrets.
struct Office {
    realm: Realm,
    folder: TempDir,
    service: Server,
    page: Server,
}

/// How one run authenticates.
struct Login {
    name: &'static str,
    flags: Vec<String>,
    variables: Vec<(&'static str, String)>,
    scheme: &'static str,
}

impl Office {
    fn new() -> Office {
        let realm = Realm::with_proxy(PASSWORD, "");
        realm.admin("LAB.TEST", "addprinc -randkey robot");
        realm.admin("LAB.TEST", "ktadd -k robot.keytab robot");
        realm.log_on("alice", PASSWORD, &[]);
        // The ticket for the proxy is in the cache too, so that its bytes are looked for.
        realm.run("kvno", &["HTTP/proxy.lab.test"], "");
        let folder = tempfile::tempdir().unwrap();
        let programs = Path::new(env!("CARGO_BIN_EXE_netcheck")).parent().unwrap();
        for tool in ["tcp", "wss", "rtmps", "udp", "push", "mail"] {
            let real = programs.join(format!("check-{tool}"));
            wrapper(folder.path(), &format!("check-{tool}"), &format!("exec '{}' \"$@\"", real.display()));
        }
        // The cache that only kvno can read: another one's tickets, for this test.
        let cache = realm.path("cc").display().to_string();
        let kvno = format!("KRB5CCNAME='FILE:{cache}' PATH=/usr/bin:/bin exec kvno \"$@\"");
        wrapper(folder.path(), "kvno", &kvno);
        fs::create_dir(folder.path().join("tmp")).unwrap();
        let service = Server::tcp(vec![Act::Stall]);
        let page = Server::tcp(vec![
            Act::until("\r\n\r\n"),
            Act::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
            Act::Close,
        ]);
        Office { realm, folder, service, page }
    }

    fn targets(&self) -> [String; 2] {
        [format!("tcp://127.0.0.1:{}", self.service.port), format!("http://127.0.0.1:{}/", self.page.port)]
    }

    fn logins(&self) -> Vec<Login> {
        let cache = ("KRB5CCNAME", format!("FILE:{}", self.realm.path("cc").display()));
        let none = ("KRB5CCNAME", format!("FILE:{}", self.realm.path("none").display()));
        let password = |user: &str| {
            vec![
                none.clone(),
                ("NETCHECK_PROXY_USER", user.to_owned()),
                ("NETCHECK_PROXY_PASSWORD", PASSWORD.to_owned()),
            ]
        };
        let keytab = self.realm.path("robot.keytab").display().to_string();
        let login = |name, flags: &[&str], variables, scheme| Login {
            name,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            variables,
            scheme,
        };
        vec![
            login("a ticket", &[], vec![cache], "Negotiate"),
            login("a ticket by kvno", &[], vec![("KRB5CCNAME", "KCM:".to_owned())], "Negotiate"),
            login("a keytab", &["--proxy-keytab", &keytab], vec![none.clone()], "Negotiate"),
            login("a password for the KDC", &[], password("alice"), "Negotiate"),
            login("a password for Basic", &["--proxy-auth", "basic"], password("alice"), "Basic"),
        ]
    }

    fn command(&self, program: &Path, login: &Login, proxy: u16) -> Command {
        let mut command = Command::new(program);
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        let folder = self.folder.path();
        command
            .current_dir(folder)
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .env("ARGUMENTS", folder.join("arguments"))
            .env("TMPDIR", folder.join("tmp"))
            .env("KRB5_CONFIG", self.realm.path("krb5.conf"))
            .envs(login.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        self.flags(&mut command, login, proxy);
        command
    }

    fn flags(&self, command: &mut Command, login: &Login, proxy: u16) {
        if command.get_program() == env!("CARGO_BIN_EXE_netcheck") {
            command.args([
                "check",
                "-v",
                "--profile",
                "profile.toml",
                "--no-controls",
                "--output",
                "run.jsonl",
            ]);
            command.arg("--tools").arg(self.folder.path());
        }
        command
            .args(["--proxy", &format!("http://proxy.lab.test:{proxy}"), "--timeout", "5"])
            .args(["--connect-to", "proxy.lab.test=127.0.0.1"])
            .args(["--resolver", &format!("127.0.0.1:{}", closed_port())])
            .args(&login.flags);
    }

    /// Everything that a run of netcheck and of a tool by itself show to anybody, by name.
    fn shown(&self, login: &Login, proxy: u16) -> Vec<(String, String)> {
        let folder = self.folder.path();
        let _ = fs::remove_file(folder.join("run.jsonl"));
        let mut shown = Vec::new();
        let mut keep = |name: &str, command: &mut Command| {
            let output = command.output().unwrap();
            shown.push((format!("{name}, output"), String::from_utf8_lossy(&output.stdout).into_owned()));
            shown.push((format!("{name}, errors"), String::from_utf8_lossy(&output.stderr).into_owned()));
        };
        keep("netcheck", &mut self.command(Path::new(env!("CARGO_BIN_EXE_netcheck")), login, proxy));
        for format in ["json", "text"] {
            let mut tool = self.command(&folder.join("check-tcp"), login, proxy);
            keep("check-tcp", tool.args(["-vv", "--format", format]).args(self.targets()));
        }
        for format in FORMATS {
            let mut report = Command::new(env!("CARGO_BIN_EXE_netcheck"));
            report.current_dir(folder).args(["report", "run.jsonl", "--format", format]);
            keep(&format!("report as {format}"), &mut report);
        }
        for file in ["run.jsonl", "arguments"] {
            shown.push((file.to_owned(), fs::read_to_string(folder.join(file)).unwrap()));
        }
        shown
    }
}

fn wrapper(folder: &Path, name: &str, script: &str) -> PathBuf {
    let file = folder.join(name);
    fs::write(&file, format!("{WRITES_ARGUMENTS}{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

/// A proxy that asks for the scheme, and sends back whatever it is sent, wherever an answer has room for it.
fn echo(scheme: &'static str, status: &'static str) -> Server {
    let answer = move |request: &[u8]| {
        let request = String::from_utf8_lossy(request).into_owned();
        let field = request.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("proxy-authorization").then(|| value.to_owned())
        });
        let Some(sent) = field else {
            return format!(
                "HTTP/1.1 407 No\r\nProxy-Authenticate: {scheme}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            .into_bytes();
        };
        if status == "SSH" {
            return format!("SSH-2.0 {sent}\r\n").into_bytes();
        }
        let token = sent.rsplit(' ').next().unwrap_or_default();
        let page = format!("<html><title>{token}</title>{sent}</html>");
        let mut head = format!("HTTP/1.1 {status} {token}\r\n");
        for name in ["Server", "Via", "X-Squid-Error", "X-Cache", "Proxy-Authenticate", "Date"] {
            let _ = write!(head, "{name}: {token}\r\n");
        }
        let _ =
            write!(head, "Location: http://127.0.0.1/{token}\r\nProxy-Authenticate: {scheme} {token}\r\n");
        format!("{head}Content-Type: text/html\r\nContent-Length: {}\r\n\r\n{page}", page.len()).into_bytes()
    };
    Server::tcp(vec![Act::until("\r\n\r\n"), Act::reply(answer), Act::Close])
}

/// The tokens that a proxy was sent.
fn tokens(proxy: &Server) -> Vec<String> {
    let text = String::from_utf8_lossy(&proxy.seen().concat()).into_owned();
    text.lines()
        .filter(|line| line.to_ascii_lowercase().starts_with("proxy-authorization: "))
        .filter_map(|line| line.rsplit(' ').next().map(str::to_owned))
        .collect()
}

/// What must be found nowhere: the password, and every piece of a token or of a file of keys, in hex and in base64.
fn secrets(office: &Office, tokens: &[String]) -> BTreeSet<String> {
    let mut pieces: BTreeSet<String> =
        [PASSWORD.to_owned(), STANDARD.encode(format!("alice:{PASSWORD}"))].into();
    for token in tokens {
        pieces.extend(token.as_bytes().windows(WINDOW).step_by(8).map(text));
    }
    for file in ["cc", "robot.keytab", "http.keytab"] {
        let raw = fs::read(office.realm.path(file)).unwrap();
        let hex = raw.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        pieces.extend(hex.as_bytes().chunks_exact(WINDOW).map(text));
        for from in 0..3 {
            let encoded = STANDARD.encode(raw.get(from..).unwrap_or_default());
            pieces.extend(encoded.as_bytes().chunks_exact(WINDOW).map(text));
        }
    }
    // A row of zeros is no secret.
    pieces.retain(|piece| piece.chars().collect::<BTreeSet<_>>().len() > 6);
    pieces
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn assert_absent(what: &str, shown: &[(String, String)], secrets: &BTreeSet<String>) {
    for (place, text) in shown {
        for secret in secrets {
            assert!(!text.contains(secret.as_str()), "{what}: {place} shows {secret}: {text}");
        }
    }
}

fn has_profile(office: &Office) {
    let mut profile = String::from("format = 1\nname = \"office\"\n");
    for (name, target) in ["stream", "page"].iter().zip(office.targets()) {
        let _ = write!(
            profile,
            "[[row]]\nname = \"{name}\"\nfunction = \"{name}\"\nrole = \"all\"\nsource = \"test\"\n\
             [[row.probe]]\ntarget = \"{target}\"\n"
        );
    }
    fs::write(office.folder.path().join("profile.toml"), profile).unwrap();
}

#[test]
fn secrets_of_proxies_are_in_no_record_no_message_no_page_and_no_list_of_arguments() {
    let office = Office::new();
    has_profile(&office);
    let squid = Squid::negotiate(&office.realm, None);
    for login in office.logins() {
        let what = login.name;
        if login.scheme == "Negotiate" {
            let shown = office.shown(&login, squid.port);
            let (_, records) = shown.iter().find(|(place, _)| place == "run.jsonl").unwrap();
            assert_eq!(records.matches("\"verdict\":\"pass\"").count(), 2, "{what}: {shown:?}");
            assert_absent(what, &shown, &secrets(&office, &[]));
        }
        for status in ["403", "502", "SSH"] {
            let proxy = echo(login.scheme, status);
            let shown = office.shown(&login, proxy.port);
            let tokens = tokens(&proxy);
            assert!(!tokens.is_empty(), "{what}: the proxy was sent nothing: {shown:?}");
            assert_absent(&format!("{what}, {status}"), &shown, &secrets(&office, &tokens));
        }
    }
    let arguments = fs::read_to_string(office.folder.path().join("arguments")).unwrap();
    for program in ["/check-tcp ", "/kvno ", "netcheck check "] {
        assert!(arguments.contains(program), "{program}: {arguments}");
    }
    assert_eq!(
        fs::read_dir(office.folder.path().join("tmp")).unwrap().count(),
        0,
        "a copy of a cache is left"
    );
}
