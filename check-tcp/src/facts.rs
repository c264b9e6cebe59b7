//! `facts` of a record, as check-tcp adds to them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::transfer_facts::{DownloadFacts, UnderLoadFacts, UploadFacts};

/// What check-tcp learns besides what every check learns.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Facts {
    /// The first bytes a bare TCP service said by itself, if it said any at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<String>,
    /// What --download transferred, and how fast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download: Option<Box<DownloadFacts>>,
    /// What --upload transferred, and how fast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<Box<UploadFacts>>,
    /// How responsive the line is while --under-load fills it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_load: Option<Box<UnderLoadFacts>>,
}
