//! SOCKS5 (RFC 1928, RFC 1929), the name resolved by the proxy.

use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error, TargetAddr};

use super::server::Proxy;
use crate::stream::Stream;
use netcheck_record::failure::{Code, Failure, Layer};
use netcheck_record::target::Host;

/// Asks the proxy for a connection.
pub(super) async fn connect(
    stream: Stream,
    proxy: &Proxy,
    host: &Host,
    port: u16,
) -> Result<Stream, Failure> {
    let target = match host {
        Host::Name(name) => TargetAddr::Domain(name.clone().into(), port),
        Host::Address(address) => TargetAddr::Ip((*address, port).into()),
    };
    let connected = match &proxy.credentials {
        Some(credentials) => {
            Socks5Stream::connect_with_password_and_socket(
                stream,
                target,
                &credentials.user,
                &credentials.password,
            )
            .await
        }
        None => Socks5Stream::connect_with_socket(stream, target).await,
    };
    connected.map(Stream::new).map_err(|error| failure(proxy, &error))
}

fn failure(proxy: &Proxy, error: &Error) -> Failure {
    let (code, what) = match error {
        Error::Io(error) => {
            let failure = Layer::PROXY.io(error);
            return Failure::new(failure.code, format!("{proxy}: {}", failure.detail));
        }
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired => {
            (Code::ProxyAuthRequired, "asks for credentials")
        }
        Error::PasswordAuthFailure(_) => (Code::ProxyAuthRefused, "refuses the credentials"),
        Error::ConnectionNotAllowedByRuleset => (Code::ProxyDenied, "refuses the destination by its rules"),
        Error::GeneralSocksServerFailure => (Code::ProxyUpstream, "failed to reach the destination"),
        Error::NetworkUnreachable => (Code::ProxyUpstream, "has no route to the destination's network"),
        Error::HostUnreachable => (Code::ProxyUpstream, "cannot reach the destination"),
        Error::ConnectionRefused => (Code::ProxyUpstream, "was refused by the destination"),
        Error::TtlExpired => (Code::ProxyUpstream, "lost the packets on the path"),
        _ => (Code::ProxyProtocol, "answers with something that is no SOCKS5"),
    };
    Failure::new(code, format!("{proxy} {what}"))
}
