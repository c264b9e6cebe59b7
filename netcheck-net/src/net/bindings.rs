//! What a browser asks the resolver besides a name's addresses: a note where that stalls it, and never a failure.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use serde_json::{Map, Value, json};

use super::Net;
use crate::clock;
use crate::dns::{self, Bindings};
use netcheck_record::failure::Code;
use netcheck_record::target::Host;

/// How long an answer may take longer than that for the addresses, without a note.
const SLOW: Duration = Duration::from_millis(300);
/// The share of a stage's time in which an answer comes; then the question is repeated.
const SHARE: f64 = 0.15;

impl Net {
    /// Does `work`, which looks up the name, and asks beside it for the HTTPS records of the name and for the resolver that the
    /// resolver designates.
    pub async fn beside_bindings<T>(&self, host: &Host, work: impl Future<Output = T>) -> T {
        let Some(name) = host.name() else { return work.await };
        let (begun, wait) = (clock::now(), self.timeout().mul_f64(SHARE));
        let resolver = &self.shared.resolver;
        // On the heap: every target would keep room for both questions, to its end.
        let asked = Box::pin(async {
            // Nobody waits for the second one, so it is given up sooner.
            tokio::join!(resolver.https(name, wait), resolver.designated(wait / 2))
        });
        let (outcome, late, (https, designated)) = match select(pin!(work), asked).await {
            Either::Left((outcome, asked)) if self.is_looked_up() => {
                let took = begun.elapsed();
                let answers = asked.await;
                (outcome, begun.elapsed().saturating_sub(took), answers)
            }
            Either::Left((outcome, _)) => return outcome,
            Either::Right((answers, work)) => (work.await, Duration::ZERO, answers),
        };
        if let Some(https) = https {
            self.note_https(&https, late);
            self.note_stripped(&https, name).await;
        }
        let designated = designated.filter(|answer| !answer.found.is_empty() && self.is_looked_up());
        if let Some(designated) = designated {
            self.fact("dns", "designated", json!(designated.protocols()));
        }
        outcome
    }

    /// Asks the reference resolver for HTTPS records that the own one says there are none of; only whom the user named.
    async fn note_stripped(&self, https: &Bindings, name: &str) {
        let Some(reference) = &self.flags().reference_resolver else { return };
        if https.failure.is_some() || !https.found.is_empty() || !self.is_looked_up() {
            return;
        }
        let bound = self.timeout().min(self.left()).mul_f64(0.5);
        let asked = Box::pin(dns::reference::https(self, reference, name));
        let Some(Some(found)) = clock::within(bound, asked).await else { return };
        if found.is_empty() {
            return;
        }
        let others = Bindings { found, ..https.clone() };
        let sentence = format!(
            "{} has no HTTPS record (type 65) of {name}, the reference resolver has one (ALPN {}): browsers that ask {} do \
             not learn of it",
            https.server,
            others.protocols().join(", "),
            https.server
        );
        self.see(|seen| {
            if let Some(Value::Object(facts)) = seen.facts.get_mut("dns") {
                add_note(facts, sentence);
            }
        });
    }

    /// Whether a resolver gave the addresses.
    fn is_looked_up(&self) -> bool {
        let mut answered = false;
        self.see(|seen| {
            answered = seen.lookup.as_ref().is_some_and(|lookup| lookup.failure.is_none() && !lookup.local);
        });
        answered
    }

    /// Writes down what came of the question for HTTPS records, and how late beside that for the addresses.
    fn note_https(&self, https: &Bindings, late: Duration) {
        if !self.is_looked_up() {
            return;
        }
        self.see(|seen| {
            // The silence of another resolver than the one that answered has a note of its own.
            let asked = seen.lookup.as_ref().and_then(|lookup| lookup.server);
            let Some(Value::Object(facts)) = seen.facts.get_mut("dns") else { return };
            if !https.found.is_empty() {
                let ech = https.found.iter().any(|binding| binding.ech);
                facts.insert("https".into(), json!({ "alpn": https.protocols(), "ech": ech }));
            }
            if let Some(sentence) = sentence(https, late).filter(|_| asked == Some(https.server)) {
                add_note(facts, sentence);
            }
        });
    }
}

/// What stalls a browser, where something does.
fn sentence(https: &Bindings, late: Duration) -> Option<String> {
    let (server, question) = (https.server, "the question for HTTPS records (type 65)");
    match &https.failure {
        Some(failure) if failure.code == Code::DnsTimeout => Some(format!(
            "{server} did not answer {question}, asked twice; it answered the one for addresses. Browsers wait for it"
        )),
        Some(failure) => Some(format!(
            "{server} answered {question} with {} ({}), and the one for addresses with addresses",
            failure.code, failure.detail
        )),
        None if late > SLOW => Some(format!(
            "{server} answered {question} {} ms after the one for addresses: browsers wait for it",
            late.as_millis()
        )),
        None => None,
    }
}

fn add_note(facts: &mut Map<String, Value>, sentence: String) {
    if let Value::Array(notes) = facts.entry("notes").or_insert_with(|| Value::Array(Vec::new())) {
        notes.push(Value::String(sentence));
    }
}
