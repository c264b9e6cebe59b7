//! Socket options that no crate offers for Windows.
#![expect(unsafe_code, reason = "no crate sets these options; see each block")]

use std::io;
use std::os::windows::io::AsRawSocket;

use socket2::Socket;
use windows_sys::Win32::Networking::WinSock::{SOCKET, setsockopt};

/// Sets an option that is a number of 32 bits.
pub(crate) fn set(socket: &Socket, level: i32, name: i32, value: u32) -> io::Result<()> {
    let bytes = value.to_ne_bytes();
    let handle = SOCKET::try_from(socket.as_raw_socket()).unwrap_or(SOCKET::MAX);
    // SAFETY: the handle is open while `socket` is borrowed. The system reads four bytes from the pointer, which `bytes`
    // has and keeps until the call returns.
    let result = unsafe { setsockopt(handle, level, name, bytes.as_ptr(), 4) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
