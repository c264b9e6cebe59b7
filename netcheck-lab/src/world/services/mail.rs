//! A mail server: greeting, EHLO, STARTTLS, and no mail accepted.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::super::place::Place;

/// Serves port 25.
///
/// # Errors
/// The port cannot be opened.
pub fn start(inet: &Place, config: Arc<ServerConfig>) -> io::Result<()> {
    let listener = inet.open(|| {
        let listener = std::net::TcpListener::bind("0.0.0.0:25")?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    })?;
    let acceptor = TlsAcceptor::from(config);
    inet.serve(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            drop(tokio::spawn(async move { session(stream, acceptor).await }));
        }
    });
    Ok(())
}

async fn session(stream: TcpStream, acceptor: TlsAcceptor) -> io::Result<()> {
    let mut plain = BufReader::new(stream);
    plain.write_all(b"220 mail.spotme.com ESMTP\r\n").await?;
    if !phase(&mut plain, "250-mail.spotme.com\r\n250 STARTTLS\r\n").await? {
        return Ok(());
    }
    let secure = acceptor.accept(plain.into_inner()).await?;
    phase(&mut BufReader::new(secure), "250 mail.spotme.com\r\n").await.map(drop)
}

/// Talks until the peer leaves; true when it wants TLS.
async fn phase<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    greeting: &str,
) -> io::Result<bool> {
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let word = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        line.clear();
        let answer = match word.as_str() {
            "EHLO" | "HELO" => greeting,
            "STARTTLS" => "220 ready\r\n",
            "NOOP" | "RSET" => "250 ok\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "550 5.7.1 no mail is accepted here\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
        if word == "STARTTLS" || word == "QUIT" {
            return Ok(word == "STARTTLS");
        }
    }
    Ok(false)
}
