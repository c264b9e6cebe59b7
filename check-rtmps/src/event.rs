//! What a message of a server means to a publisher: RTMP 1.0 sections 5.4 and 7, read from whole messages.

use std::fmt;

use crate::amf::{self, AmfError, Value};
use crate::chunk::Message;

/// A message that a publisher acts on.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The peer has received this many bytes (5.4.3).
    Acknowledgement(u32),
    /// The peer wants an acknowledgement after every so many bytes (5.4.4).
    Window(u32),
    /// The peer would have us send no more than so many bytes unacknowledged (5.4.5).
    Bandwidth(u32),
    /// The peer wants this time back (7.1.7).
    Ping(u32),
    /// A command: an answer or a status (7.2).
    Command(Command),
    /// Nothing a publisher acts on.
    Other,
}

/// A command message.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its name: `_result`, `_error`, `onStatus`, `close`…
    pub name: String,
    /// The transaction it answers; 0 for none.
    pub transaction: f64,
    /// What follows.
    pub values: Vec<Value>,
}

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventError {
    /// A control message too short for its number.
    Control(u8),
    /// A command's values.
    Amf(AmfError),
    /// A command that does not begin with a name.
    WithoutName,
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventError::Control(kind) => write!(f, "a control message of type {kind} without its number"),
            EventError::Amf(why) => why.fmt(f),
            EventError::WithoutName => f.write_str("a command without a name"),
        }
    }
}

impl Event {
    /// Reads a message.
    ///
    /// # Errors
    /// The message is not what its type says.
    pub fn read(message: &Message) -> Result<Event, EventError> {
        let number = || {
            let bytes = message.body.first_chunk().ok_or(EventError::Control(message.kind))?;
            Ok(u32::from_be_bytes(*bytes))
        };
        Ok(match message.kind {
            3 => Event::Acknowledgement(number()?),
            4 => Event::user_control(&message.body),
            5 => Event::Window(number()?),
            6 => Event::Bandwidth(number()?),
            // An AMF3 command begins with a byte that says the rest is AMF0 (7.1.1).
            17 => Event::Command(Command::read(message.body.get(1..).unwrap_or_default())?),
            20 => Event::Command(Command::read(&message.body)?),
            _ => Event::Other,
        })
    }

    fn user_control(body: &[u8]) -> Event {
        match body {
            [0, 6, a, b, c, d, ..] => Event::Ping(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => Event::Other,
        }
    }
}

impl Command {
    fn read(body: &[u8]) -> Result<Command, EventError> {
        let mut values = amf::read(body).map_err(EventError::Amf)?.into_iter();
        let Some(Value::Text(name)) = values.next() else { return Err(EventError::WithoutName) };
        let transaction = values.next().and_then(|value| value.as_number()).unwrap_or_default();
        Ok(Command { name, transaction, values: values.collect() })
    }

    /// A text of that name in any of the objects: `code`, `level`, `description`, `fmsVer`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values.iter().find_map(|value| value.field(name)?.as_text())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, body: &[u8]) -> Message {
        Message { kind, stream: 0, body: body.to_vec() }
    }

    #[test]
    fn control_messages_are_read() {
        assert_eq!(Event::read(&message(3, &[0, 0, 1, 0])), Ok(Event::Acknowledgement(256)));
        assert_eq!(Event::read(&message(5, &[0, 0, 0, 9])), Ok(Event::Window(9)));
        assert_eq!(Event::read(&message(6, &[0, 0, 0, 9, 2])), Ok(Event::Bandwidth(9)));
        assert_eq!(Event::read(&message(4, &[0, 6, 0, 0, 0, 5])), Ok(Event::Ping(5)));
        assert_eq!(Event::read(&message(4, &[0, 0, 0, 0, 0, 1])), Ok(Event::Other));
        assert_eq!(Event::read(&message(3, &[0, 0, 1])), Err(EventError::Control(3)));
    }

    #[test]
    fn a_command_is_read_as_amf0_and_as_amf3() {
        let mut body = Vec::new();
        let status = Value::Object(vec![("code".into(), Value::text("NetConnection.Connect.Success"))]);
        for value in [Value::text("_result"), Value::Number(1.0), Value::Null, status] {
            value.write(&mut body);
        }
        let Ok(Event::Command(command)) = Event::read(&message(20, &body)) else { panic!("a command") };
        assert_eq!((command.name.as_str(), command.transaction), ("_result", 1.0));
        assert_eq!(command.text("code"), Some("NetConnection.Connect.Success"));
        body.insert(0, 0);
        assert_eq!(Event::read(&message(17, &body)), Ok(Event::Command(command)));
        assert_eq!(Event::read(&message(20, &[0x05])), Err(EventError::WithoutName));
    }

    proptest! {
        #[test]
        fn arbitrary_messages_never_panic(kind in 0u8..30, body in prop::collection::vec(any::<u8>(), 0..512)) {
            let _ = Event::read(&message(kind, &body));
        }
    }
}
