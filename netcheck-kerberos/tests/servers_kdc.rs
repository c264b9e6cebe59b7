//! The client against MIT's KDC, and its tokens before Squid's helper.
#![expect(
    clippy::disallowed_methods,
    reason = "the test dials the KDC itself and reads this machine's clock"
)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netcheck_kerberos::link::{framed, unframed};
use netcheck_kerberos::{
    Ccache, Config, Fault, Identity, Kdc, KdcAnswer, KdcAttempt, NoKdc, Principal, ServiceTicket, Time,
    keytab, obtain,
};
use netcheck_lab::kerberos::{ALL_ETYPES, Realm};

const REALM: &str = "LAB.TEST";
const SERVICE: &str = "HTTP/proxy.lab.test";

/// A blocking way to the KDC, with a clock that is off by `skew` seconds.
struct Link {
    config: Config,
    skew: i64,
}

impl Kdc for Link {
    fn now(&self) -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let micros = i32::try_from(since.subsec_micros()).unwrap();
        Time { seconds: i64::try_from(since.as_secs()).unwrap() + self.skew, micros }
    }

    async fn exchange(&mut self, realm: &str, request: &[u8]) -> Result<KdcAnswer, NoKdc> {
        let kdcs = self.config.kdcs(realm);
        if kdcs.is_empty() {
            return Err(NoKdc::NotConfigured);
        }
        let mut attempts = Vec::new();
        for (host, port) in kdcs {
            let kdc = format!("{host}:{port}");
            match ask(&kdc, request) {
                Ok(bytes) => return Ok(KdcAnswer { bytes, kdc }),
                Err(error) => attempts.push(KdcAttempt { kdc, why: error.kind().to_string() }),
            }
        }
        Err(NoKdc::Unreachable(attempts))
    }
}

fn ask(kdc: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(kdc)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&framed(request))?;
    let (mut raw, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(whole) = unframed(&raw).map_err(std::io::Error::other)? {
            return Ok(whole.to_vec());
        }
        match stream.read(&mut piece)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => raw.extend_from_slice(&piece[..count]),
        }
    }
}

fn link(realm: &Realm, skew: i64) -> Link {
    Link { config: Config::parse(&fs::read_to_string(realm.path("krb5.conf")).unwrap()), skew }
}

fn ticket(link: &mut Link, identity: &Identity, service: &str) -> Result<ServiceTicket, Fault> {
    let service = Principal::parse(service).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(obtain(link, identity, &service))
}

fn cache(file: &Path) -> Identity {
    let cache = Ccache::parse(&fs::read(file).unwrap()).unwrap();
    Identity::Cache { cache, place: format!("FILE:{}", file.display()) }
}

fn password(user: &str, password: &str) -> Identity {
    let principal = Principal::parse(&format!("{user}@{REALM}")).unwrap();
    Identity::Password { principal, password: password.to_owned() }
}

/// A realm with a user, a proxy and the proxy's keytab.
fn realm() -> Realm {
    let realm = Realm::start(&[REALM], ALL_ETYPES, "");
    realm.admin(REALM, "addprinc -pw secret +requires_preauth alice");
    realm.admin(REALM, &format!("addprinc -randkey {SERVICE}"));
    realm.admin(REALM, &format!("ktadd -k http.keytab {SERVICE}"));
    realm
}

/// Whom the proxy lets in with this ticket.
fn admitted(realm: &Realm, link: &Link, ticket: &ServiceTicket) -> String {
    let token = STANDARD.encode(ticket.token(link.now()));
    let verdict = realm.judge(&realm.path("http.keytab"), &format!("{SERVICE}@{REALM}"), &token);
    let user = verdict.split_whitespace().find_map(|word| word.strip_prefix("user="));
    user.map_or(verdict.clone(), str::to_owned)
}

#[test]
fn a_password_a_keytab_and_a_cache_open_the_proxy() {
    let realm = realm();
    realm.admin(REALM, "addprinc -randkey robot");
    realm.admin(REALM, "ktadd -k robot.keytab robot");
    realm.log_on("alice", "secret", &[]);
    let robot = Principal::parse("robot@LAB.TEST").unwrap();
    let keys = keytab::parse(&fs::read(realm.path("robot.keytab")).unwrap()).unwrap();
    let identities = [
        (password("alice", "secret"), "alice@LAB.TEST"),
        (Identity::Keytab { principal: robot, keys }, "robot@LAB.TEST"),
        (cache(&realm.path("cc")), "alice@LAB.TEST"),
    ];
    for (identity, verdict) in identities {
        let mut link = link(&realm, 0);
        let ticket = ticket(&mut link, &identity, SERVICE).unwrap();
        assert_eq!(admitted(&realm, &link, &ticket), verdict, "{identity:?}");
        assert_eq!(ticket.service.to_string(), "HTTP/proxy.lab.test@LAB.TEST");
        assert_eq!((ticket.etype, ticket.kvno), (Some(20), Some(2)));
        assert_eq!(ticket.kdc.as_deref(), Some(realm.kdc_address.as_str()));
    }
}

#[test]
fn a_service_ticket_in_the_cache_needs_no_kdc() {
    let mut realm = realm();
    realm.log_on("alice", "secret", &[]);
    realm.run("kvno", &[SERVICE], "");
    realm.pause();
    let mut link = link(&realm, 0);
    let ticket = ticket(&mut link, &cache(&realm.path("cc")), SERVICE).unwrap();
    assert_eq!((ticket.kdc.as_deref(), ticket.kvno), (None, Some(2)));
    assert_eq!(admitted(&realm, &link, &ticket), "alice@LAB.TEST");
}

#[test]
fn a_folder_of_caches_names_the_one_in_use() {
    let realm = realm();
    fs::create_dir(realm.path("caches")).unwrap();
    let folder = format!("DIR:{}", realm.path("caches").display());
    realm.log_on("alice", "secret", &["-c", &folder]);
    let primary = fs::read_to_string(realm.path("caches/primary")).unwrap();
    let file = realm.path("caches").join(netcheck_kerberos::location::primary(&primary).unwrap());
    assert!(ticket(&mut link(&realm, 0), &cache(&file), SERVICE).is_ok());
}

#[test]
fn session_keys_of_every_type_are_spoken() {
    let realm = realm();
    let names = [
        (17, "aes128-cts-hmac-sha1-96"),
        (18, "aes256-cts-hmac-sha1-96"),
        (19, "aes128-cts-hmac-sha256-128"),
        (20, "aes256-cts-hmac-sha384-192"),
    ];
    let config = fs::read_to_string(realm.path("krb5.conf")).unwrap();
    for (number, name) in names {
        let only = config.replace("[libdefaults]", &format!("[libdefaults]\npermitted_enctypes = {name}"));
        fs::write(realm.path("only.conf"), only).unwrap();
        let mut command = realm.command("kinit");
        command.env("KRB5_CONFIG", realm.path("only.conf")).args(["-c", "only", "alice"]);
        netcheck_lab::world::output_of(&mut command, "secret\n").unwrap();
        let Identity::Cache { cache, .. } = cache(&realm.path("only")) else { unreachable!() };
        let held = cache.ticket_for(&Principal::ticket_granting(REALM, REALM)).unwrap();
        assert_eq!(held.key.as_ref().unwrap().enctype().to_i32(), number);
        let mut link = link(&realm, 0);
        let identity = Identity::Cache { cache, place: "only".into() };
        let ticket = ticket(&mut link, &identity, SERVICE).unwrap();
        assert_eq!(admitted(&realm, &link, &ticket), "alice@LAB.TEST", "{name}");
    }
}

/// The KDC's error code of a fault.
fn code(result: Result<ServiceTicket, Fault>) -> i32 {
    match result.unwrap_err() {
        Fault::Refused(refusal) => refusal.code,
        other => panic!("{other}"),
    }
}

#[test]
fn what_the_kdc_refuses_has_its_code() {
    let realm = realm();
    realm.log_on("alice", "secret", &[]);
    let mut link = link(&realm, 0);
    assert_eq!(code(ticket(&mut link, &cache(&realm.path("cc")), "HTTP/10.99.0.2")), 7);
    assert_eq!(code(ticket(&mut link, &password("alice", "wrong"), SERVICE)), 24);
    assert_eq!(code(ticket(&mut link, &password("nobody", "secret"), SERVICE)), 6);
}

#[test]
fn a_clock_that_is_off_is_measured_against_the_kdc() {
    let realm = realm();
    realm.log_on("alice", "secret", &[]);
    for skew in [-600, 600] {
        let mut link = link(&realm, skew);
        let Err(Fault::Refused(refusal)) = ticket(&mut link, &cache(&realm.path("cc")), SERVICE) else {
            panic!("the KDC takes a clock that is off by {skew} s")
        };
        assert_eq!(refusal.code, 37);
        assert!(refusal.skew.is_some_and(|seen| (seen - skew).abs() < 5), "{refusal:?}");
        // With a password the KDC's own time is used, as kinit does.
        assert!(ticket(&mut link, &password("alice", "secret"), SERVICE).is_ok());
    }
}

#[test]
fn a_cache_that_knows_the_clocks_offset_works_on_a_machine_whose_clock_is_off() {
    let realm = realm();
    let mut command = realm.command("faketime");
    command.args(["-f", "-600", "kinit", "-c", "late", "alice"]);
    netcheck_lab::world::output_of(&mut command, "secret\n").unwrap();
    let identity = cache(&realm.path("late"));
    let Identity::Cache { cache, .. } = &identity else { unreachable!() };
    assert!((595..=605).contains(&cache.offset), "{}", cache.offset);
    let mut link = link(&realm, -600);
    let ticket = ticket(&mut link, &identity, SERVICE).unwrap();
    assert_eq!(admitted(&realm, &link, &ticket), "alice@LAB.TEST");
}

#[test]
fn no_ticket_and_an_ended_one_are_told_without_asking() {
    let realm = realm();
    realm.log_on("alice", "secret", &["-l", "1h"]);
    let identity = cache(&realm.path("cc"));
    let fault = ticket(&mut link(&realm, 3600 + 3934), &identity, SERVICE).unwrap_err();
    let Fault::Expired { principal, ago, .. } = fault else { panic!("{fault}") };
    assert_eq!(principal, "alice@LAB.TEST");
    assert!((3930..3945).contains(&ago), "{ago}");
    let Identity::Cache { cache, place } = identity else { unreachable!() };
    let empty = Identity::Cache { cache: Ccache { tickets: Vec::new(), ..cache }, place };
    assert!(matches!(ticket(&mut link(&realm, 0), &empty, SERVICE), Err(Fault::NoTicket { .. })));
}

#[test]
fn a_kdc_that_refuses_and_one_that_nobody_names() {
    let mut realm = realm();
    realm.log_on("alice", "secret", &[]);
    realm.pause();
    let fault = ticket(&mut link(&realm, 0), &cache(&realm.path("cc")), SERVICE).unwrap_err();
    let Fault::Unreachable { attempts, .. } = fault else { panic!("{fault}") };
    assert_eq!(attempts, [KdcAttempt { kdc: realm.kdc_address.clone(), why: "connection refused".into() }]);
    let mut nowhere = Link { config: Config::default(), skew: 0 };
    let fault = ticket(&mut nowhere, &cache(&realm.path("cc")), SERVICE).unwrap_err();
    assert_eq!(fault, Fault::NotConfigured { realm: REALM.into() });
}

#[test]
fn a_proxy_of_another_realm_is_reached_by_referral_or_by_name() {
    let more = "[domain_realm]\n.other.test = OTHER.TEST\n";
    let realm = Realm::start(&[REALM, "OTHER.TEST"], ALL_ETYPES, more);
    realm.admin(REALM, "addprinc -pw secret +requires_preauth alice");
    for name in [REALM, "OTHER.TEST"] {
        realm.admin(name, "addprinc -pw shared krbtgt/OTHER.TEST@LAB.TEST");
    }
    realm.admin("OTHER.TEST", "addprinc -randkey HTTP/proxy.other.test");
    realm.log_on("alice", "secret", &[]);
    for service in ["HTTP/proxy.other.test", "HTTP/proxy.other.test@OTHER.TEST"] {
        let ticket = ticket(&mut link(&realm, 0), &cache(&realm.path("cc")), service).unwrap();
        assert_eq!(ticket.service.to_string(), "HTTP/proxy.other.test@OTHER.TEST");
        assert_eq!(ticket.client.to_string(), "alice@LAB.TEST");
    }
}

#[test]
fn a_key_that_the_proxy_no_longer_has_is_refused_and_its_version_known() {
    let realm = realm();
    realm.admin(REALM, &format!("cpw -randkey {SERVICE}"));
    realm.log_on("alice", "secret", &[]);
    let mut link = link(&realm, 0);
    let ticket = ticket(&mut link, &cache(&realm.path("cc")), SERVICE).unwrap();
    assert_eq!(ticket.kvno, Some(3));
    assert!(admitted(&realm, &link, &ticket).starts_with("BH"));
}

#[test]
fn nothing_shows_a_password_a_key_or_a_ticket() {
    let realm = realm();
    realm.log_on("alice", "secret", &[]);
    let identity = cache(&realm.path("cc"));
    let ticket = ticket(&mut link(&realm, 0), &identity, SERVICE).unwrap();
    let Identity::Cache { cache, .. } = &identity else { unreachable!() };
    let shown = format!("{identity:?} {cache:?} {ticket:?} {:?}", password("alice", "hunter2"));
    assert!(!shown.contains("hunter2"), "{shown}");
    let held = &cache.tickets[0];
    for secret in [held.key.as_ref().unwrap().key(), &held.ticket[..16]] {
        let listed = secret.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        assert!(!shown.contains(&listed), "{shown}");
    }
}
