//! A bare connect loop over epoll: what the machine can do when nothing is asked of it.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use crate::measure::addresses;

/// How many are in flight, for the tools and for the bare loops.
pub(crate) const IN_FLIGHT: usize = 256;

/// Connects to each, so many at once, and closes; what became of each is not looked at.
///
/// # Errors
/// The system refuses a socket.
pub(crate) fn connects() -> Result<(), String> {
    let targets = addresses()?;
    let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(said)?;
    let mut waiting: HashMap<u64, OwnedFd> = HashMap::new();
    let mut targets = targets.iter();
    let mut events = Vec::with_capacity(IN_FLIGHT);
    loop {
        while waiting.len() < IN_FLIGHT {
            let Some(target) = targets.next() else { break };
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).map_err(said)?;
            if connect(&socket, target) == Err(Errno::INPROGRESS) {
                let key = u64::try_from(socket.as_fd().as_raw_fd()).unwrap_or_default();
                epoll::add(&epoll, &socket, EventData::new_u64(key), EventFlags::OUT).map_err(said)?;
                waiting.insert(key, socket);
            }
        }
        if waiting.is_empty() {
            return Ok(());
        }
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), None).map_err(said)?;
        for event in &events {
            let Some(socket) = waiting.remove(&event.data.u64()) else { continue };
            let _ = sockopt::socket_error(&socket).map_err(said)?;
        }
    }
}

fn said(error: Errno) -> String {
    error.to_string()
}
