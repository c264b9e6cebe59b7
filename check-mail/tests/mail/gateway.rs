//! A scripted mail gateway: it answers each command as it was told to, with TLS where it has a certificate.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use netcheck_lab::pki::Leaf;
use netcheck_lab::script::Server;

/// What a gateway answers.
#[derive(Clone)]
pub struct Post {
    pub banner: &'static str,
    pub ehlo: &'static str,
    pub starttls: &'static str,
    pub mail: &'static str,
    pub rcpt: &'static str,
    /// Whether it speaks on after STARTTLS with something that is not TLS.
    pub broken_tls: bool,
}

impl Default for Post {
    fn default() -> Post {
        Post {
            banner: "220 mx.example.net ESMTP",
            ehlo: "250-mx.example.net\r\n250-PIPELINING\r\n250 STARTTLS",
            starttls: "220 2.0.0 go ahead",
            mail: "250 2.1.0 Ok",
            rcpt: "250 2.1.5 Ok",
            broken_tls: false,
        }
    }
}

/// A gateway that runs until it is dropped.
pub struct Gateway {
    server: Server,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Gateway {
    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.server.port
    }

    /// The commands it was given, of all connections.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

/// Starts a gateway on loopback.
pub fn gateway(post: Post, leaf: Option<&Leaf>) -> Gateway {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let config = leaf.map(|leaf| leaf.server_config(&[]));
    let noted = Arc::clone(&lines);
    let server = Server::raw(move |tcp: TcpStream| {
        let mut wire = tcp.try_clone().unwrap();
        let _ = write!(wire, "{}\r\n", post.banner);
        if !talk(&post, &mut wire, &noted) {
            return;
        }
        if post.broken_tls {
            let mut hello = [0; 4096];
            let _ = wire.read(&mut hello);
            let _ = write!(wire, "554 no TLS after all\r\n");
            let _ = wire.shutdown(std::net::Shutdown::Write);
            let _ = wire.read_to_end(&mut Vec::new());
            return;
        }
        let Some(config) = &config else { return };
        let connection = rustls::ServerConnection::new(Arc::clone(config)).unwrap();
        talk(&post, &mut rustls::StreamOwned::new(connection, tcp), &noted);
    });
    Gateway { server, lines }
}

/// Answers until the peer leaves; true where TLS is to follow.
fn talk(post: &Post, wire: &mut (impl Read + Write), noted: &Mutex<Vec<String>>) -> bool {
    loop {
        let mut line = String::new();
        // One byte at a time, so that nothing of a ClientHello is taken for a command.
        if BufReader::with_capacity(1, &mut *wire).read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        let line = line.trim_end();
        noted.lock().unwrap().push(line.to_owned());
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        let answer = match verb {
            "EHLO" => post.ehlo,
            "HELO" => "250 mx.example.net",
            "STARTTLS" => post.starttls,
            "MAIL" => post.mail,
            "RCPT" => post.rcpt,
            "QUIT" => "221 2.0.0 Bye",
            _ => "500 5.5.2 what?",
        };
        if write!(wire, "{answer}\r\n").and_then(|()| wire.flush()).is_err() || verb == "QUIT" {
            return false;
        }
        if verb == "STARTTLS" && answer.starts_with('2') {
            return true;
        }
    }
}
