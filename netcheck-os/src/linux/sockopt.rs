//! Socket options whose length differs between kernels and emulators: what was written says how much there is.
#![expect(unsafe_code, reason = "no crate reads an option of unknown length; see each block")]

use std::io;
use std::os::fd::AsRawFd;

use nix::libc;
use socket2::Socket;

/// Reads as much of an option as the system has into `space`; returns the bytes that were written.
pub(crate) fn read<'s>(socket: &Socket, level: i32, name: i32, space: &'s mut [u8]) -> io::Result<&'s [u8]> {
    let mut length = libc::socklen_t::try_from(space.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: the descriptor is open while `socket` is borrowed. The system writes at most `length` bytes to the pointer, and
    // `space` is that long and borrowed by nobody else; it writes how many they were to `length`, which outlives the call.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, name, space.as_mut_ptr().cast(), &raw mut length)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    let written = usize::try_from(length).unwrap_or(0).min(space.len());
    Ok(&space[..written])
}

/// How many bytes of a TCP connection were written and are not acknowledged (`SIOCOUTQ`: tcp(7)).
pub(crate) fn unacknowledged(socket: &Socket) -> io::Result<u64> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open while `socket` is borrowed. The request, which has the number of TIOCOUTQ, makes the system
    // write one int to the pointer, and `bytes` is one and outlives the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(u64::try_from(bytes).unwrap_or_default())
}

/// The first `N` bytes of an option; `ENOPROTOOPT`, as for an option that is not there, where the system has fewer.
pub(crate) fn read_whole<const N: usize>(socket: &Socket, level: i32, name: i32) -> io::Result<[u8; N]> {
    let mut space = [0; N];
    let written = read(socket, level, name, &mut space)?.len();
    if written < N { Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT)) } else { Ok(space) }
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Type};

    use super::*;
    use crate::errno::{self, Kind};

    fn socket() -> Socket {
        Socket::new(Domain::IPV4, Type::STREAM, None).unwrap()
    }

    #[test]
    fn an_option_that_is_shorter_than_asked_for_is_not_there() {
        let short = read_whole::<4>(&socket(), libc::SOL_SOCKET, libc::SO_TYPE);
        assert_eq!(short.unwrap(), libc::SOCK_STREAM.to_ne_bytes());
        let long = read_whole::<16>(&socket(), libc::SOL_SOCKET, libc::SO_TYPE);
        assert_eq!(errno::kind(&long.unwrap_err()), Kind::Unsupported);
    }

    #[test]
    fn no_more_is_written_than_there_is_space_for() {
        let mut space = [7; 12];
        let (state, rest) = space.split_at_mut(8);
        let written = read(&socket(), libc::IPPROTO_TCP, libc::TCP_INFO, state).unwrap().len();
        assert_eq!((written, &*rest), (8, &[7; 4][..]));
    }
}
