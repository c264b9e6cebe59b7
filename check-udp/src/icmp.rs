//! The scheme `icmp`: echo requests, a series of them, and the path MTU.
//!
//! `surge-ping` asks and measures ([`crate::ping`]). Our own socket ([`crate::pinger`]) does only what the owner of a
//! socket alone can do: `--mtu`, which sets "do not fragment", and after silence one probe whose error queue says why,
//! because the kernel reports no ICMP errors on unconnected datagram sockets such as `surge-ping`'s.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::{Either, select};
use netcheck_common::clock::{now, pause, within};
use netcheck_common::device;
use netcheck_common::diagnose::intercepted;
use netcheck_common::diagnose::{Interceptor, Sign};
use netcheck_common::dns::scope::{self, Scope};
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::net::Net;
use netcheck_common::target::Target;
use netcheck_common::trace::{Stopped, Trace};
use netcheck_common::udp::Socket;

use crate::echo::HEADER;
use crate::facts::{Facts, IcmpFacts};
use crate::ping::{Client, USUAL};
use crate::pinger::Pinger;
use crate::quality::{ProbeLog, micros};
use crate::run::Run;
use crate::wire::PATIENCE;
use crate::{mtu, reach};

/// ICMP echo.
const ICMP: Layer = Layer::new("icmp", Code::IcmpTimeout, Code::IcmpUnreachable, Code::IcmpUnreachable);
/// The search for the path MTU.
const MTU: Layer = Layer::new("mtu", Code::IcmpTimeout, Code::IcmpUnreachable, Code::IcmpUnreachable);
/// The least time that an echo request of one hop is given.
const SHORTEST: Duration = Duration::from_millis(100);
/// How long the reason of a silence is waited for, beyond the answer itself.
const REASON: Duration = Duration::from_secs(1);

/// Who answered, over which kind of socket, and how fast.
struct EchoResult {
    address: IpAddr,
    socket: &'static str,
    series: ProbeLog,
}

/// Checks one target.
pub async fn check(run: &Run, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let addresses = trace.addresses(target).await?;
    let net = trace.net();
    let work = reach::in_turn(&net, &addresses, 0, async |address| ping_one(run, &net, address).await);
    let EchoResult { address, socket, series } = trace.stage_within(ICMP, net.left(), Box::pin(work)).await?;
    let fastest = series.fastest();
    trace.facts.icmp = Some(IcmpFacts { socket, round_trip_us: micros(fastest) });
    if run.series.count.is_some() {
        trace.facts.quality = series.quality();
    }
    if answered_here(&net, address, fastest).await {
        let detail = "this machine answers the echo request itself: the service was not reached";
        let cause = intercepted::cause(target, Interceptor::ThisMachine(Sign::Echo));
        trace.degrade(Failure::new(Code::TcpIntercepted, detail), Some(cause));
    }
    if run.mtu {
        let search = async { mtu::search(&mut Pinger::open(&net, address)?, fastest, &net).await };
        let found = trace.stage_within(MTU, net.left(), Box::pin(search)).await?;
        if let Some((failure, cause)) = mtu::black_hole(&found, target) {
            trace.degrade(failure, Some(cause));
        }
        trace.facts.mtu = Some(found);
    }
    Ok(())
}

async fn ping_one(run: &Run, net: &Net, address: IpAddr) -> Result<EchoResult, Failure> {
    let client = Client::open(net, address)?;
    note_path(net, address);
    let train = run.series.count.is_some();
    let series =
        if train { client.series(run.series.plan(net)).await? } else { one(&client, net, address).await? };
    if !series.silent() {
        return Ok(EchoResult { address, socket: client.socket_type(), series });
    }
    drop(client);
    let why = if train { reason(net, address, reach::bound(net).min(REASON)).await } else { None };
    Err(why.unwrap_or_else(|| {
        let detail = match series.count() {
            count if train => format!("none of {count} echo requests was answered"),
            1 => "no answer, asked once".to_owned(),
            count => format!("no answer, asked {count} times"),
        };
        Failure::new(Code::IcmpTimeout, detail)
    }))
}

/// One question, and beside the second half of the wait for its answer the reason of the silence so far: within the bound
/// of a stage both.
async fn one(client: &Client, net: &Net, address: IpAddr) -> Result<ProbeLog, Failure> {
    let bound = reach::bound(net);
    let begin = bound.min(PATIENCE) / 2;
    let why = async {
        pause(begin).await;
        reason(net, address, bound.min(PATIENCE + REASON) - begin).await
    };
    let (series, why) = match select(Box::pin(client.ask(bound)), Box::pin(why)).await {
        Either::Left((series, why)) => {
            let series = series?;
            let why = if series.silent() { why.await } else { None };
            (series, why)
        }
        Either::Right((None, asking)) => (asking.await?, None),
        // Nothing better will come.
        Either::Right((Some(failure), _)) => return Err(failure),
    };
    why.map_or(Ok(series), Err)
}

/// What one probe over our own socket says about a silence; `None` when nothing arrives for so long. An answer to
/// it does not undo that the others had none.
async fn reason(net: &Net, address: IpAddr, bound: Duration) -> Option<Failure> {
    let mut pinger = Pinger::open(net, address).ok()?;
    let (probe, answers) = (pinger.maker()(0, USUAL + HEADER), pinger.reader());
    if let Err(failure) = pinger.send(&probe).await {
        return Some(failure);
    }
    let until = now() + bound;
    let mut buffer = Vec::new();
    loop {
        match within(until.saturating_duration_since(now()), pinger.receive(&mut buffer)).await? {
            Err(failure) => return Some(failure),
            Ok(()) if answers(&buffer).is_some() => return None,
            Ok(()) => {}
        }
    }
}

/// Whether a program of this machine answers echo requests in the service's place: behind a tunnel's interface, a public
/// address (or one of 198.18.0.0/15, which agents hand out) answers what may travel one hop only, twice.
///
/// Where packets leave through no tunnel, nothing is asked: a healthy run sends no further echo request.
async fn answered_here(net: &Net, address: IpAddr, fastest: Duration) -> bool {
    let of_an_agent = matches!(address, IpAddr::V4(v4) if matches!(v4.octets(), [198, 18 | 19, ..]));
    if !net.diagnoses() || device::is_ours(address) || !(of_an_agent || scope::of(address) == Scope::Public) {
        return false;
    }
    let local =
        Socket::open(net.egress(), SocketAddr::new(address, 9)).ok().and_then(|socket| socket.local_addr());
    if !local.and_then(|local| device::of(local.ip())).is_some_and(|device| device.tunnel) {
        return false;
    }
    let wait = (fastest * 3).max(SHORTEST).min(net.left());
    for _ in 0..2 {
        let Ok(client) = Client::open_limited(net, address, 1) else {
            return false;
        };
        if !client.ask(wait).await.is_ok_and(|series| !series.silent()) {
            return false;
        }
    }
    true
}

/// Writes into the record where packets leave from: `surge-ping`'s socket is not connected and does not know it, so a
/// datagram socket that sends nothing is asked.
fn note_path(net: &Net, address: IpAddr) {
    let discard = SocketAddr::new(address, 9);
    let Some(local) = Socket::open(net.egress(), discard).ok().and_then(|socket| socket.local_addr()) else {
        return;
    };
    net.note_path(local, SocketAddr::new(address, 0));
    // ICMP has no ports.
    net.see(|seen| {
        let path = seen.path.get_or_insert_default();
        path.address = Some(address.to_string());
        path.local = Some(local.ip().to_string());
    });
}
