//! What the path below every protocol saw of one target.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::dns::Lookup;
use crate::eyeballs::Family;
use crate::http::answer::Answer;
use crate::proxy::observed::SeenOfProxies;
use crate::tls::certificate::Chain;
use crate::tls::sent_hello::SentHello;
use crate::tls::trust::{ChainFault, Trust};
use netcheck_record::cause::Cause;
use netcheck_record::failure::Failure;
use netcheck_record::record::Path;

/// What the path below every protocol saw of one target.
#[derive(Clone, Debug, Default)]
pub struct PathObservations {
    /// The way the packets took, once there was one.
    pub path: Option<Path>,
    /// The facts of dns, tcp, proxy, tls and http.
    pub facts: Map<String, Value>,
    /// The addresses the name has.
    pub addresses: Vec<IpAddr>,
    /// How the name was resolved, where it was.
    pub lookup: Option<Arc<Lookup>>,
    /// The address that was connected to, or last tried.
    pub peer: Option<SocketAddr>,
    /// All addresses of a public name were private ones.
    pub private_answer: bool,
    /// The first SYN asked for ECN and was not answered; the next one, without, was.
    pub first_syn_lost: bool,
    /// The chain that was presented, whatever came of it.
    pub chain: Option<Chain>,
    /// What is wrong with a chain that convinces nobody, besides its time.
    pub chain_fault: Option<ChainFault>,
    /// Whom that chain convinced.
    pub trust: Option<Trust>,
    /// The ClientHello of a handshake that failed or has been silent for a while.
    pub hello: Option<Arc<SentHello>>,
    /// The first bytes received where TLS was expected.
    pub first_bytes: Vec<u8>,
    /// What the last HTTP answer was, where there was one.
    pub answer: Option<Answer>,
    /// The proxy that stands between, without credentials.
    pub proxy: Option<String>,
    /// What stopped the check, where an experiment showed it to be another failure than it looked.
    pub restated: Option<Failure>,
    /// What was seen of proxies, for the rules.
    pub via: SeenOfProxies,
    /// How each family of a dual-stack name ended, in order; a later attempt's comes later.
    pub families: Vec<Family>,
    /// The TLS alert that the peer sent (RFC 8446 section 6).
    pub tls_alert: Option<u8>,
    /// What was wrong and did not stop the check.
    pub degraded: Vec<(Failure, Option<Cause>)>,
}

impl PathObservations {
    /// Adds a fact under a heading.
    pub fn fact(&mut self, heading: &str, key: &str, value: impl Into<Value>) {
        if let Value::Object(map) = self.facts.entry(heading).or_insert_with(|| Value::Object(Map::new())) {
            map.insert(key.to_owned(), value.into());
        }
    }
}
