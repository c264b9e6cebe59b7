//! The stage `media`: what a call through two relays of a TURN server would be like (`--relay`).

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::rung;
use netcheck_common::target::Target;
use netcheck_common::trace::{Stopped, Trace};

use crate::dscp;
use crate::facts::{Facts, MediaFacts, VideoFacts};
use crate::media::{self, MediaPlan, MediaResult, SpanResult};
use crate::quality::{Quality, rounded};
use crate::reach;
use crate::run::Run;
use crate::transport::Transport;
use crate::turn_message::{Challenge, Refusal};
use crate::wire::Wire;

/// The policy of a server forbids a peer (RFC 8656 section 19).
const FORBIDDEN: u16 = 403;

/// Sends media between two allocations over two wires to one server.
pub async fn check<W: Wire>(
    run: &Run,
    target: &Target,
    trace: &mut Trace<Facts>,
    transport: Transport,
    challenge: &Challenge,
    wires: impl Future<Output = Result<[W; 2], Failure>>,
) -> Result<(), Stopped> {
    let (Some(plan), Some(credentials)) = (run.media, &run.credentials) else { return Ok(()) };
    let net = trace.net();
    let layer = Layer { name: "media", ..transport.layer() };
    let work = async {
        let mut wires = wires.await?;
        // A stream has one class: what its packets hold is not known to it.
        let plan = plan.with_marks(plan.marks.filter(|_| transport == Transport::Udp));
        media::through_two_relays(&mut wires, &net, credentials, challenge, plan, reach::bound(&net)).await
    };
    match trace.stage_within(layer, net.left(), Box::pin(work)).await? {
        Ok(result) => {
            if let Some((failure, cause)) = fault(&result, run, target) {
                trace.degrade(failure, Some(cause));
            }
            trace.facts.media = Some(facts(&result, plan));
            Ok(())
        }
        Err(refusal) if refusal.number == Some(FORBIDDEN) => {
            trace.degrade(refusal.failure(), Some(forbidden(target, &refusal)));
            Ok(())
        }
        Err(refusal) => {
            if let Some(turn) = &mut trace.facts.turn {
                turn.error = refusal.number;
            }
            Err(trace.fail_last_stage(refusal.failure()))
        }
    }
}

/// Relaying between its own addresses is a matter of the server's policy: it shows nothing about the network.
fn forbidden(target: &Target, refusal: &Refusal) -> Cause {
    let fix = format!(
        "Allow relaying between the relay addresses of {} for the time of this test, or measure with another server.",
        target.host
    );
    Cause::new(Reason::ServiceRefused, Who::Service, fix)
        .with_confidence(Confidence::High)
        .with_evidence(format!("the server answers {} to a permission for its own address", refusal.words))
}

/// What is wrong where not even the lowest rung holds.
fn fault(result: &MediaResult, run: &Run, target: &Target) -> Option<(Failure, Cause)> {
    let lowest = result.spans.first().filter(|span| !span.holds)?;
    let flows = lowest.audio.iter().chain(&lowest.video);
    if let Some(found) = flows.flatten().find_map(|flow| flow.fault(&run.bounds, target)) {
        return Some(found);
    }
    let detail =
        format!("{} ({} kbit/s) does not hold through two relays", lowest.rung.name, lowest.rung.kbps);
    let fix = format!("Find what holds back or loses UDP between this network and {}.", target.authority());
    let cause = Cause::new(Reason::Unknown, Who::Unknown, fix).with_evidence(detail.clone());
    Some((Failure::new(Code::UdpQuality, detail), cause))
}

fn facts(result: &MediaResult, plan: MediaPlan) -> MediaFacts {
    let highest = result.spans.iter().rev().find(|span| span.holds).map(|span| span.rung.name);
    let failed = result.spans.iter().find(|span| !span.holds).map(|span| span.rung.name);
    MediaFacts {
        seconds_each: rounded(plan.each.as_secs_f64(), 3),
        highest,
        words: rung::words(highest, failed),
        bytes_each_way: result.packet_bytes,
        dscp: marks(&result.spans),
        interrupted: result.interrupted,
        rungs: result.spans.iter().map(rung_facts).collect(),
    }
}

/// What became of the marks, in words.
fn marks(spans: &[SpanResult]) -> Option<String> {
    let of = |flows: fn(&SpanResult) -> &[Option<Quality>; 2]| {
        let flows: Vec<Quality> =
            spans.iter().flat_map(|span| flows(span).iter().flatten().cloned()).collect();
        dscp::words(&flows)
    };
    let (audio, video) = (of(|span| &span.audio)?, of(|span| &span.video)?);
    Some(format!("audio: {audio}; video: {video}"))
}

fn rung_facts(span: &SpanResult) -> VideoFacts {
    VideoFacts {
        rung: span.rung.name,
        kbps: span.rung.kbps,
        seconds: span.cut_after.map(|lasted| rounded(lasted.as_secs_f64(), 3)),
        holds: span.holds,
        audio: span.audio.iter().flatten().cloned().collect(),
        video: span.video.iter().flatten().cloned().collect(),
    }
}
