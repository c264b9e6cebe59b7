//! The stage `connect`: whether there is a real ingest behind the handshake, and whether it knows the application.
//!
//! Sent: Set Chunk Size and `connect`, about 200 bytes. Read: messages until `_result`, `_error` or a close.

use netcheck_common::clock;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};

use crate::event::{Command, Event};
use crate::facts::ConnectFacts;
use crate::session::Session;

/// The stage `connect`.
pub const CONNECT: Layer = Layer::new("connect", Code::RtmpTimeout, Code::RtmpReset, Code::RtmpClosed);

/// Connects to the application `facts.app`; what was learned is left in `facts` whatever comes of it.
///
/// # Errors
/// `rtmp.rejected`, or how the connection ended without an answer.
pub async fn connect(session: &mut Session, url: &str, facts: &mut ConnectFacts) -> Result<(), Failure> {
    facts.answer = "none";
    let mut bytes = session.writer.chunk_size().await?;
    bytes.extend(session.writer.connect(&facts.app, url).await?);
    let begun = clock::now();
    session.outgoing.send(&bytes).await.map_err(|end| end.failure(&CONNECT))?;
    loop {
        let event = session.event().await.map_err(|end| end.failure(&CONNECT))?;
        let Event::Command(command) = event else { continue };
        let Some(accepted) = verdict(&command) else { continue };
        facts.us = u64::try_from(begun.elapsed().as_micros()).ok();
        facts.answer = if accepted { "accepted" } else { "rejected" };
        facts.code = command.text("code").map(|code| escape::line(code, 80));
        facts.description = command.text("description").map(|text| escape::line(text, 200));
        facts.server = command.text("fmsVer").map(|text| escape::line(text, 80));
        facts.chunk_size = Some(session.incoming.chunk_size());
        facts.window = session.incoming.window;
        return if accepted { Ok(()) } else { Err(refusal(facts)) };
    }
}

/// Whether a command accepts or refuses the application; none when it does neither.
fn verdict(command: &Command) -> Option<bool> {
    let bad = command.text("level") == Some("error");
    match command.name.as_str() {
        "_result" if command.transaction <= 1.0 => Some(!bad),
        "_error" if command.transaction <= 1.0 => Some(false),
        "onStatus" if bad => Some(false),
        "close" => Some(false),
        _ => None,
    }
}

fn refusal(facts: &ConnectFacts) -> Failure {
    let said = match (&facts.code, &facts.description) {
        (Some(code), Some(description)) => format!("{code}: {description}"),
        (Some(text), None) | (None, Some(text)) => text.clone(),
        (None, None) => "no reason given".to_owned(),
    };
    Failure::new(Code::RtmpRejected, format!("the server refused the application {}: {said}", facts.app))
}
