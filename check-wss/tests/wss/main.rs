//! check-wss against servers that follow a script.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

mod frames;
mod hold;
mod hostile;
mod peer;
mod scripts;
mod upgrade;
