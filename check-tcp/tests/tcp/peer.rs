//! The tool pointed at servers, and short words for what it said.

use netcheck_lab::dns::{DnsServer, Zone};
use netcheck_lab::tool::{Outcome, Tool};
use netcheck_lab::{Act, Server};

/// The tool with these arguments.
pub fn tool(args: &[&str]) -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_check-tcp")).args(args)
}

/// The tool with these arguments, asking a resolver that knows this zone.
pub fn asking(zone: Zone, args: &[&str]) -> Outcome {
    let resolver = DnsServer::start(zone);
    tool(args).args(["--resolver", &resolver.addr.to_string()]).run()
}

/// The targets of all records, in order.
pub fn targets(outcome: &Outcome) -> Vec<&str> {
    outcome.records.iter().map(|record| record["target"].as_str().unwrap()).collect()
}

/// A server that accepts and says nothing.
pub fn quiet() -> Server {
    Server::tcp(vec![Act::Stall])
}

/// A plain HTTP server that answers like this.
pub fn http(answer: &str) -> Server {
    Server::tcp(vec![Act::until("\r\n\r\n"), Act::send(answer), Act::Close])
}

/// An answer that passes.
pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
