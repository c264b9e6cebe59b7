//! The proxy script: found, fetched once, asked once for each scheme and host, and what a browser makes of its faults.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use netcheck_pac::{
    Evaluation, Event, Limits, PacFault, ProxyKind, ProxyStep, Question, answer, decode, read_answer, start,
};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::choice::listed;
use super::observed::ScriptFault;
use super::route::{Route, Step};
use super::script_memo::{AT_ONCE, Answered, Fetched, SMALL, Script};
use super::source::wpad;
use crate::clock;
use crate::http::{Answer, Request};
use crate::lock;
use crate::net::Net;
use crate::tls::Hello;
use netcheck_record::escape;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::target::{Host, Target};

/// The most redirects on the way to a script.
const MOST_REDIRECTS: usize = 5;
/// After so many questions that were ended for their time or memory, the script is asked nothing more.
const MOST_ENDED: usize = 4;
/// How long a DHCP server may take.
const DHCP: Duration = Duration::from_millis(600);

impl Net {
    /// The way that the script names for a target.
    pub(super) async fn ask_script(&self, target: &Target) -> Route {
        let asked = self.asked(target).await;
        let (route, facts, fault) = &*asked;
        if !facts.is_empty() {
            self.fact("proxy", "pac", Value::Object(facts.clone()));
        }
        if let Some(fault) = fault {
            let failure = Failure::new(fault.code, format!("the PAC file {}: {}", fault.url, fault.why));
            self.see(|seen| {
                seen.degraded.push((failure, None));
                seen.via.script = Some(fault.clone());
            });
        }
        route.clone()
    }

    /// The same where the target does not go that way: a fault of the script is no fault of the target's.
    pub(super) async fn route_of_script(&self, target: &Target) -> Route {
        self.asked(target).await.0.clone()
    }

    async fn asked(&self, target: &Target) -> Answered {
        let (url, host) = question_of(target);
        let cell = Arc::clone(lock(&self.choice().scripts.asked).entry(url.clone()).or_default());
        let ask = || async { Arc::new(Box::pin(self.ask_once(url, host)).await) };
        Arc::clone(cell.get_or_init(ask).await)
    }

    async fn ask_once(&self, url: String, host: String) -> (Route, Map<String, Value>, Option<ScriptFault>) {
        let source = Some(self.choice().found_in().to_owned());
        let direct = || Route { steps: vec![Step::Direct], source: source.clone(), ..Route::default() };
        let fetched = self.choice().scripts.fetched.get_or_init(|| async { self.find_script().await }).await;
        let script = match fetched {
            // Nobody announces a script: an ordinary network.
            None => return (Route { source: None, ..direct() }, Map::new(), None),
            Some(Err(fault)) => {
                let facts = json!({ "url": shown(&fault.url), "fault": fault.code });
                return (direct(), facts.as_object().cloned().unwrap_or_default(), Some(fault.clone()));
            }
            Some(Ok(script)) => script,
        };
        let evaluation = self.evaluate(script, url, host).await;
        let fault = script_fault(script, &evaluation);
        let facts = script_facts(script, &evaluation, fault.as_ref());
        let in_the_clear = script.url.starts_with("http://");
        let steps = match &evaluation.answer {
            Ok(text) => read_answer(text).into_iter().map(|step| self.spoken(&step)).collect(),
            Err(_) => vec![Step::Direct],
        };
        let script = fault.is_none().then(|| shown(&script.url));
        (Route { steps, script, in_the_clear, ..direct() }, facts, fault)
    }

    fn spoken(&self, step: &ProxyStep) -> Step {
        let ProxyStep::Through { kind, host, port } = step else { return Step::Direct };
        let scheme = match kind {
            ProxyKind::Http => "http",
            ProxyKind::Https => "https",
            ProxyKind::Socks5 => "socks5",
            ProxyKind::Socks4 => return Step::Unspoken(step.to_string()),
        };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let proxy = listed(&format!("{scheme}://{host}:{port}"), self.choice().given.clone());
        proxy.map_or_else(|| Step::Unspoken(step.to_string()), Step::Proxy)
    }

    async fn find_script(&self) -> Option<Fetched> {
        if let Some(Some(url)) = self.choice().script_url() {
            return Some(self.fetch_script(url).await);
        }
        let announced = self.ask_dhcp().await;
        let candidates = announced.into_iter().chain(wpad::candidates(self.resolver().search()));
        for url in candidates {
            if let Ok(script) = self.fetch_script(&url).await {
                return Some(Ok(script));
            }
        }
        None
    }

    async fn fetch_script(&self, url: &str) -> Fetched {
        let begun = clock::now();
        let fault = |code, why: String| ScriptFault { code, url: shown(url), why };
        let unreachable = |why: String| fault(Code::ProxyPacUnreachable, why);
        let got = clock::within(self.timeout(), Box::pin(self.download(url))).await;
        let answer = got
            .ok_or_else(|| fault(Code::ProxyPacTimeout, "it was not served in time".to_owned()))?
            .map_err(unreachable)?;
        if answer.status != 200 {
            return Err(unreachable(format!("the server answers {}", answer.status)));
        }
        if answer.cut_short || answer.body.len() > decode::LARGEST {
            return Err(fault(Code::ProxyPacTimeout, "it did not come whole in time".to_owned()));
        }
        let charset = answer.header("content-type").and_then(decode::charset).map(str::to_owned);
        let text = netcheck_pac::decode(&answer.body, charset.as_deref());
        if decode::is_page(&text) {
            return Err(fault(Code::ProxyPacInvalid, "it is a page and no script".to_owned()));
        }
        let us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(Arc::new(Script { url: url.to_owned(), text: text.into(), bytes: answer.body.len(), us }))
    }

    async fn download(&self, url: &str) -> Result<Answer, String> {
        if let Some(path) = url.strip_prefix("file://") {
            let text = netcheck_record::file::read(Path::new(path), decode::LARGEST as u64)
                .map_err(|error| error.to_string())?;
            return Ok(Answer { status: 200, body: text, ..Answer::default() });
        }
        let mut at = url.to_owned();
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.get(&at).await?;
            match answer.header("location").filter(|_| (300..400).contains(&answer.status)) {
                Some(location) if location.contains("://") => at = location.to_owned(),
                Some(location) if location.starts_with('/') => {
                    let authority = at.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
                    at = authority + location;
                }
                _ => return Ok(answer),
            }
        }
        Err("it is redirected without end".to_owned())
    }

    async fn get(&self, url: &str) -> Result<Answer, String> {
        let (secure, rest) = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            _ => return Err("its URL is neither http nor https".to_owned()),
        };
        let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let (host, port) = host_and_port(authority, if secure { 443 } else { 80 })?;
        let detached = self.detached();
        let addresses = match detached.known(&host) {
            Some(addresses) => addresses,
            None => detached.lookup(&host.to_string()).await?,
        };
        let mut stream = detached.connect(&addresses, port).await.map_err(|failure| failure.detail)?;
        if secure {
            let secured = detached.handshake(stream, &Hello::to(&host)).await;
            stream = secured.map_err(|failure| failure.detail)?.stream;
        }
        let mut request = Request::get(&host, port, secure, path);
        request.most = decode::LARGEST + 1;
        detached.request(stream, &request).await.map_err(|failure| failure.detail)
    }

    /// Every address of a name, private ones too.
    async fn lookup(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let lookup = self.resolver().lookup(name, self.timeout().mul_f64(0.5), None).await;
        match &lookup.failure {
            Some(failure) => Err(failure.detail.clone()),
            None => Ok(lookup.addresses.clone()),
        }
    }

    /// Runs the script: beside others with little memory, and alone with much where that is not enough.
    async fn evaluate(&self, script: &Script, url: String, host: String) -> Evaluation {
        let question = || Question { script: Arc::clone(&script.text), url: url.clone(), host: host.clone() };
        let small = Limits { memory: SMALL, ..Limits::default() };
        let evaluation = self.evaluate_within(question(), small, 1).await;
        if evaluation.answer != Err(PacFault::Memory) {
            return evaluation;
        }
        self.evaluate_within(question(), Limits::default(), AT_ONCE).await
    }

    /// Runs the script on a thread of its own, in so many of the places; names are resolved here.
    async fn evaluate_within(&self, question: Question, limits: Limits, places: u32) -> Evaluation {
        let ended = |answer, names| Evaluation { answer: Err(answer), names };
        let scripts = &self.choice().scripts;
        let Ok(_place) = scripts.places.0.acquire_many(places).await else {
            return ended(PacFault::Memory, Vec::new());
        };
        if *lock(&scripts.ended) >= MOST_ENDED {
            return ended(PacFault::Timeout, Vec::new());
        }
        let count = || *lock(&scripts.ended) += 1;
        let mut left = limits.time;
        let (send, mut events) = mpsc::unbounded_channel();
        let Ok(stop) = start(question, limits, move |event| drop(send.send(event))) else {
            return ended(PacFault::Memory, Vec::new());
        };
        let mut names = Vec::new();
        // How long it may wait for names, all together.
        let mut waiting = self.timeout();
        loop {
            let begun = clock::now();
            let event = clock::within(left, events.recv()).await;
            left = left.saturating_sub(begun.elapsed());
            match event {
                Some(Some(Event::Done(evaluation))) => {
                    if places == AT_ONCE && evaluation.answer == Err(PacFault::Memory) {
                        count();
                    }
                    return evaluation;
                }
                Some(Some(Event::Own { reply })) => drop(reply.send(own_addresses())),
                Some(Some(Event::Name { name, reply })) => {
                    let begun = clock::now();
                    let found = clock::within(waiting, Box::pin(self.lookup(&name))).await;
                    waiting = waiting.saturating_sub(begun.elapsed());
                    drop(reply.send(found.and_then(Result::ok).unwrap_or_default()));
                    names.push(name);
                }
                Some(None) => return ended(PacFault::Memory, names),
                None => {
                    stop.stop();
                    count();
                    return ended(PacFault::Timeout, names);
                }
            }
        }
    }

    /// Asks the network's DHCP server where the script is.
    async fn ask_dhcp(&self) -> Option<String> {
        let own = own_addresses().into_iter().find_map(|address| match address {
            IpAddr::V4(address) if !address.is_loopback() => Some(address),
            _ => None,
        })?;
        let id = id();
        let socket = broadcast(own).ok()?;
        socket.send_to(&wpad::inform(own, id), (Ipv4Addr::BROADCAST, 67)).await.ok()?;
        let begun: Instant = clock::now();
        let mut buffer = [0; 1500];
        loop {
            let left = DHCP.saturating_sub(begun.elapsed());
            let (length, _) = clock::within(left, socket.recv_from(&mut buffer)).await?.ok()?;
            if let Some(url) = wpad::announced(buffer.get(..length)?, id) {
                return Some(url);
            }
        }
    }
}

/// The URL and host that a script is asked about. What is no web target is asked about as a browser's connection to
/// the same host and port would be.
fn question_of(target: &Target) -> (String, String) {
    let scheme = match target.scheme.name {
        plain @ ("http" | "ws" | "wss") => plain,
        _ => "https",
    };
    netcheck_pac::url::question(scheme, &target.host.to_string(), target.port(), &target.request_path())
}

fn script_fault(script: &Script, evaluation: &Evaluation) -> Option<ScriptFault> {
    let fault = |code, why: String| Some(ScriptFault { code, url: shown(&script.url), why });
    match &evaluation.answer {
        Ok(text) if answer::has_step(text) => None,
        Ok(text) => {
            fault(Code::ProxyPacInvalid, format!("its answer names no proxy: \"{}\"", escape::line(text, 60)))
        }
        Err(PacFault::Timeout) => fault(Code::ProxyPacTimeout, PacFault::Timeout.to_string()),
        Err(why) => fault(Code::ProxyPacInvalid, why.to_string()),
    }
}

fn script_facts(script: &Script, evaluation: &Evaluation, fault: Option<&ScriptFault>) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert("url".into(), json!(shown(&script.url)));
    facts.insert("bytes".into(), json!(script.bytes));
    facts.insert("us".into(), json!(script.us));
    let names: Vec<String> = evaluation.names.iter().map(|name| escape::line(name, 255)).collect();
    facts.insert("names_asked".into(), json!(names));
    if let Ok(text) = &evaluation.answer {
        facts.insert("answer".into(), json!(escape::line(text, 300)));
    }
    if let Some(fault) = fault {
        facts.insert("fault".into(), json!(fault.code));
    }
    facts
}

/// A URL without what may be secret in it.
fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1))) {
        Some((scheme, rest)) => escape::line(&format!("{scheme}://{rest}"), 200),
        None => escape::line(url, 200),
    }
}

fn host_and_port(authority: &str, usual: u16) -> Result<(Host, u16), String> {
    let authority = authority.rsplit_once('@').map_or(authority, |(_, rest)| rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            (host, port.parse().map_err(|_| "its port is no number")?)
        }
        _ => (authority, usual),
    };
    let host = Host::parse(host.trim_matches(['[', ']'])).map_err(|why| why.0)?;
    Ok((host, port))
}

/// This machine's own addresses on the way out; nothing is sent to learn them.
fn own_addresses() -> Vec<IpAddr> {
    let towards =
        [SocketAddr::from(([192, 0, 2, 1], 9)), SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9))];
    let own = |to: &SocketAddr| {
        let socket =
            socket2::Socket::new(socket2::Domain::for_address(*to), socket2::Type::DGRAM, None).ok()?;
        socket.connect(&(*to).into()).ok()?;
        socket.local_addr().ok()?.as_socket().map(|local| local.ip())
    };
    towards.iter().filter_map(own).collect()
}

fn broadcast(own: Ipv4Addr) -> std::io::Result<tokio::net::UdpSocket> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None)?;
    socket.set_broadcast(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((own, 0)).into())?;
    tokio::net::UdpSocket::from_std(socket.into())
}

fn id() -> u32 {
    let mut raw = [0; 4];
    let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut raw);
    u32::from_be_bytes(raw)
}
