//! TLS for TURN: with the ALPN protocol of RFC 7443, and once more without any where a server refuses it.

use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::stream::Stream;
use netcheck_common::target::Host;
use netcheck_common::tls::Hello;

/// The ALPN protocol of TURN over TLS (RFC 7443).
const ALPN: &[u8] = b"stun.turn";

/// A secure stream to a TURN server.
pub struct Secured {
    /// The plaintext side.
    pub stream: Stream,
    /// The server refused the ALPN protocol, and took a ClientHello without any.
    pub alpn_refused: bool,
}

/// Makes `stream` secure. A server that refuses the ALPN protocol is connected to `again` and offered none, as clients do
/// that know no RFC 7443, browsers among them.
///
/// # Errors
/// The `tls.*` codes, and those of connecting again.
pub async fn secure(
    net: &Net,
    stream: Stream,
    host: &Host,
    again: impl AsyncFnOnce() -> Result<Stream, Failure>,
) -> Result<Secured, Failure> {
    let mut hello = Hello::to(host);
    hello.alpn = vec![ALPN.to_vec()];
    match net.handshake(stream, &hello).await {
        Ok(secure) => Ok(Secured { stream: secure.stream, alpn_refused: false }),
        Err(failure) if failure.code == Code::TlsAlpn => {
            hello.alpn.clear();
            let secure = net.handshake(again().await?, &hello).await?;
            Ok(Secured { stream: secure.stream, alpn_refused: true })
        }
        Err(failure) => Err(failure),
    }
}
