//! `smtp://`: the organisation's own inbound gateway, asked as a sender asks, without ever sending a message.

use std::collections::BTreeMap;
use std::time::Duration;

use netcheck_common::cause::Cause;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::stream::Stream;
use netcheck_common::target::Target;
use netcheck_common::tls::Hello;
use netcheck_common::trace::{Stopped, Trace};
use serde::Serialize;

use crate::answer;
use crate::check;
use crate::dialog::Dialog;
use crate::reply::Reply;

const SMTP: Layer = Layer::new("smtp", Code::SmtpTimeout, Code::TcpReset, Code::SmtpRejected);
const STARTTLS: Layer = Layer::new("starttls", Code::SmtpTimeout, Code::TcpReset, Code::SmtpRejected);
const RCPT: Layer = Layer::new("rcpt", Code::SmtpTimeout, Code::TcpReset, Code::SmtpRejected);

/// How many extensions of an EHLO answer go into a record.
const EXTENSIONS: usize = 40;

/// What a gateway showed.
#[derive(Debug, Default, Serialize)]
pub struct Facts {
    #[serde(skip_serializing_if = "Option::is_none")]
    banner: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starttls: Option<bool>,
    /// How long each answer took: a tarpit shows here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    answer_us: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<Recipient>,
    proven: Vec<&'static str>,
    not_proven: Vec<&'static str>,
}

/// What became of `MAIL FROM` and `RCPT TO`.
#[derive(Clone, Debug, Serialize)]
struct Recipient {
    domain: String,
    /// `accepted`, `deferred` (4xx), `rejected` (5xx), or `unproven`: refused because of this machine, not of the sender.
    answer: &'static str,
    status: String,
    text: String,
}

/// What is asked for.
pub struct Question<'a> {
    /// The name given in EHLO.
    pub helo: &'a str,
    /// The envelope sender.
    pub sender: &'a str,
    /// The envelope recipient, where one is given.
    pub recipient: Option<&'a str>,
}

/// Whether a target of which these facts are known was refused because of this machine only.
#[must_use]
pub fn unproven(facts: &check::Facts) -> bool {
    let recipient = facts.smtp.as_ref().and_then(|smtp| smtp.recipient.as_ref());
    recipient.is_some_and(|recipient| recipient.answer == "unproven")
}

/// Checks one gateway.
///
/// # Errors
/// A stage failed.
pub async fn check(
    target: &Target,
    question: &Question<'_>,
    trace: &mut Trace<check::Facts>,
) -> Result<(), Stopped> {
    let stream = trace.reach(target).await?;
    let mut call = Call { target, question, facts: Facts::default(), dialog: None, later: None };
    let outcome = call.run(stream, trace).await;
    if let Some(dialog) = call.dialog.take() {
        let silent = trace.stopped_with() == Some(Code::SmtpTimeout);
        dialog.quit(if silent { Duration::ZERO } else { trace.net().left() }).await;
    }
    call.conclude();
    trace.facts.smtp = Some(call.facts);
    outcome
}

struct Call<'a> {
    target: &'a Target,
    question: &'a Question<'a>,
    facts: Facts,
    dialog: Option<Dialog>,
    /// What is wrong with TLS.
    later: Option<(Failure, Cause)>,
}

impl Call<'_> {
    async fn run(&mut self, stream: Stream, trace: &mut Trace<check::Facts>) -> Result<(), Stopped> {
        let ehlo = self.greet(stream, true, trace).await?;
        let offered = ehlo.offers("STARTTLS");
        self.facts.starttls = Some(offered);
        match offered {
            true => self.encrypt(trace).await?,
            false => {
                let failure = Failure::new(Code::SmtpNoStarttls, "the EHLO answer offers no STARTTLS");
                self.later = Some((
                    failure,
                    answer::stripped(
                        &self.target.authority(),
                        self.facts.banner.as_deref(),
                        &self.facts.extensions,
                    ),
                ));
            }
        }
        if let Some(recipient) = self.question.recipient {
            self.ask(recipient, trace).await?;
        }
        // What became of the recipient matters more, so it is said first.
        if let Some((failure, cause)) = self.later.take() {
            trace.degrade(failure, Some(cause));
        }
        Ok(())
    }

    /// Opens the conversation: banner (where the server speaks first) and EHLO.
    async fn greet(
        &mut self,
        stream: Stream,
        banner: bool,
        trace: &mut Trace<check::Facts>,
    ) -> Result<Reply, Stopped> {
        let dialog = self.dialog.insert(Dialog::new(stream));
        let (facts, helo) = (&mut self.facts, self.question.helo);
        trace
            .stage(SMTP, async move {
                if banner {
                    let reply = dialog.reply().await?;
                    facts.time("banner", dialog.took);
                    facts.banner = reply.lines.first().cloned();
                    answer::accepted(&reply, "the connection")?;
                }
                let mut reply = dialog.say(&format!("EHLO {helo}")).await?;
                facts.time("ehlo", dialog.took);
                if reply.class() == 5 {
                    reply = dialog.say(&format!("HELO {helo}")).await?;
                }
                answer::accepted(&reply, "the greeting")?;
                facts.extensions = reply.lines.iter().skip(1).take(EXTENSIONS).cloned().collect();
                Ok(reply)
            })
            .await
    }

    /// STARTTLS is opportunistic (RFC 7435): whatever is wrong with it, mail still comes; so it degrades and never fails.
    async fn encrypt(&mut self, trace: &mut Trace<check::Facts>) -> Result<(), Stopped> {
        let Some(dialog) = self.dialog.as_mut() else { return Ok(()) };
        let facts = &mut self.facts;
        let reply = trace
            .stage(STARTTLS, async {
                let reply = dialog.say("STARTTLS").await?;
                facts.time("starttls", dialog.took);
                Ok(reply)
            })
            .await?;
        if reply.class() != 2 {
            let detail = format!("STARTTLS is offered and refused: {}", reply.status());
            self.later = Some((
                Failure::new(Code::SmtpNoStarttls, detail),
                answer::without_tls(&self.target.authority()),
            ));
            return Ok(());
        }
        let Some(dialog) = self.dialog.take() else { return Ok(()) };
        let hello = Hello { opportunistic: true, ..Hello::to(&self.target.host) };
        let net = trace.net();
        let bound = net.timeout();
        match trace.attempt(Layer::TLS, bound, net.handshake(dialog.into_stream(), &hello)).await {
            Ok(secure) => {
                self.facts.proven.push("STARTTLS works");
                self.greet(secure.stream, false, trace).await?;
            }
            Err(failure) => {
                let cause = answer::without_tls(&self.target.authority()).seen(failure.detail.clone());
                self.later = Some((failure, cause));
                // What a mail server does then: it comes back without TLS.
                let stream = trace.reach(self.target).await?;
                self.greet(stream, true, trace).await?;
            }
        }
        Ok(())
    }

    async fn ask(&mut self, recipient: &str, trace: &mut Trace<check::Facts>) -> Result<(), Stopped> {
        let Some(dialog) = self.dialog.as_mut() else { return Ok(()) };
        let (facts, sender) = (&mut self.facts, self.question.sender);
        let bound = trace.net().timeout();
        let mut refused = None;
        let envelope = async {
            let mut reply = dialog.say(&format!("MAIL FROM:<{sender}>")).await?;
            facts.time("mail", dialog.took);
            if reply.class() == 2 {
                reply = dialog.say(&format!("RCPT TO:<{recipient}>")).await?;
                facts.time("rcpt", dialog.took);
            }
            let answer = facts.note(recipient, &reply);
            if answer == "accepted" {
                return Ok(());
            }
            let failure = Failure::new(Code::SmtpRejected, answer::detail(answer, &reply));
            refused = Some((answer, reply));
            Err(failure)
        };
        let Err(failure) = trace.attempt(RCPT, bound, envelope).await else { return Ok(()) };
        let Some((answer, reply)) = refused else { return Err(trace.stop(failure)) };
        let cause = answer::refusal(&self.target.authority(), answer, &reply);
        trace.degrade(failure.clone(), Some(cause));
        match answer {
            "deferred" => Ok(()),
            _ => Err(trace.stop(failure)),
        }
    }

    /// Says what this conversation proved, and what it cannot.
    fn conclude(&mut self) {
        let facts = &mut self.facts;
        if facts.banner.is_some() {
            facts.proven.insert(0, "the gateway answers SMTP");
        }
        match facts.recipient.as_ref().map(|recipient| recipient.answer) {
            Some("accepted") => facts.proven.push("the recipient is accepted from this machine's address"),
            Some(_) => facts.not_proven.push("that the recipient is accepted"),
            None => facts.not_proven.push("that a recipient is accepted (none was given)"),
        }
        facts
            .not_proven
            .push("that the platform's address is allow-listed: only a message from there can show it");
        facts.not_proven.push("how the gateway treats a message's content");
    }
}

impl Facts {
    /// Keeps what became of the envelope, without the recipient's local part.
    fn note(&mut self, recipient: &str, reply: &Reply) -> &'static str {
        let answer = answer::judge(reply);
        let domain = recipient.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let text = reply.lines.first().cloned().unwrap_or_default();
        self.recipient = Some(Recipient { domain, answer, status: reply.status(), text });
        answer
    }

    fn time(&mut self, command: &'static str, took: Duration) {
        self.answer_us.insert(command, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}
