//! What an HTTP answer says about the way to the service (the contract's rules for HTTP).

use netcheck_common::cause::{Cause, Confidence, Reason, Who};
use netcheck_common::diagnose::fix;
use netcheck_common::failure::{Code, Failure};
use netcheck_common::http::Answer;
use netcheck_common::net::Net;
use netcheck_common::signature::{self, Match};
use netcheck_common::target::Target;
use netcheck_common::tls::Trust;

/// Something an administrator should know, although the service can be used.
#[derive(Debug)]
pub struct Remark {
    /// What was seen.
    pub failure: Failure,
    /// Why.
    pub cause: Cause,
}

/// An answer over TLS. From a service that proved itself any 4xx is a pass: the network let it through. Where TLS was
/// opened on the path, that is what there is to say, and not that a page is missing.
///
/// # Errors
/// The answer is not the service's own.
pub fn secure(net: &Net, answer: Answer, trust: Trust, target: &Target) -> Result<Option<Remark>, Failure> {
    // What a service proves to be its own may speak of blocked pages; what somebody else signed for it may not.
    let page = if answer.status >= 400 || trust != Trust::Public { recognised(net, &answer) } else { None };
    match answer.status {
        _ if page.is_some() => Err(status(&answer, page)),
        100..=399 => Ok(None),
        407 if trust != Trust::Public => {
            Err(Failure::new(Code::HttpProxyAuth, "407: a proxy nobody configured asks for credentials"))
        }
        // Nothing on the path can put an answer into intact TLS.
        407 => Ok(Some(odd(&answer, target))),
        500.. => Ok(Some(service_down(&answer, target))),
        429 => Ok(Some(busy(&answer, target))),
        403 | 451 if trust != Trust::Public => Ok(Some(forbidden(&answer, target))),
        _ => Ok(None),
    }
}

/// An answer over plain HTTP, which anyone on the path could have written.
///
/// # Errors
/// The answer is not the service's own, or the service cannot be used.
pub fn plain(net: &Net, answer: Answer, forwarded: bool, target: &Target) -> Result<Option<Remark>, Failure> {
    let page = recognised(net, &answer);
    match answer.status {
        _ if !forwarded && net.is_block_page_address() => Err(status(&answer, page)),
        407 => Err(Failure::new(Code::HttpProxyAuth, "407: a proxy nobody configured asks for credentials")),
        403 if forwarded && page.is_some() => {
            Err(Failure::new(Code::ProxyDenied, "403: the proxy refuses it"))
        }
        _ if page.is_some() => Err(status(&answer, page)),
        300..=399 if is_foreign(&answer, target) => {
            let location = answer.destination().unwrap_or_default();
            Err(Failure::new(Code::HttpRedirectForeign, format!("redirected to {location}")))
        }
        // Only portals answer so (RFC 6585 section 6).
        511 => Err(status(&answer, None)),
        403 | 451 => Ok(Some(forbidden(&answer, target))),
        429 => Ok(Some(busy(&answer, target))),
        500.. => Err(status(&answer, None)),
        _ => Ok(None),
    }
}

fn recognised(net: &Net, answer: &Answer) -> Option<Match> {
    let page = signature::match_page(answer)?;
    net.fact("http", "page", format!("{} ({})", page.vendor, page.mark));
    Some(page)
}

fn status(answer: &Answer, page: Option<Match>) -> Failure {
    let whose = page.map_or(String::new(), |page| format!(": a page of {} ({})", page.vendor, page.mark));
    Failure::new(Code::HttpStatus, format!("HTTP {}{whose}", answer.status))
}

fn service_down(answer: &Answer, target: &Target) -> Remark {
    let fix = format!(
        "Nothing in this network: tell the operator of {} that it answers {}.",
        target.authority(),
        answer.status
    );
    Remark {
        failure: Failure::new(Code::HttpStatus, format!("HTTP {}", answer.status)),
        cause: Cause::new(Reason::ServiceDown, Who::Service, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence("the answer came over TLS with the service's own certificate")
            .with_evidence(format!("HTTP {}", answer.status)),
    }
}

fn odd(answer: &Answer, target: &Target) -> Remark {
    let fix = fix::service(target, "it answers 407, which only proxies do");
    Remark {
        failure: Failure::new(Code::HttpProxyAuth, format!("HTTP {}", answer.status)),
        cause: Cause::new(Reason::ServiceMisconfigured, Who::Service, fix)
            .with_confidence(Confidence::Medium)
            .with_evidence("the answer came over TLS with the service's own certificate")
            .with_evidence(format!("HTTP {}", answer.status)),
    }
}

fn busy(answer: &Answer, target: &Target) -> Remark {
    let fix = format!(
        "Nothing in this network: {} limits how often it may be asked; ask again later.",
        target.authority()
    );
    Remark {
        failure: Failure::new(Code::HttpStatus, format!("HTTP {}: too many requests", answer.status)),
        cause: Cause::new(Reason::ServiceDown, Who::Service, fix).with_evidence("HTTP 429"),
    }
}

fn forbidden(answer: &Answer, target: &Target) -> Remark {
    let fix = format!(
        "Allow {} to {} TCP, or ask its operator whether the answer {} is its own.",
        target.scheme.name.to_uppercase(),
        target.authority(),
        answer.status
    );
    Remark {
        failure: Failure::new(Code::HttpStatus, format!("HTTP {}", answer.status)),
        cause: Cause::new(Reason::Unknown, Who::Unknown, fix)
            .with_evidence(format!("HTTP {} without the marks of a known block page", answer.status)),
    }
}

/// Whether a redirect leaves the site: another name than ours, its parent or its child.
fn is_foreign(answer: &Answer, target: &Target) -> bool {
    let Some(location) = answer.header("location") else { return false };
    let Some((_, rest)) = location.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase();
    let authority = authority.rsplit_once('@').map_or(authority.as_str(), |(_, host)| host);
    let host = match authority.strip_prefix('[') {
        Some(literal) => literal.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let own = target.host.to_string();
    let own = own.trim_start_matches('[').trim_end_matches(']');
    let under = |name: &str, parent: &str| name.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
    !(host == own || under(host, own) || under(own, host) || same_site(host, own))
}

/// Siblings under one parent: www.example.com and app.example.com.
fn same_site(one: &str, other: &str) -> bool {
    // Addresses have no parents.
    if [one, other].iter().any(|host| host.parse::<std::net::IpAddr>().is_ok()) {
        return false;
    }
    let parent = |name: &str| name.split_once('.').map(|(_, parent)| parent.to_owned());
    match (parent(one), parent(other)) {
        (Some(one), Some(other)) => one == other && one.contains('.'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netcheck_common::spec::{Sampling, Spec};

    fn foreign(location: &str) -> bool {
        let spec = Spec::parse("http://www.spotme.com", "tcp", Sampling::default()).unwrap();
        let target = spec.expand(Sampling::default()).next().unwrap();
        let headers = vec![("location".to_owned(), location.to_owned())];
        is_foreign(&Answer { status: 302, headers, ..Answer::default() }, &target)
    }

    #[test]
    fn a_redirect_within_the_site_is_not_foreign() {
        for location in
            ["/login", "https://www.spotme.com/", "https://spotme.com", "http://app.spotme.com:8080/x"]
        {
            assert!(!foreign(location), "{location}");
        }
    }

    #[test]
    fn a_redirect_to_another_site_is_foreign() {
        for location in [
            "http://portal.corp.example/login",
            "https://notspotme.com",
            "http://www.spotme.com@evil.test",
            "http://10.0.0.1/",
        ] {
            assert!(foreign(location), "{location}");
        }
    }
}
