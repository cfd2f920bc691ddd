//! How an instance speaks to older clients.

use crate::{
    definition::decode::{UNUSED, is_like},
    json,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Unexpected, Visitor},
};
use serde_json::Value;
use std::{borrow::Cow, fmt};

/// How older clients are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(transform = with_misspelling)]
pub enum ProtoType {
    /// No sessions; any replica serves any request.
    #[default]
    #[schemars(rename = "streamable-stateless")]
    Stateless,
    /// Sessions for revisions before 2026-07-28.
    #[schemars(rename = "streamable-stateful")]
    Stateful,
    /// HTTP+SSE of 2024-11-05 beside Streamable HTTP, which has no sessions.
    #[schemars(rename = "legacy")]
    Legacy,
}

/// What refusals offer.
const PROTO_TYPES: [&str; 3] = ["streamable-stateless", "streamable-stateful", "legacy"];
/// The first version spelt it so.
const MISSPELT: &str = "streamable-statefule";

impl<'de> Deserialize<'de> for ProtoType {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = ProtoType;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [others @ .., last] = PROTO_TYPES.map(|word| format!("`{word}`"));
                write!(f, "{} or {last}", others.join(", "))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<ProtoType, E> {
                match word {
                    "streamable-stateless" => Ok(ProtoType::Stateless),
                    "streamable-stateful" | MISSPELT => Ok(ProtoType::Stateful),
                    "legacy" => Ok(ProtoType::Legacy),
                    _ => Err(E::unknown_variant(word, &PROTO_TYPES)),
                }
            }
        }

        input.deserialize_any(Word)
    }
}

/// `metadata`: absent, an object, or a JSON string of that object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The transport flavour.
    pub proto_type: ProtoType,
    /// Members of the text that it was written as, which are like one that is known. Those of an object are seen by whoever reads it.
    misspelt: Vec<String>,
}

impl Metadata {
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let warning = |name: &String| format!("metadata.{name}: {UNUSED}; did you mean `{PROTO_TYPE}`?");
        self.misspelt.iter().map(warning)
    }
}

const PROTO_TYPE: &str = "proto_type";

/// How an instance speaks.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it is what is described of `Metadata`")]
struct Members {
    /// How clients of revisions before 2026-07-28 are spoken to.
    #[schemars(default, extend("default" = "streamable-stateless"))]
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
        schema.insert("type".to_owned(), serde_json::json!(["object", "string", "null"]));
        schema.insert("pattern".to_owned(), r"^\s*(\{[\s\S]*\})?\s*$".into());
        schema
    }
}

/// The first version's spelling is read as well.
fn with_misspelling(schema: &mut Schema) {
    if let Some(spellings) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        let description = "`streamable-stateful`, as the first version spelt it.";
        spellings
            .push(serde_json::json!({"const": MISSPELT, "deprecated": true, "description": description}));
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
        let text = text.trim();
        if text.is_empty() {
            return Ok(Metadata::default());
        }
        if !text.starts_with('{') {
            return Err(E::invalid_type(Unexpected::Str(text), &self));
        }
        let mut misspelt = Vec::new();
        let mut read = serde_json::Deserializer::from_str(text);
        let metadata: Metadata =
            serde_ignored::deserialize(&mut read, |path| misspelt.push(path.to_string()))
                .and_then(|metadata| read.end().map(|()| metadata))
                .map_err(|error| E::custom(format!("in its text: {}", json::reason(&error))))?;
        Ok(Metadata { misspelt, ..metadata })
    }

    /// Members of other people are theirs; one that is nearly a known one is told.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut metadata = Metadata::default();
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                PROTO_TYPE => metadata.proto_type = map.next_value()?,
                // Whoever reads the document hears of what is passed over in this way.
                name if is_like(name, PROTO_TYPE) => drop(map.next_value::<IgnoredAny>()?),
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
        assert!(!problem.contains("statefule"), "{problem}");
        for (wrong, expected) in [
            (
                r#"{"proto_type":5}"#,
                "metadata.proto_type: invalid type: integer `5`, expected `streamable-stateless`, `streamable-stateful` or `legacy`",
            ),
            (
                r#""x""#,
                "metadata: invalid type: string \"x\", expected an object or its JSON text",
            ),
            (
                r#""{\"proto_type\":null}""#,
                "metadata: in its text: invalid type: null, expected `streamable-stateless`, `streamable-stateful` or `legacy`",
            ),
        ] {
            assert_eq!(read(wrong).unwrap_err().to_string(), expected, "{wrong}");
        }
        for misspelt in [r#"{"protoType":"stateful"}"#, r#""{\"protoType\":\"stateful\"}""#] {
            assert_eq!(
                read(misspelt).unwrap().warnings,
                ["metadata.protoType: unknown member, kept but not used; did you mean `proto_type`?"],
                "{misspelt}"
            );
        }
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
