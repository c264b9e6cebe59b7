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

    /// What came before a command answers none: it proves nothing, and the next reply would be taken for another's.
    async fn refuse_early_reply(&mut self, line: &str) -> Result<(), Failure> {
        let mut chunk = [0; 512];
        if self.unread.is_empty()
            && let Some(Ok(read)) = clock::within(Duration::ZERO, self.stream.read(&mut chunk)).await
        {
            self.unread.extend_from_slice(&chunk[..read]);
        }
        // A server may say at any time that it closes (RFC 5321 section 3.8).
        if self.unread.is_empty() || self.unread.starts_with(b"421") || line == "QUIT" {
            return Ok(());
        }
        let begins = escape::bytes(self.unread.split(|byte| *byte == b'\r').next().unwrap_or_default(), 60);
        Err(Failure::new(Code::SmtpRejected, format!("the peer answers before it is asked: \"{begins}\"")))
    }

    /// Reads one reply.
    ///
    /// # Errors
    /// The connection ended, or the peer does not speak SMTP.
    pub async fn read_reply(&mut self) -> Result<Reply, Failure> {
        self.read_reply_to("the connection").await
    }

    async fn read_reply_to(&mut self, asked: &str) -> Result<Reply, Failure> {
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
            let read = self.stream.read(&mut chunk).await.map_err(|error| ended(&error, asked))?;
            if read == 0 {
                return Err(ended(&io::ErrorKind::UnexpectedEof.into(), asked));
            }
            self.unread.extend_from_slice(&chunk[..read]);
        }
    }

    /// Sends one command and reads the reply.
    ///
    /// # Errors
    /// As [`SmtpConnection::read_reply`].
    pub async fn command(&mut self, line: &str) -> Result<Reply, Failure> {
        self.refuse_early_reply(line).await?;
        let bytes = format!("{line}\r\n");
        let command =
            line.split_once(":<").or_else(|| line.split_once(' ')).map_or(line, |(command, _)| command);
        self.stream.write_all(bytes.as_bytes()).await.map_err(|error| ended(&error, command))?;
        self.stream.flush().await.map_err(|error| ended(&error, command))?;
        self.read_reply_to(command).await
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

/// How the connection ended while a reply to `asked` was due.
fn ended(error: &io::Error, asked: &str) -> Failure {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted => Failure::new(
            Code::SmtpReset,
            format!("the connection was reset before the mail server replied to {asked}"),
        ),
        Kind::TimedOut | Kind::HostUnreachable | Kind::NetworkUnreachable => Failure::new(
            Code::SmtpTimeout,
            format!("the path broke before the mail server replied to {asked}"),
        ),
        _ => Failure::new(
            Code::SmtpClosed,
            format!("the mail server closed the connection without a reply to {asked}"),
        ),
    }
}
