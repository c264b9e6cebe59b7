//! check-tcp against a hostile target, with a healthy web server beside it.

use netcheck_lab::Server;
use netcheck_lab::pki::Authority;
use netcheck_lab::script::Act;
use netcheck_lab::tool::Tool;
pub use netcheck_lab::trial::assert_harmless;
use serde_json::Value;

/// The name of hostile servers.
pub const NAME: &str = "www.spotme.com";

/// The tool, with hostile names on loopback.
pub fn tool() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-tcp"))
        .args(["--connect-to", &format!("{NAME}=127.0.0.1")])
        .env("NO_PROXY", "127.0.0.1")
}

/// Checks a hostile target and a good one at once; returns the record of the hostile one.
pub fn check_beside_healthy(tool: Tool, hostile: &str) -> Value {
    let good = Server::tcp(vec![
        Act::until("\r\n\r\n"),
        Act::send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        Act::Close,
    ]);
    netcheck_lab::trial::check_beside_healthy(tool, hostile, &format!("http://127.0.0.1:{}/", good.port))
}

/// The same against a server at our name: `scheme://name:port/`.
pub fn against(scheme: &str, server: &Server) -> Value {
    check_beside_healthy(tool(), &format!("{scheme}://{NAME}:{}", server.port))
}

/// The same against a server inside genuine TLS.
pub fn genuine(alpn: &[&str], acts: Vec<Act>) -> Value {
    let root = Authority::new("Lab Public Root");
    let server = Server::tls(&root.leaf(&[NAME]), alpn, acts);
    let tool = tool().file("public.pem", root.pem()).args(["--public-roots", "public.pem"]);
    check_beside_healthy(tool, &format!("https://{NAME}:{}", server.port))
}
