//! Faults of the machine in the middle of a run: every finished record is on disk once, the exit code is right, and the
//! run ends in time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end")]

mod disk;
mod fault;
mod limits;
mod network;
mod system;
