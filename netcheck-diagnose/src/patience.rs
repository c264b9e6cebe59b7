//! How long each kind of question waits for its answer: its share of the timeout, in one table. What an experiment may
//! take follows from the questions it is made of, never from the target that asks first: others share its result. A
//! target's own deadline cuts off its diagnosis as a whole.

use std::time::Duration;

use netcheck_net::net::Net;

/// What an experiment asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// A packet of a trail, which dies on a router or arrives.
    Hop,
    /// A SYN, or bytes on an open connection, to a place that has answered before.
    Again,
    /// A SYN whose answer is not known.
    Reach,
    /// A name, from the resolver.
    Lookup,
    /// Whether the resolver answers anything at all.
    Sanity,
    /// A SYN to another port of an address.
    Port,
    /// A handshake or a request over a connection of its own.
    Exchange,
    /// A page over a connection of its own, whole.
    Page,
    /// The date of a host: an exchange at two of its ports, one of them with TLS before it.
    Date,
}

impl Question {
    fn share(self, timeout: Duration) -> Duration {
        match self {
            Question::Hop => timeout.mul_f64(0.14).clamp(Duration::from_millis(60), Duration::from_secs(1)),
            Question::Again => timeout.mul_f64(0.2),
            Question::Reach | Question::Lookup => timeout.mul_f64(0.3),
            Question::Sanity => timeout.mul_f64(0.3).max(Duration::from_millis(300)),
            Question::Port | Question::Exchange => timeout.mul_f64(0.4),
            Question::Page => timeout.mul_f64(0.5),
            Question::Date => timeout.mul_f64(0.6),
        }
    }

    /// How long its answer is waited for.
    pub(crate) fn patience(self, net: &Net) -> Duration {
        self.share(net.timeout())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_questions_after_each_other_fit_into_a_timeout_and_a_fifth() {
        use Question as Q;
        let all = [Q::Hop, Q::Again, Q::Reach, Q::Lookup, Q::Sanity, Q::Port, Q::Exchange, Q::Page, Q::Date];
        let timeout = Duration::from_secs(5);
        let longest = all.iter().map(|question| question.share(timeout)).max();
        assert_eq!(longest.map(|longest| longest * 2), Some(timeout + timeout / 5));
    }
}
