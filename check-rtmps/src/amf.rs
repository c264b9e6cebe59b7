//! AMF0 (Action Message Format 0, Adobe 2007): values read from a hostile peer, and the few this check writes.
//!
//! What one message can make us build is bounded: nesting by [`DEEPEST`], the number of values by [`MOST`], and
//! every text by the bytes that really arrived. A count or a length that a peer merely announces allocates nothing.

use std::fmt;

/// The deepest nesting that is read.
pub const DEEPEST: usize = 8;
/// The most values, at any depth, that one message may hold.
pub const MOST: usize = 512;

/// One AMF0 value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Section 2.2, and dates (2.13) as milliseconds since 1970.
    Number(f64),
    /// Section 2.3.
    Boolean(bool),
    /// Sections 2.4, 2.14 and 2.17: any text; bytes that are not UTF-8 are replaced.
    Text(String),
    /// Sections 2.5, 2.10 and 2.18: anonymous, associative or typed.
    Object(Vec<(String, Value)>),
    /// Section 2.12.
    Array(Vec<Value>),
    /// Sections 2.7, 2.8, 2.9 and 2.15: null, undefined, a reference, unsupported: nothing to be read.
    Null,
}

/// Why bytes are not AMF0 that we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmfError {
    /// The bytes end inside a value.
    Short,
    /// Nested deeper than [`DEEPEST`].
    Deep,
    /// More values than [`MOST`].
    Many,
    /// A type marker that is not allowed.
    Marker(u8),
}

impl fmt::Display for AmfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AmfError::Short => f.write_str("AMF0 that ends inside a value"),
            AmfError::Deep => write!(f, "AMF0 nested deeper than {DEEPEST}"),
            AmfError::Many => write!(f, "more than {MOST} AMF0 values in a message"),
            AmfError::Marker(marker) => write!(f, "AMF0 of the unknown type {marker:#04x}"),
        }
    }
}

/// Reads all values of a message.
///
/// # Errors
/// The bytes are not AMF0, or exceed a bound.
pub fn read(bytes: &[u8]) -> Result<Vec<Value>, AmfError> {
    let mut reader = Reader { rest: bytes, left: MOST };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        values.push(reader.value(0)?);
    }
    Ok(values)
}

struct Reader<'a> {
    rest: &'a [u8],
    left: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, AmfError> {
        if depth > DEEPEST {
            return Err(AmfError::Deep);
        }
        self.left = self.left.checked_sub(1).ok_or(AmfError::Many)?;
        let [marker] = self.array()?;
        Ok(match marker {
            0x00 => Value::Number(self.number()?),
            0x01 => Value::Boolean(self.array::<1>()? != [0]),
            0x02 => Value::Text(self.short_text()?),
            0x03 => Value::Object(self.fields(depth)?),
            0x05 | 0x06 | 0x0d => Value::Null,
            0x07 => {
                self.array::<2>()?;
                Value::Null
            }
            0x08 => {
                // The count is advice only (section 2.10); the end marker decides.
                self.array::<4>()?;
                Value::Object(self.fields(depth)?)
            }
            0x0a => self.strict_array(depth)?,
            0x0b => {
                let date = self.number()?;
                self.array::<2>()?;
                Value::Number(date)
            }
            0x0c | 0x0f => Value::Text(self.long_text()?),
            0x10 => {
                self.short_text()?;
                Value::Object(self.fields(depth)?)
            }
            other => return Err(AmfError::Marker(other)),
        })
    }

    fn strict_array(&mut self, depth: usize) -> Result<Value, AmfError> {
        let count = u32::from_be_bytes(self.array()?);
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(self.value(depth + 1)?);
        }
        Ok(Value::Array(values))
    }

    fn fields(&mut self, depth: usize) -> Result<Vec<(String, Value)>, AmfError> {
        let mut fields = Vec::new();
        loop {
            let name = self.short_text()?;
            if name.is_empty() && self.rest.first() == Some(&0x09) {
                self.array::<1>()?;
                return Ok(fields);
            }
            fields.push((name, self.value(depth + 1)?));
        }
    }

    fn number(&mut self) -> Result<f64, AmfError> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    fn short_text(&mut self) -> Result<String, AmfError> {
        let length = u16::from_be_bytes(self.array()?);
        self.text(usize::from(length))
    }

    fn long_text(&mut self) -> Result<String, AmfError> {
        let length = u32::from_be_bytes(self.array()?);
        self.text(usize::try_from(length).map_err(|_| AmfError::Short)?)
    }

    fn text(&mut self, length: usize) -> Result<String, AmfError> {
        let (text, rest) = self.rest.split_at_checked(length).ok_or(AmfError::Short)?;
        self.rest = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], AmfError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(AmfError::Short)?;
        self.rest = rest;
        Ok(*array)
    }
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// The field of that name, where this is an object that has it.
    pub fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, where this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, where this is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Appends the value to `out`. A name longer than 65,535 bytes is cut, which no name of ours is.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Number(number) => {
                out.push(0x00);
                out.extend(number.to_be_bytes());
            }
            Value::Boolean(boolean) => out.extend([0x01, u8::from(*boolean)]),
            Value::Text(text) => {
                out.push(0x0c);
                let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                if let Ok(length) = u16::try_from(length) {
                    out.pop();
                    out.push(0x02);
                    out.extend(length.to_be_bytes());
                } else {
                    out.extend(length.to_be_bytes());
                }
                out.extend(text.as_bytes());
            }
            Value::Object(fields) => {
                out.push(0x03);
                for (name, value) in fields {
                    let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
                    out.extend(length.to_be_bytes());
                    out.extend(name.as_bytes().iter().take(usize::from(length)));
                    value.write(out);
                }
                out.extend([0, 0, 0x09]);
            }
            Value::Array(values) => {
                out.push(0x0a);
                out.extend(u32::try_from(values.len()).unwrap_or(u32::MAX).to_be_bytes());
                for value in values {
                    value.write(out);
                }
            }
            Value::Null => out.push(0x05),
        }
    }
}

#[cfg(test)]
#[path = "amf_tests.rs"]
mod tests;
