//! The way to a realm's KDCs: those that `krb5.conf` names, or those that DNS lists, over TCP, and over UDP where TCP
//! brings nothing: the libraries of browsers try both (RFC 4120 section 7.2).

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;
use netcheck_kerberos::fault::RESPONSE_TOO_BIG;
use netcheck_kerberos::link::{Srv, framed, ordered, unframed};
use netcheck_kerberos::reply::{self, KdcReply};
use netcheck_kerberos::{Config, Kdc, KdcAnswer, KdcAttempt, NoKdc, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::clock;
use crate::dns;
use crate::net::Net;
use crate::udp::Socket;
use netcheck_record::target::Host;

/// The most KDCs that are asked.
const MOST: usize = 4;
/// What of a stage's time all of Kerberos may take: the proxy is to be asked again after it.
const SHARE: f64 = 0.6;

/// What part of a KDC's time TCP has for itself.
const ALONE: u32 = 3;
/// How often a datagram is sent: one may be lost.
const DATAGRAMS: u32 = 2;

/// KDCs reached as the target's proxy is.
pub(super) struct KdcLink {
    net: Net,
    config: Config,
    begun: Instant,
}

impl KdcLink {
    /// A link to the KDCs that `config` and DNS name.
    pub(super) fn new(net: Net, config: Config) -> Self {
        KdcLink { net, config, begun: clock::now() }
    }

    fn left(&self) -> Duration {
        self.net.timeout().mul_f64(SHARE).saturating_sub(self.begun.elapsed())
    }

    async fn kdcs(&self, realm: &str) -> Vec<(String, u16)> {
        let named = self.config.kdcs(realm);
        if !named.is_empty() || self.config.no_dns_lookup {
            return named;
        }
        let name = format!("_kerberos._tcp.{}", realm.to_ascii_lowercase());
        let servers = self.net.resolver().servers();
        let Ok(dns::Response { reply, .. }) =
            dns::ask(&servers, &name, RecordType::SRV, self.left() / 2).await
        else {
            return Vec::new();
        };
        let record = |service: dns::message::Service| Srv {
            priority: service.priority,
            weight: service.weight,
            port: service.port,
            host: service.host,
        };
        ordered(reply.services.into_iter().map(record).collect())
    }

    /// Asks one KDC; `share` is how long it may take.
    async fn ask(&self, host: &str, port: u16, request: &[u8], share: Duration) -> Result<Vec<u8>, String> {
        let addresses = self.addresses(host).await?;
        let mut streamed = pin!(self.ask_streamed(&addresses, port, request));
        let early = clock::within(share / ALONE, &mut streamed).await;
        if let Some(Ok(answer)) = early {
            return Ok(answer);
        }
        let mut datagrams = pin!(self.ask_with_datagrams(&addresses, port, request, share / ALONE));
        if let Some(Err(why)) = early {
            return datagrams.await.ok_or(why);
        }
        tokio::select! {
            answer = &mut streamed => match answer {
                Ok(answer) => Ok(answer),
                Err(why) => datagrams.await.ok_or(why),
            },
            answer = &mut datagrams => match answer {
                Some(answer) => Ok(answer),
                None => streamed.await,
            },
        }
    }

    async fn ask_with_datagrams(
        &self,
        addresses: &[IpAddr],
        port: u16,
        request: &[u8],
        wait: Duration,
    ) -> Option<Vec<u8>> {
        let to = SocketAddr::new(*addresses.first()?, port);
        let socket = Socket::open(self.net.egress(), to).ok()?;
        let mut answer = Vec::new();
        for _ in 0..DATAGRAMS {
            socket.send(request).await.ok()?;
            match clock::within(wait, socket.receive(&mut answer)).await {
                None => {}
                Some(Err(_)) => return None,
                Some(Ok(_)) => {
                    // It is too long for a datagram, or nothing of a KDC's.
                    let whole = match reply::read(&answer)? {
                        KdcReply::Ticket(_) => true,
                        KdcReply::Error(error) => error.code != RESPONSE_TOO_BIG,
                    };
                    return whole.then_some(answer);
                }
            }
        }
        None
    }

    async fn ask_streamed(&self, addresses: &[IpAddr], port: u16, request: &[u8]) -> Result<Vec<u8>, String> {
        let net = self.net.detached();
        let stream = net.connect(addresses, port).await;
        let mut stream = stream.map_err(|failure| failure.detail)?;
        let lost = |error: std::io::Error| error.kind().to_string();
        stream.write_all(&framed(request)).await.map_err(lost)?;
        stream.flush().await.map_err(lost)?;
        let mut raw = Vec::new();
        loop {
            if let Some(answer) = unframed(&raw)? {
                return Ok(answer.to_vec());
            }
            if stream.read_buf(&mut raw).await.map_err(lost)? == 0 {
                return Err("it closed the connection instead of answering".to_owned());
            }
        }
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, String> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let host = Host::parse(host).map_err(|why| why.0)?;
        let name = host.name().unwrap_or_default();
        let lookup = self.net.resolver().lookup(name, self.left(), None).await;
        match &lookup.failure {
            Some(failure) => Err(failure.detail.clone()),
            None => Ok(lookup.addresses.clone()),
        }
    }
}

impl Kdc for KdcLink {
    fn now(&self) -> Time {
        let since = netcheck_record::clock::since_epoch();
        Time {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            micros: i32::try_from(since.subsec_micros()).unwrap_or_default(),
        }
    }

    async fn exchange(&mut self, realm: &str, request: &[u8]) -> Result<KdcAnswer, NoKdc> {
        let kdcs = Box::pin(self.kdcs(realm)).await;
        if kdcs.is_empty() {
            return Err(NoKdc::NotConfigured);
        }
        let mut attempts = Vec::new();
        let count = kdcs.len().min(MOST);
        for (at, (host, port)) in kdcs.into_iter().take(count).enumerate() {
            let kdc = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
            // Each gets its share of what is left, the last one all of it.
            let share = self.left() / u32::try_from(count - at).unwrap_or(1);
            let asked = clock::within(share, Box::pin(self.ask(&host, port, request, share))).await;
            match asked.unwrap_or_else(|| Err("no answer".to_owned())) {
                Ok(bytes) => return Ok(KdcAnswer { bytes, kdc }),
                Err(why) => attempts.push(KdcAttempt { kdc, why }),
            }
        }
        Err(NoKdc::Unreachable(attempts))
    }
}
