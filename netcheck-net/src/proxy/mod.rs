//! The way through an explicit proxy: HTTP CONNECT, plain or over TLS, or SOCKS5 with names left to the proxy.

pub mod auth;
pub(crate) mod choice;
mod connect;
mod forward;
pub mod observed;
pub(crate) mod route;
#[cfg(feature = "pac")]
mod script;
#[cfg(feature = "pac")]
mod script_memo;
pub(crate) mod server;
mod socks;
pub mod source;
mod steps;

use serde_json::json;

pub use auth::{Authentication, Credentials, schemes};
pub use choice::Choice;
pub use connect::{Head, announces_page};
pub use observed::ProxyObservations;
pub use route::{Route, Step};
pub use server::{Kind, Proxy};

use crate::local_limits;
use crate::net::Net;
use crate::stream::Stream;
use crate::tls::Hello;
use netcheck_record::code_kind::CodeKind;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::target::Host;

impl Net {
    /// Connects to the proxy itself.
    ///
    /// # Errors
    /// `proxy.unreachable`, `proxy.timeout`.
    pub async fn to_proxy(&self, proxy: &Proxy) -> Result<Stream, Failure> {
        self.see(|seen| {
            seen.proxy = Some(proxy.to_string());
            let path = seen.path.get_or_insert_default();
            path.via = "proxy".into();
            path.proxy = Some(proxy.to_string());
        });
        let wrap = |failure: Failure| {
            let silent = failure.code.kind() == CodeKind::Timeout;
            let code = if silent { Code::ProxyTimeout } else { Code::ProxyUnreachable };
            self.fact("proxy", "failure", json!(failure.code));
            Failure::new(code, format!("{proxy}: {}", failure.detail)).caused_by(&failure)
        };
        let detached = self.detached();
        let addresses = match detached.known(&proxy.host) {
            Some(addresses) => addresses,
            None => detached.resolve(&proxy.host).await.map_err(wrap)?,
        };
        let within = self.timeout().mul_f64(0.95);
        let stream =
            match crate::clock::within(within, Box::pin(detached.connect(&addresses, proxy.port))).await {
                Some(connected) => connected.map_err(wrap)?,
                None => {
                    return Err(local_limits::blame(Failure::new(
                        Code::ProxyTimeout,
                        format!("{proxy} did not answer"),
                    )));
                }
            };
        self.take_path_of(&detached);
        if proxy.kind != Kind::Https {
            return Ok(stream);
        }
        let secure = detached.handshake(stream, &Hello::to(&proxy.host)).await;
        secure.map(|secure| secure.stream).map_err(|failure| {
            Failure::new(Code::ProxyUnreachable, format!("{proxy}: TLS to the proxy: {}", failure.detail))
                .caused_by(&failure)
        })
    }

    /// Reaches `host:port` through the proxy, which resolves the name.
    ///
    /// # Errors
    /// The `proxy.*` codes.
    pub async fn through(&self, proxy: &Proxy, host: &Host, port: u16) -> Result<Stream, Failure> {
        let stream = self.to_proxy(proxy).await?;
        match proxy.kind {
            Kind::Socks5h => socks::connect(stream, proxy, host, port).await,
            Kind::Http | Kind::Https => connect::tunnel(self, stream, proxy, host, port).await,
        }
    }
}
