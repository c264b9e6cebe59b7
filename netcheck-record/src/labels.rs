//! Labels: what comes with a target and returns in its record, exactly as it was written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A JSON object kept as text: a number of any size and precision returns as it came.
#[derive(Clone)]
pub struct Labels(Arc<RawValue>);

impl Labels {
    /// Takes an object; anything else is none.
    #[must_use]
    pub fn of(value: &RawValue) -> Option<Labels> {
        value.get().starts_with('{').then(|| Labels(Arc::from(value.to_owned())))
    }

    /// A label that is a text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name)
    }

    /// A label that is true or false.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.get(name)
    }

    fn get<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Option<T> {
        // Of a label that is written twice the last one counts, as in any map.
        let all: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(self.0.get()).ok()?;
        serde_json::from_str(all.get(name)?.get()).ok()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.get())
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Labels) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'a> Deserialize<'a> for Labels {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Labels, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Labels::of(&value).ok_or_else(|| serde::de::Error::custom("labels are an object"))
    }
}

impl JsonSchema for Labels {
    fn schema_name() -> Cow<'static, str> {
        "Labels".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "object", "additionalProperties": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_by_kind_and_written_as_they_came() {
        let text = r#"{"n": 1e400, "row":"core", "required":false, "row":"chat", "big":123456789012345678901234567890}"#;
        let labels: Labels = serde_json::from_str(text).unwrap();
        assert_eq!((labels.text("row").as_deref(), labels.flag("required")), (Some("chat"), Some(false)));
        assert_eq!((labels.text("n"), labels.flag("row"), labels.flag("none")), (None, None, None));
        assert_eq!(serde_json::to_string(&labels).unwrap(), text);
        assert!(serde_json::from_str::<Labels>("[1]").is_err());
    }
}
