//! Words of a record that are documented one by one: an enum whose doc comments programs can read.

/// Declares an enum with a word and a description for each variant.
///
/// A description is one sentence, then three list items: `Seen` (what was observed), `Not` (what it is easily taken
/// for) and `Acts` (who has to act). docs/CODES.md and the schema are made of them.
macro_rules! vocabulary {
    (
        $(#[doc = $about:literal])+ pub enum $name:ident;
        $($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[doc = $doc])+ $variant,)+ }

        impl $name {
            /// All of them, in their order in docs/CODES.md.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The word in a record.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// The doc comment: its lines as they are in the source.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $($name::$variant => concat!($($doc, "\n"),+),)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                let found = $name::ALL.iter().copied().find(|word| word.as_str() == text);
                found.ok_or_else(|| serde::de::Error::custom(concat!("no such ", stringify!($name))))
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let words: Vec<_> = $name::ALL.iter().map(|word| {
                    let meaning = word.doc().lines().next().unwrap_or_default().trim();
                    serde_json::json!({ "const": word.as_str(), "description": meaning })
                }).collect();
                schemars::json_schema!({ "type": "string", "oneOf": words })
            }
        }
    };
}

pub(crate) use vocabulary;
