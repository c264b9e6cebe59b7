//! A connection to a mail server: one command, one reply, each timed; whatever happens it ends with QUIT.

use std::io;
use std::time::Duration;

use netcheck_common::clock;
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::stream::Stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::reply::{Parsed, Reply};

/// How long the reply to QUIT is waited for: it proves nothing.
const QUIT_WAIT: Duration = Duration::from_millis(500);

/// One connection.
pub struct SmtpConnection {
    stream: Stream,
    unread: Vec<u8>,
    /// How long the last reply took.
    pub took: Duration,
}

impl SmtpConnection {
    /// Over that stream.
    #[must_use]
    pub fn new(stream: Stream) -> SmtpConnection {
        SmtpConnection { stream, unread: Vec::new(), took: Duration::ZERO }
    }

    /// How many bytes of an unfinished reply arrived.
    #[must_use]
    pub fn unread(&self) -> usize {
        self.unread.len()
    }

    /// The stream, for STARTTLS. What the server sent ahead is dropped: it was not under TLS (RFC 3207 section 4.2).
    #[must_use]
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    /// Reads one reply.
    ///
    /// # Errors
    /// The connection ended, or the peer does not speak SMTP.
    pub async fn read_reply(&mut self) -> Result<Reply, Failure> {
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
                        format!("the peer does not speak SMTP: its answer begins with \"{begins}\""),
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

    /// Sends one command and reads the reply.
    ///
    /// # Errors
    /// As [`SmtpConnection::read_reply`].
    pub async fn command(&mut self, line: &str) -> Result<Reply, Failure> {
        let bytes = format!("{line}\r\n");
        self.stream.write_all(bytes.as_bytes()).await.map_err(|error| ended(&error))?;
        self.stream.flush().await.map_err(|error| ended(&error))?;
        self.read_reply().await
    }

    /// Sends QUIT, and waits a moment for the reply: no longer than `left`. Where nothing is left, or a silent server
    /// would not answer, it is sent without waiting.
    pub async fn quit(mut self, left: Duration) {
        let quit = async {
            let _ = self.command("QUIT").await;
            let _ = self.stream.shutdown().await;
        };
        let _ = clock::within(QUIT_WAIT.min(left), quit).await;
    }
}

fn ended(error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => {
            Failure::new(Code::SmtpReset, "the connection was reset before the mail server replied")
        }
        Kind::TimedOut | Kind::HostUnreachable | Kind::NetworkUnreachable => {
            Failure::new(Code::SmtpTimeout, "the path broke before the mail server replied")
        }
        _ => Failure::new(Code::SmtpClosed, "the mail server closed the connection without a reply"),
    }
}
