//! The files of an image: the programs, public certificates, a user, and what is inside. No shell, no library.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::dist::programs::{NETCHECK, WHOLE};
use crate::dist::{FILE, PROGRAM, Shipped, Tree, cyclonedx, gzip, third_party};
use crate::workspace::root;

/// Who runs the programs.
pub(super) const USER: &str = "65532:65532";
/// Where programs look for the authorities this machine trusts: mount a company's own bundle here.
pub(super) const TRUST: &str = "etc/ssl/certs/ca-certificates.crt";
/// The crate that the authorities are of.
pub(super) const AUTHORITIES: &str = "webpki-root-certs";

const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnetcheck:x:65532:65532:netcheck:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnetcheck:x:65532:\n";
const DOCUMENTS: &str = "usr/share/doc/netcheck";

/// The files of the image `name`.
///
/// # Errors
/// A file that belongs into it cannot be read.
pub(super) fn of(
    name: &str,
    programs: &BTreeMap<String, PathBuf>,
    shipped: &Shipped,
    epoch: u64,
) -> Result<Tree, String> {
    let mut tree = Tree::default();
    tree.add("etc/passwd", FILE, PASSWD);
    tree.add("etc/group", FILE, GROUP);
    tree.add(TRUST, FILE, certificates());
    let program = if name == NETCHECK { WHOLE } else { name };
    tree.copy(&format!("usr/bin/{name}"), PROGRAM, &programs[program])?;
    if name == NETCHECK {
        let tools = programs.keys().filter(|tool| tool.starts_with("check-"));
        tools.for_each(|tool| tree.link(&format!("usr/bin/{tool}"), NETCHECK));
    }
    let only = if name == NETCHECK { None } else { Some(shipped.of(name)) };
    let shipped = only.as_ref().unwrap_or(shipped);
    tree.add(&format!("{DOCUMENTS}/sbom.json"), FILE, cyclonedx(name, shipped, epoch)?);
    // The longest of the documents: a twentieth of the image as it is, next to nothing packed.
    let licences = gzip(third_party(shipped)?.as_bytes())?;
    tree.add(&format!("{DOCUMENTS}/THIRD-PARTY.txt.gz"), FILE, licences);
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        tree.copy(&format!("{DOCUMENTS}/{licence}"), FILE, &root().join(licence))?;
    }
    Ok(tree)
}

/// Mozilla's authorities as the lock file pins them, so that the bundle is not this machine's.
fn certificates() -> String {
    let mut bundle = String::new();
    for certificate in TLS_SERVER_ROOT_CERTS {
        bundle.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(certificate);
        for line in text.as_bytes().chunks(64) {
            bundle.push_str(&String::from_utf8_lossy(line));
            bundle.push('\n');
        }
        bundle.push_str("-----END CERTIFICATE-----\n");
    }
    bundle
}
