//! What a received message tells of its way here: bytes in, values out, no sockets, in time and memory that grow no faster than the message.
//!
//! Nothing here names another module of the crate, so that the fuzz target can take this folder alone.

pub mod arrival;
pub mod decode;
pub mod field;
pub mod hop;
pub mod link;
pub mod part;
pub mod results;
pub mod route;
pub mod vendor;

#[cfg(test)]
mod tests;

use arrival::Junk;
use field::Block;
use link::Links;
use results::Results;
use route::Route;

/// The most bytes of a message that are read: a body of 50 MB and what wraps it.
pub const LARGEST: usize = 48 << 20;
/// How many `Authentication-Results` are read.
const MOST_RESULTS: usize = 10;

/// What one message tells.
#[derive(Debug)]
pub struct Analysis<'a> {
    /// Its header fields and its body.
    pub block: Block<'a>,
    /// The way it took.
    pub route: Route,
    /// Its links, counted by who rewrote them.
    pub links: Links,
    /// What the gateways that received it say of its sender, the last one first.
    pub results: Vec<Results>,
    /// For how long a greylisting gateway says it put the message off, in seconds.
    pub greylisted: Option<u32>,
    /// What spam filters wrote into it.
    pub junk: Vec<Junk>,
    /// Mail gateways known by the fields they add.
    pub gateways: Vec<&'static str>,
    /// Whether it carries a warning banner for mail from outside.
    pub banner: bool,
    /// The domain of its author (RFC 5322 section 3.6.2).
    pub author: Option<String>,
}

impl<'a> Analysis<'a> {
    /// Analyses a message; `None` when the bytes have no header fields a message must have.
    #[must_use]
    pub fn of(raw: &'a [u8]) -> Option<Analysis<'a>> {
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
        Some(Analysis {
            route: Route::of(&hop::chain(&block)),
            results: block
                .all("authentication-results")
                .take(MOST_RESULTS)
                .filter_map(Results::parse)
                .collect(),
            greylisted: block.first("x-greylist").and_then(arrival::greylisted),
            junk: arrival::junk(&block),
            gateways: arrival::gateways(&block),
            author: block.first("from").and_then(arrival::domain),
            links,
            banner,
            block,
        })
    }
}
