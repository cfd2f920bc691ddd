//! An instance definition (IDS document): one virtual MCP server.

use super::{
    Read,
    decode::decode,
    name::{check_id, check_tool_name},
};
use crate::{
    document::Document,
    problem::{Problem, Problems},
};
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Value, value::RawValue};
use std::sync::Arc;

/// Which tools, under which names, for whom.
#[derive(Clone, Debug, Deserialize)]
pub struct InstanceDefinition {
    /// Unique among instances; the key of the store wins.
    #[serde(default)]
    pub id: Arc<str>,
    /// For people.
    pub name: String,
    /// Becomes `instructions` for the client.
    pub description: Option<String>,
    /// In the order in which they are listed.
    #[serde(default)]
    pub tool_ids: Vec<ToolReference>,
    /// Tools by tag, after `tool_ids`, ordered by id.
    pub include: Option<Include>,
    /// Taken out again.
    pub exclude: Option<Exclude>,
    /// How the instance speaks.
    #[serde(default)]
    pub metadata: Metadata,
    /// Who may come in.
    #[serde(default)]
    pub auth: InstanceAuth,
    /// `false`: kept, but unknown to clients.
    #[serde(default = "yes")]
    pub enabled: bool,

    #[serde(default, rename = "version")]
    _version: Option<Box<RawValue>>,
    #[serde(default, rename = "revision")]
    _revision: Option<Box<RawValue>>,
    #[serde(default, rename = "updated_at")]
    _updated_at: Option<Box<RawValue>>,
}

fn yes() -> bool {
    true
}

/// One entry of `tool_ids`: an id, or an object that says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolReference {
    /// The tool's id.
    pub id: Arc<str>,
    /// Its name in this instance, instead of its own.
    pub name: Option<Arc<str>>,
    /// Its description in this instance.
    pub description: Option<Arc<str>>,
}

/// Selects tools by label.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Include {
    /// A tool with any of these tags is in.
    #[serde(default)]
    pub tags: Vec<Arc<str>>,
}

/// Takes tools out by id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Exclude {
    /// These are not in, whatever else selects them.
    #[serde(default)]
    pub tool_ids: Vec<Arc<str>>,
}

/// How older clients are spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
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

/// Which authenticators guard an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InstanceAuth {
    /// The gateway's.
    #[default]
    Inherit,
    /// None: anonymous.
    None,
}

impl<'de> Deserialize<'de> for ToolReference {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Entry {
            id: Arc<str>,
            name: Option<Arc<str>>,
            description: Option<Arc<str>>,
            defaults: Option<Value>,
            hide: Option<Value>,
        }
        match Value::deserialize(input)? {
            Value::String(id) => Ok(Self {
                id: id.into(),
                name: None,
                description: None,
            }),
            entry @ Value::Object(_) => {
                let entry: Entry = serde_json::from_value(entry).map_err(Error::custom)?;
                if entry.defaults.is_some() || entry.hide.is_some() {
                    return Err(Error::custom("`defaults` and `hide` are not supported yet"));
                }
                Ok(Self {
                    id: entry.id,
                    name: entry.name,
                    description: entry.description,
                })
            }
            other => Err(Error::custom(format!(
                "expected a tool id or an object with `id`, found {other}"
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        struct Members {
            #[serde(default)]
            proto_type: ProtoType,
        }
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

impl InstanceDefinition {
    /// Reads the document stored under `id`.
    pub fn read(id: &str, document: &Document) -> Result<Read<Self>, Problems> {
        let (mut definition, mut warnings) = decode::<Self>(document)?;
        let mut problems: Vec<Problem> = check_id(id).err().into_iter().collect();
        if document.get("vars").is_some() {
            problems.push(Problem::at("vars", "not supported yet"));
        }
        for (index, tool) in definition.tool_ids.iter().enumerate() {
            if let Some(name) = &tool.name {
                problems.extend(check_tool_name(&format!("tool_ids[{index}].name"), name).err());
            }
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        if !definition.id.is_empty() && *definition.id != *id {
            warnings.push(format!(
                "id: the document says `{}`, it is served under its key `{id}`",
                definition.id
            ));
        }
        if definition.metadata.proto_type == ProtoType::Legacy {
            let text = "metadata.proto_type: HTTP+SSE is not served; clients of every revision are served at /mcp without it";
            warnings.push(text.to_owned());
        }
        definition.id = id.into();
        Ok(Read { definition, warnings })
    }
}
