//! A ClientHello that was sent, for the experiments that repeat it.

use std::sync::Arc;

use super::config::begin;
use super::hello::{Hello, server_name};
use super::randomness::{Drawn, Randomness};
use super::verifier::Recorder;
use super::writer::as_sent;

/// A ClientHello that was sent. Its bytes are made again when they are asked for.
#[derive(Clone, Debug)]
pub struct SentHello {
    /// What was asked for.
    pub hello: Hello,
    /// What was random in it.
    pub(super) drawn: Option<Arc<Drawn>>,
}

impl SentHello {
    /// The record, byte for byte; empty where none was sent.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let (Some(drawn), Ok(name)) = (&self.drawn, server_name(&self.hello.name)) else { return Vec::new() };
        let recorder = Recorder::new(self.hello.kind);
        let begun = Randomness::to_show(drawn).again(|| begin(&self.hello, &recorder, name));
        begun.map(|record| as_sent(record, self.hello.kind)).unwrap_or_default()
    }
}
