//! The tool pointed at servers on loopback under public names, and what they answer.

use netcheck_lab::pki::Authority;
use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::{Act, Server};

/// The name asked for.
pub const NAME: &str = "www.spotme.com";
/// Another service's name.
pub const OTHER: &str = "install.events";

/// Only what the stages saw, and soon.
pub const QUICK: &[&str] = &["--timeout", "0.5", "--diagnose", "never"];
/// With control experiments, and soon.
pub const SOON: &[&str] = &["--timeout", "1"];

/// The tool with these arguments; the names live on loopback.
pub fn tool(args: &[&str]) -> Tool {
    let tool = Tool::new(env!("CARGO_BIN_EXE_check-tcp")).args(args);
    [NAME, OTHER, "app.spotme.com", "spotme.com"]
        .iter()
        .fold(tool, |tool, name| tool.args(["--connect-to", &format!("{name}=127.0.0.1")]))
}

/// Whom the tool believes.
pub trait Believes {
    /// The authority counts as a public one.
    fn public(self, authority: &Authority) -> Tool;
    /// The authority is in the system's trust store, as an inspecting firewall's is.
    fn system(self, authority: &Authority) -> Tool;
    /// Checks the name at this port.
    fn check(self, scheme: &str, port: u16) -> Outcome;
}

impl Believes for Tool {
    fn public(self, authority: &Authority) -> Tool {
        self.file("public.pem", authority.pem()).args(["--public-roots", "public.pem"])
    }

    fn system(self, authority: &Authority) -> Tool {
        let tool = self.file("system.pem", authority.pem());
        let path = tool.dir().join("system.pem");
        tool.env("SSL_CERT_FILE", path)
    }

    fn check(self, scheme: &str, port: u16) -> Outcome {
        self.arg(format!("{scheme}://{NAME}:{port}")).run()
    }
}

/// A script that answers one request with these bytes.
pub fn answer(bytes: impl AsRef<[u8]>) -> Vec<Act> {
    vec![Act::until("\r\n\r\n"), Act::send(bytes), Act::Close]
}

/// A whole HTTP/1.1 answer with this status line and page.
pub fn page(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// The tool asks a plain server.
pub fn plain(acts: Vec<Act>, args: &[&str]) -> Outcome {
    let server = Server::tcp(acts);
    tool(args).check("http", server.port)
}

/// The tool asks a server whose certificate is genuine.
pub fn genuine(acts: Vec<Act>, args: &[&str]) -> Outcome {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf(&[NAME]), &["http/1.1"], acts);
    tool(args).public(&root).check("https", server.port)
}
