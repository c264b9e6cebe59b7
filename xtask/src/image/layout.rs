//! The documents of an image (OCI image specification 1.1) and the archive that holds them.

use serde_json::{Value, json};

use super::filesystem::{TRUST, USER};
use crate::dist::programs::NETCHECK;
use crate::dist::{self, FILE, Target, Tree, gzip, sha256};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image of one layer for each system it is for.
#[derive(Debug)]
pub(super) struct Image {
    layout: Tree,
    digest: String,
    epoch: u64,
}

impl Image {
    /// The image `name`, with the files of each system as a tar archive. For several systems it is an index of images,
    /// from which an engine chooses by the machine it runs on.
    ///
    /// # Errors
    /// None: the archive is written to memory.
    pub(super) fn new(name: &str, systems: &[(Target, Vec<u8>)], epoch: u64) -> Result<Image, String> {
        let mut layout = Tree::default();
        let labels = labels(name, epoch);
        let mut manifests = Vec::new();
        for (target, files) in systems {
            let layer = blob(&mut layout, LAYER, gzip(files)?);
            let config = config(name, *target, &labels, &format!("sha256:{}", sha256(files)), epoch);
            let config = blob(&mut layout, CONFIG, config.to_string());
            let manifest = json!({
                "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer],
                "annotations": labels,
            });
            manifests.push((blob(&mut layout, MANIFEST, manifest.to_string()), platform(*target)));
        }
        let mut top = if let [(only, _)] = manifests.as_slice() {
            only.clone()
        } else {
            let each = |(mut manifest, platform): (Value, Value)| {
                manifest["platform"] = platform;
                manifest
            };
            let manifests: Vec<Value> = manifests.into_iter().map(each).collect();
            let index = json!({
                "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, "annotations": labels,
            });
            blob(&mut layout, INDEX, index.to_string())
        };
        let digest = top["digest"].as_str().unwrap_or_default().to_owned();
        let version = env!("CARGO_PKG_VERSION");
        // What an engine calls it once it is loaded.
        top["annotations"] = json!({ "org.opencontainers.image.ref.name": format!("{name}:{version}") });
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [top] });
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
    /// None: the archive is written to memory.
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

/// The system of an image, as an index and a configuration name it.
fn platform(target: Target) -> Value {
    let mut platform = json!({ "architecture": target.architecture(), "os": "linux" });
    if target == Target::Aarch64 {
        platform["variant"] = "v8".into();
    }
    platform
}

fn config(name: &str, target: Target, labels: &Value, layer: &str, epoch: u64) -> Value {
    let created = dist::rfc3339(epoch);
    let mut config = json!({
        "created": created,
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
    for (key, value) in platform(target).as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The documents and blobs of an image by their paths.
    fn opened(systems: &[(Target, Vec<u8>)]) -> (Image, BTreeMap<String, Vec<u8>>) {
        let image = Image::new("check-tcp", systems, 1_700_000_000).unwrap();
        let files =
            image.layout.entries().map(|(path, _, bytes)| (path.to_owned(), bytes.to_vec())).collect();
        (image, files)
    }

    /// What a descriptor names, after its digest and size were compared with the bytes.
    fn blob_of<'a>(files: &'a BTreeMap<String, Vec<u8>>, descriptor: &Value) -> &'a [u8] {
        let digest = descriptor["digest"].as_str().unwrap();
        let bytes = &files[&format!("blobs/{}", digest.replace(':', "/"))];
        assert_eq!(digest, format!("sha256:{}", sha256(bytes)));
        assert_eq!(descriptor["size"], bytes.len());
        bytes
    }

    fn document(bytes: &[u8]) -> Value {
        serde_json::from_slice(bytes).unwrap()
    }

    #[test]
    fn an_image_for_two_systems_is_an_index_of_two_manifests_with_their_platforms() {
        let systems = [(Target::X86_64, b"amd64 files".to_vec()), (Target::Aarch64, b"arm64 files".to_vec())];
        let (image, files) = opened(&systems);
        let top = document(&files["index.json"]);
        assert_eq!(top["manifests"].as_array().unwrap().len(), 1);
        let descriptor = &top["manifests"][0];
        assert_eq!(
            (&descriptor["mediaType"], &descriptor["digest"]),
            (&INDEX.into(), &image.digest().into())
        );
        let index = document(blob_of(&files, descriptor));
        let platforms: Vec<&Value> =
            index["manifests"].as_array().unwrap().iter().map(|manifest| &manifest["platform"]).collect();
        let arm = json!({ "architecture": "arm64", "os": "linux", "variant": "v8" });
        assert_eq!(platforms, [&json!({ "architecture": "amd64", "os": "linux" }), &arm]);
        for (at, (_, layer)) in systems.iter().enumerate() {
            let manifest = document(blob_of(&files, &index["manifests"][at]));
            let config = document(blob_of(&files, &manifest["config"]));
            for key in ["architecture", "os", "variant"] {
                assert_eq!(config.get(key), platforms[at].get(key));
            }
            assert_eq!(blob_of(&files, &manifest["layers"][0]), gzip(layer).unwrap());
            assert_eq!(config["rootfs"]["diff_ids"], json!([format!("sha256:{}", sha256(layer))]));
        }
        // The layout and its index; for each system a manifest, a configuration and a layer; the index of both.
        assert_eq!(files.len(), 2 + 2 * 3 + 1);
    }

    #[test]
    fn an_image_for_one_system_is_a_manifest() {
        let (image, files) = opened(&[(Target::Aarch64, b"files".to_vec())]);
        let descriptor = document(&files["index.json"])["manifests"][0].clone();
        assert_eq!(
            (&descriptor["mediaType"], &descriptor["digest"]),
            (&MANIFEST.into(), &image.digest().into())
        );
        assert_eq!(
            descriptor["annotations"]["org.opencontainers.image.ref.name"],
            format!("check-tcp:{}", env!("CARGO_PKG_VERSION"))
        );
    }
}
