//! The tools that earlier imports of the same description made.

use super::fingerprint::Fingerprint;
use crate::authoring::{
    change_plan::Stored,
    import::{Format, definition::Draft, known_by},
};
use mcp_common::{
    document::Document,
    key::{Key, Kind},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Where tools come from.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) format: Format,
    pub(super) url: String,
    pub(super) instance: String,
}

impl Source {
    /// The member `source` of a tool.
    pub(super) fn of(&self, draft: &Draft, fingerprint: &Fingerprint) -> Value {
        json!({
            "type": self.format.as_str(),
            "url": self.url,
            "operation": draft.operation,
            "instance": self.instance,
            "hash": fingerprint.hash(),
            "parts": fingerprint.text(),
        })
    }

    fn made(&self, stored: &StoredSource) -> bool {
        stored.kind == self.format.as_str()
            && known_by(&stored.url) == self.url
            && stored.instance == self.instance
    }
}

#[derive(Deserialize)]
struct StoredSource {
    #[serde(rename = "type")]
    kind: String,
    url: String,
    operation: String,
    instance: String,
}

/// One tool of the import's own.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: Key,
    pub(super) document: &'a Document,
    /// What it says that it was made from.
    url: String,
}

impl Entry<'_> {
    /// Whether the source is called there as it is called now; once it was with its credentials.
    pub(super) fn is_as(&self, source: &Source) -> bool {
        self.url == source.url
    }
}

/// All tools of the import's own, by operation.
#[derive(Debug)]
pub(super) struct Own<'a>(BTreeMap<String, Entry<'a>>);

impl<'a> Own<'a> {
    pub(super) fn find(source: &Source, stored: &'a Stored) -> Self {
        let own = stored.documents(Kind::TOOL).filter_map(|(key, document)| {
            let found: StoredSource = serde_json::from_str(document.get("source")?.get()).ok()?;
            source.made(&found).then(|| {
                (
                    found.operation,
                    Entry {
                        key: key.clone(),
                        document,
                        url: found.url,
                    },
                )
            })
        });
        Self(own.collect())
    }

    pub(super) fn get(&self, operation: &str) -> Option<&Entry<'a>> {
        self.0.get(operation)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Entry<'a>)> {
        self.0.iter()
    }
}
