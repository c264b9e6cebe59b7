//! A TURN server while something is asked of it: requests signed or not, and the release of what it may have
//! allocated, however the work ends.

use std::net::SocketAddr;
use std::time::Duration;

use netcheck_common::failure::Failure;

use crate::credentials::Credentials;
use crate::message::{Class, Id, Key, Message, Writer, attribute, method};
use crate::random::random;
use crate::turn_message::{Challenge, Granted, Outcome, Refusal, granted, read};
use crate::wire::{Reply, Wire, ask};

/// REQUESTED-TRANSPORT: UDP (RFC 8656 section 18.7).
const UDP: [u8; 4] = [17, 0, 0, 0];
/// How long the answer to a release is waited for.
const GOODBYE: Duration = Duration::from_millis(800);
/// How often a stale nonce is replaced.
const NONCES: u32 = 3;

/// Who we are to a server: the name, the key made of the password, and what it wants sent back.
pub struct Signature {
    user: String,
    key: Key,
    realm: Vec<u8>,
    nonce: Vec<u8>,
}

impl Signature {
    /// Answers that challenge with these credentials.
    pub fn new(credentials: &Credentials, challenge: &Challenge) -> Signature {
        // The key is made of text; a realm that is none cannot be met by any password.
        let realm = String::from_utf8_lossy(&challenge.realm);
        Signature {
            user: credentials.user.clone(),
            key: Key::new(&credentials.user, &realm, &credentials.password),
            realm: challenge.realm.clone(),
            nonce: challenge.nonce.clone(),
        }
    }

    /// The request with the long-term credentials and their MESSAGE-INTEGRITY (RFC 8489 section 9.2).
    fn sign(&self, request: Writer) -> Vec<u8> {
        request
            .attribute(attribute::USERNAME, self.user.as_bytes())
            .attribute(attribute::REALM, &self.realm)
            .attribute(attribute::NONCE, &self.nonce)
            .signed(&self.key)
            .finish()
    }
}

/// Requests to one server. An allocation that it may hold when this ends (a deadline, a signal, a bug) is given back
/// with a last datagram.
pub struct Session<'a, W: Wire> {
    wire: &'a mut W,
    signature: Option<Signature>,
    held: bool,
}

impl<'a, W: Wire> Session<'a, W> {
    /// Nothing is allocated yet.
    pub fn new(wire: &'a mut W, signature: Option<Signature>) -> Self {
        Session { wire, signature, held: false }
    }

    /// What carries it.
    pub fn wire(&mut self) -> &mut W {
        self.wire
    }

    /// Asks for an allocation.
    pub async fn allocate(&mut self, bound: Duration) -> Result<Reply<Outcome<Granted>>, Failure> {
        // From the first packet on: the answer may be under way when we are stopped.
        self.held = true;
        let add = |request: Writer| request.attribute(attribute::REQUESTED_TRANSPORT, &UDP);
        let drew = self.ask(method::ALLOCATE, bound, add, granted).await;
        self.held = match &drew {
            Ok(reply) => matches!(reply.value, Outcome::Success(_)),
            // A server that never answered holds no allocation.
            Err(_) => self.signature.is_some(),
        };
        drew
    }

    /// Lets a peer in (RFC 8656 section 9).
    pub async fn permit(&mut self, peer: SocketAddr, bound: Duration) -> Result<Outcome<()>, Failure> {
        let add = |request: Writer| request.xor_address(attribute::XOR_PEER_ADDRESS, peer);
        Ok(self.ask(method::CREATE_PERMISSION, bound, add, |_| ()).await?.value)
    }

    /// Asks; a nonce that ran out between two packets is replaced, three times at most (RFC 8489 section 9.2.5).
    pub async fn ask<T>(
        &mut self,
        method: u16,
        bound: Duration,
        add: impl Fn(Writer) -> Writer,
        success: impl Fn(&Message<'_>) -> T,
    ) -> Result<Reply<Outcome<T>>, Failure> {
        let mut reply = self.once(method, bound, &add, &success).await?;
        for _ in 0..NONCES {
            match (&reply.value, &mut self.signature) {
                (
                    Outcome::Error(Refusal { number: Some(438), challenge: Some(fresh), .. }),
                    Some(signature),
                ) => {
                    signature.nonce.clone_from(&fresh.nonce);
                    reply = self.once(method, bound, &add, &success).await?;
                }
                _ => break,
            }
        }
        Ok(reply)
    }

    /// One question. An unsigned one has a transaction id of its own for every transmission, so that its round trip is
    /// known; a signed one changes the server's state and is repeated as it is.
    async fn once<T>(
        &mut self,
        method: u16,
        bound: Duration,
        add: impl Fn(Writer) -> Writer,
        success: impl Fn(&Message<'_>) -> T,
    ) -> Result<Reply<Outcome<T>>, Failure> {
        let fresh = || {
            let id: Id = random();
            (id, Writer::new(Class::Request, method, id))
        };
        match &self.signature {
            None => {
                let question = || {
                    let (id, request) = fresh();
                    (id, add(request).finish())
                };
                ask(self.wire, question, bound, |bytes, ours| read(bytes, method, ours, None, &success)).await
            }
            Some(signature) => {
                let (id, request) = fresh();
                let bytes = signature.sign(add(request));
                let key = signature.key.clone();
                let question = || (id, bytes.clone());
                ask(self.wire, question, bound, |bytes, ours| read(bytes, method, ours, Some(&key), &success))
                    .await
            }
        }
    }

    fn finished(&self, request: Writer) -> Vec<u8> {
        match &self.signature {
            Some(signature) => signature.sign(request),
            None => request.finish(),
        }
    }

    /// Gives the allocation back. The server's answer changes nothing, so it is not waited for longer than a
    /// moment.
    pub async fn release(mut self, bound: Duration) {
        if self.held {
            // Unanswered or not: there is nothing more to be done about it, and a server forgets it by itself.
            let _ = self.ask(method::REFRESH, bound.min(GOODBYE), with_zero_lifetime, |_| ()).await;
            self.held = false;
        }
    }
}

/// LIFETIME 0 (RFC 8656 section 8.1).
fn with_zero_lifetime(request: Writer) -> Writer {
    request.attribute(attribute::LIFETIME, &[0; 4])
}

impl<W: Wire> Drop for Session<'_, W> {
    fn drop(&mut self) {
        if self.held {
            let request =
                self.finished(with_zero_lifetime(Writer::new(Class::Request, method::REFRESH, random())));
            self.wire.send_now(&request);
        }
    }
}
