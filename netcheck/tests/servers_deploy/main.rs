//! What deploy/ holds: judged by schemas and the programs it is for, and run in the lab with the real netcheck.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set its stage has failed")]

mod judges;
mod kubernetes;
mod monitoring;
mod pipelines;
mod place;
mod seccomp;
mod systemd;
