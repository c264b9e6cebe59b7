//! An empty stand-in, so that `rtmp` builds without OpenSSL and aws-lc: the reason is on the first line of Cargo.toml.
//! `streamhub` names these calls for its server side; nothing of ours reaches them.

/// Stands for a client that nobody makes requests with.
#[derive(Default)]
pub struct Client;

/// Stands for an answer that never comes.
pub struct Never;

impl Client {
    /// Nothing happens.
    pub fn new() -> Self {
        Client
    }
    /// Nothing happens.
    pub fn post(&self, _: &str) -> Self {
        Client
    }
    /// Nothing happens.
    pub fn body(self, _: String) -> Self {
        self
    }
    /// Always an error.
    pub async fn send(self) -> Result<Never, &'static str> {
        Err("reqwest is a stand-in here")
    }
}

impl Never {
    /// Never asked.
    pub fn status(&self) -> u16 {
        0
    }
}

impl std::fmt::Debug for Never {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Never")
    }
}
