//! The stand-ins: Apple's and Google's names on loopback, the roots that vouch for them, and an HTTP/2 origin.

use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use h2::server::SendResponse;
use netcheck_lab::Server;
use netcheck_lab::pki::{Authority, Leaf};
use netcheck_lab::tool::{Outcome, Tool};
use serde_json::Value;

/// The name all couriers go by.
pub const COURIER: &str = "courier.push.apple.com";
/// The one courier these tests ask for.
pub const HOST: &str = "1-courier.push.apple.com";
pub const PROVIDER: &str = "api.push.apple.com";
pub const TALK: &str = "mtalk.google.com";
pub const API: &str = "fcm.googleapis.com";
pub const APNS: &[&str] = &["apns-security-v3"];

/// Loopback is Apple's and Google's.
pub const LOOPBACK: &str = "[apple AS714]\n127.0.0.0/8\n[google AS15169]\n127.0.0.0/8\n";

/// check-push with all names on loopback, and loopback in the services' networks.
pub fn tool() -> Tool {
    elsewhere().file("networks.txt", LOOPBACK).args(["--networks", "networks.txt"])
}

/// The same, where loopback is outside the services' networks.
pub fn elsewhere() -> Tool {
    let mut tool = Tool::new(env!("CARGO_BIN_EXE_check-push"));
    for host in [HOST, PROVIDER, TALK, API] {
        tool = tool.args(["--connect-to", &format!("{host}=127.0.0.1")]);
    }
    tool
}

/// Whom the tool believes.
pub trait Believes {
    /// The authority is a public one.
    fn public(self, authority: &Authority) -> Tool;
    /// The authority is Apple's own.
    fn apple(self, authority: &Authority) -> Tool;
    /// The authority is in the system's trust store, as an inspecting firewall's is.
    fn system(self, authority: &Authority) -> Tool;
    /// Checks one target.
    fn check(self, scheme: &str, host: &str, port: u16) -> Outcome;
}

impl Believes for Tool {
    fn public(self, authority: &Authority) -> Tool {
        self.file("public.pem", authority.pem()).args(["--public-roots", "public.pem"])
    }

    fn apple(self, authority: &Authority) -> Tool {
        self.file("apple.pem", authority.pem()).args(["--apple-roots", "apple.pem"])
    }

    fn system(self, authority: &Authority) -> Tool {
        let tool = self.file("system.pem", authority.pem());
        let path = tool.dir().join("system.pem");
        tool.env("SSL_CERT_FILE", path)
    }

    fn check(self, scheme: &str, host: &str, port: u16) -> Outcome {
        self.arg(format!("{scheme}://{host}:{port}")).run()
    }
}

/// What matters of a record that passes: the stages, who was asked for, whom it convinced, and our own facts.
pub fn passing(outcome: &Outcome) -> Value {
    let record = outcome.one();
    let stages: Vec<_> =
        record["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].clone()).collect();
    let (facts, tls) = (&record["facts"], &record["facts"]["tls"]);
    serde_json::json!({
        "verdict": record["verdict"], "stages": stages,
        "sni": tls["sni"], "alpn": tls["alpn"], "trust": tls["trust"],
        "networks": facts["networks"], "asn": facts["asn"], "reason": facts["reason"],
    })
}

/// A string somewhere in the record.
pub fn text(outcome: &Outcome, path: &str) -> String {
    outcome.one().pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What a sender's service answers.
#[derive(Clone)]
pub struct Says {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: &'static str,
}

/// What Apple says to a sender without a token.
pub fn missing_token() -> Says {
    Says {
        status: 403,
        headers: vec![
            ("apns-id", "eabeae54-14a8-11e5-b60b-1697f925ec7b"),
            ("content-type", "application/json"),
        ],
        body: r#"{"reason":"MissingProviderToken"}"#,
    }
}

/// What Google says to a sender without credentials.
pub fn unauthenticated() -> Says {
    Says {
        status: 401,
        headers: vec![("content-type", "application/json; charset=UTF-8")],
        body: r#"{"error":{"code":401,"message":"Request is missing required authentication credential.","status":"UNAUTHENTICATED"}}"#,
    }
}

/// A page in the service's place.
pub fn page(status: u16, body: &'static str) -> Says {
    Says { status, headers: vec![("content-type", "text/html")], body }
}

/// An HTTP/2 origin.
pub struct Origin {
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
    _server: Server,
}

impl Origin {
    /// Answers every request over h2 with `says`.
    pub fn new(leaf: &Leaf, says: Says) -> Origin {
        Origin::speaking(&["h2"], leaf, says)
    }

    /// The same, offering other protocols in ALPN.
    pub fn speaking(alpn: &[&str], leaf: &Leaf, says: Says) -> Origin {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (config, notes) = (leaf.server_config(alpn), Arc::clone(&asked));
        let server = Server::raw(move |socket| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // A client that leaves in the middle is the client's affair.
            let _ = runtime.block_on(serve(socket, config.clone(), &says, &notes));
        });
        Origin { port: server.port, asked, _server: server }
    }

    /// Method, authority and path of each request.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    socket: TcpStream,
    config: Arc<rustls::ServerConfig>,
    says: &Says,
    asked: &Mutex<Vec<String>>,
) -> Result<(), Box<dyn std::error::Error>> {
    socket.set_nonblocking(true)?;
    let socket = tokio::net::TcpStream::from_std(socket)?;
    let tls = tokio_rustls::TlsAcceptor::from(config).accept(socket).await?;
    let mut connection = h2::server::handshake(tls).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted?;
        asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
        answer(respond, says)?;
    }
    Ok(())
}

fn answer(mut respond: SendResponse<bytes::Bytes>, says: &Says) -> Result<(), Box<dyn std::error::Error>> {
    let mut response = http::Response::builder().status(says.status);
    for (name, value) in &says.headers {
        response = response.header(*name, *value);
    }
    let mut body = respond.send_response(response.body(())?, false)?;
    body.send_data(bytes::Bytes::from_static(says.body.as_bytes()), true)?;
    Ok(())
}
