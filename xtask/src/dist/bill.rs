//! The bill of materials: CycloneDX 1.5, the same bytes for the same lock file.

use serde_json::{Value, json};

use super::moment;
use super::shipped::{Id, Part, Shipped};
use super::tree::sha256;

/// The document for `name`, which is made of the programs in `shipped`.
///
/// # Errors
/// None that serialisation of plain values could have.
pub(crate) fn cyclonedx(name: &str, shipped: &Shipped, epoch: u64) -> Result<Vec<u8>, String> {
    let version = env!("CARGO_PKG_VERSION");
    let own = format!("urn:netcheck:{name}:{version}");
    let components: Vec<Value> = shipped.parts.values().map(component).collect();
    let mut dependencies: Vec<Value> =
        shipped.needs.iter().map(|(id, below)| needs(id, below, shipped)).collect();
    let roots = shipped
        .parts
        .iter()
        .filter(|(id, part)| !part.published && !shipped.needs.values().any(|below| below.contains(*id)));
    let roots: Vec<String> = roots.map(|(_, part)| reference(part)).collect();
    dependencies.insert(0, json!({ "ref": own, "dependsOn": roots }));
    let number = sha256(json!([own, components, dependencies]).to_string().as_bytes());
    let bill = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": serial(&number),
        "version": 1,
        "metadata": {
            "timestamp": moment::rfc3339(epoch),
            "tools": { "components": [{ "type": "application", "name": "cargo xtask", "version": version }] },
            "component": {
                "type": "application", "bom-ref": own, "name": name, "version": version,
                "licenses": [{ "expression": env!("CARGO_PKG_LICENSE") }],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    let mut text = serde_json::to_vec_pretty(&bill).map_err(|why| format!("{name}: {why}"))?;
    text.push(b'\n');
    Ok(text)
}

fn component(part: &Part) -> Value {
    let kind =
        if part.name.starts_with("check-") || part.name == "netcheck" { "application" } else { "library" };
    let mut component = json!({
        "type": kind,
        "bom-ref": reference(part),
        "name": part.name,
        "version": part.version,
        "licenses": [{ "expression": part.licence }],
    });
    if part.published {
        component["purl"] = reference(part).into();
    }
    if let Some(checksum) = &part.checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}

fn needs(id: &Id, below: &std::collections::BTreeSet<Id>, shipped: &Shipped) -> Value {
    let named = |id: &Id| shipped.parts.get(id).map(reference);
    json!({ "ref": named(id), "dependsOn": below.iter().filter_map(named).collect::<Vec<_>>() })
}

fn reference(part: &Part) -> String {
    let Part { name, version, published, .. } = part;
    // What no registry has must not be taken for something that one has.
    if *published {
        format!("pkg:cargo/{name}@{version}")
    } else {
        format!("urn:netcheck:part:{name}:{version}")
    }
}

/// A UUID in form (RFC 9562, version 8): made of the contents, so that the same contents have the same.
fn serial(hash: &str) -> String {
    format!(
        "urn:uuid:{}-{}-8{}-8{}-{}",
        &hash[..8],
        &hash[8..12],
        &hash[13..16],
        &hash[17..20],
        &hash[20..32]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_a_uuid_in_form() {
        let number = serial(&sha256(b"netcheck"));
        assert_eq!(number.len(), "urn:uuid:".len() + 36);
        let dashes: Vec<usize> = number[9..].match_indices('-').map(|(at, _)| at).collect();
        assert_eq!((dashes, &number[23..24]), (vec![8, 13, 18, 23], "8"));
    }
}
