//! Everything that a store holds, as a plan looks at it.

use mcp_common::{
    datasource::Load,
    document::Document,
    key::{Key, Kind, Revision},
};
use std::collections::BTreeMap;

/// One stored definition.
#[derive(Clone, Debug)]
pub struct StoredDefinition {
    /// Which write made it.
    pub revision: Revision,
    /// `None` for what is not a JSON object.
    pub document: Option<Document>,
}

/// All definitions of a store.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    definitions: BTreeMap<Key, StoredDefinition>,
}

impl Stored {
    /// What is stored under the key.
    pub fn get(&self, key: &Key) -> Option<&StoredDefinition> {
        self.definitions.get(key)
    }

    /// All keys of one kind, by id, whatever is stored under them.
    pub fn keys(&self, kind: Kind) -> impl Iterator<Item = &Key> {
        self.definitions.keys().filter(move |key| key.kind == kind)
    }

    /// All documents of one kind that are JSON objects, by id.
    pub fn documents(&self, kind: Kind) -> impl Iterator<Item = (&Key, &Document)> {
        let of_kind = self.definitions.iter().filter(move |(key, _)| key.kind == kind);
        of_kind.filter_map(|(key, stored)| Some((key, stored.document.as_ref()?)))
    }
}

impl From<Load> for Stored {
    fn from(load: Load) -> Self {
        let definitions = load.records.into_iter().map(|record| {
            let document = Document::take(record.body).ok();
            (
                record.key,
                StoredDefinition {
                    revision: record.revision,
                    document,
                },
            )
        });
        Self {
            definitions: definitions.collect(),
        }
    }
}
