//! What the body of a request is made of (`tds_ext_info.body`).

use super::{
    byte_size::ByteSize,
    param::{Style, present},
};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// How the body is made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BodyBinding {
    /// What kind of body it is.
    #[serde(default)]
    pub mode: BodyMode,
    /// JSON Pointer of the argument whose value is the whole body.
    pub root: Option<String>,
    /// The body, its texts being templates.
    #[serde(default, deserialize_with = "present")]
    pub template: Option<Box<RawValue>>,
    /// Files and other parts of a multipart body.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// How single properties of a form or multipart body are written.
    #[serde(default)]
    pub encoding: IndexMap<String, Encoding>,
    /// The body's `Content-Type`.
    pub content_type: Option<String>,
}

/// Kinds of bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyMode {
    /// What `content_type` and `parts` say, otherwise JSON; none where no argument goes to the body.
    #[default]
    Auto,
    /// Never a body.
    None,
    /// JSON.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`.
    Multipart,
    /// Text or bytes as they are.
    Raw,
}

/// One part of a multipart body, or several of one name where the argument is a list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The part's name.
    pub name: String,
    /// JSON Pointer of the argument; the argument of the part's name where it is absent.
    pub from: Option<String>,
    /// How the argument holds the part's content.
    #[serde(default)]
    pub source: PartSource,
    /// A text that may be a template.
    pub filename: Option<String>,
    /// A text that may be a template.
    pub content_type: Option<String>,
    /// Bound of the content.
    pub max_bytes: Option<ByteSize>,
    /// Further headers of the part; values may be templates.
    #[serde(default)]
    pub headers: IndexMap<String, Value>,
}

/// How an argument holds the content of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PartSource {
    /// `base64` where the schema says `contentEncoding: base64`, `text` elsewhere.
    #[default]
    Auto,
    /// The text itself.
    Text,
    /// Bytes, written in base64.
    Base64,
}

/// How one property of a form or multipart body is written; OpenAPI's Encoding Object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoding {
    /// As for query parameters.
    pub style: Option<Style>,
    /// As for query parameters.
    pub explode: Option<bool>,
    /// The part's `Content-Type`; a JSON type writes the value as JSON.
    #[serde(alias = "contentType")]
    pub content_type: Option<String>,
    /// Further headers of the part; values may be templates.
    #[serde(default)]
    pub headers: IndexMap<String, Value>,
}
