//! `smtp://`: the organisation's own inbound gateway, asked as a sender asks, without ever sending a message.

pub mod connection;
pub mod refusal;
pub mod reply;
mod rewriting;

use std::time::Duration;

use netcheck_common::cause::Cause;
use netcheck_common::failure::{Code, Failure, Layer};
use netcheck_common::stream::Stream;
use netcheck_common::target::Target;
use netcheck_common::tls::Hello;
use netcheck_common::trace::{Stopped, Trace};

use crate::facts::{Facts, RecipientAnswer, SmtpFacts};
use crate::message::vendor;
use connection::SmtpConnection;
use refusal::Subject;
use reply::Reply;
use rewriting::Conversation;

const SMTP: Layer = Layer::new("smtp", Code::SmtpTimeout, Code::SmtpReset, Code::SmtpClosed);
const STARTTLS: Layer = Layer::new("starttls", Code::SmtpTimeout, Code::SmtpReset, Code::SmtpClosed);
const RCPT: Layer = Layer::new("rcpt", Code::SmtpTimeout, Code::SmtpReset, Code::SmtpClosed);

/// How many extensions of an EHLO reply go into a record.
const EXTENSIONS: usize = 40;
/// A reply that takes this long is slow on purpose, or the server is busy.
const SLOW: Duration = Duration::from_secs(2);

/// What is asked for.
pub struct EnvelopeQuestion<'a> {
    /// The name given in EHLO.
    pub helo: &'a str,
    /// The envelope sender.
    pub sender: &'a str,
    /// The envelope recipient, where one is given.
    pub recipient: Option<&'a str>,
}

/// Whether the target was refused because of this machine only.
#[must_use]
pub fn is_unproven(facts: &Facts) -> bool {
    facts.smtp.as_ref().is_some_and(|smtp| smtp.refused_this_machine)
}

/// Checks one gateway.
///
/// # Errors
/// A stage failed.
pub async fn check(
    target: &Target,
    question: &EnvelopeQuestion<'_>,
    trace: &mut Trace<Facts>,
) -> Result<(), Stopped> {
    let stream = trace.reach(target).await?;
    let mut probe = GatewayProbe {
        target,
        question,
        facts: SmtpFacts::default(),
        connection: None,
        refusals: Vec::new(),
        tls_problem: None,
    };
    let outcome = probe.run(stream, trace).await;
    if let Some(connection) = probe.connection.take() {
        let silent = trace.stopped_with() == Some(Code::SmtpTimeout);
        connection.quit(if silent { Duration::ZERO } else { trace.net().left() }).await;
    }
    probe.conclude();
    trace.facts.smtp = Some(probe.facts);
    outcome
}

struct GatewayProbe<'a> {
    target: &'a Target,
    question: &'a EnvelopeQuestion<'a>,
    facts: SmtpFacts,
    connection: Option<SmtpConnection>,
    /// What the server said to EHLO and STARTTLS, where it refused them.
    refusals: Vec<String>,
    /// What is wrong with TLS.
    tls_problem: Option<(Failure, Cause)>,
}

/// The longest a reply may take (RFC 5321 section 4.5.3.2).
const LONGEST_REPLY: Duration = Duration::from_secs(300);

/// How long a reply is waited for: the deadline bounds it, as RFC 5321 allows minutes. Some of it is left for the control
/// experiments after a silence.
fn patience(trace: &Trace<Facts>) -> Duration {
    let net = trace.net();
    let reserve = net.timeout() / 2;
    net.left().saturating_sub(reserve).max(net.timeout().min(net.left())).min(LONGEST_REPLY)
}

impl GatewayProbe<'_> {
    async fn run(&mut self, stream: Stream, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let ehlo = self.handshake(stream, true, trace).await?;
        let offered = ehlo.offers("STARTTLS");
        self.facts.starttls = Some(offered);
        match offered {
            true => self.encrypt(trace).await?,
            false => self.note_missing_tls("the EHLO reply offers no STARTTLS".to_owned()),
        }
        if let Some(recipient) = self.question.recipient {
            self.ask_recipient(recipient, trace).await?;
        }
        // What became of the recipient matters more, so it comes first.
        if let Some((failure, cause)) = self.tls_problem.take() {
            trace.degrade(failure, Some(self.with_slowness(cause)));
        }
        Ok(())
    }

    fn note_missing_tls(&mut self, detail: String) {
        let conversation = Conversation {
            banner: self.facts.banner.as_deref(),
            extensions: &self.facts.extensions,
            refusals: &self.refusals,
        };
        let cause = rewriting::explain_missing_tls(&self.place(), &conversation);
        self.tls_problem = Some((Failure::new(Code::SmtpNoStarttls, detail), cause));
    }

    /// Opens the conversation: banner (where the server speaks first) and EHLO.
    async fn handshake(
        &mut self,
        stream: Stream,
        banner: bool,
        trace: &mut Trace<Facts>,
    ) -> Result<Reply, Stopped> {
        let bound = patience(trace);
        let connection = self.connection.insert(SmtpConnection::new(stream));
        let (facts, helo, refusals) = (&mut self.facts, self.question.helo, &mut self.refusals);
        let mut refused = None;
        let work = async {
            if banner {
                let reply = connection.read_reply().await?;
                facts.time("banner", connection.took);
                facts.banner = reply.lines.first().cloned();
                accept(reply, "the connection", &mut refused)?;
            }
            let mut reply = connection.command(&format!("EHLO {helo}")).await?;
            facts.time("ehlo", connection.took);
            if reply.class() == 5 {
                refusals.extend(reply.lines.first().cloned());
                reply = connection.command(&format!("HELO {helo}")).await?;
            }
            let reply = accept(reply, "EHLO", &mut refused)?;
            facts.extensions = reply.lines.iter().skip(1).take(EXTENSIONS).cloned().collect();
            Ok(reply)
        };
        let failure = match trace.optional_stage(SMTP, bound, work).await {
            Ok(reply) => return Ok(reply),
            Err(failure) => failure,
        };
        if let Some(reply) = refused {
            self.refuse(&failure, refusal::subject(&reply, true), &reply, trace);
        }
        Err(trace.fail(self.with_patience(failure, bound)))
    }

    /// The gateway as a rule names it: host and port, and whose product it is where its name or its banner tells.
    fn place(&self) -> String {
        let authority = self.target.authority();
        let host = self.target.host.to_string();
        let banner = self.facts.banner.as_deref().and_then(|banner| banner.split_whitespace().next());
        let vendor = vendor::of_host(&host).or_else(|| vendor::of_host(banner?));
        vendor.map_or(authority.clone(), |vendor| format!("{authority} of {vendor}"))
    }

    /// Keeps the cause of a refusal beside it.
    fn refuse(&mut self, failure: &Failure, subject: Subject, reply: &Reply, trace: &mut Trace<Facts>) {
        self.facts.refused_this_machine = subject.is_ours();
        let cause = refusal::cause(&self.place(), subject, reply);
        trace.degrade(failure.clone(), Some(self.with_slowness(cause)));
    }

    /// The slow replies as evidence.
    fn with_slowness(&self, cause: Cause) -> Cause {
        self.facts.slow.iter().fold(cause, |cause, slow| cause.with_evidence(format!("slow reply: {slow}")))
    }

    /// A timeout that says how long was waited, what arrived, and what the protocol allows.
    fn with_patience(&self, failure: Failure, bound: Duration) -> Failure {
        if failure.code != Code::SmtpTimeout {
            return failure;
        }
        let waited = bound.as_secs_f64();
        let arrived = self.connection.as_ref().map_or(0, SmtpConnection::unread);
        let detail = match arrived {
            0 => format!(
                "no reply within {waited:.1} s; RFC 5321 allows minutes: raise --deadline to wait longer"
            ),
            bytes => format!(
                "the reply was not whole within {waited:.1} s: {bytes} bytes of it arrived (a tarpit); raise --deadline to wait longer"
            ),
        };
        Failure { detail, ..failure }
    }

    /// STARTTLS is opportunistic (RFC 7435): whatever is wrong with it, mail still comes; so it degrades and never fails.
    async fn encrypt(&mut self, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let bound = patience(trace);
        let Some(connection) = self.connection.as_mut() else { return Ok(()) };
        let facts = &mut self.facts;
        let work = async {
            let reply = connection.command("STARTTLS").await?;
            facts.time("starttls", connection.took);
            Ok(reply)
        };
        let reply = match trace.optional_stage(STARTTLS, bound, work).await {
            Ok(reply) => reply,
            Err(failure) => return Err(trace.fail(self.with_patience(failure, bound))),
        };
        if reply.class() != 2 {
            self.refusals.extend(reply.lines.first().cloned());
            self.note_missing_tls(format!("STARTTLS is offered and refused: {}", reply.status()));
            return Ok(());
        }
        let Some(connection) = self.connection.take() else { return Ok(()) };
        let hello = Hello { opportunistic: true, ..Hello::to(&self.target.host) };
        let net = trace.net();
        let bound = net.timeout();
        match trace.optional_stage(Layer::TLS, bound, net.handshake(connection.into_stream(), &hello)).await {
            Ok(secure) => {
                self.facts.proven.push("STARTTLS works");
                self.handshake(secure.stream, false, trace).await?;
            }
            Err(failure) => {
                let cause = rewriting::without_tls(&self.place()).with_evidence(failure.detail.clone());
                self.tls_problem = Some((failure, cause));
                // What a mail server does then: it comes back without TLS.
                let stream = trace.reach(self.target).await?;
                self.handshake(stream, true, trace).await?;
            }
        }
        Ok(())
    }

    async fn ask_recipient(&mut self, recipient: &str, trace: &mut Trace<Facts>) -> Result<(), Stopped> {
        let bound = patience(trace);
        let Some(connection) = self.connection.as_mut() else { return Ok(()) };
        let (facts, sender) = (&mut self.facts, self.question.sender);
        let mut refused = None;
        let envelope = async {
            let mut command = "MAIL FROM";
            let mut reply = connection.command(&format!("MAIL FROM:<{sender}>")).await?;
            facts.time("mail", connection.took);
            if reply.class() == 2 {
                command = "RCPT TO";
                reply = connection.command(&format!("RCPT TO:<{recipient}>")).await?;
                facts.time("rcpt", connection.took);
            }
            let subject = refusal::subject(&reply, false);
            facts.note(recipient, &reply, subject);
            if reply.class() == 2 {
                return Ok(());
            }
            let failure = refusal::envelope_failure(&reply, subject, command);
            refused = Some((reply, subject));
            Err(failure)
        };
        let Err(failure) = trace.optional_stage(RCPT, bound, envelope).await else { return Ok(()) };
        let Some((reply, subject)) = refused else {
            return Err(trace.fail(self.with_patience(failure, bound)));
        };
        self.refuse(&failure, subject, &reply, trace);
        Err(trace.fail(failure))
    }

    /// States what this conversation proved, and what it cannot prove.
    fn conclude(&mut self) {
        let facts = &mut self.facts;
        if facts.banner.is_some() {
            facts.proven.insert(0, "the gateway answers SMTP");
        }
        match facts.recipient.as_ref().map(|recipient| recipient.answer) {
            Some("accepted") => facts.proven.push("the recipient is accepted from this machine's address"),
            Some(_) => facts.not_proven.push("that the recipient is accepted"),
            None if self.question.recipient.is_some() => {
                facts
                    .not_proven
                    .push("that the recipient is accepted (it was not asked, or there was no reply)");
            }
            None => facts.not_proven.push("that a recipient is accepted (none was given)"),
        }
        facts
            .not_proven
            .push("that the platform's address is allow-listed: only a message from there can show it");
        facts.not_proven.push("how the gateway treats a message's content");
    }
}

/// The reply, if it is yes; else it is kept, and the failure says what was refused.
fn accept(reply: Reply, what: &str, refused: &mut Option<Reply>) -> Result<Reply, Failure> {
    if reply.class() == 2 {
        return Ok(reply);
    }
    let failure = refusal::greeting_failure(&reply, what);
    *refused = Some(reply);
    Err(failure)
}

impl SmtpFacts {
    /// Keeps what became of the envelope, without the recipient's local part.
    fn note(&mut self, recipient: &str, reply: &Reply, subject: Subject) {
        let answer = match reply.class() {
            2 => "accepted",
            4 => "deferred",
            _ if subject.is_ours() => "unproven",
            _ => "rejected",
        };
        let domain = recipient.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let text = reply.lines.first().cloned().unwrap_or_default();
        let about = (reply.class() != 2).then(|| subject.as_str());
        self.recipient = Some(RecipientAnswer { domain, answer, about, status: reply.status(), text });
    }

    fn time(&mut self, command: &'static str, took: Duration) {
        self.answer_us.insert(command, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if took >= SLOW {
            let seconds = took.as_millis() as f64 / 1000.0;
            let text = format!("{command}: {seconds:.1} s (a tarpit, or a busy server)");
            self.slow.push(text);
        }
    }
}
