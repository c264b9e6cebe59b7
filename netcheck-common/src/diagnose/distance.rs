//! How far away an answer came from: `IP_MINTTL` (IPv6: `IPV6_MINHOPCOUNT`) discards what travelled too far.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use crate::clock;
use crate::failure::Code;
use crate::net::Net;
use crate::tcp::{self, Reach};

mod option {
    //! The two socket options, which no crate offers ready-made (ip(7), ipv6(7)).
    use nix::libc;
    use nix::sys::socket::sockopt::SetStruct;

    /// `IP_MINTTL`.
    #[derive(Clone, Copy, Debug)]
    pub struct MinTtl;
    nix::setsockopt_impl!(MinTtl, libc::IPPROTO_IP, libc::IP_MINTTL, i32, SetStruct<i32>);

    /// `IPV6_MINHOPCOUNT`.
    #[derive(Clone, Copy, Debug)]
    pub struct MinHops;
    nix::setsockopt_impl!(MinHops, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, i32, SetStruct<i32>);
}

/// Accepts only what has this TTL left.
///
/// # Errors
/// What setsockopt(2) says.
pub fn accept_from(socket: &Socket, v6: bool, least: u8) -> io::Result<()> {
    let least = i32::from(least);
    let set = if v6 {
        nix::sys::socket::setsockopt(socket, option::MinHops, &least)
    } else {
        nix::sys::socket::setsockopt(socket, option::MinTtl, &least)
    };
    set.map_err(io::Error::from)
}

/// How many hops away the answer to a SYN came from: 1 is the first router. The TTL it began with is taken
/// to be the next of 64, 128 and 255, which is what systems use.
pub(super) async fn of(net: &Net, to: SocketAddr) -> Option<u8> {
    net.shared.experiments.distances.get(to, measure(net, to)).await
}

async fn measure(net: &Net, to: SocketAddr) -> Option<u8> {
    let begun = clock::now();
    if !answers(net, to, 1, net.timeout().mul_f64(0.3)).await {
        return None;
    }
    // An answer that is discarded is silence: wait a little longer than an answer takes.
    let wait = (begun.elapsed() * 4).clamp(Duration::from_millis(40), Duration::from_millis(600));
    let (mut low, mut high) = (1u8, 255u8);
    while low < high {
        // Probe all thresholds of one level at once would cost packets; eight steps are few.
        let middle = low + (high - low).div_ceil(2);
        if answers(net, to, middle, wait).await {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    let first = [64u8, 128, 255].into_iter().find(|first| low <= *first)?;
    Some(first - low + 1)
}

async fn answers(net: &Net, to: SocketAddr, least: u8, wait: Duration) -> bool {
    let reach = Reach { min_ttl: Some(least), ..Reach::default() };
    match clock::within(wait, tcp::attempt(net.origin(), to, reach)).await {
        None => false,
        Some(Ok(_)) => true,
        Some(Err(refusal)) => refusal.failure.code == Code::TcpRefused && refusal.icmp.is_none(),
    }
}
