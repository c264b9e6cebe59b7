//! check-wss against servers that follow a script.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

mod hold;
mod hostile;
mod line;
mod peer;
mod scripts;
mod upgrade;
