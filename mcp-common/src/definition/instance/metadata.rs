//! How an instance speaks to older clients.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, json};
use std::borrow::Cow;

/// How older clients are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(transform = with_misspelling)]
pub enum ProtoType {
    /// No sessions; any replica serves any request.
    #[default]
    #[serde(rename = "streamable-stateless")]
    Stateless,
    /// Sessions for revisions before 2026-07-28. The first version misspelt it.
    #[serde(rename = "streamable-stateful", alias = "streamable-statefule")]
    Stateful,
    /// HTTP+SSE of 2024-11-05; served like `Stateless`, with a warning.
    #[serde(rename = "legacy")]
    Legacy,
}

/// `metadata`: absent, an object, or a JSON string of that object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The transport flavour.
    pub proto_type: ProtoType,
}

/// How an instance speaks.
#[derive(Default, Deserialize, JsonSchema)]
struct Members {
    /// How clients of revisions before 2026-07-28 are spoken to.
    #[serde(default)]
    #[schemars(extend("default" = "streamable-stateless"))]
    proto_type: ProtoType,
}

impl JsonSchema for Metadata {
    fn schema_name() -> Cow<'static, str> {
        "Metadata".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Members::json_schema(generator);
        schema.insert(
            "description".to_owned(),
            "An object, or the JSON text of one.".into(),
        );
        schema.insert("type".to_owned(), json!(["object", "string", "null"]));
        schema.insert("pattern".to_owned(), r"^\s*(\{[\s\S]*\})?\s*$".into());
        schema
    }
}

/// The first version's spelling is read as well.
fn with_misspelling(schema: &mut Schema) {
    if let Some(spellings) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        let description = "`streamable-stateful`, as the first version spelt it.";
        spellings
            .push(json!({"const": "streamable-statefule", "deprecated": true, "description": description}));
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let members: Members = match Value::deserialize(input)? {
            Value::Null => Members::default(),
            Value::String(text) if text.trim().is_empty() => Members::default(),
            Value::String(text) => serde_json::from_str(&text).map_err(Error::custom)?,
            value @ Value::Object(_) => serde_json::from_value(value).map_err(Error::custom)?,
            other => {
                return Err(Error::custom(format!(
                    "expected an object or its JSON text, found {other}"
                )));
            }
        };
        Ok(Self {
            proto_type: members.proto_type,
        })
    }
}
