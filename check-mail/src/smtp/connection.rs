//! A conversation with a mail server: one command, one reply, each timed; whatever happens it ends with QUIT.

use std::io;
use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::reply::{Parsed, Reply};

/// How long the goodbye may take: it proves nothing, it is manners.
const GOODBYE: Duration = Duration::from_millis(500);

/// One conversation.
pub struct Dialog {
    stream: Stream,
    unread: Vec<u8>,
    /// How long the last answer took.
    pub took: Duration,
}

impl Dialog {
    /// Over that stream.
    #[must_use]
    pub fn new(stream: Stream) -> Dialog {
        Dialog { stream, unread: Vec::new(), took: Duration::ZERO }
    }

    /// The stream, for STARTTLS. What the server sent ahead is dropped: it was not under TLS (RFC 3207 section 4.2).
    #[must_use]
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    /// Reads one reply.
    ///
    /// # Errors
    /// The connection ended, or the answer is not one of a mail server's.
    pub async fn reply(&mut self) -> Result<Reply, Failure> {
        let begun = clock::now();
        loop {
            match Reply::parse(&self.unread) {
                Parsed::Whole(reply, used) => {
                    self.unread.drain(..used);
                    self.took = begun.elapsed();
                    return Ok(reply);
                }
                Parsed::Alien => {
                    let begins = escape::bytes(&self.unread, 60);
                    return Err(Failure::new(
                        Code::SmtpRejected,
                        format!("the answer is not SMTP: it begins with \"{begins}\""),
                    ));
                }
                Parsed::More => {}
            }
            let mut chunk = [0; 4096];
            let read = self.stream.read(&mut chunk).await.map_err(|error| ended(&error))?;
            if read == 0 {
                return Err(ended(&io::ErrorKind::UnexpectedEof.into()));
            }
            self.unread.extend_from_slice(&chunk[..read]);
        }
    }

    /// Says one line and reads the reply.
    ///
    /// # Errors
    /// As [`Dialog::reply`].
    pub async fn say(&mut self, line: &str) -> Result<Reply, Failure> {
        let bytes = format!("{line}\r\n");
        self.stream.write_all(bytes.as_bytes()).await.map_err(|error| ended(&error))?;
        self.stream.flush().await.map_err(|error| ended(&error))?;
        self.reply().await
    }

    /// Says goodbye, and waits a moment for the answer: no longer than `left`. Where nothing is left, or a silent server
    /// would not answer, it is said all the same, as far as that takes no waiting.
    pub async fn quit(mut self, left: Duration) {
        let goodbye = async {
            let _ = self.say("QUIT").await;
            let _ = self.stream.shutdown().await;
        };
        let _ = clock::within(GOODBYE.min(left), goodbye).await;
    }
}

/// SMTP has no code of its own for a reset: that is TCP's. A close without an answer is a refusal (RFC 5321 section 3.8).
fn ended(error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => {
            Failure::new(Code::TcpReset, "connection reset while the mail server's answer was awaited")
        }
        Kind::TimedOut | Kind::HostUnreachable | Kind::NetworkUnreachable => {
            Failure::new(Code::SmtpTimeout, "the path broke while the mail server's answer was awaited")
        }
        _ => Failure::new(Code::SmtpRejected, "the mail server closed the connection without an answer"),
    }
}
