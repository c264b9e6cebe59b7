//! Checks whether push notifications of Apple and Google can be received and sent from here.

mod address;
mod asn;
mod explain;
mod facts;
mod file;
mod hold;
mod networks;
mod origin;
mod prefixes;
mod push;
mod roots;
mod sender;
mod service;

fn main() -> std::process::ExitCode {
    netcheck_common::run::<push::Push>()
}
