//! The four services behind the schemes: whose they are, how a ClientHello to them looks, what is asked.

use netcheck_common::target::{Host, Target};

use crate::networks::Owner;

/// A service, as its scheme names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `apns`: the courier that devices keep a connection to.
    Courier,
    /// `apns-provider`: where senders hand notifications to Apple.
    Provider,
    /// `fcm`: what Android devices keep a connection to.
    Talk,
    /// `fcm-api`: where senders hand notifications to Google.
    Api,
}

impl Service {
    /// The service of a target.
    #[must_use]
    pub fn of(target: &Target) -> Service {
        match target.scheme.name {
            "apns-provider" => Service::Provider,
            "fcm" => Service::Talk,
            "fcm-api" => Service::Api,
            _ => Service::Courier,
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn owner(self) -> Owner {
        match self {
            Service::Courier | Service::Provider => Owner::Apple,
            Service::Talk | Service::Api => Owner::Google,
        }
    }

    /// Whether devices keep a connection to it; these survive no interception, trusted or not.
    #[must_use]
    pub const fn is_for_devices(self) -> bool {
        matches!(self, Service::Courier | Service::Talk)
    }

    /// The name in SNI and in the certificate. All couriers, `1-courier` to `50-courier`, go by one name.
    #[must_use]
    pub fn name(self, host: &Host) -> Host {
        match self {
            Service::Courier => Host::Name("courier.push.apple.com".into()),
            Service::Provider | Service::Talk | Service::Api => host.clone(),
        }
    }

    /// The ALPN protocols offered.
    #[must_use]
    pub const fn alpn(self) -> &'static [&'static str] {
        match self {
            Service::Courier => &["apns-security-v3"],
            Service::Provider => &["h2"],
            Service::Talk => &[],
            Service::Api => &["h2", "http/1.1"],
        }
    }

    /// What a sender without credentials posts to: a device that does not exist, a project that does not.
    #[must_use]
    pub fn path(self) -> String {
        match self {
            Service::Provider => format!("/3/device/{}", "0".repeat(64)),
            _ => "/v1/projects/x/messages:send".into(),
        }
    }
}
