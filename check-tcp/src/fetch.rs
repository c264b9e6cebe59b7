//! Fetches addresses one after the other over one connection, within a time and a volume.

use std::time::{Duration, Instant};

use netcheck_common::clock;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::target::Target;

use crate::playlist;
use crate::receiver::Receiver;
use crate::site::{self, Site};
use crate::transfer::TransferPlan;

/// How often the kernel is asked about the connection.
const TICK: Duration = Duration::from_millis(20);
/// How much of a playlist is read.
const TEXT: usize = 1 << 20;
/// How many redirects are followed.
const REDIRECTS: usize = 3;
/// Requests are sent at least this far apart: a playlist of thousands of empty segments makes no flood of requests.
const SPACING: Duration = Duration::from_millis(20);

/// One address that was fetched.
#[derive(Clone, Debug, Default)]
pub struct Transfer {
    /// Bytes of the body.
    pub bytes: u64,
    /// From the request to the first byte of the body.
    pub first_byte: Duration,
    /// From the request to the last byte that was read.
    pub took: Duration,
    /// The body came to its end before time and volume did.
    pub whole: bool,
    /// The body, where it is a playlist.
    pub text: Option<Vec<u8>>,
    /// Where it was, redirects followed.
    pub address: String,
}

/// What fetches.
pub struct Fetcher<'a> {
    net: &'a Net,
    from: &'a Target,
    plan: TransferPlan,
    site: Option<Site>,
    /// When the next request may be sent.
    next: Instant,
    /// When the first request was sent.
    pub begun: Instant,
    /// Bytes of all bodies.
    pub received: u64,
    /// Connections made.
    pub connections: u32,
    /// What the kernel says while bodies come.
    pub receiver: Receiver,
}

impl<'a> Fetcher<'a> {
    /// Begins now.
    pub fn new(net: &'a Net, from: &'a Target, plan: TransferPlan) -> Self {
        let (begun, receiver) = (clock::now(), Receiver::default());
        Fetcher { net, from, plan, site: None, next: begun, begun, received: 0, connections: 0, receiver }
    }

    /// What is left of the time.
    pub fn left(&self) -> Duration {
        self.plan.span.saturating_sub(self.begun.elapsed())
    }

    /// Whether time or volume is used up, or a signal has ended the run.
    pub fn is_over(&self) -> bool {
        self.left().is_zero() || self.received >= self.plan.budget || self.net.is_interrupted()
    }

    /// Waits, at the longest until time is used up or a signal ends the run.
    pub async fn pause(&self, wait: Duration) {
        self.net.interrupted_or(wait.min(self.left())).await;
    }

    /// Fetches an address; none where time or volume ended before its first byte.
    ///
    /// # Errors
    /// The codes of the way to its server; `http.*`.
    pub async fn get(
        &mut self,
        address: &str,
        range: Option<(u64, u64)>,
    ) -> Result<Option<Transfer>, Failure> {
        let mut address = address.to_owned();
        for _ in 0..=REDIRECTS {
            self.pause(self.next.saturating_duration_since(clock::now())).await;
            if self.is_over() {
                return Ok(None);
            }
            let target = site::target(&address)?;
            let mut site = match self.site.take().filter(|site| site.serves(&target)) {
                Some(site) => site,
                None => {
                    self.connections += 1;
                    let opening = Box::pin(Site::open(self.net, &target, self.from));
                    let Some(site) = self.net.unless_interrupted(opening).await else { return Ok(None) };
                    site?
                }
            };
            let mut request = site.request("GET", &target);
            if let Some((from, count)) = range {
                let last = from.saturating_add(count).saturating_sub(1);
                request.headers.push(("range".to_owned(), format!("bytes={from}-{last}")));
            }
            let asked = clock::now();
            self.next = asked + SPACING;
            let wait = self.net.timeout().min(self.left());
            let answer = self.net.unless_interrupted(site.connection.ask(&request));
            let Some(reply) = clock::within(wait, answer).await.flatten() else {
                if self.is_over() {
                    return Ok(None);
                }
                return Err(silence(wait));
            };
            let mut reply = reply?;
            match (reply.status, reply.location.take()) {
                (200 | 206, _) => {
                    self.receiver.begin(site.tcp.as_ref());
                    let mut transfer = Transfer { address, ..Transfer::default() };
                    self.read(&mut reply, &site, asked, &mut transfer).await?;
                    if transfer.whole {
                        self.site = Some(site);
                    }
                    return Ok(Some(transfer));
                }
                (300..=399, Some(location)) => address = playlist::resolve(&address, &location),
                (status, _) => {
                    return Err(Failure::new(
                        Code::HttpStatus,
                        format!("HTTP {status} to the request for a segment"),
                    ));
                }
            }
        }
        Err(Failure::new(Code::HttpMalformed, "more than three redirects in a row"))
    }

    async fn read(
        &mut self,
        reply: &mut netcheck_common::http::connection::Reply,
        site: &Site,
        asked: Instant,
        transfer: &mut Transfer,
    ) -> Result<(), Failure> {
        let (mut last, mut head) = (clock::now(), Vec::new());
        while !self.is_over() {
            let piece = match clock::within(TICK.min(self.left()), reply.piece()).await {
                Some(piece) => piece?,
                None if last.elapsed() >= self.net.timeout() => return Err(silence(last.elapsed())),
                None => {
                    self.receiver.sample(site.tcp.as_ref());
                    continue;
                }
            };
            self.receiver.sample(site.tcp.as_ref());
            let Some(piece) = piece else {
                transfer.whole = true;
                break;
            };
            last = clock::now();
            if transfer.bytes == 0 {
                transfer.first_byte = asked.elapsed();
            }
            let bytes = u64::try_from(piece.len()).unwrap_or(0);
            transfer.bytes += bytes;
            self.received += bytes;
            if head.len() < TEXT && (head.len() < playlist::MARK.len() || head.starts_with(playlist::MARK)) {
                head.extend_from_slice(&piece[..piece.len().min(TEXT - head.len())]);
            }
        }
        transfer.took = asked.elapsed();
        transfer.text = head.starts_with(playlist::MARK).then_some(head);
        Ok(())
    }
}

fn silence(wait: Duration) -> Failure {
    Failure::new(Code::HttpTimeout, format!("no byte within {}", clock::seconds(wait)))
}
