//! A definition as people who keep definitions see it: what is stored, and what the catalog knows about it.

use super::{
    collection::Entry,
    quarantine::{Place, Quarantined},
    snapshot::Snapshot,
};
use crate::{
    document::Document,
    key::{Key, Kind, Revision},
};
use std::{ops::Bound, sync::Arc, time::SystemTime};

/// One stored definition.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// The id of the definition.
    pub id: Arc<str>,
    /// The document as it is stored.
    pub document: Document,
    /// The revision that wrote it.
    pub revision: Revision,
    /// The time when it was written, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// What the author should know, though the definition works.
    pub warnings: Vec<String>,
}

impl<T> Snapshot<T> {
    /// What is served under the key; where nothing was ever good, what is stored, if it is a JSON object.
    pub fn find(&self, key: &Key) -> Option<StoredEntry> {
        let quarantined = self.quarantined(key);
        let live = self.entries(key.kind).and_then(|entries| entries.entry(&key.id));
        let Some(live) = live else {
            return quarantined.and_then(|bad| StoredEntry::of_quarantined(bad));
        };
        let mut live = StoredEntry::of(&key.id, live);
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
    pub fn ids(&self, kind: Kind, after: Option<&str>) -> impl Iterator<Item = Arc<str>> {
        let start: Option<Arc<str>> = after.map(Arc::from);
        let live = self.entries(kind).into_iter();
        let first = start.clone();
        let live = live.flat_map(move |entries| entries.ids_after(first.as_ref()));
        let id = start.unwrap_or_else(|| "".into());
        let after = Bound::Excluded(Place::Definition(Key { kind, id }));
        let bad = self
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

    /// What a write that was fine when it was checked has come to all the same: another replica wrote at the same time. One
    /// text for each definition that is in quarantine since.
    pub fn overtaken(&self, key: &Key, revision: Revision) -> Vec<String> {
        let mut keys = vec![key.clone()];
        if key.kind == Kind::TOOL {
            keys.extend(self.instances_of(&key.id).into_iter().map(Key::instance));
        }
        let quarantined = keys
            .iter()
            .filter_map(|key| self.quarantined(key).filter(|bad| bad.revision >= revision));
        quarantined
            .map(|bad| format!("stored, but {} is in quarantine: {}", bad.place, bad.reason))
            .collect()
    }
}

impl StoredEntry {
    fn of(id: &Arc<str>, entry: &dyn Entry) -> Self {
        let served = entry.served();
        Self {
            id: id.clone(),
            document: served.document.clone(),
            revision: served.revision,
            updated_at: served.updated_at,
            warnings: entry.warnings().to_vec(),
        }
    }

    fn of_quarantined(bad: &Quarantined) -> Option<Self> {
        Some(Self {
            id: bad.id().clone(),
            document: bad.document.clone()?,
            revision: bad.revision,
            updated_at: bad.updated_at.or(Some(bad.at)),
            warnings: vec![format!("quarantined, nothing of it is served: {}", bad.reason)],
        })
    }

    /// Whether the text (lower case) is in the id, the name or the description.
    pub fn matches(&self, text: &str) -> bool {
        let holds = |value: &str| value.to_lowercase().contains(text);
        let member = |name| {
            let value = self.document.get(name);
            let value = value.and_then(|value| serde_json::from_str::<String>(value.get()).ok());
            value.is_some_and(|value| holds(&value))
        };
        holds(&self.id) || member("name") || member("description")
    }

    /// Whether the document has this tag.
    pub fn is_tagged(&self, tag: &str) -> bool {
        let tags = self.document.get("tags");
        let tags = tags.and_then(|tags| serde_json::from_str::<Vec<String>>(tags.get()).ok());
        tags.is_some_and(|tags| tags.iter().any(|one| one == tag))
    }
}
