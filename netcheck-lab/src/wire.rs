//! One accepted connection: the socket, with or without TLS around it, that a drop elsewhere can end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Weak};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The socket. Its owner outside holds it weakly, so that dropping the wire really closes it.
#[derive(Clone)]
pub(crate) struct Socket(Arc<TcpStream>);

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

/// A connection as the server sees it: bytes of the application, whatever carries them.
pub struct Wire(Kind);

enum Kind {
    Plain(Socket),
    Tls(Box<StreamOwned<ServerConnection, Socket>>),
}

impl Wire {
    /// Takes a connection; with `config` the TLS handshake is done here.
    pub(crate) fn accept(stream: TcpStream, config: Option<&Arc<ServerConfig>>) -> (Weak<TcpStream>, Accept) {
        let socket = Arc::new(stream);
        let outside = Arc::downgrade(&socket);
        (outside, Accept { socket: Socket(socket), config: config.cloned() })
    }

    /// The socket below.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        match &self.0 {
            Kind::Plain(socket) => &socket.0,
            Kind::Tls(tls) => &tls.sock.0,
        }
    }

    /// The name the client asked for in TLS.
    #[must_use]
    pub fn sni(&self) -> Option<String> {
        match &self.0 {
            Kind::Plain(_) => None,
            Kind::Tls(tls) => tls.conn.server_name().map(str::to_owned),
        }
    }

    /// Ends the sending side in good order: `close_notify` where there is TLS, then FIN.
    pub fn finish(&mut self) {
        if let Kind::Tls(tls) = &mut self.0 {
            tls.conn.send_close_notify();
            let _ = tls.flush();
        }
        self.hang_up();
    }

    /// Ends the sending side with a FIN alone.
    pub fn hang_up(&mut self) {
        let _ = self.socket().shutdown(Shutdown::Write);
    }

    /// Ends the connection with a RST.
    pub fn reset(self) {
        let _ = socket2::SockRef::from(self.socket()).set_linger(Some(std::time::Duration::ZERO));
    }

    /// Reads until the peer leaves, so that closing does not turn into a RST.
    pub fn drain(&mut self) {
        let mut buffer = [0; 4096];
        // Below TLS on purpose: what arrives is of no interest any more.
        let mut socket = self.socket();
        while matches!(socket.read(&mut buffer), Ok(1..)) {}
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Plain(socket) => socket.read(buffer),
            Kind::Tls(tls) => tls.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Kind::Plain(socket) => socket.write(bytes),
            Kind::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Kind::Plain(socket) => socket.flush(),
            Kind::Tls(tls) => tls.flush(),
        }
    }
}

/// A connection not yet shaken hands on.
pub(crate) struct Accept {
    socket: Socket,
    config: Option<Arc<ServerConfig>>,
}

impl Accept {
    /// Does the TLS handshake, where there is TLS; `None` when the client would not have it.
    pub(crate) fn finish(self) -> Option<Wire> {
        let Some(config) = self.config else { return Some(Wire(Kind::Plain(self.socket))) };
        let mut connection = ServerConnection::new(config).expect("a TLS server");
        let mut socket = self.socket;
        while connection.is_handshaking() {
            if connection.complete_io(&mut socket).is_err() {
                refuse(connection, socket);
                return None;
            }
        }
        Some(Wire(Kind::Tls(Box::new(StreamOwned::new(connection, socket)))))
    }
}

/// Lets the alert arrive: the reset of a socket closed with unread bytes would overtake it.
fn refuse(mut connection: ServerConnection, mut socket: Socket) {
    while connection.wants_write() && connection.write_tls(&mut socket).is_ok() {}
    let _ = socket.0.shutdown(std::net::Shutdown::Write);
    let _ = io::copy(&mut socket.take(1 << 16), &mut io::sink());
}
