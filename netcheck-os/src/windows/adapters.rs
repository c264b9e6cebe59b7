//! What IP Helper tells of the network adapters (GetAdaptersAddresses).
#![expect(
    unsafe_code,
    reason = "the answer is a list of structures that point to each other; see each block"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_INCLUDE_GATEWAYS, GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IP_ADAPTER_ADDRESSES_LH, IP_ADAPTER_DNS_SERVER_ADDRESS_XP, IP_ADAPTER_GATEWAY_ADDRESS_LH,
    IP_ADAPTER_UNICAST_ADDRESS_LH,
};
use windows_sys::Win32::NetworkManagement::Ndis::IfOperStatusUp;
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR_IN, SOCKADDR_IN6, SOCKET_ADDRESS,
};

/// How much is read at most, and how many elements of one list.
const LARGEST: u32 = 1 << 20;
const MOST: usize = 256;

/// One adapter.
#[derive(Clone, Debug)]
pub(crate) struct Adapter {
    pub name: String,
    pub description: String,
    /// The type of RFC 1213's ifType.
    pub kind: u32,
    pub up: bool,
    /// Its number for IPv4, else for IPv6.
    pub index: u32,
    pub metric_v4: u32,
    pub metric_v6: u32,
    /// Each address with the length of its prefix.
    pub addresses: Vec<(IpAddr, u8)>,
    pub gateways: Vec<IpAddr>,
    /// Its own name servers.
    pub resolvers: Vec<SocketAddr>,
    pub suffix: String,
}

/// All adapters, in the system's order; none where it does not tell.
pub(crate) fn all() -> Vec<Adapter> {
    let flags = GAA_FLAG_INCLUDE_GATEWAYS | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST;
    let mut length: u32 = 32 << 10;
    // What is missing the first time is told; it may have grown since.
    for _ in 0..4 {
        let units = usize::try_from(length).unwrap_or(0).div_ceil(8);
        // Of 64-bit units, so that the structures in it are aligned.
        let mut space = vec![0_u64; units];
        let first: *mut IP_ADAPTER_ADDRESSES_LH = space.as_mut_ptr().cast();
        // SAFETY: the system writes at most `length` bytes to `first`, and `space` is at least that long, aligned for every
        // structure in it, and borrowed by nobody else; `length` outlives the call.
        let told =
            unsafe { GetAdaptersAddresses(u32::from(AF_UNSPEC), flags, ptr::null(), first, &raw mut length) };
        match told {
            // SAFETY: the system has filled `space` with a list that begins at `first`; `space` lives until `read` is done.
            NO_ERROR => return unsafe { read(first) },
            ERROR_BUFFER_OVERFLOW if length <= LARGEST => {}
            _ => return Vec::new(),
        }
    }
    Vec::new()
}

/// # Safety
/// `first` is null or the beginning of a list that GetAdaptersAddresses has written and that lives until this returns.
unsafe fn read(first: *const IP_ADAPTER_ADDRESSES_LH) -> Vec<Adapter> {
    // SAFETY: the caller's word holds for every element, each of which points to the next one or is the last.
    let elements = unsafe { list(first, |element| element.Next) };
    elements.into_iter().map(|element| unsafe { adapter(element) }).collect()
}

/// # Safety
/// As for [`read`].
unsafe fn adapter(element: &IP_ADAPTER_ADDRESSES_LH) -> Adapter {
    // SAFETY: the lists of an element are part of what the system has written; so are its strings and addresses.
    unsafe {
        let unicast = list::<IP_ADAPTER_UNICAST_ADDRESS_LH>(element.FirstUnicastAddress, |next| next.Next);
        let gateways = list::<IP_ADAPTER_GATEWAY_ADDRESS_LH>(element.FirstGatewayAddress, |next| next.Next);
        let resolvers =
            list::<IP_ADAPTER_DNS_SERVER_ADDRESS_XP>(element.FirstDnsServerAddress, |next| next.Next);
        let numbers = element.Anonymous1.Anonymous;
        Adapter {
            name: text(element.FriendlyName),
            description: text(element.Description),
            kind: element.IfType,
            up: element.OperStatus == IfOperStatusUp,
            index: if numbers.IfIndex == 0 { element.Ipv6IfIndex } else { numbers.IfIndex },
            metric_v4: element.Ipv4Metric,
            metric_v6: element.Ipv6Metric,
            addresses: unicast
                .into_iter()
                .filter_map(|one| Some((address(&one.Address)?.ip(), one.OnLinkPrefixLength)))
                .collect(),
            gateways: gateways.into_iter().filter_map(|one| Some(address(&one.Address)?.ip())).collect(),
            resolvers: resolvers.into_iter().filter_map(|one| address(&one.Address)).collect(),
            suffix: text(element.DnsSuffix),
        }
    }
}

/// The elements of a list.
///
/// # Safety
/// `first` is null or an element; `next` leads from one element to another or to null; all outlive `'a`.
unsafe fn list<'a, T>(first: *const T, next: impl Fn(&T) -> *mut T) -> Vec<&'a T> {
    let mut elements = Vec::new();
    let mut at = first;
    while elements.len() < MOST {
        // SAFETY: the caller's word: `at` is null or an element.
        let Some(element) = (unsafe { at.as_ref() }) else { break };
        elements.push(element);
        at = next(element);
    }
    elements
}

/// # Safety
/// The pointer within is null or points to as many bytes as are said beside it.
unsafe fn address(found: &SOCKET_ADDRESS) -> Option<SocketAddr> {
    let length = usize::try_from(found.iSockaddrLength).ok()?;
    // SAFETY: the caller's word; a structure is read only where it fits into the bytes that there are.
    unsafe {
        let family = found.lpSockaddr.as_ref()?.sa_family;
        if family == AF_INET && length >= size_of::<SOCKADDR_IN>() {
            let v4 = found.lpSockaddr.cast::<SOCKADDR_IN>().read_unaligned();
            let bits = u32::from_be(v4.sin_addr.S_un.S_addr);
            return Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from_bits(bits)), 53));
        }
        if family == AF_INET6 && length >= size_of::<SOCKADDR_IN6>() {
            let v6 = found.lpSockaddr.cast::<SOCKADDR_IN6>().read_unaligned();
            let ip = Ipv6Addr::from(v6.sin6_addr.u.Byte);
            return Some(SocketAddr::V6(SocketAddrV6::new(ip, 53, 0, v6.Anonymous.sin6_scope_id)));
        }
    }
    None
}

/// # Safety
/// `at` is null or points to units that end with a zero.
unsafe fn text(at: *const u16) -> String {
    if at.is_null() {
        return String::new();
    }
    let mut units = Vec::new();
    while units.len() < MOST {
        // SAFETY: no unit before this one was the zero at the end, so it is there.
        let unit = unsafe { at.add(units.len()).read() };
        if unit == 0 {
            break;
        }
        units.push(unit);
    }
    String::from_utf16_lossy(&units)
}
