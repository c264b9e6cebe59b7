//! Media through two relays of one TURN server, as a call sends it: audio all the time, video in rising bitrates, both
//! ways at once (`--relay SECONDS`).
//!
//! Both ends are here, so that one clock measures the way from the one through both relays to the other: every packet
//! crosses the line of this machine twice, once up and once down.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::{Duration, Instant};

use netcheck_common::clock::now;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::rung::VideoRung;
use netcheck_common::udp::Arrival;

use crate::credentials::Credentials;
use crate::dscp::Marks;
use crate::quality::{Bounds, ProbeLog, Quality};
use crate::random::random;
use crate::relay::{data_indication, probe_data, probe_number, send_indication};
use crate::series::wait;
use crate::session::{Session, Signature};
use crate::turn_message::{Challenge, Outcome, Refusal};
use crate::wire::{Wire, left};

/// Audio: 50 packets a second with 160 bytes each (G.711).
const AUDIO_EVERY: Duration = Duration::from_millis(20);
const AUDIO_BYTES: usize = 160;
/// The bytes of a video packet, and what surrounds the data of every packet: IP, UDP, STUN and its attributes.
const VIDEO_BYTES: usize = 1160;
const OVERHEAD: usize = 28 + 36;
/// How long the last packets are waited for.
const LAST: Duration = Duration::from_millis(500);
/// How long a server's answer to a release is waited for after a signal.
const GOODBYE: Duration = Duration::from_millis(200);
/// What was sent for a shorter time, because a signal came, says nothing about a rung.
const SHORTEST: Duration = Duration::from_secs(1);
/// A rung holds while less than this share is lost, and while packets wait no longer than this in a queue.
const LOSS: f64 = 0.05;
const MAX_SPREAD: Duration = Duration::from_millis(150);

/// What is sent, for how long, and what counts as good.
#[derive(Clone, Copy, Debug)]
pub struct MediaPlan {
    /// How long each rung is sent.
    pub each: Duration,
    /// The rungs, lowest first.
    pub rungs: &'static [VideoRung],
    /// The bounds of a conversation.
    pub bounds: Bounds,
    /// The DSCPs of the packets, where they are marked.
    pub marks: Option<Marks>,
}

impl MediaPlan {
    /// So many seconds for these rungs, at least one for each: the highest are left out where time is short.
    pub fn new(seconds: u32, rungs: &'static [VideoRung], bounds: Bounds) -> MediaPlan {
        let most = usize::try_from(seconds).unwrap_or(usize::MAX).clamp(1, rungs.len().max(1));
        let rungs = rungs.get(..most).unwrap_or(rungs);
        let each = Duration::from_secs(u64::from(seconds)) / u32::try_from(most).unwrap_or(1);
        MediaPlan { each, rungs, bounds, marks: None }
    }

    /// The same with marked packets, or without.
    pub fn with_marks(self, marks: Option<Marks>) -> MediaPlan {
        MediaPlan { marks, ..self }
    }

    /// How long all of it takes.
    pub fn duration(&self) -> Duration {
        (self.each + LAST) * u32::try_from(self.rungs.len()).unwrap_or(u32::MAX)
    }

    /// The highest bitrate on the line of this machine in one direction, in kbit/s: two flows of the highest rung, and
    /// two of audio.
    pub fn highest_kbps(&self) -> u64 {
        let highest = self.rungs.last().map_or(0.0, |rung| f64::from(rung.kbps));
        let audio = bytes(AUDIO_BYTES + OVERHEAD) * 8.0 / 1000.0 / AUDIO_EVERY.as_secs_f64();
        whole((highest * bytes(VIDEO_BYTES + OVERHEAD) / bytes(VIDEO_BYTES) + audio) * 2.0)
    }

    /// Bytes that cross the line of this machine in one direction, all packets counted with their headers.
    pub fn bytes(&self) -> u64 {
        let seconds = self.each.as_secs_f64();
        let packets = |kbps: u32| f64::from(kbps) * 1000.0 / 8.0 / bytes(VIDEO_BYTES) * seconds;
        let video: f64 =
            self.rungs.iter().map(|rung| packets(rung.kbps) * bytes(VIDEO_BYTES + OVERHEAD)).sum();
        let spans = f64::from(u32::try_from(self.rungs.len()).unwrap_or(u32::MAX));
        let audio = spans * seconds / AUDIO_EVERY.as_secs_f64() * bytes(AUDIO_BYTES + OVERHEAD);
        // Two flows: what one end sends, the other receives on the same line.
        whole((video + audio) * 2.0)
    }
}

fn bytes(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive count of bytes")]
fn whole(bytes: f64) -> u64 {
    bytes.round() as u64
}

/// Allocates on both wires, sends media between them until all is sent or a signal ends the run, and releases both; or
/// what the server says instead.
///
/// # Errors
/// How the connection to the server ended.
pub async fn through_two_relays<W: Wire>(
    wires: &mut [W; 2],
    net: &Net,
    credentials: &Credentials,
    challenge: &Challenge,
    plan: MediaPlan,
    bound: Duration,
) -> Result<Result<MediaResult, Refusal>, Failure> {
    let signed = |wire| Session::new(wire, Some(Signature::new(credentials, challenge)));
    let mut ends = wires.each_mut().map(signed);
    let outcome = match permitted(&mut ends, bound).await {
        Ok(Ok(relayed)) => send_rungs(&mut ends, net, relayed, plan).await.map(Ok),
        Ok(Err(refusal)) => Ok(Err(refusal)),
        Err(failure) => Err(failure),
    };
    let bound = if net.is_interrupted() { GOODBYE } else { bound };
    for end in ends {
        end.release(bound).await;
    }
    outcome
}

/// Two allocations with a permission for each other; their addresses.
async fn permitted<W: Wire>(
    ends: &mut [Session<'_, W>; 2],
    bound: Duration,
) -> Result<Result<[SocketAddr; 2], Refusal>, Failure> {
    let no_relayed_address = || Failure::new(Code::StunMalformed, "the allocation holds no relayed address");
    let mut relayed = Vec::new();
    for end in ends.iter_mut() {
        match end.allocate(bound).await?.value {
            Outcome::Success(granted) => relayed.push(granted.relayed.ok_or_else(no_relayed_address)?),
            Outcome::Error(refusal) => return Ok(Err(refusal)),
        }
    }
    let relayed: [SocketAddr; 2] = relayed.try_into().map_err(|_| no_relayed_address())?;
    for (end, peer) in ends.iter_mut().zip([relayed[1], relayed[0]]) {
        if let Outcome::Error(refusal) = end.permit(peer, bound).await? {
            return Ok(Err(refusal));
        }
    }
    Ok(Ok(relayed))
}

/// Sends one rung after the other, until one does not hold.
async fn send_rungs<W: Wire>(
    ends: &mut [Session<'_, W>; 2],
    net: &Net,
    relayed: [SocketAddr; 2],
    plan: MediaPlan,
) -> Result<MediaResult, Failure> {
    net.keep_measurement();
    ends.iter_mut().for_each(|end| end.wire().listen_arrivals());
    let mut result = MediaResult::default();
    for rung in plan.rungs {
        let (flows, cut_after) = span(ends, net, relayed, *rung, plan).await?;
        result.packet_bytes += flows.iter().map(Flow::line_bytes).sum::<u64>();
        result.interrupted = cut_after.is_some();
        if cut_after.is_some_and(|lasted| lasted < SHORTEST) {
            break;
        }
        let span = SpanResult::new(*rung, &flows, plan, cut_after);
        let holds = span.holds;
        result.spans.push(span);
        if !holds || result.interrupted {
            break;
        }
    }
    Ok(result)
}

/// One stream of packets from one end to the other.
struct Flow {
    from: usize,
    length: usize,
    every: Duration,
    dscp: Option<u8>,
    mark: [u8; 8],
    log: ProbeLog,
    sent_at: Vec<Instant>,
    planned: u32,
}

impl Flow {
    fn new(from: usize, length: usize, every: Duration, lasts: Duration, dscp: Option<u8>) -> Flow {
        let planned = whole(lasts.as_secs_f64() / every.as_secs_f64());
        let planned = u32::try_from(planned).unwrap_or(u32::MAX);
        let log = ProbeLog::marked(dscp);
        Flow { from, length, every, dscp, mark: random(), log, sent_at: Vec::new(), planned }
    }

    /// A signal came: no more is sent. `held`: there was no room for what was due by then.
    fn interrupt(&mut self, lasted: Duration, held: bool) {
        let due = u32::try_from(whole(lasted.as_secs_f64() / self.every.as_secs_f64())).unwrap_or(u32::MAX);
        let sent = self.log.count();
        self.planned = self.planned.min(if held { due.max(sent) } else { sent });
        self.log.interrupt();
    }

    /// When its next packet is due, where there is one.
    fn due(&self, begun: Instant) -> Option<Instant> {
        (self.log.count() < self.planned && !self.log.is_interrupted())
            .then(|| begun + self.every * self.log.count())
    }

    /// The next packet, on its way from now on.
    fn next(&mut self) -> Vec<u8> {
        let number = self.log.count();
        self.sent_at.push(now());
        self.log.sent();
        probe_data(self.mark, number, self.length)
    }

    fn arrived(&mut self, data: &[u8], arrival: Arrival) -> bool {
        let Some(number) = probe_number(data, self.mark) else { return false };
        if let Some(at) = self.sent_at.get(number as usize) {
            self.log.arrived(number, *at, arrival);
        }
        true
    }

    fn line_bytes(&self) -> u64 {
        u64::from(self.log.count()) * u64::try_from(self.length + OVERHEAD).unwrap_or_default()
    }
}

/// Audio both ways and video both ways, for as long as planned; and after how long a signal cut it short, where one did.
async fn span<W: Wire>(
    ends: &mut [Session<'_, W>; 2],
    net: &Net,
    relayed: [SocketAddr; 2],
    rung: VideoRung,
    plan: MediaPlan,
) -> Result<(Vec<Flow>, Option<Duration>), Failure> {
    let (audio_mark, video_mark) = plan.marks.map(|marks| (marks.audio, marks.video)).unzip();
    let video = Duration::from_secs_f64(bytes(VIDEO_BYTES) * 8.0 / (f64::from(rung.kbps) * 1000.0));
    let mut flows: Vec<Flow> = [(AUDIO_BYTES, AUDIO_EVERY, audio_mark), (VIDEO_BYTES, video, video_mark)]
        .into_iter()
        .flat_map(|(length, every, dscp)| [0, 1].map(|from| Flow::new(from, length, every, plan.each, dscp)))
        .collect();
    let begun = now();
    let mut end = begun + plan.each + LAST;
    let mut buffers = [Vec::new(), Vec::new()];
    let mut marked = [None, None];
    let (mut cut_after, mut held) = (None, false);
    'sending: loop {
        let lasted = begun.elapsed();
        if net.is_interrupted() && cut_after.is_none() && (held || lasted < plan.each) {
            flows.iter_mut().for_each(|flow| flow.interrupt(lasted, held));
            end = now() + LAST;
            cut_after = Some(lasted);
        }
        for index in 0..flows.len() {
            while flows[index].due(begun).is_some_and(|due| due <= now()) {
                let from = flows[index].from;
                if flows[index].dscp != marked[from] {
                    marked[from] = flows[index].dscp;
                    marked[from].into_iter().for_each(|dscp| ends[from].wire().mark(dscp));
                }
                let packet = send_indication(relayed[1 - from], &flows[index].next());
                let sending = send(ends, from, &packet, &mut buffers[1 - from], &mut flows);
                match net.unless_interrupted(sending).await {
                    Some(sent) => sent?,
                    // No room for it, and no time to wait.
                    None => {
                        flows[index].log.take_back();
                        held = true;
                        continue 'sending;
                    }
                }
            }
        }
        let due = flows.iter().filter_map(|flow| flow.due(begun)).min();
        let over = due.is_none() && flows.iter().all(|flow| flow.log.complete());
        if over || now() >= end {
            return Ok((flows, cut_after));
        }
        let until = left(due.unwrap_or(end).min(end));
        let [one, other] = &mut *ends;
        let [into_one, into_other] = &mut buffers;
        let received = tokio::select! {
            biased;
            received = one.wire().receive(into_one) => received.map(|arrival| (arrival, &*into_one)),
            received = other.wire().receive(into_other) => received.map(|arrival| (arrival, &*into_other)),
            () = wait(net, until, cut_after.is_none() && lasted < plan.each) => continue,
        };
        note(received.map(|(arrival, bytes)| (arrival, bytes.as_slice())), &mut flows)?;
    }
}

/// Sends a packet from one end, and receives at the other one while there is no room for it: both are this program.
async fn send<W: Wire>(
    ends: &mut [Session<'_, W>; 2],
    from: usize,
    packet: &[u8],
    buffer: &mut Vec<u8>,
    flows: &mut [Flow],
) -> Result<(), Failure> {
    let [one, other] = &mut *ends;
    let (sender, receiver) = if from == 0 { (one, other) } else { (other, one) };
    let mut sending = pin!(sender.wire().send(packet));
    loop {
        let received = tokio::select! {
            biased;
            sent = &mut sending => return kept(sent),
            received = receiver.wire().receive(buffer) => received,
        };
        note(received.map(|arrival| (arrival, buffer.as_slice())), flows)?;
    }
}

/// An ICMP error in the middle of media is one more loss.
fn kept(outcome: Result<(), Failure>) -> Result<(), Failure> {
    outcome.or_else(|failure| if failure.code.layer() == "udp" { Ok(()) } else { Err(failure) })
}

fn note(received: Result<(Arrival, &[u8]), Failure>, flows: &mut [Flow]) -> Result<(), Failure> {
    match received {
        Ok((arrival, bytes)) => {
            if let Some(data) = data_indication(bytes) {
                let _ = flows.iter_mut().any(|flow| flow.arrived(data, arrival));
            }
            Ok(())
        }
        Err(failure) => kept(Err(failure)),
    }
}

/// What was measured.
#[derive(Debug, Default)]
pub struct MediaResult {
    /// One rung after the other; the last one may be the first that does not hold.
    pub spans: Vec<SpanResult>,
    /// Bytes of all packets, with their headers, as they cross the line of this machine in one direction.
    pub packet_bytes: u64,
    /// A signal ended the last rung early.
    pub interrupted: bool,
}

/// What was measured of one rung.
#[derive(Debug)]
pub struct SpanResult {
    /// The rung.
    pub rung: VideoRung,
    /// After how long a signal ended it, where one did.
    pub cut_after: Option<Duration>,
    /// Audio and video were both good enough, both ways.
    pub holds: bool,
    /// From the first end to the second, and back.
    pub audio: [Option<Quality>; 2],
    /// The same of video.
    pub video: [Option<Quality>; 2],
}

impl SpanResult {
    fn new(rung: VideoRung, flows: &[Flow], plan: MediaPlan, cut_after: Option<Duration>) -> SpanResult {
        let quality = |index: usize| flows.get(index).and_then(|flow| flow.log.quality());
        let (audio, video) = ([quality(0), quality(1)], [quality(2), quality(3)]);
        let flows_well = |quality: &Option<Quality>, least: f64| {
            quality.as_ref().is_some_and(|quality| {
                quality.loss < LOSS && quality.mos >= least && quality.delay_spread() <= MAX_SPREAD
            })
        };
        // What could not even be sent in time was held back by the connection to the relay.
        let all_sent = flows.iter().all(|flow| flow.log.count() >= flow.planned - flow.planned / 20);
        let holds = all_sent
            && audio.iter().all(|flow| flows_well(flow, plan.bounds.min_mos))
            && video.iter().all(|flow| flows_well(flow, 0.0));
        SpanResult { rung, cut_after, holds, audio, video }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netcheck_common::rung;

    #[test]
    fn the_time_is_divided_among_the_rungs_and_each_has_a_second() {
        let plan =
            |seconds| MediaPlan::new(seconds, rung::up_to("1080p").expect("a rung"), Bounds::default());
        assert_eq!((plan(10).rungs.len(), plan(10).each), (5, Duration::from_secs(2)));
        assert_eq!((plan(3).rungs.len(), plan(3).each), (3, Duration::from_secs(1)));
        assert_eq!(plan(10).duration(), Duration::from_millis(12_500));
    }

    #[test]
    fn the_volume_counts_every_packet_with_its_headers_in_both_flows() {
        let plan = MediaPlan::new(1, rung::up_to("240p").expect("a rung"), Bounds::default());
        // 43.1 packets of 1224 bytes and 50 of 224 bytes a second, twice.
        assert_eq!(plan.bytes(), 127_917);
        assert_eq!(plan.highest_kbps(), 1023);
    }
}
