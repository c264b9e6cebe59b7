//! TCP and TLS servers on loopback that play a script to each connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::{Domain, Socket, Type};

use crate::act::play;
pub use crate::act::{Act, Answer};
use crate::pki::Leaf;
pub use crate::wire::Wire;

/// What happens to each connection: its number from 0, the wire, and where to note what was read.
type Handler = Arc<dyn Fn(usize, Wire, &Notes) + Send + Sync>;

/// What one connection has sent us so far.
pub(crate) struct Notes {
    shared: Arc<Shared>,
    index: usize,
}

impl Notes {
    /// Adds bytes that arrived.
    pub(crate) fn add(&self, bytes: &[u8]) {
        self.shared.state.lock().unwrap().seen[self.index].extend_from_slice(bytes);
    }

    /// Whether what arrived after offset `from` ends with these bytes.
    pub(crate) fn ends_with(&self, from: usize, end: &[u8]) -> bool {
        self.shared.state.lock().unwrap().seen[self.index][from..].ends_with(end)
    }

    /// Everything that arrived.
    pub(crate) fn all(&self) -> Vec<u8> {
        self.shared.state.lock().unwrap().seen[self.index].clone()
    }

    /// Whether the server was told to stop.
    pub(crate) fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::SeqCst)
    }
}

#[derive(Default)]
struct State {
    seen: Vec<Vec<u8>>,
    open: Vec<Weak<TcpStream>>,
    playing: usize,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
    stop: AtomicBool,
}

/// A listening server; dropping it ends it and its connections.
pub struct Server {
    /// The port it listens on.
    pub port: u16,
    /// The address and port it listens on.
    pub addr: SocketAddr,
    shared: Arc<Shared>,
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Server {
    /// Plays the script to every connection, on 127.0.0.1.
    #[must_use]
    pub fn tcp(acts: Vec<Act>) -> Server {
        Server::tcp_on(LOOPBACK, acts)
    }

    /// The same on another address of this machine: any of 127/8, or `::1`.
    #[must_use]
    pub fn tcp_on(address: IpAddr, acts: Vec<Act>) -> Server {
        Server::bind((address, 0).into(), None, vec![acts])
    }

    /// Plays the script inside TLS.
    #[must_use]
    pub fn tls(leaf: &Leaf, alpn: &[&str], acts: Vec<Act>) -> Server {
        Server::bind((LOOPBACK, 0).into(), Some(leaf.server_config(alpn)), vec![acts])
    }

    /// The first connection plays the first script, and so on; the last script repeats.
    #[must_use]
    pub fn sequence(scripts: Vec<Vec<Act>>) -> Server {
        Server::bind((LOOPBACK, 0).into(), None, scripts)
    }

    /// The same inside TLS.
    #[must_use]
    pub fn tls_sequence(leaf: &Leaf, alpn: &[&str], scripts: Vec<Vec<Act>>) -> Server {
        Server::bind((LOOPBACK, 0).into(), Some(leaf.server_config(alpn)), scripts)
    }

    /// The general form: where (port 0 takes any), with TLS or without, and the scripts in order.
    #[must_use]
    pub fn bind(addr: SocketAddr, tls: Option<Arc<ServerConfig>>, scripts: Vec<Vec<Act>>) -> Server {
        let handler = move |index: usize, wire: Wire, notes: &Notes| {
            if let Some(acts) = scripts.get(index).or(scripts.last()) {
                play(acts, wire, notes);
            }
        };
        Server::listen(addr, tls, Arc::new(handler))
    }

    /// Hands each connection to `handler`, one at a time.
    #[must_use]
    pub fn raw(handler: impl FnMut(TcpStream) + Send + 'static) -> Server {
        let handler = Mutex::new(handler);
        Server::each(move |wire| {
            let stream = wire.socket().try_clone().unwrap();
            drop(wire);
            handler.lock().unwrap()(stream);
        })
    }

    /// Hands each connection to `handler`, all at once, each on its own thread.
    #[must_use]
    pub fn each(handler: impl Fn(Wire) + Send + Sync + 'static) -> Server {
        Server::listen((LOOPBACK, 0).into(), None, Arc::new(move |_, wire, _: &Notes| handler(wire)))
    }

    /// The same inside TLS.
    #[must_use]
    pub fn tls_each(leaf: &Leaf, alpn: &[&str], handler: impl Fn(Wire) + Send + Sync + 'static) -> Server {
        let handler: Handler = Arc::new(move |_, wire, _: &Notes| handler(wire));
        Server::listen((LOOPBACK, 0).into(), Some(leaf.server_config(alpn)), handler)
    }

    fn listen(addr: SocketAddr, tls: Option<Arc<ServerConfig>>, handler: Handler) -> Server {
        let listener = TcpListener::bind(addr).expect("a free port");
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let inside = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, tls.as_ref(), &handler, &inside));
        Server { port: addr.port(), addr, shared }
    }

    /// The bytes received, per connection, in the order they were accepted.
    ///
    /// Waits a little for connections still playing, so that nothing is missed after the tool has ended.
    #[must_use]
    pub fn seen(&self) -> Vec<Vec<u8>> {
        let state = self.shared.state.lock().unwrap();
        let patience = Duration::from_secs(2);
        let (state, _) =
            self.shared.ended.wait_timeout_while(state, patience, |state| state.playing > 0).unwrap();
        state.seen.clone()
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.shared.state.lock().unwrap().seen.len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        for socket in self.shared.state.lock().unwrap().open.iter().filter_map(Weak::upgrade) {
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
        // Wakes the accepting thread, which then sees that it is over and frees the port.
        let _ = TcpStream::connect_timeout(&self.addr, Duration::from_secs(1));
    }
}

fn accept(listener: &TcpListener, tls: Option<&Arc<ServerConfig>>, handler: &Handler, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let _ = stream.set_nodelay(true);
        let (outside, pending) = Wire::accept(stream, tls);
        let index = {
            let mut state = shared.state.lock().unwrap();
            state.seen.push(Vec::new());
            state.open.push(outside);
            state.playing += 1;
            state.seen.len() - 1
        };
        let notes = Notes { shared: Arc::clone(shared), index };
        let handler = Arc::clone(handler);
        thread::spawn(move || {
            let _playing = Playing(Arc::clone(&notes.shared));
            if let Some(wire) = pending.finish() {
                handler(notes.index, wire, &notes);
            }
        });
    }
}

/// Counts a connection as over, however its thread ends.
struct Playing(Arc<Shared>);

impl Drop for Playing {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.state.lock() {
            state.playing -= 1;
        }
        self.0.ended.notify_all();
    }
}

/// Sockets that are bound and never listen: their ports refuse, and no other server gets them.
static CLOSED: Mutex<Vec<Socket>> = Mutex::new(Vec::new());

/// A loopback port that refuses TCP as long as this process lives.
#[must_use]
pub fn closed_port() -> u16 {
    let [port] = closed_ports();
    port
}

/// Several different ports that refuse.
#[must_use]
pub fn closed_ports<const N: usize>() -> [u16; N] {
    [(); N].map(|()| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(LOOPBACK, 0).into()).unwrap();
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();
        CLOSED.lock().unwrap().push(socket);
        port
    })
}

/// A loopback port for a server that cannot choose its own: it was free a moment ago.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap().port()
}
