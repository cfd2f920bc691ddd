//! How an instance speaks to older clients.

use serde::{Deserialize, Deserializer, de::Error};
use serde_json::Value;

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
