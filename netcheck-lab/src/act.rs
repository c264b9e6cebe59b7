//! The steps of a script, and how each is played over a connection.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::script::Notes;
use crate::wire::Wire;

/// Computes what to send from all that was read so far.
pub type Answer = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// One step of a script. When a read meets the end of the stream, the script ends.
#[derive(Clone)]
pub enum Act {
    /// Reads exactly this many bytes.
    Read(usize),
    /// Reads until what this act has read ends in these bytes.
    ReadUntil(Vec<u8>),
    /// Reads whatever comes first.
    ReadSome,
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes one by one, this far apart.
    SendSlowly(Vec<u8>, Duration),
    /// Sends what this makes of all that was read so far ([`Act::reply`]).
    Reply(Answer),
    /// Reads and says nothing until the peer leaves.
    Stall,
    /// Neither reads nor speaks until the peer leaves: its sends fill up.
    Deaf,
    /// Reads until nothing has come for this long.
    Idle(Duration),
    /// Closes in good order: `close_notify` where there is TLS, FIN.
    Close,
    /// Closes with a FIN alone, TLS or not.
    HangUp,
    /// Closes with a RST.
    Reset,
    /// Sends back what it reads until the peer stops sending.
    Echo,
    /// Sends these bytes again and again until the peer leaves.
    Flood(Vec<u8>),
}

impl Act {
    /// Sends these bytes.
    pub fn send(bytes: impl AsRef<[u8]>) -> Act {
        Act::Send(bytes.as_ref().to_vec())
    }

    /// Reads until what this act has read ends in these bytes.
    pub fn until(bytes: impl AsRef<[u8]>) -> Act {
        Act::ReadUntil(bytes.as_ref().to_vec())
    }

    /// Sends what `answer` makes of all that was read so far.
    pub fn reply(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Act {
        Act::Reply(Arc::new(answer))
    }
}

impl fmt::Debug for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::Read(count) => write!(f, "Read({count})"),
            Act::ReadUntil(end) => write!(f, "ReadUntil({})", end.escape_ascii()),
            Act::Send(bytes) => write!(f, "Send({})", bytes.escape_ascii()),
            Act::SendSlowly(bytes, pace) => write!(f, "SendSlowly({}, {pace:?})", bytes.escape_ascii()),
            Act::Idle(span) => write!(f, "Idle({span:?})"),
            Act::Flood(bytes) => write!(f, "Flood({})", bytes.escape_ascii()),
            Act::ReadSome => f.write_str("ReadSome"),
            Act::Reply(_) => f.write_str("Reply"),
            Act::Stall => f.write_str("Stall"),
            Act::Deaf => f.write_str("Deaf"),
            Act::Close => f.write_str("Close"),
            Act::HangUp => f.write_str("HangUp"),
            Act::Reset => f.write_str("Reset"),
            Act::Echo => f.write_str("Echo"),
        }
    }
}

/// Carries out a script on one connection; what arrives goes to `notes`.
pub(crate) fn play(acts: &[Act], mut wire: Wire, notes: &Notes) {
    for act in acts {
        let going = match act {
            Act::Reset => return wire.reset(),
            Act::HangUp => {
                wire.hang_up();
                return wire.drain();
            }
            Act::Close => break,
            act => step(act, &mut wire, notes),
        };
        if !going {
            break;
        }
    }
    wire.finish();
    wire.drain();
}

/// Plays one act; whether the connection still stands afterwards.
fn step(act: &Act, wire: &mut Wire, notes: &Notes) -> bool {
    match act {
        Act::Read(count) => read_exactly(*count, wire, notes),
        Act::ReadUntil(end) => {
            let from = notes.all().len();
            while read_exactly(1, wire, notes) {
                if notes.ends_with(from, end) {
                    return true;
                }
            }
            false
        }
        Act::ReadSome => read_some(wire, notes).is_some(),
        Act::Send(bytes) => send(wire, bytes),
        Act::SendSlowly(bytes, pace) => bytes.iter().all(|byte| {
            thread::sleep(*pace);
            !notes.stopped() && send(wire, &[*byte])
        }),
        Act::Reply(answer) => send(wire, &answer(&notes.all())),
        Act::Stall => {
            while read_some(wire, notes).is_some() {}
            false
        }
        Act::Deaf => {
            while !notes.stopped() && !has_left(wire.socket()) {}
            false
        }
        Act::Idle(span) => {
            wire.socket().set_read_timeout(Some(*span)).unwrap();
            while read_some(wire, notes).is_some() {}
            wire.socket().set_read_timeout(None).unwrap();
            true
        }
        Act::Echo => {
            while let Some(bytes) = read_some(wire, notes) {
                if !send(wire, &bytes) {
                    return false;
                }
            }
            false
        }
        Act::Flood(bytes) => {
            while !notes.stopped() && send(wire, bytes) {}
            false
        }
        Act::Close | Act::HangUp | Act::Reset => false,
    }
}

fn send(wire: &mut Wire, bytes: &[u8]) -> bool {
    wire.write_all(bytes).and_then(|()| wire.flush()).is_ok()
}

fn read_exactly(count: usize, wire: &mut Wire, notes: &Notes) -> bool {
    let mut buffer = vec![0; count];
    let mut got = 0;
    while got < count {
        match wire.read(&mut buffer[got..]) {
            Ok(read @ 1..) => {
                notes.add(&buffer[got..got + read]);
                got += read;
            }
            _ => return false,
        }
    }
    true
}

fn read_some(wire: &mut Wire, notes: &Notes) -> Option<Vec<u8>> {
    let mut buffer = vec![0; 16 * 1024];
    match wire.read(&mut buffer) {
        Ok(read @ 1..) => {
            buffer.truncate(read);
            notes.add(&buffer);
            Some(buffer)
        }
        _ => None,
    }
}

/// Waits a moment for the peer to leave, without reading.
fn has_left(socket: &TcpStream) -> bool {
    use nix::poll::{PollFd, PollFlags, poll};
    use std::os::fd::AsFd;
    // POLLRDHUP, which nix does not name.
    let gone = PollFlags::from_bits_retain(0x2000) | PollFlags::POLLHUP | PollFlags::POLLERR;
    let mut polled = [PollFd::new(socket.as_fd(), gone)];
    poll(&mut polled, 50u16).unwrap_or(0) > 0
}
