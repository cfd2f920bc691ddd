//! What an import generated, member by member, so that the next one can tell an edit by hand from its own work.

use crate::authoring::change_plan::{canonical, digest};
use mcp_common::document::Document;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Member path (`description`, `tds_ext_info.path`) → digest of its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fingerprint(pub(super) BTreeMap<String, String>);

impl Fingerprint {
    pub(super) fn of(members: &Map<String, Value>) -> Self {
        Self(
            parts(members)
                .into_iter()
                .map(|(name, value)| (name, digest_of(&value)))
                .collect(),
        )
    }

    /// The fingerprints of the last import, as the stored document has it.
    pub(super) fn stored(document: &Document) -> Option<Self> {
        let source: Value = serde_json::from_str(document.get("source")?.get()).ok()?;
        let parts = source.get("parts")?;
        if let Some(text) = parts.as_str() {
            let parts = text.split(' ').filter_map(|part| part.rsplit_once('='));
            return Some(Self(
                parts
                    .map(|(name, digest)| (name.to_owned(), digest.to_owned()))
                    .collect(),
            ));
        }
        // Imports of before had a member for each.
        let parts = parts.as_object()?;
        let digest = |(name, digest): (&String, &Value)| Some((name.clone(), digest.as_str()?.to_owned()));
        Some(Self(parts.iter().filter_map(digest).collect()))
    }

    pub(super) fn get(&self, part: &str) -> Option<&str> {
        self.0.get(part).map(String::as_str)
    }

    /// One line of a file for all of them, `description=1f… input_schema=09…`.
    pub(super) fn text(&self) -> String {
        let parts = self.0.iter().map(|(name, digest)| format!("{name}={digest}"));
        parts.collect::<Vec<_>>().join(" ")
    }

    /// The hash of the whole.
    pub(super) fn hash(&self) -> String {
        digest(&json!(self.0).to_string(), 16)
    }
}

pub(super) fn digest_of(value: &Value) -> String {
    digest(&canonical(value), 12)
}

/// The members that are compared one by one.
pub(super) fn parts(members: &Map<String, Value>) -> Vec<(String, Value)> {
    let mut parts = Vec::new();
    for (name, value) in members {
        match value {
            _ if matches!(name.as_str(), "id" | "source" | "revision" | "updated_at") => {}
            Value::Object(inner) if name == "tds_ext_info" => {
                let inner = inner
                    .iter()
                    .map(|(inner, value)| (format!("{name}.{inner}"), value.clone()));
                parts.extend(inner);
            }
            value => parts.push((name.clone(), value.clone())),
        }
    }
    parts
}
