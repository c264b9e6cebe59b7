//! The path MTU: the largest echo request that is answered with "do not fragment" set (RFC 1191, RFC 8899 section 4).

use std::net::IpAddr;
use std::time::Duration;

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::clock::{now, within};
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::os::icmp::do_not_fragment;
use netcheck_common::target::Target;

use crate::echo::HEADER;
use crate::facts::MtuFacts;
use crate::pinger::Pinger;

/// Nothing larger is tried: beyond an Ethernet's jumbo frames.
const LARGEST: u32 = 9216;
/// What has been answered before the search begins, at least.
const SMALL: u32 = 84;
/// A silent size is tried this often before it counts as lost.
const TRIES: u32 = 2;

/// What became of packets of one size.
enum SizeResult {
    Answered,
    /// A router reported that it does not fit; none where the first interface of this machine is that small.
    TooLarge(Option<IpAddr>),
    Lost,
}

/// Searches for the largest size that is answered.
pub async fn search(pinger: &mut Pinger, round_trip: Duration, net: &Net) -> Result<MtuFacts, Failure> {
    if do_not_fragment(pinger.socket(), pinger.v6()).is_err() {
        return Err(Failure::new(
            Code::IcmpNotPermitted,
            "this kernel does not let us set \"do not fragment\"",
        ));
    }
    // An answer that takes five times as long as a small one does is no answer.
    let patience = (round_trip * 5).clamp(Duration::from_millis(200), Duration::from_secs(1));
    let (mut good, mut bad) = (SMALL, LARGEST + 1);
    let mut found = MtuFacts::default();
    let mut next = LARGEST;
    let mut number = 0;
    while good + 1 < bad && net.left() > patience * 3 {
        match try_size(pinger, next, &mut number, patience).await? {
            SizeResult::Answered => good = next,
            SizeResult::TooLarge(router) => {
                bad = next;
                found.reported_by = router.or(found.reported_by);
            }
            SizeResult::Lost => {
                bad = next;
                found.black_hole = true;
            }
        }
        // What most networks have is tried first; then by halves.
        let usual = [1500, 1492, 1400].into_iter().find(|size| *size > good && *size < bad);
        next = usual.unwrap_or(good + (bad - good) / 2);
    }
    found.path = good;
    // One report is enough: larger packets are not lost silently then.
    found.black_hole &= found.reported_by.is_none();
    Ok(found)
}

async fn try_size(
    pinger: &mut Pinger,
    size: u32,
    number: &mut u16,
    patience: Duration,
) -> Result<SizeResult, Failure> {
    let header = if pinger.v6() { 40 } else { 20 };
    let length = (size as usize).saturating_sub(header).max(HEADER);
    let (probe, read) = (pinger.maker(), pinger.reader());
    let mut buffer = Vec::new();
    for _ in 0..TRIES {
        *number = number.wrapping_add(1);
        if let Err(failure) = pinger.send(&probe(*number, length)).await {
            return too_large(pinger, failure);
        }
        let until = now() + patience;
        while let Some(received) =
            within(until.saturating_duration_since(now()), pinger.receive(&mut buffer)).await
        {
            match received {
                Ok(()) if read(&buffer) == Some(*number) => return Ok(SizeResult::Answered),
                Ok(()) => {}
                Err(failure) => return too_large(pinger, failure),
            }
        }
    }
    Ok(SizeResult::Lost)
}

/// A packet that does not fit is another case than an address that is not reached any more.
fn too_large(pinger: &mut Pinger, failure: Failure) -> Result<SizeResult, Failure> {
    pinger.take_too_large().map(SizeResult::TooLarge).ok_or(failure)
}

/// What is wrong when large packets are lost and no router reports it.
pub fn black_hole(found: &MtuFacts, target: &Target) -> Option<(Failure, Cause)> {
    let lost = found.path + 1;
    found.black_hole.then(|| {
        let failure = Failure::new(
            Code::IcmpTimeout,
            format!("echo requests of {} bytes are answered, of {lost} bytes and more they vanish", found.path),
        );
        let fix = format!(
            "Let ICMP \"fragmentation needed\" (type 3 code 4; IPv6: packet too big) through towards this network on the path to {}, or lower the MSS to {}.",
            target.host,
            found.path.saturating_sub(40)
        );
        let cause = Cause::new(Reason::MtuBlackhole, Who::Network, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence(format!("{} bytes with \"do not fragment\" came back, {lost} bytes did not, {TRIES} times", found.path))
            .with_evidence("no router said that a fragment was needed");
        (failure, cause)
    })
}
