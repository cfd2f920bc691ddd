//! A definition as the admin API shows it: the document member for member as it was written, and what the server
//! knows about it.

use super::timestamp::rfc3339;
use mcp_common::{
    catalog::{InstanceEntry, Place, Quarantined, Snapshot, ToolEntry},
    document::Document,
    key::{Key, Kind, Revision},
};
use serde_json::value::RawValue;
use std::{ops::Bound, sync::Arc, time::SystemTime};

/// One stored definition.
pub(super) struct Entry {
    pub(super) id: Arc<str>,
    /// As stored.
    pub(super) document: Document,
    pub(super) revision: Revision,
    pub(super) updated_at: Option<SystemTime>,
    pub(super) warnings: Vec<String>,
}

impl Entry {
    /// What is served under the key; where nothing was ever good, what is stored, if it is a JSON object.
    pub(super) fn find<T>(snapshot: &Snapshot<T>, key: &Key) -> Option<Self> {
        let quarantined = snapshot.quarantined(key);
        let live = match key.kind {
            Kind::Tool => snapshot.tools.get(&key.id).map(|tool| Self::of_tool(tool)),
            Kind::Instance => snapshot
                .instances
                .get(&key.id)
                .map(|instance| Self::of_instance(instance)),
        };
        let Some(mut live) = live else {
            return quarantined.and_then(|bad| Self::of_quarantined(bad));
        };
        if let Some(bad) = quarantined {
            let Quarantined { revision, reason, .. } = &**bad;
            let served = live.revision;
            live.warnings.push(format!(
                "revision {revision} is quarantined, revision {served} is served: {reason}"
            ));
        }
        Some(live)
    }

    /// The ids of a collection after `after`, in order, each once; also of what is stored but was never good.
    pub(super) fn ids<T>(
        snapshot: &Snapshot<T>,
        kind: Kind,
        after: Option<&str>,
    ) -> impl Iterator<Item = Arc<str>> {
        let start: Arc<str> = after.unwrap_or_default().into();
        let from = if after.is_some() {
            Bound::Excluded(start.clone())
        } else {
            Bound::Unbounded
        };
        let range = (from, Bound::Unbounded);
        let live: Box<dyn Iterator<Item = &Arc<str>>> = match kind {
            Kind::Tool => Box::new(snapshot.tools.range(range).map(|(id, _)| id)),
            Kind::Instance => Box::new(snapshot.instances.range(range).map(|(id, _)| id)),
        };
        let after = Bound::Excluded(Place::Definition(Key { kind, id: start }));
        let bad =
            snapshot
                .quarantine
                .range((after, Bound::Unbounded))
                .map_while(move |(place, _)| match place {
                    Place::Definition(key) if key.kind == kind => Some(&key.id),
                    _ => None,
                });
        let mut bad = bad.peekable();
        let mut live = live.peekable();
        std::iter::from_fn(move || {
            let next = match (live.peek(), bad.peek()) {
                (Some(l), Some(b)) if l == b => {
                    bad.next();
                    live.next()
                }
                (Some(l), Some(b)) if b < l => bad.next(),
                (Some(_), _) => live.next(),
                (None, _) => bad.next(),
            };
            next.cloned()
        })
    }

    fn of_tool<T>(tool: &ToolEntry<T>) -> Self {
        Self {
            id: tool.id.clone(),
            document: tool.document.clone(),
            revision: tool.revision,
            updated_at: tool.updated_at,
            warnings: tool.warnings.clone(),
        }
    }

    fn of_instance<T>(instance: &InstanceEntry<T>) -> Self {
        Self {
            id: instance.definition.id.clone(),
            document: instance.document.clone(),
            revision: instance.revision,
            updated_at: instance.updated_at,
            warnings: instance.warnings.clone(),
        }
    }

    fn of_quarantined(bad: &Quarantined) -> Option<Self> {
        let document = bad.document.clone()?;
        let warnings = vec![format!("quarantined, nothing of it is served: {}", bad.reason)];
        let (id, revision) = (bad.id().clone(), bad.revision);
        Some(Self {
            id,
            document,
            revision,
            updated_at: Some(bad.at),
            warnings,
        })
    }

    /// Whether the text (lower case) is in the id, the name or the description.
    pub(super) fn matches(&self, text: &str) -> bool {
        let member = |name| {
            self.document
                .get(name)
                .and_then(string)
                .is_some_and(|value| holds(&value, text))
        };
        holds(&self.id, text) || member("name") || member("description")
    }

    /// The document with what the server maintains.
    pub(super) fn shown(&self) -> Document {
        shown(&self.document, &self.id, self.revision, self.updated_at)
    }
}

/// The document under its key's id, with `revision` and `updated_at`.
pub(super) fn shown(document: &Document, id: &str, revision: Revision, at: Option<SystemTime>) -> Document {
    let mut document = document.clone();
    document.set_first("id", &id);
    document.set("revision", &revision);
    match at {
        Some(at) => document.set("updated_at", &rfc3339(at)),
        None => drop(document.remove("updated_at")),
    }
    document
}

fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

fn holds(value: &str, text: &str) -> bool {
    value.to_lowercase().contains(text)
}
