//! Addresses of a block: all of them, or some drawn evenly.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::spec::Sampling;

/// How many addresses a block has; `u128::MAX` stands for the one block that has one more.
#[must_use]
pub fn size(net: IpNet) -> u128 {
    let bits = u32::from(net.max_prefix_len() - net.prefix_len());
    1u128.checked_shl(bits).unwrap_or(u128::MAX)
}

/// The addresses of a block. With a sample of N the block is cut into N even parts and one address
/// is drawn from each: the same ones for the same seed.
pub fn addresses(net: IpNet, sampling: Sampling) -> impl Iterator<Item = IpAddr> + Send {
    let size = size(net);
    let count = sampling.sample.map_or(size, |sample| u128::from(sample).min(size));
    let mut random = Random(sampling.seed);
    (0..count).map(move |part| {
        let offset = if count == size {
            part
        } else {
            let (width, extra) = (size / count, size % count);
            // The first `extra` parts are one address wider, so that the parts fill the block.
            let start = part * width + part.min(extra);
            start + random.below(width + u128::from(part < extra))
        };
        nth(net, offset)
    })
}

fn nth(net: IpNet, offset: u128) -> IpAddr {
    match net.network() {
        IpAddr::V4(base) => IpAddr::V4(Ipv4Addr::from_bits(
            base.to_bits().wrapping_add(u32::try_from(offset).unwrap_or(u32::MAX)),
        )),
        IpAddr::V6(base) => IpAddr::V6(Ipv6Addr::from_bits(base.to_bits().wrapping_add(offset))),
    }
}

/// SplitMix64: small, even, and the same everywhere. Nothing secret hangs on it.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next pseudo-random number (SplitMix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u128) -> u128 {
        let wide = (u128::from(self.next()) << 64) | u128::from(self.next());
        wide % bound.max(1)
    }
}
