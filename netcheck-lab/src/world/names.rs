//! The platform's names, addresses and certificates, as the lab's internet has them.

use crate::dns::Zone;

/// Who signs a site's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// The authority of `--public-roots`.
    Public,
    /// The authority of `--apple-roots`.
    Apple,
}

/// What answers at a site's port 443.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Pages.
    Page,
    /// Pages, and WebSockets where asked for.
    WebSocket,
    /// Apple's sender side: 403 without a token.
    Apns,
    /// Google's sender side: 401 without a token.
    Fcm,
    /// A push server: the handshake, then silence.
    Silent,
}

/// Names that share one certificate.
pub struct Site {
    /// What the site is called in the lab's files.
    pub key: &'static str,
    /// The names of its certificate.
    pub names: &'static [&'static str],
    /// Who signs it.
    pub signer: Signer,
    /// What it answers.
    pub answer: Answer,
}

const fn page(key: &'static str, names: &'static [&'static str]) -> Site {
    Site { key, names, signer: Signer::Public, answer: Answer::Page }
}

const fn socket(key: &'static str, names: &'static [&'static str]) -> Site {
    Site { key, names, signer: Signer::Public, answer: Answer::WebSocket }
}

/// Every site. The first answers names nobody has.
pub const SITES: &[Site] = &[
    socket("spotme", &["spotme.com", "*.spotme.com"]),
    socket("4pax", &["4pax.com", "*.4pax.com"]),
    page("install", &["install.events"]),
    page("mxpnl", &["mxpnl.com", "*.mxpnl.com"]),
    page("mixpanel", &["mixpanel.com", "*.mixpanel.com"]),
    page("highcharts", &["highcharts.com", "*.highcharts.com"]),
    socket("intercom", &["intercom.io", "*.intercom.io"]),
    socket("intercom-messenger", &["intercom-messenger.com", "*.intercom-messenger.com"]),
    page("intercomcdn", &["intercomcdn.com", "*.intercomcdn.com"]),
    page("intercomassets", &["intercomassets.com", "*.intercomassets.com"]),
    page("intercomusercontent", &["intercomusercontent.com", "*.intercomusercontent.com"]),
    page("intercom-sheets", &["intercom-sheets.com", "*.intercom-sheets.com"]),
    page("intercom-attachments", &["intercom-attachments.com", "*.intercom-attachments.com"]),
    page("intercom-reporting", &["intercom-reporting.com", "*.intercom-reporting.com"]),
    page("appcues", &["appcues.com", "*.appcues.com"]),
    socket("appcues-net", &["appcues.net", "*.appcues.net"]),
    socket("streamyard", &["streamyard.com", "*.streamyard.com"]),
    socket("tokbox", &["tokbox.com", "*.tokbox.com"]),
    socket("opentok", &["opentok.com", "*.opentok.com"]),
    page("vonage", &["vonage.com", "*.vonage.com", "*.api.vonage.com"]),
    page("google", &["google.com", "*.google.com", "gstatic.com", "*.gstatic.com", "dns.google"]),
    page("cloudflare", &["cloudflare.com", "*.cloudflare.com"]),
    page("apple-web", &["apple.com", "*.apple.com"]),
    Site { key: "fcm", names: &["fcm.googleapis.com"], signer: Signer::Public, answer: Answer::Fcm },
    Site {
        key: "mtalk",
        names: &["mtalk.google.com", "*.google.com"],
        signer: Signer::Public,
        answer: Answer::Silent,
    },
    Site { key: "apns", names: &["api.push.apple.com"], signer: Signer::Public, answer: Answer::Apns },
    Site {
        key: "courier",
        names: &["courier.push.apple.com", "*.courier.push.apple.com", "*.push.apple.com"],
        signer: Signer::Apple,
        answer: Answer::Silent,
    },
];

/// Every name with its IPv4 and IPv6 addresses; the numbered ones are made in [`hosts`].
const HOSTS: &[(&str, &str, &str)] = &[
    ("spotme.com", "18.195.10.11 18.195.10.12", "2a05:d014:a00::11"),
    ("www.spotme.com", "18.195.10.11 18.195.10.12", "2a05:d014:a00::11"),
    ("backstage.spotme.com", "18.195.10.21", "2a05:d014:a00::21"),
    ("www.4pax.com", "18.195.10.31", ""),
    ("mail.spotme.com", "198.2.132.142", ""),
    ("install.events", "52.58.61.17", ""),
    ("eu-channel.spotme.com", "52.28.30.1", ""),
    ("us-channel.spotme.com", "54.208.40.1", ""),
    ("ap-channel.spotme.com", "13.228.50.1", ""),
    ("eu-stream.spotme.com", "99.86.91.11", "2600:9000:2000::11"),
    ("us-stream.spotme.com", "99.86.92.12", "2600:9000:2000::12"),
    ("ap-stream.spotme.com", "99.86.93.13", "2600:9000:2000::13"),
    ("cdn.mxpnl.com", "130.211.5.208", ""),
    ("api-js.mixpanel.com", "35.190.25.25", ""),
    ("code.highcharts.com", "104.26.8.101", "2606:4700:20::681a:865"),
    ("export.highcharts.com", "104.26.9.101", "2606:4700:20::681a:965"),
    ("widget.intercom.io", "18.66.112.31", "2600:9000:2100::31"),
    ("api-iam.intercom.io", "52.6.91.32", ""),
    ("nexus-websocket-a.intercom.io", "34.198.10.33", ""),
    ("nexus-websocket-b.intercom.io", "34.198.10.34", ""),
    ("js.intercomcdn.com", "18.66.112.35", "2600:9000:2100::35"),
    ("static.intercomassets.com", "18.66.112.36", ""),
    ("uploads.intercomusercontent.com", "18.66.112.37", ""),
    ("intercom-sheets.com", "18.66.112.38", ""),
    ("www.intercom-sheets.com", "18.66.112.38", ""),
    ("www.intercom-attachments.com", "18.66.112.39", ""),
    ("www.intercom-reporting.com", "18.66.112.40", ""),
    ("intercom-messenger.com", "18.66.112.41", ""),
    ("www.intercom-messenger.com", "18.66.112.41", ""),
    ("fast.appcues.com", "151.101.2.110", "2a04:4e42::622"),
    ("images.appcues.com", "151.101.66.110", ""),
    ("api.appcues.net", "44.224.10.51", ""),
    ("streamyard.com", "104.22.68.61", "2606:4700:10::6816:443d"),
    ("tokbox.com", "74.201.205.10", ""),
    ("hlg.tokbox.com", "168.100.80.11", ""),
    ("static.opentok.com", "18.66.112.71", ""),
    ("config.opentok.com", "18.66.112.72", ""),
    ("anvil.opentok.com", "168.100.81.73", ""),
    ("api-enterprise.opentok.com", "168.100.81.74", ""),
    ("video.api.vonage.com", "216.147.10.81", ""),
    ("api.push.apple.com", "17.188.143.34 17.188.143.98", "2620:149:149::34"),
    ("courier.push.apple.com", "17.57.144.5", "2620:149:a44::5"),
    ("fcm.googleapis.com", "142.250.185.74", "2a00:1450:4001:80f::200a"),
    ("mtalk.google.com", "142.250.110.188", "2a00:1450:4010::bc"),
    ("stun.l.google.com", "74.125.250.129", "2a00:1450:4864:5:8000::1"),
    ("stun.cloudflare.com", "162.159.207.3", "2606:4700:49::3"),
    ("connectivitycheck.gstatic.com", "142.250.185.99", ""),
    ("captive.apple.com", "17.253.109.201", ""),
    ("www.google.com", "142.250.185.100", "2a00:1450:4001:80f::2004"),
    ("dns.google", "8.8.8.8", ""),
    ("www.apple.com", "23.55.161.10", ""),
];

/// The addresses the media and STUN servers answer on.
pub const MEDIA: &[&str] = &["168.100.80.11", "74.201.205.10", "74.125.250.129", "162.159.207.3"];

/// Every host: name, IPv4 and IPv6 addresses.
#[must_use]
pub fn hosts() -> Vec<(String, Vec<String>, Vec<String>)> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let mut hosts: Vec<_> =
        HOSTS.iter().map(|(name, v4, v6)| ((*name).to_owned(), words(v4), words(v6))).collect();
    for n in 1..=50 {
        let (v4, v6) = (format!("17.57.144.{}", n + 19), format!("2620:149:a44::{n:x}"));
        hosts.push((format!("{n}-courier.push.apple.com"), vec![v4], vec![v6]));
    }
    for n in 1..=8 {
        hosts.push((
            format!("alt{n}-mtalk.google.com"),
            vec![format!("142.250.{}.188", 150 + n)],
            Vec::new(),
        ));
    }
    hosts
}

/// What an honest resolver knows, but for the names that `zone` has already.
#[must_use]
pub fn zone(zone: Zone, known: &[String]) -> Zone {
    let hosts = hosts().into_iter().filter(|(name, ..)| !known.contains(name));
    let zone = hosts.fold(zone, |zone, (name, v4, v6)| {
        let v4: Vec<&str> = v4.iter().map(String::as_str).collect();
        let v6: Vec<&str> = v6.iter().map(String::as_str).collect();
        let zone = if v4.is_empty() { zone } else { zone.a(&name, &v4) };
        if v6.is_empty() { zone } else { zone.aaaa(&name, &v6) }
    });
    mail(zone)
}

fn mail(zone: Zone) -> Zone {
    zone.mx("spotme.com", 10, "mail.spotme.com")
        .txt("spotme.com", "v=spf1 include:_spf.spotme.com -all")
        .txt("_spf.spotme.com", "v=spf1 ip4:198.2.132.142 -all")
        .txt("_dmarc.spotme.com", "v=DMARC1; p=reject")
        .txt("mandrill._domainkey.spotme.com", &format!("v=DKIM1; k=rsa; p={DKIM}"))
        .ptr("198.2.132.142", "mail.spotme.com")
}

/// A public key nobody has the other half of.
const DKIM: &str = include_str!("dkim.txt");

#[cfg(test)]
mod tests {
    use super::*;

    /// `{a,b}` written out.
    fn expanded(text: &str) -> Vec<String> {
        let Some((before, rest)) = text.split_once('{') else { return vec![text.to_owned()] };
        let (choices, after) = rest.split_once('}').unwrap();
        choices.split(',').flat_map(|choice| expanded(&format!("{before}{choice}{after}"))).collect()
    }

    #[test]
    fn every_host_of_the_profile_is_in_the_lab() {
        let profile = include_str!("../../../profiles/spotme.toml");
        let targets =
            profile.lines().filter_map(|line| line.trim().strip_prefix("target = \"")?.strip_suffix('"'));
        let known: Vec<String> = hosts().into_iter().map(|(name, ..)| name).collect();
        let mut seen = 0;
        for target in targets.flat_map(expanded) {
            let host = target.split_once("://").unwrap().1.split([':', '/']).next().unwrap().to_owned();
            assert!(known.contains(&host), "{target}");
            seen += 1;
        }
        assert!(seen > 50, "{seen}");
    }
}
