//! `netcheck-uplink`: one request from an office to the hub, checked and diagnosed as any target is. An office that
//! cannot report says why: the record of this check is the answer.

use std::fmt;
use std::path::{Path, PathBuf};

use netcheck_common::check::Check;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::file;
use netcheck_common::http::Request;
use netcheck_common::http::answer::Answer;
use netcheck_common::target::Target;
use netcheck_common::tls::Hello;
use netcheck_common::trace::{Stopped, Trace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outbox;

/// The header by which a hub says that an answer is its own.
pub const HUB: &str = "x-netcheck-hub";
/// The largest request file, without its body.
const LARGEST: u64 = 64 << 10;
/// The largest answer.
const ANSWER: usize = 4 << 20;

/// Send one request to a hub and keep its answer
///
/// The record says whether the hub was reached, and if not, who prevents it.
#[derive(clap::Args, Debug)]
pub struct Uplink {
    /// The request: method, headers and the file of its body, as JSON
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    /// Where the hub's answer goes, as JSON
    #[arg(long, value_name = "FILE")]
    answer: PathBuf,
    #[arg(skip)]
    read: Option<(Asked, Vec<u8>)>,
}

/// A request as it is handed to the tool: in a file, because arguments can be read by everybody.
#[derive(Clone, Serialize, Deserialize)]
pub struct Asked {
    /// `GET`, `POST`, `PUT`, `DELETE`.
    pub method: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// The file of its body.
    pub body: Option<PathBuf>,
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers hold tokens.
        f.debug_struct("Asked")
            .field("method", &self.method)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// An answer of the hub.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// The headers that matter: `etag`.
    pub etag: Option<String>,
    /// The body.
    pub body: String,
}

/// What is learned besides.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Facts {}

impl Check for Uplink {
    const NAME: &'static str = "tcp";
    const TOOL: &'static str = "netcheck-uplink";
    const EXAMPLES: &'static [&'static str] =
        &["netcheck-uplink --request request.json --answer answer.json https://hub.example.com/v1/plan"];
    type Facts = Facts;

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let stream = trace.reach(target).await?;
        let secure = target.scheme.is_tls();
        let stream = if secure {
            let mut hello = Hello::of(target);
            hello.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
            trace.secure(stream, &hello).await?.stream
        } else {
            stream
        };
        let net = trace.net();
        let path = target.request_path();
        let mut request = Request::new("GET", &target.host, target.port(), secure, &path);
        request.most = ANSWER;
        if let Some((asked, body)) = &self.read {
            request.method.clone_from(&asked.method);
            request.headers.clone_from(&asked.headers);
            request.body.clone_from(body);
        }
        let work = async {
            let answer = net.request(stream, &request).await?;
            self.keep(&answer)
        };
        trace.stage(Layer::HTTP, work).await
    }

    fn validate(&mut self) -> Result<(), String> {
        let fault = |path: &Path, why: &dyn fmt::Display| format!("{}: {why}", path.display());
        let text = file::text(&self.request, LARGEST).map_err(|why| fault(&self.request, &why))?;
        let asked: Asked = serde_json::from_str(&text).map_err(|why| fault(&self.request, &why))?;
        let body = match &asked.body {
            Some(path) => file::read(path, outbox::LARGEST).map_err(|why| fault(path, &why))?,
            None => Vec::new(),
        };
        self.read = Some((asked, body));
        Ok(())
    }

    fn secrets(&self) -> netcheck_common::secret::Secrets {
        let mut secrets = netcheck_common::secret::Secrets::default();
        for (name, value) in self.read.iter().flat_map(|(asked, _)| &asked.headers) {
            if name == "authorization" {
                secrets.add(value.split_once(' ').map_or(value, |(_, token)| token));
            }
        }
        secrets
    }
}

impl Uplink {
    /// Writes the hub's answer down.
    ///
    /// # Errors
    /// Somebody else answered, or the answer is not whole.
    fn keep(&self, answer: &Answer) -> Result<(), Failure> {
        if answer.header(HUB).is_none() {
            let detail = format!("HTTP {}: the answer is not the hub's", answer.status);
            return Err(Failure::new(Code::HttpStatus, detail));
        }
        if answer.cut_short {
            return Err(Failure::new(Code::HttpTimeout, "the hub's answer did not come to its end"));
        }
        let kept = Answered {
            status: answer.status,
            etag: answer.header("etag").map(str::to_owned),
            body: String::from_utf8_lossy(&answer.body).into_owned(),
        };
        let text = serde_json::to_vec(&kept).unwrap_or_default();
        let failed =
            |why: std::io::Error| Failure::new(Code::Internal, format!("the answer cannot be kept: {why}"));
        outbox::replace(&self.answer, &text).map_err(failed)
    }
}
