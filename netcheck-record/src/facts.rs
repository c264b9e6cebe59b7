//! The published shape of `facts`: what every check may learn, and how each check's own facts join the schema.
//!
//! The way to a service writes these facts where it learns them; here they are declared once, for the schema and its
//! readers. Every test that runs a tool validates its records against it.

use std::net::IpAddr;

use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::cause::Confidence;
use crate::failure::Code;

/// What every check may learn on the path to its target.
#[derive(Debug, JsonSchema)]
pub struct CommonFacts {
    /// The addresses of the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<DnsFacts>,
    /// Both address families of a dual-stack name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<TcpFacts>,
    /// The proxy between this machine and the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyFacts>,
    /// The TLS handshake and the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFacts>,
    /// The HTTP response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpFacts>,
    /// Rule proof (`check-tcp --prove`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prove: Option<ProofFacts>,
    /// What a filter matches (`--prove filter`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<FilterFacts>,
    /// Attempts made, where `--attempts` allows more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// What this machine's operating system does not tell, where there is something of the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemFacts>,
}

/// The operating system of this machine.
#[derive(Debug, JsonSchema)]
pub struct SystemFacts {
    /// What it does not tell, sorted (docs/PLATFORMS.md): no cause is concluded from its absence, and a cause that rests on
    /// it has the confidence `low`.
    pub blind: Vec<BlindSense>,
}

/// Something that an operating system may not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BlindSense {
    /// How many bytes the peer's TCP acknowledged, and how many were not sent.
    Acked,
    /// Whether a program of this machine holds the other end of a connection.
    PeerSocket,
    /// ICMP echo from a socket of this user.
    Ping,
    /// How far the RST or SYN-ACK travelled.
    ResetDistance,
    /// How many octets this machine's IP layer sent.
    SentOctets,
    /// A limit of the segment size for one connection.
    SmallSegments,
    /// ICMP type, code and sender for a TCP connection.
    TcpIcmp,
    /// ICMP type, code and sender for a datagram.
    UdpIcmp,
}

/// The addresses of the name.
#[derive(Debug, JsonSchema)]
pub struct DnsFacts {
    /// The resolver that answered, with its port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
    /// The CNAME chain, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// How the question for A ended: `ok`, or the second half of a `dns.*` code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub a: Option<String>,
    /// How the question for AAAA ended: `ok`, or the second half of a `dns.*` code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aaaa: Option<String>,
    /// The name's HTTPS records (RFC 9460), which browsers ask for; https and wss only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub https: Option<HttpsRecordFacts>,
    /// The ALPN protocols of the encrypted resolver that the resolver designates (RFC 9462).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub designated: Vec<String>,
    /// Extended DNS errors (RFC 8914).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extended_errors: Vec<ExtendedError>,
    /// `hosts` where the hosts file, or the name itself, has the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What an administrator should know of the resolvers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The HTTPS records of a name.
#[derive(Debug, JsonSchema)]
pub struct HttpsRecordFacts {
    /// The ALPN protocols they offer.
    pub alpn: Vec<String>,
    /// Whether one has a key for Encrypted Client Hello.
    pub ech: bool,
}

/// One extended DNS error.
#[derive(Debug, JsonSchema)]
pub struct ExtendedError {
    /// INFO-CODE.
    pub code: u16,
    /// EXTRA-TEXT.
    pub text: String,
}

/// Both address families of a dual-stack name.
#[derive(Debug, JsonSchema)]
pub struct TcpFacts {
    /// IPv4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4: Option<FamilyFacts>,
    /// IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6: Option<FamilyFacts>,
}

/// One address family.
#[derive(Debug, JsonSchema)]
pub struct FamilyFacts {
    /// The address that was tried.
    pub address: IpAddr,
    /// Whether it connected.
    pub ok: bool,
    /// How long that took, in microseconds.
    pub us: u64,
    /// Why it did not connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Code>,
}

/// The proxy between this machine and the target.
#[derive(Debug, JsonSchema)]
pub struct ProxyFacts {
    /// The HTTP status of the proxy's own answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The authentication schemes it offers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schemes: Vec<String>,
    /// The domain that an NTLM challenge names, where its 407 holds one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ntlm_domain: Option<String>,
    /// Why the proxy was not reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Code>,
    /// Where the setting was found: `flag`, `environment`, `policy FILE`, `gnome`, `kde`, `wpad`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The entry that exempts the target from the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exempt: Option<String>,
    /// The proxy script (PAC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pac: Option<PacFacts>,
    /// Each proxy that was tried, where the script names several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ProxyStep>,
    /// What answered a 407.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthFacts>,
    /// The proxies that a browser's connection to the same host and port would take, in order, where the target's own
    /// client takes none (push, mail, TURN); only with `--proxy system` or `pac+URL`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub browser: Vec<String>,
    /// The proxies a target would take, in order (`--list-proxies` only).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub list: Vec<String>,
}

/// The proxy script (PAC).
#[derive(Debug, JsonSchema)]
pub struct PacFacts {
    /// Its address.
    pub url: String,
    /// Its length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<usize>,
    /// How long it took to fetch, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub us: Option<u64>,
    /// The names it resolved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names_asked: Vec<String>,
    /// What it returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Code>,
}

/// One proxy of several.
#[derive(Debug, JsonSchema)]
pub struct ProxyStep {
    /// The proxy, or `DIRECT`.
    pub proxy: String,
    /// `ok`, or a failure code.
    pub outcome: String,
}

/// What answered a 407.
#[derive(Debug, JsonSchema)]
pub struct AuthFacts {
    /// The scheme that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// The service principal that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spn: Option<String>,
    /// The client's principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// When the ticket ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket_ends: Option<String>,
    /// Its encryption type, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etype: Option<i64>,
    /// Its key version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kvno: Option<i64>,
    /// The KDC that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kdc: Option<String>,
    /// The KDC's error, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kdc_code: Option<i64>,
    /// This machine's clock minus the KDC's, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skew_s: Option<i64>,
    /// The error in the proxy's own token, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_code: Option<i64>,
}

/// The TLS handshake and the certificate.
#[derive(Debug, JsonSchema)]
pub struct TlsFacts {
    /// The name that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sni: Option<String>,
    /// The version both agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The cipher suite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// The ALPN protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// The alert the peer sent, by number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<u8>,
    /// `browser` or `small`: the ClientHello that was not answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hello: Option<String>,
    /// The subject of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The names it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// When its validity begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// When its validity ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// How many certificates were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<usize>,
    /// The SHA-256 of the leaf certificate, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Who trusts it: `public`, `system` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// The interception product that the issuer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
}

/// The HTTP response.
#[derive(Debug, JsonSchema)]
pub struct HttpFacts {
    /// Its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The `Server` field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// Where it redirects to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The `Via` field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// The known page it is, with its vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// Rule proof (docs/DIAGNOSIS.md).
#[derive(Debug, JsonSchema)]
pub struct ProofFacts {
    /// The wildcard rule: `proven`, `unproven` or `listed_only`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wildcard: Option<String>,
    /// The random name that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The path: `proven`, `unproven` or `blocked`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What a filter matches (docs/DIAGNOSIS.md).
#[derive(Debug, JsonSchema)]
pub struct FilterFacts {
    /// `sni_exact`, `sni_suffix`, `sni_below`, `sni_wildcard`, `sni_contains`, the same with `host_` and `connect_`, `alpn`,
    /// `hello_length`, `hello_segments`, `packet_length`, `hello_content`, `tls`, `quic_version`, `port`, `address`, `udp`, or `unknown`.
    pub matches: String,
    /// The name, protocol, port, address or length that is matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Whether upper and lower case differ for it, where that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_sensitive: Option<bool>,
    /// Whether it reads the first TCP segment only, where that was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_segment_only: Option<bool>,
    /// What was compared.
    pub pairs: Vec<FilterPair>,
    /// How sure that is.
    pub confidence: Confidence,
    /// The rule in words.
    pub rule: String,
}

/// One comparison of a filter.
#[derive(Debug, JsonSchema)]
pub struct FilterPair {
    /// What was changed against what the check sent.
    pub change: String,
    /// The result of what the check sent: `lost`.
    pub first: String,
    /// The result of the changed one: `lost`, `answered`, or `both` where it varied.
    pub second: String,
}

/// The facts of one check: its name in records, and its schema.
pub struct CheckFacts {
    /// The name: `tcp`.
    pub check: &'static str,
    /// Its own facts.
    pub own: fn(&mut SchemaGenerator) -> Schema,
}

/// A condition for each check: where `check` is its name, `facts` is the common facts and its own, and nothing else.
pub(crate) fn conditions(checks: &[CheckFacts], generator: &mut SchemaGenerator) -> Vec<Value> {
    let common = properties(&CommonFacts::json_schema(generator));
    checks
        .iter()
        .map(|check| {
            let mut all = common.clone();
            all.extend(properties(&(check.own)(generator)));
            let facts = json!({
                "type": "object",
                "description": format!("What check-{} learns.", check.check),
                "properties": all,
            });
            generator.definitions_mut().insert(format!("{}_facts", check.check), facts);
            json!({
                "if": { "properties": { "check": { "const": check.check } } },
                "then": { "properties": { "facts": { "$ref": format!("#/$defs/{}_facts", check.check) } } },
            })
        })
        .collect()
}

fn properties(schema: &Schema) -> Map<String, Value> {
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Where schemas of flattened types are.
const PARTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];

/// What a record never holds: properties that are not declared, and null.
#[derive(Clone, Debug)]
pub(crate) struct Strict;

impl Transform for Strict {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        if object.contains_key("properties") {
            let mut flattened = false;
            for key in PARTS {
                let Some(Value::Array(parts)) = object.get_mut(key) else { continue };
                flattened = true;
                parts.iter_mut().filter_map(Value::as_object_mut).for_each(|part| {
                    part.remove("additionalProperties");
                });
            }
            // Properties of flattened parts count as declared.
            let key = if flattened { "unevaluatedProperties" } else { "additionalProperties" };
            object.entry(key).or_insert(false.into());
        }
        if let Some(Value::Array(types)) = object.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = &types[..] {
                let only = only.clone();
                object.insert("type".into(), only);
            }
        }
        if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
            choices.retain(|choice| choice != &json!({ "type": "null" }));
            if let [Value::Object(only)] = &choices[..] {
                let only = only.clone();
                object.remove("anyOf");
                object.extend(only);
            }
        }
    }
}
