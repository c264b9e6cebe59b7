//! The platform's web, push and ingest servers: nginx, configured to answer as each name's owner does.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::certificates::Certificates;
use super::super::names::{Answer, SITES, Signer, Site};
use super::super::options::Options;
use super::super::place::Place;

/// Writes certificates and configuration under `dir` and starts nginx; when it returns, every port listens.
///
/// # Errors
/// A file cannot be written, or nginx refuses to start.
pub fn start(inet: &Place, dir: &Path, certificates: &Certificates, options: &Options) -> io::Result<()> {
    for site in SITES {
        let leaf = certificates.leaf(site);
        fs::write(dir.join(format!("{}.pem", site.key)), leaf.chain_pem())?;
        fs::write(dir.join(format!("{}.key", site.key)), leaf.key_pem())?;
    }
    let file = dir.join("nginx.conf");
    fs::write(&file, configuration(dir, options))?;
    let file = file.display().to_string();
    let log = dir.join("nginx.log").display().to_string();
    // The daemon's first process returns when the sockets listen: nothing to wait for.
    if options.clock == 0 {
        return inet.run("nginx", &["-c", &file, "-e", &log], "").map(drop);
    }
    let library = format!("LD_PRELOAD={}", faketime()?.display());
    let shift = format!("FAKETIME={:+}d", options.clock);
    let timers = "DONT_FAKE_MONOTONIC=1";
    inet.run("env", &[&library, &shift, timers, "nginx", "-c", &file, "-e", &log], "").map(drop)
}

/// The library that shifts a program's clock. Its own wrapper waits for the daemon to end.
fn faketime() -> io::Result<PathBuf> {
    let found = fs::read_dir("/usr/lib")?
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists());
    found.ok_or_else(|| io::Error::other("libfaketime is not installed"))
}

fn configuration(dir: &Path, options: &Options) -> String {
    let dir = dir.display();
    let modules = "/usr/lib/nginx/modules";
    let mut text = format!(
        "load_module {modules}/ngx_rtmp_module.so;\nload_module {modules}/ngx_stream_module.so;\n\
         worker_processes 1; user root; pid {dir}/nginx.pid; error_log {dir}/nginx.log;\n\
         events {{ worker_connections 4096; }}\n\
         rtmp {{ access_log off; server {{ listen 1935; chunk_size 4096; application live {{ live on; record off; }} }} }}\n"
    );
    text += &stream(&dir.to_string(), options);
    text += &format!(
        "http {{\naccess_log off; server_tokens off; default_type text/html; {}\n",
        temporary(&dir.to_string())
    );
    text += "map $http_upgrade $wants { default ''; ~*websocket websocket; }\n";
    text += &plain(&dir.to_string());
    for (index, site) in SITES.iter().enumerate() {
        text += &https(&dir.to_string(), site, index == 0, options);
    }
    text + "}\n"
}

/// The ports that carry something other than HTTP, and the parting of port 443 by name.
fn stream(dir: &str, options: &Options) -> String {
    let tls = |key: &str| {
        format!(
            "ssl_certificate {dir}/{key}.pem; ssl_certificate_key {dir}/{key}.key; ssl_protocols TLSv1.2 TLSv1.3;"
        )
    };
    let silent = format!("proxy_pass unix:{dir}/silent.sock; proxy_timeout 1h;");
    let courier = format!("{} ssl_alpn apns-security-v3; {silent}", tls("courier"));
    let mut text = format!(
        "stream {{\naccess_log off;\n\
         map $ssl_preread_server_name $by_name {{\n{}\
         ~^(.*[.-])?courier\\.push\\.apple\\.com$ unix:{dir}/courier.sock;\n\
         ~mtalk\\.google\\.com$ unix:{dir}/mtalk.sock;\n\
         default unix:{dir}/https.sock;\n}}\n",
        old_site_names(dir, options)
    );
    let _ = writeln!(
        text,
        "server {{ {} ssl_preread on; proxy_timeout 1h; proxy_pass $by_name; }}",
        both("443", "")
    );
    let _ = writeln!(text, "server {{ {} proxy_pass unix:{dir}/https.sock; }}", both("2197", ""));
    let _ = writeln!(text, "server {{ listen unix:{dir}/courier.sock ssl; {courier} }}");
    let _ = writeln!(text, "server {{ {} {courier} }}", both("5223", "ssl"));
    let _ = writeln!(text, "server {{ listen unix:{dir}/mtalk.sock ssl; {} {silent} }}", tls("mtalk"));
    let _ = writeln!(text, "server {{ {} {} {silent} }}", both("5228-5230", "ssl"), tls("mtalk"));
    let _ = writeln!(
        text,
        "server {{ listen 10000-10050 ssl; {} proxy_pass 127.0.0.1:1935; proxy_timeout 1h; }}",
        tls("spotme")
    );
    text + "}\n"
}

/// The sites that know no new TLS, and those that know no new suites, with the socket each kind is served at.
fn old(options: &Options) -> impl Iterator<Item = (&'static str, &'static Site)> {
    let of = |socket: &'static str, keys: &[String]| {
        let keys = keys.to_vec();
        SITES
            .iter()
            .filter(move |site| keys.iter().any(|old| old == site.key))
            .map(move |site| (socket, site))
    };
    of("old", &options.old_tls).chain(of("suite", &options.old_suite))
}

/// The lines that send the names of old sites to their own socket.
fn old_site_names(dir: &str, options: &Options) -> String {
    let zones = old(options).flat_map(|(socket, site)| {
        site.names.iter().filter_map(move |name| Some((socket, name.strip_prefix("*.")?)))
    });
    zones
        .map(|(socket, zone)| format!("~{}$ unix:{dir}/{socket}.sock;\n", zone.replace('.', "\\.")))
        .collect()
}

/// Port 80.
fn plain(dir: &str) -> String {
    let listen = both("80", "");
    let upgrade = upgrade(dir);
    format!(
        "server {{ {} {upgrade} location / {{ {} return 301 https://$host$request_uri; }} }}\n\
         server {{ {listen} server_name install.events; location / {{ return 302 https://apps.apple.com/app/spotme; }} }}\n\
         server {{ {listen} server_name connectivitycheck.gstatic.com; location /generate_204 {{ return 204; }} }}\n\
         server {{ {listen} server_name captive.apple.com; location / {{ return 200 '{}'; }} }}\n",
        both("80", "default_server"),
        ASKS,
        "<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"
    )
}

/// One site over TLS.
fn https(dir: &str, site: &Site, first: bool, options: &Options) -> String {
    if site.signer == Signer::Apple || site.answer == Answer::Silent {
        return String::new();
    }
    let key = site.key;
    let socket = if first { "default_server" } else { "" };
    let answer = match site.answer {
        _ if options.down.iter().any(|down| down == key) => "return 503 'down for maintenance';".to_owned(),
        Answer::WebSocket => format!("{ASKS} return 200 '<title>{key}</title>';"),
        Answer::Apns => {
            "default_type application/json; add_header apns-id eabeae54-14a8-11e5-b60b-1697f925ec7b always; \
             return 403 '{\"reason\":\"MissingProviderToken\"}';"
                .to_owned()
        }
        Answer::Fcm => "default_type application/json; \
             return 401 '{\"error\":{\"code\":401,\"status\":\"UNAUTHENTICATED\"}}';"
            .to_owned(),
        Answer::Page | Answer::Silent => format!("return 200 '<title>{key}</title>';"),
    };
    // Which versions a socket speaks is settled before the name is known; the old ones need OpenSSL's lowest level.
    let (at, versions) = match old(options).find(|(_, old)| old.key == key) {
        Some(("old", _)) => ("old", "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"),
        Some(_) => ("suite", "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-SHA;"),
        None => ("https", "ssl_protocols TLSv1.2 TLSv1.3;"),
    };
    format!(
        "server {{ listen unix:{dir}/{at}.sock ssl http2 {socket}; server_name {}; \
         ssl_certificate {dir}/{key}.pem; ssl_certificate_key {dir}/{key}.key; {versions} \
         {} location / {{ {answer} }} }}\n",
        site.names.join(" "),
        upgrade(dir)
    )
}

/// What sends a request for a WebSocket to the place that answers it.
const ASKS: &str = "error_page 418 = @socket; if ($wants) { return 418; }";

fn upgrade(dir: &str) -> String {
    format!(
        "location @socket {{ proxy_pass http://unix:{dir}/socket.sock:; proxy_http_version 1.1; proxy_read_timeout 1h; \
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_set_header Host $host; }}"
    )
}

fn both(port: &str, more: &str) -> String {
    format!("listen {port} {more}; listen [::]:{port} {more};")
}

fn temporary(dir: &str) -> String {
    ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {dir}/nginx-{kind};"))
        .join(" ")
}
