//! `tcp`, `tls`, `http` and `https`: connect, shake hands, ask once.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::check::Check;
use netcheck_common::clock;
use netcheck_common::diagnose::{Diagnosis, Finding, intercepted};
use netcheck_common::escape;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::http::Request;
use netcheck_common::proxy::{Kind, Proxy};
use netcheck_common::target::Target;
use netcheck_common::tls::{Hello, Trust};
use netcheck_common::trace::{Observed, Stopped, Trace};

use crate::answer;
use crate::early_reset::watch_for_reset;
use crate::facts::Facts;
use crate::prove::{self, Rule};
use crate::transfer::TransferPlan;
use crate::{download, under_load, upload};

/// Checks TCP, TLS, HTTP and HTTPS targets.
///
/// Targets: tcp://HOST:PORT, tls://HOST[:443], http://HOST[:80][/PATH], https://HOST[:443][/PATH].
/// Ports may be ranges and lists (10000-10050,443), hosts may have braces ({eu,us}), addresses may be blocks (10.0.0.0/24).
#[derive(clap::Args, Debug)]
pub struct Tcp {
    /// ALPN protocols to offer to tls:// targets, best first
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    alpn: Vec<String>,
    /// Prove a rule: `wildcard` shakes hands under a random name of the zone, `path` shows how far packets get, `filter` shows what a filter matches (repeatable)
    #[arg(long, value_enum, value_name = "RULE", value_delimiter = ',')]
    prove: Vec<Rule>,
    /// A port known to be allowed, to hold `--prove path` against where nothing of the address is open (repeatable)
    #[arg(long, value_name = "ADDRESS:PORT", requires = "prove")]
    prove_control: Vec<SocketAddr>,
    /// Download for SECONDS over one connection: the segments of an HLS playlist as a player takes them, any other address
    /// again and again; names the highest bitrate of video that holds (http and https; --jobs 1 for one target after the other)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    download: Option<u32>,
    /// Send POST data for SECONDS to an address that takes it, and count what the peer's TCP acknowledges (http and https)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=600))]
    upload: Option<u32>,
    /// Download over more and more connections for up to SECONDS, and measure the delay that this adds: round trips per
    /// minute and a grade (http and https; the address of a large file)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(5..=600))]
    under_load: Option<u32>,
    /// Maximum volume of --download, of --upload and of --under-load, for each target
    #[arg(long, value_name = "MB", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    budget: u32,
}

impl Check for Tcp {
    const NAME: &'static str = "tcp";
    const TOOL: &'static str = "check-tcp";
    const EXAMPLES: &'static [&'static str] = &[
        "check-tcp https://www.spotme.com",
        "check-tcp 'tcp://{eu,us,ap}-channel.spotme.com:10000-10050' | jq -c '[.target, .verdict]'",
        "check-tcp --sample 16 tcp://17.0.0.0/8:443,5223",
        "check-tcp --prove wildcard https://www.spotme.com",
        "check-tcp --prove path --prove-control 17.57.144.5:5223 --sample 16 tcp://17.0.0.0/8:5223",
        "check-tcp --prove filter https://www.spotme.com",
        "check-tcp --download 10 https://video.example.com/live/master.m3u8",
        "check-tcp --under-load 20 https://video.example.com/large",
        "check-tcp --upload 10 --budget 20 https://upload.example.com/test",
        "check-tcp --proxy http://proxy.corp.example:3128 https://install.events",
    ];
    type Facts = Facts;

    async fn check(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        match target.scheme.name {
            "tcp" => tcp(target, trace).await,
            "tls" => {
                self.tls(target, trace).await?;
                self.prove_wildcard(target, trace).await;
                Ok(())
            }
            "http" => {
                http(target, trace).await?;
                self.transfer(target, trace, false).await
            }
            _ => {
                let outcome = https(target, trace).await;
                self.prove_wildcard(target, trace).await;
                self.transfer(target, trace, outcome? == Trust::Public).await
            }
        }
    }

    fn extra_time(&self) -> Duration {
        let spans = [self.download, self.upload, self.under_load].into_iter().flatten();
        // Playlists, connections and answers take time besides.
        spans.map(|seconds| Duration::from_secs(u64::from(seconds) + 10)).sum()
    }

    fn announcement(&self) -> Option<String> {
        let measurements = [
            ("--download receives", self.download),
            ("--upload sends", self.upload),
            ("--under-load receives", self.under_load),
        ];
        let parts: Vec<String> = measurements
            .into_iter()
            .filter_map(|(what, span)| Some(format!("{what} up to {} MB in {} s", self.budget, span?)))
            .collect();
        (!parts.is_empty())
            .then(|| format!("check-tcp: for each http and https target, {}", parts.join(" and ")))
    }

    async fn explain(
        &self,
        target: &Target,
        _: &Facts,
        observed: &Observed,
        diagnosis: &Diagnosis,
    ) -> Option<Finding> {
        if !self.prove.contains(&Rule::Path) {
            return None;
        }
        Box::pin(prove::path(target, observed, diagnosis, &self.prove_control)).await
    }

    async fn examine(&self, target: &Target, observed: &Observed, diagnosis: &Diagnosis) -> Option<String> {
        if !self.prove.contains(&Rule::Filter) {
            return None;
        }
        Box::pin(prove::filter(target, observed, diagnosis)).await
    }
}

impl Tcp {
    /// Downloads and uploads, as asked for, from and to a target that has answered.
    async fn transfer(&self, target: &Target, trace: &mut Trace<Facts>, proven: bool) -> Result<(), Stopped> {
        let budget = u64::from(self.budget) * 1_000_000;
        let plan = |seconds| TransferPlan { span: Duration::from_secs(u64::from(seconds)), budget };
        if let Some(seconds) = self.download {
            Box::pin(download::check(plan(seconds), target, trace, proven)).await?;
        }
        if let Some(seconds) = self.upload.filter(|_| !trace.net().is_interrupted()) {
            Box::pin(upload::check(plan(seconds), target, trace, proven)).await?;
        }
        if let Some(seconds) = self.under_load.filter(|_| !trace.net().is_interrupted()) {
            Box::pin(under_load::check(plan(seconds), target, trace)).await?;
        }
        Ok(())
    }

    async fn tls(&self, target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let stream = trace.reach(target).await?;
        let mut hello = Hello::of(target);
        hello.alpn = self.alpn.iter().map(|name| name.clone().into_bytes()).collect();
        trace.secure(stream, &hello).await?;
        Ok(())
    }

    async fn prove_wildcard(&self, target: &Target, trace: &mut Trace<Facts>) {
        if self.prove.contains(&Rule::Wildcard)
            && trace.has_passed(Layer::TLS.name)
            && let Some(remark) = Box::pin(prove::wildcard(target, &trace.net())).await
        {
            trace.degrade(remark.failure, Some(remark.cause));
        }
    }
}

async fn tcp(target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let net = trace.net();
    if net.proxy_for(target).is_some() {
        trace.reach(target).await?;
        return Ok(());
    }
    let addresses = trace.addresses(target).await?;
    let begun = clock::now();
    let mut stream = trace.stage(Layer::TCP, net.connect_tcp(&addresses, target.port())).await?;
    let took = begun.elapsed();
    let (peer, local) = (stream.peer_addr().ok(), stream.local_addr().ok());
    let diagnosis = trace.diagnosis();
    let nearer = async {
        match (peer, local) {
            (Some(peer), Some(local)) => diagnosis.intercepted(peer, local, took).await,
            _ => None,
        }
    };
    let (watched, nearer) = tokio::join!(watch_for_reset(&mut stream, took), Box::pin(nearer));
    match watched {
        Ok(first) => trace.facts.banner = first.map(|bytes| escape::bytes(&bytes, 120)),
        Err(failure) => return Err(trace.fail_last_stage(failure)),
    }
    if let Some(interceptor) = nearer {
        // It took a while to find out: a reset that came meanwhile says more.
        if let Err(failure) = watch_for_reset(&mut stream, Duration::ZERO).await {
            return Err(trace.fail_last_stage(failure));
        }
        let detail = "something nearer than the service accepts the connection: the service was not reached";
        let cause = intercepted::cause(target, interceptor);
        trace.degrade(Failure::new(Code::TcpIntercepted, detail), Some(cause));
    }
    Ok(())
}

async fn https(target: &Target, trace: &mut Trace<Facts>) -> Result<Trust, Stopped> {
    let stream = trace.reach(target).await?;
    let mut hello = Hello::of(target);
    hello.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let secure = trace.secure(stream, &hello).await?;
    let request = Request::get(&target.host, target.port(), true, &target.request_path());
    let net = trace.net();
    let trust = secure.trust;
    let work = async { answer::secure(&net, net.request(secure.stream, &request).await?, trust, target) };
    if let Some(remark) = trace.stage(Layer::HTTP, work).await? {
        trace.degrade(remark.failure, Some(remark.cause));
    }
    Ok(trust)
}

async fn http(target: &Target, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
    let net = trace.net();
    let request = Request::get(&target.host, target.port(), false, &target.request_path());
    // A forwarding proxy is asked for the whole URL, as a browser does; a tunnel would ask for another permission.
    let to = |proxy: Proxy| {
        let net = net.clone();
        async move { Ok((net.to_forwarder(&proxy, target).await?, proxy)) }
    };
    let (stream, proxy) = match trace.by_proxy(target, to).await? {
        Some((stream, proxy)) => (stream, Some(proxy).filter(|proxy| proxy.kind != Kind::Socks5h)),
        None => (trace.direct(target).await?, None),
    };
    let work = async {
        let answer = match &proxy {
            Some(proxy) => net.forward(stream, proxy, &request).await?,
            None => net.request(stream, &request).await?,
        };
        answer::plain(&net, answer, proxy.is_some(), target)
    };
    if let Some(remark) = trace.stage(Layer::HTTP, work).await? {
        trace.degrade(remark.failure, Some(remark.cause));
    }
    Ok(())
}
