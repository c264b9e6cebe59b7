//! The chunk stream (RTMP 1.0 section 5.3), read from a hostile peer: bytes in, whole messages out.
//!
//! A length that is merely announced allocates nothing: a message grows with the bytes that arrive, up to
//! [`LONGEST`], on at most [`STREAMS`] chunk streams at once.

use std::fmt;

/// The longest message that is read, in bytes. A server's answers to a publisher are a few hundred bytes long.
pub const LONGEST: usize = 64 * 1024;
/// The most chunk streams a peer may use at once. Servers use two to six.
pub const STREAMS: usize = 16;
/// The chunk size before anybody sets another (section 5.4.1).
const INITIAL: usize = 128;
/// The longest header: basic 3, message 11, extended timestamp 4.
const HEADER: usize = 18;

/// One whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type: 1-6 control, 8 audio, 9 video, 17 and 20 commands, 15 and 18 data.
    pub kind: u8,
    /// The message stream it belongs to.
    pub stream: u32,
    /// Its bytes.
    pub body: Vec<u8>,
}

/// Why bytes are not a chunk stream that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkError {
    /// A chunk that continues what never began.
    Orphan,
    /// A new message header inside an unfinished message.
    Torn,
    /// A message longer than [`LONGEST`].
    Long(u32),
    /// More chunk streams than [`STREAMS`].
    Crowded,
    /// A chunk size outside 1 to 2^31-1, or not four bytes.
    ChunkSize,
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChunkError::Orphan => f.write_str("a chunk that continues no message"),
            ChunkError::Torn => f.write_str("a message header inside an unfinished message"),
            ChunkError::Long(length) => write!(f, "a message of {length} bytes"),
            ChunkError::Crowded => write!(f, "more than {STREAMS} chunk streams"),
            ChunkError::ChunkSize => f.write_str("an impossible chunk size"),
        }
    }
}

/// What is known of one chunk stream: its last header, and the message it is in the middle of.
#[derive(Debug)]
struct ChunkStream {
    id: u32,
    length: usize,
    kind: u8,
    stream: u32,
    extended: bool,
    body: Vec<u8>,
}

/// A reader of chunks.
#[derive(Debug)]
pub struct Chunks {
    size: usize,
    /// Bytes that have arrived: a started header, or what was pushed last.
    waiting: Vec<u8>,
    /// How many of them are read.
    read: usize,
    lanes: Vec<ChunkStream>,
    /// The lane whose chunk is being read, and how many of its bytes are still to come.
    open: Option<(usize, usize)>,
    type_one_first: bool,
}

impl Default for Chunks {
    fn default() -> Self {
        Chunks {
            size: INITIAL,
            waiting: Vec::new(),
            read: 0,
            lanes: Vec::new(),
            open: None,
            type_one_first: false,
        }
    }
}

impl Chunks {
    /// Adds bytes that arrived; then [`Chunks::message`] is called until it gives none.
    pub fn push(&mut self, bytes: &[u8]) {
        self.waiting.drain(..self.read);
        self.read = 0;
        self.waiting.extend_from_slice(bytes);
    }

    /// The chunk size the peer has set, in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// A chunk stream began with a type 1 header, which section 5.3.1.2.1 does not allow.
    pub fn is_type_one_first(&self) -> bool {
        self.type_one_first
    }

    /// The next whole message, or none until more bytes arrive.
    ///
    /// # Errors
    /// The bytes are no chunk stream, or exceed a bound. What follows cannot be read.
    pub fn message(&mut self) -> Result<Option<Message>, ChunkError> {
        loop {
            let (lane, wanted) = match self.open {
                Some(open) => open,
                None => match self.header()? {
                    Some(open) => open,
                    None => return Ok(None),
                },
            };
            let there = (self.waiting.len() - self.read).min(wanted);
            let bytes = &self.waiting[self.read..self.read + there];
            self.lanes[lane].body.extend_from_slice(bytes);
            self.read += there;
            if there < wanted {
                self.open = Some((lane, wanted - there));
                return Ok(None);
            }
            self.open = None;
            if self.lanes[lane].body.len() == self.lanes[lane].length {
                return self.finish(lane).map(Some);
            }
        }
    }

    /// A message is whole: control messages that change the reading are obeyed before it is given out.
    fn finish(&mut self, lane: usize) -> Result<Message, ChunkError> {
        let lane = &mut self.lanes[lane];
        let message = Message { kind: lane.kind, stream: lane.stream, body: std::mem::take(&mut lane.body) };
        let number = message.body.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
        match (message.kind, number) {
            (1, Some(size @ 1..=0x7fff_ffff)) => self.size = usize::try_from(size).unwrap_or(LONGEST),
            (1, _) => return Err(ChunkError::ChunkSize),
            (2, Some(id)) => {
                if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.id == id) {
                    lane.body = Vec::new();
                }
            }
            _ => {}
        }
        Ok(message)
    }

    /// Reads a chunk's header, if it is there: the lane, and how many bytes of the chunk follow.
    fn header(&mut self) -> Result<Option<(usize, usize)>, ChunkError> {
        let end = self.waiting.len().min(self.read + HEADER);
        let bytes = Cursor { rest: &self.waiting[self.read..end] };
        let Some((header, length)) = Header::read(bytes, |id| self.extended(id)) else { return Ok(None) };
        self.read += length;
        let lane = self.lane(&header)?;
        let left = self.lanes[lane].length - self.lanes[lane].body.len();
        Ok(Some((lane, left.min(self.size))))
    }

    fn extended(&self, id: u32) -> bool {
        self.lanes.iter().any(|lane| lane.id == id && lane.extended)
    }

    /// The lane a header belongs to, brought up to date by it.
    fn lane(&mut self, header: &Header) -> Result<usize, ChunkError> {
        let known = self.lanes.iter().position(|lane| lane.id == header.id);
        let at = match (known, header.stream) {
            (Some(at), _) => at,
            (None, None) if header.message.is_none() => return Err(ChunkError::Orphan),
            (None, _) if self.lanes.len() == STREAMS => return Err(ChunkError::Crowded),
            (None, stream) => {
                // Deployed clients take message stream 0 where the first header names none.
                self.type_one_first |= stream.is_none();
                let (id, stream) = (header.id, stream.unwrap_or_default());
                let lane = ChunkStream { id, length: 0, kind: 0, stream, extended: false, body: Vec::new() };
                self.lanes.push(lane);
                self.lanes.len() - 1
            }
        };
        let lane = &mut self.lanes[at];
        if header.begins && !lane.body.is_empty() {
            return Err(ChunkError::Torn);
        }
        if let Some((length, kind)) = header.message {
            lane.length = usize::try_from(length).unwrap_or(usize::MAX);
            lane.kind = kind;
            if lane.length > LONGEST {
                return Err(ChunkError::Long(length));
            }
        }
        lane.stream = header.stream.unwrap_or(lane.stream);
        lane.extended = header.extended;
        Ok(at)
    }
}

/// One chunk's header (section 5.3.1).
struct Header {
    id: u32,
    /// Length and type: in formats 0 and 1.
    message: Option<(u32, u8)>,
    /// The message stream: in format 0.
    stream: Option<u32>,
    /// Formats 0 to 2 begin a message; 3 may continue one.
    begins: bool,
    extended: bool,
}

impl Header {
    /// The header at the front, and its length; none when it is not whole yet.
    fn read(mut bytes: Cursor<'_>, extended: impl Fn(u32) -> bool) -> Option<(Header, usize)> {
        let before = bytes.rest.len();
        let [first] = bytes.array()?;
        let id = match first & 0x3f {
            0 => 64 + u32::from(bytes.array::<1>()?[0]),
            1 => 64 + u32::from(u16::from_le_bytes(bytes.array()?)),
            id => u32::from(id),
        };
        let format = first >> 6;
        let timestamp = if format < 3 { Some(bytes.u24()?) } else { None };
        let message = if format < 2 { Some((bytes.u24()?, bytes.array::<1>()?[0])) } else { None };
        let stream = if format == 0 { Some(u32::from_le_bytes(bytes.array()?)) } else { None };
        let extended = timestamp.map_or_else(|| extended(id), |timestamp| timestamp == 0x00ff_ffff);
        if extended {
            bytes.array::<4>()?;
        }
        let header = Header { id, message, stream, begins: format < 3, extended };
        Some((header, before - bytes.rest.len()))
    }
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    fn u24(&mut self) -> Option<u32> {
        let [a, b, c] = self.array()?;
        Some(u32::from_be_bytes([0, a, b, c]))
    }
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
