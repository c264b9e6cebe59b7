//! A server that decides by the name in the ClientHello: what filters, interceptors and load balancers do.

use std::io::Read;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use netcheck_lab::Server;
use netcheck_lab::pki::{Authority, Leaf};
use rustls::server::Acceptor;
use rustls::{ServerConfig, StreamOwned};

/// What becomes of a ClientHello.
pub enum Reaction {
    /// A RST.
    Reset,
    /// Silence.
    Stall,
    /// A FIN.
    Close,
    /// TLS.
    Speak(Arc<ServerConfig>),
}

/// The server, and the names it was asked for.
pub struct Front {
    pub port: u16,
    names: Arc<Mutex<Vec<String>>>,
    _server: Server,
}

impl Front {
    /// Decides by name; without a name it is the empty one.
    pub fn new(reaction: impl Fn(&str) -> Reaction + Send + Sync + 'static) -> Front {
        let names = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&names);
        let server = Server::each(move |wire| {
            let mut socket = wire.socket().try_clone().unwrap();
            let Some(hello) = hello(&mut socket) else { return };
            let name = hello.client_hello().server_name().unwrap_or_default().to_owned();
            notes.lock().unwrap().push(name.clone());
            match reaction(&name) {
                Reaction::Reset => wire.reset(),
                Reaction::Stall => drain(&mut socket),
                Reaction::Close => {
                    let _ = socket.shutdown(std::net::Shutdown::Write);
                    drain(&mut socket);
                }
                Reaction::Speak(config) => {
                    if let Ok(connection) = hello.into_connection(config) {
                        drain(&mut StreamOwned::new(connection, socket));
                    }
                }
            }
        });
        Front { port: server.port, names, _server: server }
    }

    /// Signs a certificate for whatever name is asked for, as an interceptor does.
    pub fn minting(authority: Authority) -> Front {
        Front::new(move |name| {
            let name = if name.is_empty() { "no-name.invalid" } else { name };
            Reaction::Speak(authority.leaf(&[name]).server_config(&["http/1.1"]))
        })
    }

    /// Shows one certificate whatever is asked for, as an appliance with a default certificate does.
    pub fn showing(leaf: &Leaf) -> Front {
        let config = leaf.server_config(&[]);
        Front::new(move |_| Reaction::Speak(Arc::clone(&config)))
    }

    /// The names in the ClientHellos, in order of arrival.
    pub fn names(&self) -> Vec<String> {
        self.names.lock().unwrap().clone()
    }
}

fn hello(socket: &mut TcpStream) -> Option<rustls::server::Accepted> {
    let mut acceptor = Acceptor::default();
    loop {
        if acceptor.read_tls(socket).ok()? == 0 {
            return None;
        }
        if let Some(accepted) = acceptor.accept().ok()? {
            return Some(accepted);
        }
    }
}

/// Reads until the peer leaves.
fn drain(stream: &mut impl Read) {
    let mut buffer = [0; 4096];
    while matches!(stream.read(&mut buffer), Ok(1..)) {}
}
