//! What the body of a request is made of (`tds_ext_info.body`).

use super::param::{Style, present};
use crate::byte_size::ByteSize;
use indexmap::IndexMap;
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// How the body is made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyBinding {
    /// What kind of body it is.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    pub mode: BodyMode,
    /// JSON Pointer of the argument whose value is the whole body.
    #[schemars(example = &"/items")]
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
    /// The body's media type.
    #[schemars(example = &"application/json")]
    pub content_type: Option<String>,
    /// Whether there is no body where nothing of it is given. Otherwise it is an empty object, or has no fields.
    #[serde(default)]
    pub optional: bool,
}

/// Kinds of bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyMode {
    /// What `content_type` and `parts` say, otherwise JSON; none where no argument goes to the body.
    #[default]
    Auto,
    /// The request never has a body.
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
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The part's name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// JSON Pointer of the argument; the argument of the part's name where it is absent. A list makes a part for each item.
    #[schemars(example = &"/document")]
    pub from: Option<String>,
    /// How the argument holds the part's content.
    #[serde(default)]
    #[schemars(extend("default" = "auto"))]
    pub source: PartSource,
    /// A text that may be a template; a list of names goes with a list of files.
    #[schemars(example = &"{{ args.filename }}")]
    pub filename: Option<String>,
    /// A text that may be a template; by default the schema's `contentMediaType`.
    #[schemars(example = &"application/pdf")]
    pub content_type: Option<String>,
    /// Bound of the content of one file.
    pub max_bytes: Option<ByteSize>,
    /// Further headers of the part; values may be templates.
    #[serde(default)]
    pub headers: IndexMap<String, Value>,
}

/// How an argument holds the content of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = with_aliases)]
pub struct Encoding {
    /// The style, as for query parameters.
    pub style: Option<Style>,
    /// Whether lists and objects are exploded, as for query parameters.
    pub explode: Option<bool>,
    /// Whether reserved characters stay as they are, as for query parameters; in forms only.
    #[serde(alias = "allowReserved")]
    pub allow_reserved: Option<bool>,
    /// The part's `Content-Type`; a JSON type writes the value as JSON.
    #[serde(alias = "contentType")]
    pub content_type: Option<String>,
    /// Further headers of the part; values may be templates.
    #[serde(default)]
    pub headers: IndexMap<String, Value>,
}

/// The names that OpenAPI has for them are read as well.
fn with_aliases(schema: &mut Schema) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, alias) in [
        ("content_type", "contentType"),
        ("allow_reserved", "allowReserved"),
    ] {
        if let Some(mut property) = properties.get(name).cloned() {
            property["deprecated"] = true.into();
            property["description"] = format!("As OpenAPI writes `{name}`.").into();
            properties.insert(alias.to_owned(), property);
        }
    }
}
