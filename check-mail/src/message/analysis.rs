//! One message read as a whole: its way, its links, and what the receiving side wrote into it.

use super::arrival::{self, FilterMark};
use super::date;
use super::field::{Block, Field};
use super::hostname::organisation;
use super::link::Links;
use super::part;
use super::received::{self, Hop};
use super::results::AuthenticationResults;
use super::route::Route;
use super::sides::{Published, Sides};
use super::vendor;

/// How many `Authentication-Results` are read.
const MOST_RESULTS: usize = 10;

/// What one message tells.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// Its header fields and its body.
    pub block: Block<'a>,
    /// Its hops, oldest first.
    pub hops: Vec<Hop>,
    /// Whose they are.
    pub sides: Sides,
    /// The way it took.
    pub route: Route,
    /// Its links, counted by who rewrote them.
    pub links: Links,
    /// What the receiving side found out about the sender, the last gateway first.
    pub results: Vec<AuthenticationResults>,
    /// For how long a greylisting gateway says it put the message off, in seconds.
    pub greylisted: Option<u32>,
    /// What the receiving side's spam filters wrote into it.
    pub junk: Vec<FilterMark>,
    /// Mail gateways known by the fields they add and by their hosts.
    pub gateways: Vec<&'static str>,
    /// Whether it carries a warning banner for mail from outside.
    pub banner: bool,
    /// The domain of its author (RFC 5322 section 3.6.2).
    pub author: Option<String>,
}

impl<'a> Analysis<'a> {
    /// Analyses a message; `None` when the bytes have no header fields a message must have. `published` is what the sender
    /// publishes, `signers` the domains that claim to have signed.
    #[must_use]
    pub fn of(
        raw: &'a [u8],
        published: &Published,
        signers: &dyn Fn(&Block<'_>) -> Vec<String>,
    ) -> Option<Analysis<'a>> {
        let block = Block::split(raw);
        if !block.is_message() {
            return None;
        }
        let mut links = Links::default();
        let mut banner = false;
        part::texts(&block, &mut |text| {
            links.read(text);
            banner = banner || vendor::banner(text);
        });
        let hops = received::chain(&block);
        let author = block.first("from").and_then(arrival::domain);
        let sides = Sides::of(&hops, published, author.as_deref(), &signers(&block));
        let trusted = trusted(&block, &sides);
        let greylisted = trusted
            .iter()
            .find(|field| field.is("x-greylist"))
            .and_then(|field| arrival::greylisted(field.value));
        let written = block.first("date").and_then(date::parse);
        let hosts = hops[sides.first_external().min(hops.len())..].iter().filter_map(|hop| hop.by.as_deref());
        Some(Analysis {
            route: Route::of(&hops, &sides, written, greylisted),
            results: results(&block, trusted, &sides),
            greylisted,
            junk: arrival::marks(trusted)
                .into_iter()
                .chain(block.first("subject").and_then(arrival::subject_mark))
                .collect(),
            gateways: arrival::gateways(trusted, hosts),
            links,
            banner,
            author,
            hops,
            sides,
            block,
        })
    }

    /// The first hop that is not the sender's: what it says of where the message came from is the receiver's own observation.
    #[must_use]
    pub fn first_external(&self) -> Option<&Hop> {
        self.hops.get(self.sides.first_external())
    }

    /// The host and address that the receiving side took the message from.
    #[must_use]
    pub fn handed_over_by(&self) -> Option<String> {
        let hop = self.first_external()?;
        match (&hop.from, hop.from_address) {
            (Some(from), Some(address)) if *from != address.to_string() => {
                Some(format!("{from} ({address})"))
            }
            (_, Some(address)) => Some(address.to_string()),
            (Some(from), None) => Some(from.clone()),
            (None, None) => None,
        }
    }
}

/// The fields above the sender's last hop: the sender could have written what is below them.
fn trusted<'b, 'a>(block: &'b Block<'a>, sides: &Sides) -> &'b [Field<'a>] {
    let hops = sides.hops.len();
    let Some(last) = sides.last_sender() else {
        // No hop of the sender's: down to the signature or the author, which are the sender's own.
        let own = |field: &Field<'_>| field.is("dkim-signature") || field.is("from") || field.is("date");
        let end = block.fields.iter().position(own).unwrap_or(block.fields.len());
        return &block.fields[..end];
    };
    // Hops are listed oldest first, fields newest first.
    let newest_first = hops - 1 - last;
    let mut received = block.fields.iter().enumerate().filter(|(_, field)| field.is("received"));
    let end = received.nth(newest_first).map_or(0, |(at, _)| at);
    &block.fields[..end]
}

/// The results the receiving side wrote; below its hops only a failure under its own name counts: a sender gains nothing by forging it.
fn results(block: &Block<'_>, trusted: &[Field<'_>], sides: &Sides) -> Vec<AuthenticationResults> {
    let read = |field: &Field<'_>| {
        field.is("authentication-results").then(|| AuthenticationResults::parse(field.value))?
    };
    let above = trusted.iter().filter_map(read);
    let below = block.fields[trusted.len()..].iter().filter_map(read).filter(|results| {
        let own = results.by.as_deref().is_some_and(|by| organisation(by).is_some() && sides.is_receiver(by));
        own && results.failed().is_some()
    });
    above.chain(below).take(MOST_RESULTS).collect()
}
