//! Devices that end connections in the service's place: redirected to them by a router, they know where each was going.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use nix::sys::socket::{getsockopt, setsockopt, sockopt};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};

use super::super::internet::World;
use super::inspection::{Inspection, Inspector};

/// One such device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Middlebox {
    /// `router1` or `router2`; `inet` stands in for the service itself, `client` is an agent of the machine's own.
    pub at: String,
    /// Which connections it takes: an nftables match (`tcp dport 443`).
    pub takes: String,
    /// What it does with them.
    pub does: Act,
}

/// What a device does with a connection.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Accepts and says nothing.
    Accept,
    /// Accepts, reads a little, and hangs up.
    Close,
    /// Sends the browser to a log-in page.
    Portal,
    /// Answers every request with a block page; so it does to bytes that are no request.
    BlockPage,
    /// Asks for proxy credentials.
    AskCredentials,
    /// Passes the connection on without the request's Upgrade header.
    StripUpgrade,
    /// Opens TLS and signs it again.
    Inspect(Inspection),
    /// Accepts, waits for a moment, and resets.
    Reset,
    /// Passes everything on.
    Relay,
    /// Passes everything on, but resets connections whose first bytes hold this text.
    CutText(String),
    /// Shows a genuine certificate for this name, whatever name is asked for, and its log-in page.
    ShowCertificate(String),
    /// Answers every request with a redirect to this place.
    Redirect(String),
    /// Answers every request with this status and a page without any mark.
    Status(u16),
}

/// What a device's own connections are marked with.
const MARK: u32 = 7;

const PORTAL: &str = "HTTP/1.1 302 Found\r\nLocation: http://login.corp.example/portal?from=lab\r\n\
     Content-Length: 0\r\nConnection: close\r\n\r\n";
const ASK: &str = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"corp\"\r\n\
     Content-Length: 0\r\nConnection: close\r\n\r\n";

/// The page as FortiGate has it, in short.
const PAGE: &str = "<!DOCTYPE html><html><head><title>Web Page Blocked</title></head><body><h1>FortiGuard Intrusion \
     Prevention - Access Blocked</h1><h2>Web Page Blocked</h2><p>You have tried to access a web page which is in violation \
     of your internet usage policy.</p><p>Category: Streaming Media</p></body></html>";

/// A whole answer with the block page.
#[must_use]
pub fn block_page() -> String {
    let length = PAGE.len();
    format!(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{PAGE}"
    )
}

impl Middlebox {
    /// Puts the device in place.
    ///
    /// # Errors
    /// There is no such place, or a rule is refused.
    pub fn place(&self, world: &World, number: usize) -> io::Result<()> {
        let at =
            world.network.place(&self.at).ok_or_else(|| io::Error::other(format!("no place {}", self.at)))?;
        let listener = at.open(|| {
            let listener = std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        })?;
        let port = listener.local_addr()?.port();
        let takes = &self.takes;
        // An agent's own connections onward bear a mark, and are left alone.
        let hook = match self.at.as_str() {
            "client" => format!("output priority -100;\nmeta mark {MARK} accept\noifname != \"lo\""),
            _ => "prerouting priority dstnat;\n".to_owned(),
        };
        let rules = format!(
            "table ip middlebox{number} {{ chain in {{ type nat hook {hook} {takes} redirect to :{port}\n}}\n}}\n"
        );
        at.run("nft", &["-f", "-"], &rules)?;
        match &self.does {
            Act::Accept => at.serve(each(listener, |stream, _| silence(stream, usize::MAX))),
            Act::Close => at.serve(each(listener, |stream, _| silence(stream, 1))),
            Act::Portal => at.serve(each(listener, |stream, _| answer(stream, PORTAL.to_owned()))),
            Act::BlockPage => at.serve(each(listener, |stream, _| answer(stream, block_page()))),
            Act::AskCredentials => at.serve(each(listener, |stream, _| answer(stream, ASK.to_owned()))),
            Act::StripUpgrade => at.serve(each(listener, strip)),
            Act::Reset => at.serve(each(listener, |stream, _| reset(stream))),
            Act::Relay => at.serve(each(listener, |stream, to| relay(stream, to, None))),
            Act::CutText(text) => {
                let text = text.clone();
                at.serve(each(listener, move |stream, to| relay(stream, to, Some(text.clone()))));
            }
            Act::ShowCertificate(name) => {
                let config = world.genuine(name).server_config(&["http/1.1"]);
                at.serve(each(listener, move |stream, _| portal(stream, Arc::clone(&config))));
            }
            Act::Redirect(place) => {
                let text = format!(
                    "HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                at.serve(each(listener, move |stream, _| answer(stream, text.clone())));
            }
            Act::Status(status) => {
                let text =
                    format!("HTTP/1.1 {status} Status\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
                at.serve(each(listener, move |stream, _| answer(stream, text.clone())));
            }
            Act::Inspect(inspection) => {
                let inspector = Arc::new(Inspector::new(world, inspection.clone()));
                at.serve(each(listener, move |stream, to| Arc::clone(&inspector).inspect(stream, to)));
            }
        }
        Ok(())
    }
}

/// Serves each connection with where it was going.
async fn each<F>(listener: TcpListener, serve: impl Fn(TcpStream, SocketAddr) -> F)
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        if let Ok(to) = destination(&stream) {
            drop(tokio::spawn(serve(stream, to)));
        }
    }
}

fn destination(stream: &TcpStream) -> io::Result<SocketAddr> {
    let original = getsockopt(stream, sockopt::OriginalDst)?;
    let address = Ipv4Addr::from(u32::from_be(original.sin_addr.s_addr));
    Ok((address, u16::from_be(original.sin_port)).into())
}

/// Reads for up to so many reads, then hangs up.
async fn silence(mut stream: TcpStream, reads: usize) -> io::Result<()> {
    if reads == 1 {
        return stream.read(&mut [0; 4096]).await.map(drop);
    }
    copy(&mut stream, &mut sink()).await.map(drop)
}

/// Waits for the peer's first bytes, answers, and hangs up.
async fn answer(mut stream: TcpStream, text: String) -> io::Result<()> {
    let _ = stream.read(&mut [0; 4096]).await?;
    stream.write_all(text.as_bytes()).await?;
    stream.shutdown().await?;
    copy(&mut stream, &mut sink()).await.map(drop)
}

/// Resets as soon as the peer's handshake is through.
async fn reset(stream: TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// Passes the connection on, unless its first bytes hold the text.
async fn relay(mut stream: TcpStream, to: SocketAddr, cut: Option<String>) -> io::Result<()> {
    let mut first = vec![0; 16 << 10];
    let length = stream.read(&mut first).await?;
    first.truncate(length);
    let cut = cut.is_some_and(|text| first.windows(text.len()).any(|part| part == text.as_bytes()));
    if cut {
        return stream.set_zero_linger();
    }
    let mut onward = dial(to).await?;
    onward.write_all(&first).await?;
    copy_bidirectional(&mut stream, &mut onward).await.map(drop)
}

async fn portal(stream: TcpStream, config: Arc<rustls::ServerConfig>) -> io::Result<()> {
    let mut opened = tokio_rustls::TlsAcceptor::from(config).accept(stream).await?;
    let _ = head(&mut opened).await?;
    opened.write_all(PORTAL.as_bytes()).await?;
    opened.shutdown().await
}

async fn strip(mut stream: TcpStream, to: SocketAddr) -> io::Result<()> {
    let mut onward = dial(to).await?;
    let head = without_upgrade(&head(&mut stream).await?);
    onward.write_all(&head).await?;
    copy_bidirectional(&mut stream, &mut onward).await.map(drop)
}

/// A connection from the device onward to where the client was going.
pub async fn dial(to: SocketAddr) -> io::Result<TcpStream> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    setsockopt(&socket, sockopt::Mark, &MARK)?;
    socket.connect(to).await
}

/// Reads a request's head, or as much as comes.
///
/// # Errors
/// The connection failed.
pub async fn head<S: AsyncReadExt + Unpin>(stream: &mut S) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 16 << 10 {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            break;
        }
        head.extend(byte);
    }
    Ok(head)
}

/// A request's head as a device leaves it that knows no WebSocket.
#[must_use]
pub fn without_upgrade(head: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(head);
    let hop = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        name != "upgrade" && name != "connection"
    };
    text.split_inclusive("\r\n").filter(hop).collect::<String>().into_bytes()
}
