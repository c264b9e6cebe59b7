//! TURN servers that refer to another one (300 Try Alternate, RFC 8489 section 10): followed three times, in no circle,
//! and within one address family.

use std::net::SocketAddr;

use netcheck_common::failure::{Code, Failure};

use crate::turn_message::Alternate;

/// How many servers may refer to another one.
const MOST: usize = 3;

/// The servers that were asked so far.
#[derive(Debug, Default)]
pub struct Redirects {
    asked: Vec<SocketAddr>,
    next: Option<Alternate>,
}

impl Redirects {
    /// The server to ask now, where it is not the target itself.
    pub fn next(&self) -> Option<&Alternate> {
        self.next.as_ref()
    }

    /// The failure of the server that is asked now, with its address where another server referred to it.
    pub fn name(&self, failure: Failure) -> Failure {
        match (&self.next, self.asked.last()) {
            (Some(next), Some(from)) => {
                let detail = format!("{} (from {}, to which {from} refers)", failure.detail, next.address);
                Failure { detail, ..failure }
            }
            _ => failure,
        }
    }

    /// Follows the reference of the server that was asked last.
    ///
    /// # Errors
    /// `turn.error`: there is no going there.
    pub fn follow(&mut self, from: SocketAddr, to: Alternate) -> Result<(), Failure> {
        let refused = |why: &str| {
            let detail = format!("the server {from} refers to {} (300 Try Alternate), {why}", to.address);
            Err(Failure::new(Code::TurnError, detail))
        };
        self.asked.push(from);
        if self.asked.contains(&to.address) {
            return refused("which was asked before: the servers refer to each other in a circle");
        }
        if self.asked.len() > MOST {
            return refused("after three other servers did the same");
        }
        if from.is_ipv4() != to.address.is_ipv4() {
            return refused("an address of the other family");
        }
        self.next = Some(to);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alternate(address: &str) -> Alternate {
        Alternate { address: address.parse().expect("an address"), domain: None }
    }

    fn follow(redirects: &mut Redirects, from: &str, to: &str) -> Result<(), String> {
        redirects.follow(from.parse().expect("an address"), alternate(to)).map_err(|failure| failure.detail)
    }

    #[test]
    fn three_servers_may_refer_to_another_and_a_fourth_may_not() {
        let mut redirects = Redirects::default();
        for hop in 1..4 {
            let (from, to) = (format!("192.0.2.{hop}:3478"), format!("192.0.2.{}:3478", hop + 1));
            assert_eq!(follow(&mut redirects, &from, &to), Ok(()));
            assert_eq!(redirects.next(), Some(&alternate(&to)));
        }
        let why = follow(&mut redirects, "192.0.2.4:3478", "192.0.2.5:3478").unwrap_err();
        assert!(why.ends_with("after three other servers did the same"), "{why}");
    }

    #[test]
    fn circles_and_other_families_are_not_followed() {
        let mut redirects = Redirects::default();
        assert!(
            follow(&mut redirects, "192.0.2.1:3478", "192.0.2.1:3478").unwrap_err().contains("in a circle")
        );
        let mut redirects = Redirects::default();
        assert_eq!(follow(&mut redirects, "192.0.2.1:3478", "192.0.2.1:3479"), Ok(()));
        assert!(
            follow(&mut redirects, "192.0.2.1:3479", "192.0.2.1:3478").unwrap_err().contains("in a circle")
        );
        let mut redirects = Redirects::default();
        assert!(
            follow(&mut redirects, "192.0.2.1:3478", "[2001:db8::1]:3478").unwrap_err().contains("family")
        );
    }
}
