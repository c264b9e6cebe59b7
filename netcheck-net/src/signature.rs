//! Marks by which interception products and block pages are known: data of profiles/signatures.toml, not code.

use std::net::IpAddr;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::http::answer::Answer;

/// What a recognised page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Page {
    /// A "this is blocked" page.
    Block,
    /// A log-in page of a captive portal.
    Portal,
}

/// A page that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Whose product it is.
    pub vendor: &'static str,
    /// What it is.
    pub page: Page,
    /// What gave it away.
    pub mark: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    vendor: Vec<Vendor>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vendor {
    name: String,
    #[serde(default)]
    issuer: Vec<String>,
    #[serde(default)]
    header: Vec<String>,
    #[serde(default)]
    body: Vec<String>,
    #[serde(default)]
    location: Vec<String>,
    #[serde(default)]
    address: Vec<ipnet::IpNet>,
    #[serde(default = "block")]
    page: Page,
    /// It runs on the machine itself, as antivirus programs and debugging proxies do.
    #[serde(default)]
    local: bool,
}

fn block() -> Page {
    Page::Block
}

static DATA: LazyLock<Data> =
    LazyLock::new(|| toml::from_str(include_str!("../../profiles/signatures.toml")).unwrap_or_default());

/// The vendor whose product signs with this issuer name.
#[must_use]
pub fn vendor_of_issuer(issuer: &str) -> Option<&'static str> {
    let issuer = issuer.to_lowercase();
    let known = |vendor: &&Vendor| vendor.issuer.iter().any(|mark| issuer.contains(mark.as_str()));
    DATA.vendor.iter().find(known).map(|vendor| vendor.name.as_str())
}

/// Whether this vendor's product opens TLS on the machine itself.
#[must_use]
pub fn is_local(vendor: &str) -> bool {
    DATA.vendor.iter().any(|known| known.name == vendor && known.local)
}

/// The vendor whose block pages live at this address.
#[must_use]
pub fn vendor_of_address(address: IpAddr) -> Option<&'static str> {
    let known = |vendor: &&Vendor| vendor.address.iter().any(|net| net.contains(&address));
    DATA.vendor.iter().find(known).map(|vendor| vendor.name.as_str())
}

/// Recognises a block page or a captive portal's page.
#[must_use]
pub fn match_page(answer: &Answer) -> Option<Match> {
    let body = String::from_utf8_lossy(&answer.body).to_lowercase();
    let location = answer.header("location").unwrap_or_default().to_lowercase();
    let headers: Vec<String> =
        answer.headers.iter().map(|(name, value)| format!("{name}: {value}").to_lowercase()).collect();
    DATA.vendor.iter().find_map(|vendor| {
        let found = |marks: &[String], place: &str, text: &str| {
            marks
                .iter()
                .find(|mark| text.contains(mark.as_str()))
                .map(|mark| format!("{place} has \"{mark}\""))
        };
        let mark = headers
            .iter()
            .find_map(|header| found(&vendor.header, "a header", header))
            .or_else(|| found(&vendor.location, "the redirect", &location))
            .or_else(|| found(&vendor.body, "the page", &body))?;
        Some(Match { vendor: &vendor.name, page: vendor.page, mark })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signatures_can_be_read_and_are_lower_case() {
        assert!(toml::from_str::<Data>(include_str!("../../profiles/signatures.toml")).is_ok());
        assert!(DATA.vendor.len() > 10);
        for vendor in &DATA.vendor {
            for mark in vendor.issuer.iter().chain(&vendor.header).chain(&vendor.body).chain(&vendor.location)
            {
                assert_eq!(*mark, mark.to_lowercase(), "{}", vendor.name);
                assert!(mark.len() >= 4, "{mark}: too short to mean anything");
            }
        }
    }

    #[test]
    fn a_title_that_several_vendors_use_names_none_of_them() {
        let vendor = |page: &str| {
            let answer = Answer { body: page.into(), ..Answer::default() };
            match_page(&answer).map(|page| page.vendor)
        };
        for title in ["Web Page Blocked", "Application Blocked"] {
            let page = format!("<html><head><title>{title}</title></head>");
            assert_eq!(vendor(&page), Some("policy page"));
            assert_eq!(vendor(&format!("{page}<p>FortiGuard Web Filtering</p>")), Some("Fortinet"));
            assert_eq!(vendor(&format!("{page}<p>Palo Alto Networks</p>")), Some("Palo Alto Networks"));
        }
    }

    #[test]
    fn an_issuer_names_its_vendor() {
        assert_eq!(vendor_of_issuer("Zscaler Intermediate Root CA (Zscaler Inc.)"), Some("Zscaler"));
        assert_eq!(vendor_of_issuer("GTS CA 1C3 (Google Trust Services LLC)"), None);
    }
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod properties;
