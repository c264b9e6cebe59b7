//! The largest segment of one connection (`TCP_MAXSEG`).

use std::io;

use socket2::SockRef;

use crate::errno::{self, Kind};
use crate::{Sense, Sight, system};

/// Limits the segments of both sides; before the connection is made.
///
/// # Errors
/// What the system says; [`io::ErrorKind::Unsupported`] where it has no such option.
pub fn set_largest<'s>(socket: impl Into<SockRef<'s>>, bytes: u32) -> io::Result<()> {
    let sense = Sense::SmallSegments;
    if sense.is_blind() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let set = system::segment::set(&socket.into(), bytes);
    if set.as_ref().is_err_and(|error| errno::kind(error) == Kind::Unsupported) {
        sense.mark_blind();
    }
    set
}

/// The largest segment that this connection sends, in bytes.
pub fn largest<'s>(socket: impl Into<SockRef<'s>>) -> Sight<u32> {
    let sense = Sense::SmallSegments;
    if sense.is_blind() { Sight::Blind } else { sense.told(system::segment::get(&socket.into())) }
}
