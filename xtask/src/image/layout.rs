//! The documents of an image (OCI image specification 1.1) and the archive that holds them.

use serde_json::{Value, json};

use super::filesystem::{TRUST, USER};
use crate::dist::programs::NETCHECK;
use crate::dist::{self, FILE, Tree, gzip, sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image of one layer.
#[derive(Debug)]
pub(super) struct Image {
    layout: Tree,
    digest: String,
    epoch: u64,
}

impl Image {
    /// The image `name` whose files `files` (a tar archive) has.
    ///
    /// # Errors
    /// None that memory would not give first.
    pub(super) fn new(name: &str, files: &[u8], epoch: u64) -> Result<Image, String> {
        let mut layout = Tree::default();
        let labels = labels(name, epoch);
        let layer = blob(&mut layout, LAYER, gzip(files)?);
        let config = config(name, &labels, &format!("sha256:{}", sha256(files)), epoch);
        let config = blob(&mut layout, CONFIG, config.to_string());
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer], "annotations": labels,
        });
        let mut manifest = blob(&mut layout, MANIFEST, manifest.to_string());
        let digest = manifest["digest"].as_str().unwrap_or_default().to_owned();
        let version = env!("CARGO_PKG_VERSION");
        // What an engine calls it once it is loaded.
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": format!("{name}:{version}") });
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest] });
        layout.add("index.json", FILE, index.to_string());
        layout.add("oci-layout", FILE, json!({ "imageLayoutVersion": "1.0.0" }).to_string());
        Ok(Image { layout, digest, epoch })
    }

    /// What a registry will know it by.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// The layout in one file.
    ///
    /// # Errors
    /// None that memory would not give first.
    pub(super) fn archive(&self) -> Result<Vec<u8>, String> {
        self.layout.tar("", self.epoch)
    }
}

/// Stores bytes by what they are; their descriptor.
fn blob(layout: &mut Tree, media: &str, bytes: impl Into<Vec<u8>>) -> Value {
    let bytes = bytes.into();
    let (hash, size) = (sha256(&bytes), bytes.len());
    layout.add(&format!("blobs/sha256/{hash}"), FILE, bytes);
    json!({ "mediaType": media, "digest": format!("sha256:{hash}"), "size": size })
}

fn config(name: &str, labels: &Value, layer: &str, epoch: u64) -> Value {
    let created = dist::rfc3339(epoch);
    let mut config = json!({
        "created": created,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": USER,
            "Env": ["PATH=/usr/bin", format!("SSL_CERT_FILE=/{TRUST}")],
            "Entrypoint": [format!("/usr/bin/{name}")],
            "WorkingDir": "/",
            "Labels": labels,
        },
        "rootfs": { "type": "layers", "diff_ids": [layer] },
        "history": [{ "created": created, "created_by": "cargo xtask image" }],
    });
    if name == NETCHECK {
        // Without arguments it does its job: the file system may be read-only, so records go to standard output.
        config["config"]["Cmd"] = json!(["check", "--output", "-"]);
    }
    config
}

fn labels(name: &str, epoch: u64) -> Value {
    let what = if name == NETCHECK {
        "Does this network let an event platform work, and if not, why, where, and what has to change?"
    } else {
        "One check of netcheck: targets in, records out"
    };
    let mut labels = json!({
        "org.opencontainers.image.created": dist::rfc3339(epoch),
        "org.opencontainers.image.description": what,
        "org.opencontainers.image.licenses": env!("CARGO_PKG_LICENSE"),
        "org.opencontainers.image.title": name,
        "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
    });
    if let Some(revision) = dist::revision() {
        labels["org.opencontainers.image.revision"] = revision.into();
    }
    labels
}
