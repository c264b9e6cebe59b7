//! Checks STUN, TURN, QUIC, HTTP/3 and ICMP targets: whether real-time media works from here, and how well.

mod allocate;
mod binding;
mod blame;
mod check;
mod control;
mod counted;
mod credentials;
mod dscp;
mod echo;
mod explain;
mod facts;
mod h3;
mod icmp;
mod initial;
mod ladder;
mod large_hello;
mod mappings;
mod media;
mod message;
mod mos;
mod mtu;
mod nat;
mod ping;
mod pinger;
mod prove;
mod quality;
mod quic;
mod random;
mod reach;
mod redirect;
mod relay;
mod relay_media;
mod run;
mod rungs;
mod secure;
mod series;
mod session;
mod stray;
mod stun;
mod transport;
mod turn;
mod turn_message;
mod versions;
mod wire;

#[cfg(test)]
mod corpus_replay;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Udp>()
}

/// What the tool learns, for the schema of the record.
#[must_use]
pub fn facts() -> netcheck_common::facts::CheckFacts {
    netcheck_common::facts_of::<check::Udp>()
}
