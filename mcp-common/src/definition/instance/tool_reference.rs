//! One entry of `tool_ids`: an id, or an object that says more.

use crate::definition::upstream::RemoteOutput;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

/// A tool of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolReference {
    /// The tool's id; for a tool of an upstream `upstream/tool`, with the name that the server gives it.
    pub id: Arc<str>,
    /// The tool's name in this instance, instead of its own.
    pub name: Option<Arc<str>>,
    /// The tool's description in this instance.
    pub description: Option<Arc<str>>,
    /// What this instance says about its arguments; `None` where it says nothing.
    pub overrides: Option<Arc<ToolOverrides>>,
    /// How the answers of a tool of an upstream are shaped in this instance, instead of what the upstream's document says.
    pub output: Option<Arc<RemoteOutput>>,
}

/// What an instance says about a tool's arguments. An argument is written by its name, or, where arguments are grouped,
/// as a JSON Pointer: `/query/region`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolOverrides {
    /// Argument → its value where the client gives none, as JSON text.
    pub defaults: BTreeMap<String, Arc<str>>,
    /// Arguments that clients neither see nor give.
    pub hide: Vec<String>,
}

impl ToolReference {
    /// The upstream and the server's own name of the tool, if it is one of an upstream.
    pub fn remote(&self) -> Option<(&str, &str)> {
        self.id.split_once('/')
    }
}

/// What is an id, or `upstream/tool` with neither part empty.
const REFERENCE: &str = r"^([^/]*|[^/]+/[\s\S]+)$";

/// A tool as this instance shows it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The tool's id; for a tool of an upstream `upstream/tool`, with the name that the server gives it.
    #[schemars(extend("pattern" = REFERENCE))]
    id: Arc<str>,
    /// The tool's name in this instance, instead of its own.
    #[schemars(
        length(min = 1, max = 64),
        regex(pattern = "^[A-Za-z0-9_.-]+$"),
        extend("patternErrorMessage" = "A name has 1 to 64 of A-Z a-z 0-9 _ . -")
    )]
    name: Option<Arc<str>>,
    /// The tool's description in this instance, instead of its own.
    description: Option<Arc<str>>,
    /// Argument → its value where the client gives none. Where arguments are grouped, a JSON Pointer: `/query/region`.
    defaults: Option<BTreeMap<String, Box<RawValue>>>,
    /// Arguments that clients neither see nor give.
    hide: Option<Vec<String>>,
    /// How the answers of a tool of an upstream are shaped in this instance, instead of what the upstream's document says.
    output: Option<RemoteOutput>,
}

impl JsonSchema for ToolReference {
    fn schema_name() -> Cow<'static, str> {
        "ToolReference".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Entry::json_schema(generator);
        schema.insert(
            "description".to_owned(),
            "A tool's id, `upstream/tool` for a tool of an upstream, or an object that says more.".into(),
        );
        schema.insert("type".to_owned(), serde_json::json!(["string", "object"]));
        schema.insert("pattern".to_owned(), REFERENCE.into());
        schema
    }
}

impl<'de> Deserialize<'de> for ToolReference {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Reader)
    }
}

/// Reads members where they stand, so that each mistake has its own place.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = ToolReference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tool id or an object with `id`")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<ToolReference, E> {
        Ok(ToolReference {
            id: id.into(),
            name: None,
            description: None,
            overrides: None,
            output: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ToolReference, A::Error> {
        Entry::deserialize(MapAccessDeserializer::new(map)).map(ToolReference::from)
    }
}

impl From<Entry> for ToolReference {
    fn from(entry: Entry) -> Self {
        let defaults = entry.defaults.unwrap_or_default().into_iter();
        let overrides = ToolOverrides {
            defaults: defaults.map(|(name, value)| (name, value.get().into())).collect(),
            hide: entry.hide.unwrap_or_default(),
        };
        Self {
            id: entry.id,
            name: entry.name,
            description: entry.description,
            overrides: (overrides != ToolOverrides::default()).then(|| Arc::new(overrides)),
            output: entry.output.map(Arc::new),
        }
    }
}
