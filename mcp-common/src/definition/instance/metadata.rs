//! How an instance speaks to older clients.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Value, json};
use std::{borrow::Cow, fmt};

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
    /// HTTP+SSE of 2024-11-05 beside Streamable HTTP, which has no sessions.
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
        input.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or its JSON text")
    }

    fn visit_unit<E: Error>(self) -> Result<Metadata, E> {
        Ok(Metadata::default())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Metadata, E> {
        if text.trim().is_empty() {
            return Ok(Metadata::default());
        }
        let members: Members = serde_json::from_str(text).map_err(E::custom)?;
        Ok(Metadata {
            proto_type: members.proto_type,
        })
    }

    /// Members of other people are theirs.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut metadata = Metadata::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "proto_type" => metadata.proto_type = map.next_value()?,
                _ => drop(map.next_value::<Value>()?),
            }
        }
        Ok(metadata)
    }
}

#[cfg(test)]
mod tests {
    use crate::{definition::InstanceDefinition, document::Document};

    #[test]
    fn a_wrong_word_is_reported_where_it_stands() {
        let read = |metadata: &str| {
            let text = format!(r#"{{"name":"n","tool_ids":[],"metadata":{metadata}}}"#);
            InstanceDefinition::read("i", &Document::parse(text.as_bytes()).unwrap())
        };
        let problem = read(r#"{"proto_type":"streamable"}"#).unwrap_err().to_string();
        assert!(
            problem.starts_with("metadata.proto_type: unknown variant `streamable`"),
            "{problem}"
        );
        let problem = read("5").unwrap_err().to_string();
        assert!(
            problem.starts_with("metadata: invalid type: integer `5`, expected an object or its JSON text"),
            "{problem}"
        );
        for fine in [
            r#"{"own":{"a":1},"proto_type":"streamable-stateful"}"#,
            r#""{\"proto_type\":\"streamable-statefule\"}""#,
            "null",
            r#""""#,
        ] {
            assert!(read(fine).unwrap().warnings.is_empty(), "{fine}");
        }
    }
}
