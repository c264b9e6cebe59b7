//! Further connections to where the first one went, left out of the record: connections to hold, and controls.

use std::net::SocketAddr;

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::http::Request;
use netcheck_common::net::Net;
use netcheck_common::stream::Stream;
use netcheck_common::target::Target;
use netcheck_common::tls::{Hello, Secure, Trust};

use crate::connection::WsConnection;
use crate::header::Headers;
use crate::upgrade::UpgradeRequest;
use crate::upgrade_io::upgrade;

/// Opens further connections to one target.
#[derive(Debug)]
pub struct Opener<'a> {
    /// The target.
    pub target: &'a Target,
    /// The way to the network.
    pub net: &'a Net,
    /// The address the first connection went to.
    pub peer: Option<SocketAddr>,
    /// The headers the user gave.
    pub headers: &'a Headers,
}

impl Opener<'_> {
    /// So many connections, upgraded; those that fail are left out.
    pub async fn open(&self, request: &UpgradeRequest, count: usize) -> Vec<WsConnection> {
        let opened = futures_util::future::join_all((0..count).map(|_| self.upgraded(request))).await;
        opened.into_iter().flatten().collect()
    }

    async fn upgraded(&self, request: &UpgradeRequest) -> Option<WsConnection> {
        let work = async {
            let mut stream = self.stream().await?;
            let answer = upgrade(&mut stream, &request.clone().with_new_key(), self.headers).await?;
            answer.judged.unwrap_or_else(|| Err(Failure::new(Code::WsClosed, "no answer")))?;
            Ok::<_, Failure>(WsConnection::new(stream, answer.tail, self.headers.clone()).await)
        };
        clock::within(self.net.timeout(), work).await?.ok()
    }

    /// The control experiment: the same request without Upgrade; its status, where it is answered.
    pub async fn plain_request(&self) -> Option<u16> {
        let target = self.target;
        let secure = target.scheme.is_tls();
        let mut request = Request::get(&target.host, target.port(), secure, &target.request_path());
        request.headers.clone_from(&self.headers.fields);
        let work = async {
            let stream = self.stream().await?;
            self.net.detached().request(stream, &request).await
        };
        Some(clock::within(self.net.timeout(), work).await?.ok()?.status)
    }

    /// The control experiment: whether the server, proven by public TLS, chooses HTTP/2 where that is offered.
    pub async fn chooses_http2(&self) -> bool {
        let mut hello = hello(self.target);
        hello.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let work = async { self.secured(self.tcp().await?, &hello).await };
        match clock::within(self.net.timeout(), work).await {
            Some(Ok(secure)) => secure.trust == Trust::Public && secure.alpn.as_deref() == Some(b"h2"),
            Some(Err(_)) | None => false,
        }
    }

    async fn stream(&self) -> Result<Stream, Failure> {
        let stream = self.tcp().await?;
        if self.target.scheme.is_tls() {
            return Ok(self.secured(stream, &hello(self.target)).await?.stream);
        }
        Ok(stream)
    }

    async fn tcp(&self) -> Result<Stream, Failure> {
        let detached = self.net.detached();
        match self.net.proxy_for(self.target) {
            Some(proxy) => detached.through(&proxy, &self.target.host, self.target.port()).await,
            None => {
                let peer = self.peer.ok_or_else(|| Failure::new(Code::DnsNoAddress, "no address"))?;
                detached.connect(&[peer.ip()], peer.port()).await
            }
        }
    }

    async fn secured(&self, stream: Stream, hello: &Hello) -> Result<Secure, Failure> {
        self.net.detached().handshake(stream, hello).await
    }
}

/// The ClientHello, as a browser's for a WebSocket.
pub fn hello(target: &Target) -> Hello {
    let mut hello = Hello::of(target);
    // Over HTTP/2 the upgrade is another one (RFC 8441).
    hello.alpn = vec![b"http/1.1".to_vec()];
    hello
}
