//! The STUN and TURN servers: coturn, on the addresses of the media and STUN hosts.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use super::super::names::MEDIA;
use super::super::place::Place;
use super::super::wait;

/// A STUN binding request (RFC 8489 section 6).
const BINDING: &[u8] = b"\x00\x01\x00\x00\x21\x12\xa4\x42netcheck-lab";

/// Starts coturn and waits until it answers.
///
/// UDP 443 of the media hosts and the STUN port 19302 are mapped to 3478 as its owners' load balancers do.
///
/// # Errors
/// coturn cannot be started, or does not answer.
pub fn start(inet: &Place, dir: &Path) -> io::Result<()> {
    let show = dir.display();
    let mut text = String::from(
        "listening-port=3478\ntls-listening-port=5349\nmin-port=49152\nmax-port=49252\nrealm=lab\n\
         lt-cred-mech\nuser=lab:lab\nno-cli\nsimple-log\n",
    );
    for address in MEDIA {
        let _ = writeln!(text, "listening-ip={address}");
    }
    let _ = write!(
        text,
        "relay-ip={}\ncert={show}/tokbox.pem\npkey={show}/tokbox.key\nlog-file={show}/coturn.log\n\
         pidfile={show}/coturn.pid\nuserdb={show}/coturn.db\n",
        MEDIA[0]
    );
    let file = dir.join("coturn.conf");
    fs::write(&file, text)?;
    inet.run("nft", &["-f", "-"], &mapping())?;
    inet.run("turnserver", &["-o", "-c", &file.display().to_string()], "")?;
    inet.inside(|| {
        wait::answering(SocketAddr::new(MEDIA[0].parse().map_err(io::Error::other)?, 3478), BINDING)
    })
}

fn mapping() -> String {
    let rules: String = MEDIA
        .iter()
        .map(|address| format!("ip daddr {address} udp dport {{ 443, 19302 }} dnat to {address}:3478\n"))
        .collect();
    format!("table ip media {{ chain in {{ type nat hook prerouting priority -100;\n{rules}}}\n}}\n")
}
