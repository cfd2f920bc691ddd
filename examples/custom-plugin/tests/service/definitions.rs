//! What the service keeps: every definition with the revision that wrote it, what is gone, and the past.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    time::{SystemTime, UNIX_EPOCH},
};

/// A document is this long at most.
pub const LARGEST: usize = 2 << 20;

/// `tds` or `ids`, and the id.
pub type Name = (String, String);

struct Stored {
    revision: u64,
    updated_at: u64,
    text: String,
}

#[derive(Default)]
pub struct Definitions {
    revision: u64,
    stored: BTreeMap<Name, Stored>,
    deleted: BTreeMap<Name, u64>,
    deleted_since: u64,
    past: HashMap<Name, Vec<Value>>,
}

/// The precondition of a write.
pub enum If {
    Always,
    Absent,
    Revision(u64),
}

impl Definitions {
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The stored revision, if the precondition holds; otherwise the same as an error.
    pub fn check(&self, name: &Name, condition: &If) -> Result<Option<u64>, Option<u64>> {
        let current = self.stored.get(name).map(|stored| stored.revision);
        let holds = match condition {
            If::Always => true,
            If::Absent => current.is_none(),
            If::Revision(revision) => current == Some(*revision),
        };
        if holds { Ok(current) } else { Err(current) }
    }

    pub fn put(&mut self, name: Name, principal: Option<&str>, text: &str) -> u64 {
        self.revision += 1;
        let stored = Stored {
            revision: self.revision,
            updated_at: now(),
            text: text.to_owned(),
        };
        self.deleted.remove(&name);
        self.enter(&name, principal, Some(text));
        self.stored.insert(name, stored);
        self.revision
    }

    pub fn delete(&mut self, name: &Name, principal: Option<&str>) -> Option<u64> {
        self.stored.remove(name)?;
        self.revision += 1;
        self.deleted.insert(name.clone(), self.revision);
        self.enter(name, principal, None);
        Some(self.revision)
    }

    /// Two changes that are one.
    pub fn rename(&mut self, from: &Name, to: Name) {
        let text = self.stored.get(from).unwrap().text.clone();
        self.delete(from, None);
        self.put(to, None, &text);
    }

    /// Forgets what is gone.
    pub fn forget(&mut self) {
        self.deleted.clear();
        self.deleted_since = self.revision;
    }

    /// As a backup brings it back.
    pub fn set_revision(&mut self, revision: u64) {
        self.revision = revision;
    }

    pub fn history(&self, name: &Name, limit: usize) -> Vec<&Value> {
        self.past
            .get(name)
            .into_iter()
            .flatten()
            .rev()
            .take(limit)
            .collect()
    }

    /// Everything, as one JSON text.
    pub fn listing(&self) -> String {
        let definitions: Vec<Value> = self
            .stored
            .iter()
            .map(|((kind, id), stored)| {
                json!({
                    "kind": kind, "id": id, "revision": stored.revision, "updated_at": stored.updated_at,
                    "document": as_it_is(&stored.text),
                })
            })
            .collect();
        let deleted: Vec<Value> = self
            .deleted
            .iter()
            .map(|((kind, id), revision)| json!({"kind": kind, "id": id, "revision": revision}))
            .collect();
        json!({
            "revision": self.revision, "definitions": definitions, "deleted": deleted,
            "deleted_since": self.deleted_since,
        })
        .to_string()
    }

    fn enter(&mut self, name: &Name, principal: Option<&str>, text: Option<&str>) {
        let entry = json!({"revision": self.revision, "at": now(), "principal": principal, "document": text});
        self.past.entry(name.clone()).or_default().push(entry);
    }
}

/// An object where it comes back as it went in, a text otherwise.
fn as_it_is(text: &str) -> Value {
    let parsed: Value = serde_json::from_str(text).unwrap_or_default();
    let written = parsed.to_string();
    if parsed.is_object() && written == text {
        parsed
    } else {
        Value::from(text)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
