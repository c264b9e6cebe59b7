//! The steps of a target's way: chosen before its check begins, tried in order, each written down.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::observed::DirectBy;
#[cfg(not(feature = "pac"))]
use super::route::Route;
use super::route::Step;
use super::server::{Kind, Proxy};
use crate::net::Net;
use crate::stream::Stream;
use netcheck_record::escape;
use netcheck_record::failure::{Code, Failure};
use netcheck_record::target::Target;

impl Net {
    /// Chooses the way of a target: once, before its check begins. A script may have to be fetched and asked for it.
    pub async fn choose_proxy(&self, target: &Target) {
        if self.chosen().get().is_some() {
            self.note_route();
            return;
        }
        let route = match self.choice().fixed(target) {
            Some(route) => route,
            None => Box::pin(self.ask_script(target)).await,
        };
        let _ = self.chosen().set(route);
        self.note_route();
        if self.choice().differs_for_browsers(target) {
            self.note_browser(target).await;
        }
    }

    /// Notes the way of a browser, where a target's own client takes no proxy.
    async fn note_browser(&self, target: &Target) {
        let route = match self.choice().fixed_if_followed(target) {
            Some(route) => route,
            None => Box::pin(self.route_of_script(target)).await,
        };
        let way: Vec<String> = route.steps.iter().map(Step::to_string).collect();
        if let Some(first) = way.first().filter(|_| route.steps != [Step::Direct]) {
            self.see(|seen| seen.via.direct = Some(DirectBy::Client(first.clone())));
            if let Some(source) = &route.source {
                self.fact("proxy", "source", json!(source));
            }
            self.fact("proxy", "browser", json!(way));
        }
    }

    fn note_route(&self) {
        let Some(route) = self.chosen().get() else { return };
        if let Some(source) = &route.source {
            self.fact("proxy", "source", json!(source));
        }
        if let Some(entry) = &route.exempt {
            self.fact("proxy", "exempt", json!(escape::line(entry, 200)));
        }
        if route.steps == [Step::Direct] {
            let exemption = route.exempt.as_ref().map(|entry| escape::line(entry, 200));
            let by = exemption.map(DirectBy::Exemption);
            let by = by.or_else(|| route.script.clone().map(DirectBy::Script));
            if by.is_some() {
                self.see(|seen| seen.via.direct = by);
            }
        }
    }

    /// The steps of a target's way.
    #[must_use]
    pub fn steps(&self, target: &Target) -> Vec<Step> {
        let route = self.chosen().get().cloned().or_else(|| self.choice().fixed(target));
        route.map_or_else(|| vec![Step::Direct], |route| route.steps)
    }

    /// The step that is being tried, or that worked.
    #[must_use]
    pub fn step(&self, target: &Target) -> Step {
        let at = self.step_number().load(Ordering::Relaxed);
        self.steps(target).into_iter().nth(at).unwrap_or(Step::Direct)
    }

    /// The proxy this target goes through, if any.
    #[must_use]
    pub fn proxy_for(&self, target: &Target) -> Option<Proxy> {
        match self.step(target) {
            Step::Proxy(proxy) => Some(proxy),
            Step::Direct | Step::Unspoken(_) => None,
        }
    }

    /// Goes on to a step.
    pub fn take_step(&self, number: usize) {
        self.step_number().store(number, Ordering::Relaxed);
    }

    /// Whether a script that was fetched without TLS chose the proxies.
    pub(super) fn chosen_in_the_clear(&self) -> bool {
        self.chosen().get().is_some_and(|route| route.in_the_clear)
    }

    /// Writes down what became of a step, where there are several.
    pub fn note_step(&self, target: &Target, outcome: Result<(), Code>) {
        let steps = self.steps(target);
        if steps.len() < 2 {
            return;
        }
        let proxy = match self.step(target) {
            Step::Direct => "DIRECT".to_owned(),
            Step::Proxy(proxy) => proxy.to_string(),
            Step::Unspoken(text) => text,
        };
        let outcome = outcome.map_or_else(|code| json!(code), |()| json!("ok"));
        self.see(|seen| {
            let facts = seen.facts.entry("proxy").or_insert_with(|| json!({}));
            if let Some(Value::Array(list)) =
                facts.as_object_mut().map(|facts| facts.entry("steps").or_insert_with(|| json!([])))
            {
                list.push(json!({ "proxy": proxy, "outcome": outcome }));
            }
        });
    }

    /// Whether a browser would go on to the next proxy: refused, unknown, silent, or reset. A proxy that says no is
    /// heard, and so is one that closes in good order without a word.
    #[must_use]
    pub fn moves_to_next_proxy(&self, failure: &Failure) -> bool {
        matches!(failure.code, Code::ProxyUnreachable | Code::ProxyTimeout)
    }

    /// Connects to the forwarding proxy of a plain HTTP target, or to the target through a tunnel.
    ///
    /// # Errors
    /// The `proxy.*` codes.
    pub async fn to_forwarder(&self, proxy: &Proxy, target: &Target) -> Result<Stream, Failure> {
        match proxy.kind {
            Kind::Socks5h => self.through(proxy, &target.host, target.port()).await,
            Kind::Http | Kind::Https => self.to_proxy(proxy).await,
        }
    }

    #[cfg(not(feature = "pac"))]
    async fn route_of_script(&self, target: &Target) -> Route {
        self.ask_script(target).await
    }

    #[cfg(not(feature = "pac"))]
    async fn ask_script(&self, _target: &Target) -> Route {
        Route {
            steps: vec![Step::Direct],
            source: Some(self.choice().found_in().to_owned()),
            ..Route::default()
        }
    }
}
