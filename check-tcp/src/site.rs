//! The connection of a transfer: to the target's server, or to one that its playlists name.

use netcheck_common::clock;
use netcheck_common::dns::scope::{self, Scope};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::http::Request;
use netcheck_common::http::connection::Connection;
use netcheck_common::net::Net;
use netcheck_common::proxy::Kind;
use netcheck_common::spec::{Sampling, Spec};
use netcheck_common::stream::Stream;
use netcheck_common::target::{Host, Target};
use netcheck_common::tcp_counters::TcpHandle;
use netcheck_common::tls::Hello;

/// How many unsent bytes wait in the kernel: the line is to be full, not this machine's memory.
const UNSENT: u32 = 128 << 10;

/// A connection to one server.
pub struct Site {
    /// HTTP over it.
    pub connection: Connection,
    /// Asks the kernel about a direct connection.
    pub tcp: Option<TcpHandle>,
    server: Target,
    absolute: bool,
}

/// Reads the address of a transfer.
///
/// # Errors
/// It is not one that this tool can fetch.
pub fn target(address: &str) -> Result<Target, Failure> {
    let unfit = || {
        Failure::new(Code::HttpMalformed, "the playlist or redirect names an address that is no web address")
    };
    let web = address.starts_with("https://") || address.starts_with("http://");
    let spec = Spec::parse(address, "tcp", Sampling::default()).ok().filter(|_| web).ok_or_else(unfit)?;
    let mut targets = spec.expand(Sampling::default());
    match (targets.next(), targets.next()) {
        (Some(target), None) => Ok(target),
        _ => Err(unfit()),
    }
}

impl Site {
    /// Connects to the server of `target`. `from`: the target of this check, whose reach a playlist cannot extend.
    ///
    /// # Errors
    /// The codes of names, TCP, the proxy and TLS.
    pub async fn open(net: &Net, target: &Target, from: &Target) -> Result<Site, Failure> {
        let bound = net.timeout();
        let work = async {
            let own = net.for_control();
            let (stream, tcp, absolute) = reach(&own, net, target, from).await?;
            let stream = if target.scheme.is_tls() {
                let mut hello = Hello::of(target);
                hello.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
                own.handshake(stream, &own.as_asked(&hello)).await?.stream
            } else {
                stream
            };
            Site::over(stream, tcp, target, absolute).await
        };
        let silent =
            || Failure::new(Code::HttpTimeout, format!("no connection within {}", clock::seconds(bound)));
        clock::within(bound, work).await.unwrap_or_else(|| Err(silent()))
    }

    /// Begins HTTP over a stream to the server of `target`.
    ///
    /// # Errors
    /// The `http.*` codes.
    pub async fn over(
        stream: Stream,
        tcp: Option<TcpHandle>,
        target: &Target,
        absolute: bool,
    ) -> Result<Site, Failure> {
        let connection = Connection::open(stream).await?;
        Ok(Site { connection, tcp, server: target.clone(), absolute })
    }

    /// Whether a request to `target` can be sent here.
    pub fn serves(&self, target: &Target) -> bool {
        let Target { scheme, host, port, .. } = &self.server;
        self.connection.is_open()
            && (scheme.name, host, port) == (target.scheme.name, &target.host, &target.port)
    }

    /// A request for `target` as this connection needs it.
    pub fn request(&self, method: &str, target: &Target) -> Request {
        let mut request =
            Request::new(method, &target.host, target.port(), target.scheme.is_tls(), &target.request_path());
        request.absolute = self.absolute;
        request
    }
}

/// The TCP connection or the tunnel, and whether requests name the whole address.
///
/// # Errors
/// The codes of names, TCP and the proxy.
pub async fn reach(
    own: &Net,
    net: &Net,
    target: &Target,
    from: &Target,
) -> Result<(Stream, Option<TcpHandle>, bool), Failure> {
    if let Some(proxy) = net.proxy_for(target) {
        let forwards = !target.scheme.is_tls() && proxy.kind != Kind::Socks5h;
        let stream = if forwards {
            own.to_forwarder(&proxy, target).await?
        } else {
            own.through(&proxy, &target.host, target.port()).await?
        };
        return Ok((stream, None, forwards));
    }
    let peer = net.peer().filter(|_| target.host == from.host);
    let addresses = match peer {
        Some(peer) => vec![peer.ip()],
        None => own.resolve(&target.host).await?,
    };
    let public = |address| scope::of(address) == Scope::Public;
    let leads_inside = matches!(target.host, Host::Address(_)) && !addresses.iter().copied().all(public);
    if leads_inside && target.host != from.host && net.peer().is_none_or(|peer| public(peer.ip())) {
        let detail = format!("the playlist or redirect leads to {}, which is not public", target.host);
        return Err(Failure::new(Code::HttpMalformed, detail));
    }
    let tcp = own.connect_tcp(&addresses, target.port()).await?;
    // Where the system refuses, more waits in the kernel.
    let _ = netcheck_common::os::socket::limit_unsent(&tcp, UNSENT);
    let handle = TcpHandle::of(&tcp);
    Ok((Stream::tcp(tcp), handle, false))
}
