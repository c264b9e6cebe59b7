//! Echo requests by IP Helper (IcmpSendEcho, Icmp6SendEcho2), which any user may send.
#![expect(unsafe_code, reason = "no crate offers them; see each block")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    ICMP_ECHO_REPLY, ICMPV6_ECHO_REPLY_LH, IP_OPTION_INFORMATION, IP_SUCCESS, IP_TTL_EXPIRED_TRANSIT,
    Icmp6CreateFile, Icmp6SendEcho2, IcmpCloseHandle, IcmpCreateFile, IcmpSendEcho,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET6, IN6_ADDR, IN6_ADDR_0, SOCKADDR_IN6};

use crate::Sight;
use crate::echo::Reply;

pub(crate) const IS_TOLD: bool = true;

/// What a request carries.
const PAYLOAD: [u8; 12] = *b"netcheck hop";
/// Room for a reply, its payload, and what the system asks for besides.
const SPACE: usize = 256;

/// A handle for requests.
struct Sender(HANDLE);

impl Drop for Sender {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by whoever made this, and is closed nowhere else.
        unsafe { IcmpCloseHandle(self.0) };
    }
}

pub(crate) fn ask(to: IpAddr, hops: u8, wait: Duration) -> Sight<Reply> {
    let answer = match to {
        IpAddr::V4(to) => ask_v4(to, hops, wait).map(|(status, from)| (status, IpAddr::V4(from))),
        IpAddr::V6(to) => ask_v6(to, hops, wait).map(|(status, from)| (status, IpAddr::V6(from))),
    };
    match answer {
        Some((IP_SUCCESS, _)) => Sight::Seen(Reply::Answered),
        Some((IP_TTL_EXPIRED_TRANSIT, from)) => Sight::Seen(Reply::Expired(from)),
        _ => Sight::Nothing,
    }
}

fn options(hops: u8) -> IP_OPTION_INFORMATION {
    IP_OPTION_INFORMATION { Ttl: hops, Tos: 0, Flags: 0, OptionsSize: 0, OptionsData: ptr::null_mut() }
}

fn milliseconds(wait: Duration) -> u32 {
    u32::try_from(wait.as_millis()).unwrap_or(u32::MAX)
}

/// The status and the sender of the first reply.
fn ask_v4(to: Ipv4Addr, hops: u8, wait: Duration) -> Option<(u32, Ipv4Addr)> {
    // SAFETY: the call takes nothing; what it returns is a handle or the invalid one.
    let sender =
        Some(unsafe { IcmpCreateFile() }).filter(|handle| *handle != INVALID_HANDLE_VALUE).map(Sender)?;
    let options = options(hops);
    // Of 64-bit units, so that the structure at its beginning is aligned.
    let mut space = [0_u64; SPACE / 8];
    // SAFETY: the handle is open; the system reads the payload's twelve bytes and the options, and writes at most `SPACE`
    // bytes to `space`; all outlive the call, which returns when the wait is over.
    let replies = unsafe {
        IcmpSendEcho(
            sender.0,
            u32::from_ne_bytes(to.octets()),
            PAYLOAD.as_ptr().cast(),
            12,
            &raw const options,
            space.as_mut_ptr().cast(),
            u32::try_from(SPACE).unwrap_or(0),
            milliseconds(wait),
        )
    };
    // SAFETY: where there is a reply, `space` begins with this structure, for which it is large enough and aligned.
    (replies > 0).then(|| unsafe {
        let reply = space.as_ptr().cast::<ICMP_ECHO_REPLY>().read();
        (reply.Status, Ipv4Addr::from(reply.Address.to_ne_bytes()))
    })
}

fn ask_v6(to: Ipv6Addr, hops: u8, wait: Duration) -> Option<(u32, Ipv6Addr)> {
    // SAFETY: as for IPv4.
    let sender =
        Some(unsafe { Icmp6CreateFile() }).filter(|handle| *handle != INVALID_HANDLE_VALUE).map(Sender)?;
    let options = options(hops);
    let address = |ip: Ipv6Addr| SOCKADDR_IN6 {
        sin6_family: AF_INET6,
        sin6_addr: IN6_ADDR { u: IN6_ADDR_0 { Byte: ip.octets() } },
        ..SOCKADDR_IN6::default()
    };
    let (from, to) = (address(Ipv6Addr::UNSPECIFIED), address(to));
    let mut space = [0_u64; SPACE / 8];
    // SAFETY: as for IPv4; both addresses outlive the call, which without an event or a routine of ours returns when the
    // wait is over.
    let replies = unsafe {
        Icmp6SendEcho2(
            sender.0,
            ptr::null_mut(),
            None,
            ptr::null(),
            &raw const from,
            &raw const to,
            PAYLOAD.as_ptr().cast(),
            12,
            &raw const options,
            space.as_mut_ptr().cast(),
            u32::try_from(SPACE).unwrap_or(0),
            milliseconds(wait),
        )
    };
    // SAFETY: as for IPv4. The structure is packed, so its parts are read as they lie.
    (replies > 0).then(|| unsafe {
        let reply = space.as_ptr().cast::<ICMPV6_ECHO_REPLY_LH>().read_unaligned();
        let words = reply.Address.sin6_addr;
        // The words are in network byte order.
        (reply.Status, Ipv6Addr::from(words.map(u16::from_be)))
    })
}
