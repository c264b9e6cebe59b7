//! Checks STUN, TURN, QUIC, HTTP/3 and ICMP targets: is real-time media possible from here, and how good would it be?

mod allocate;
mod binding;
mod check;
mod control;
#[cfg(test)]
mod corpus_replay;
mod counted;
mod echo;
mod explain;
mod facts;
mod h3;
mod icmp;
mod initial;
mod ladder;
mod large_hello;
mod mappings;
mod message;
mod mtu;
mod nat;
mod ping;
mod pinger;
mod quality;
mod quic;
mod reach;
mod relay;
mod session;
mod stun;
mod turn;
mod versions;
mod wire;

/// Runs the tool from the command line to its exit code.
#[must_use]
pub fn main() -> std::process::ExitCode {
    netcheck_common::run::<check::Udp>()
}
