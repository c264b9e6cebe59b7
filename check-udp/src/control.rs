//! Control experiments of UDP: STUN servers known to answer, asked once a run, tell "all UDP is blocked" from "this
//! destination is".

use std::sync::Arc;

use netcheck_common::clock::within;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::net::Net;
use netcheck_common::spec::{Sampling, Spec};
use netcheck_common::target::Target;
use tokio::sync::OnceCell;

use crate::binding;
use crate::check::random;
use crate::message::Id;
use crate::reach;
use crate::wire::{Heard, ask};

/// What the controls of a run are, and how they answered.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    targets: Vec<Target>,
    answers: Arc<OnceCell<Vec<Control>>>,
}

/// How one control fared.
#[derive(Clone, Debug)]
pub struct Control {
    target: Target,
    /// It answered over UDP.
    pub answered: bool,
    /// It said nothing over UDP: neither an answer nor an ICMP error.
    pub silent: bool,
    /// A TCP connection to the same host stood; only tried where UDP failed.
    pub tcp: Option<u16>,
}

impl Control {
    /// In a sentence.
    pub fn words(&self) -> String {
        let control = &self.target;
        match (self.answered, self.silent, self.tcp) {
            (true, ..) => format!("control {control} answered over UDP"),
            (_, true, Some(port)) => {
                format!("control {control} stayed silent over UDP; its TCP port {port} accepts connections")
            }
            (_, true, None) => format!("control {control} stayed silent over UDP"),
            _ => format!("control {control} could not be asked over UDP"),
        }
    }
}

/// Reads `--control`.
pub fn parse(text: &str) -> Result<Target, String> {
    // RFC 7064 writes a STUN server without slashes.
    let text = match text.strip_prefix("stun:") {
        Some(rest) if !rest.starts_with("//") => format!("stun://{rest}"),
        _ => text.to_owned(),
    };
    let spec = Spec::parse(&text, "udp", Sampling::default()).map_err(|why| why.to_string())?;
    let mut targets = spec.expand(Sampling::default());
    match (targets.next(), targets.next()) {
        (Some(target), None) if target.scheme.name == "stun" => Ok(target),
        _ => Err("one STUN server: stun:HOST:PORT or stun://HOST:PORT".to_owned()),
    }
}

impl Controls {
    /// These controls, not asked yet.
    pub fn new(targets: Vec<Target>) -> Self {
        Controls { targets, answers: Arc::default() }
    }

    /// How the controls answer; they are asked once a run, all at once, by whoever needs them first.
    pub async fn ask(&self, net: &Net) -> Vec<Control> {
        let ask = || async {
            futures_util::future::join_all(self.targets.iter().map(|target| asked(net, target))).await
        };
        self.answers.get_or_init(ask).await.clone()
    }
}

async fn asked(net: &Net, target: &Target) -> Control {
    let aside = net.aside();
    let mut control = Control { target: target.clone(), answered: false, silent: false, tcp: None };
    let Ok(addresses) = aside.resolve(&target.host).await else { return control };
    let outcome = reach::race(&aside, &addresses, target.port(), |address| {
        let aside = aside.clone();
        async move {
            let mut socket = aside.udp(address, target.port()).await?;
            let id: Id = random();
            // Any answer at all, an error response too, has crossed the network twice.
            let read = |bytes: &[u8]| match binding::read(bytes, |found| *found == id) {
                Heard::Answer(_) => Heard::Answer(()),
                Heard::Ignored => Heard::Ignored,
                Heard::Broken(failure) => Heard::Broken(failure),
            };
            ask(&mut socket, &binding::request(id), aside.timeout(), read).await
        }
    })
    .await;
    match outcome {
        Ok(_) => control.answered = true,
        Err(Failure { code, .. }) => control.silent = code == Code::UdpTimeout,
    }
    if control.silent {
        control.tcp = tcp(&aside, &addresses, &[target.port(), 443]).await;
    }
    control
}

/// The first of these TCP ports that accepts a connection.
pub async fn tcp(net: &Net, addresses: &[std::net::IpAddr], ports: &[u16]) -> Option<u16> {
    for port in ports {
        let connect = net.connect(addresses, *port);
        if let Some(Ok(_)) = within(net.timeout().min(std::time::Duration::from_secs(3)), connect).await {
            return Some(*port);
        }
    }
    None
}
