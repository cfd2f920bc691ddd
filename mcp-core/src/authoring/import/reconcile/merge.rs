//! A generated definition into one that is stored and may have been edited since.

use super::fingerprint::{Fingerprint, digest_of, parts};
use indexmap::IndexMap;
use mcp_common::document::Document;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};
use std::collections::{BTreeMap, BTreeSet};

/// The outcome.
pub(super) struct Merged {
    pub(super) document: Document,
    /// What the next import compares with. A member in conflict keeps its old digest, so that it stays one.
    pub(super) base: Fingerprint,
    pub(super) conflicts: Vec<String>,
}

/// What was not edited becomes what is generated, what was edited stays. Both: a conflict, and the edit stays.
pub(super) fn merge(
    stored: &Document,
    new: &Map<String, Value>,
    base: Option<&Fingerprint>,
) -> Result<Merged, String> {
    let now: Map<String, Value> =
        serde_json::from_str(stored.as_json()).map_err(|error| error.to_string())?;
    let now: BTreeMap<String, Value> = parts(&now).into_iter().collect();
    let new: IndexMap<String, Value> = parts(new).into_iter().collect();
    let mut next = Fingerprint::default();
    let mut conflicts = Vec::new();
    let mut document = stored.clone();
    let known = base.into_iter().flat_map(|base| base.0.keys());
    let names: BTreeSet<&String> = new.keys().chain(known).collect();
    let in_order = new
        .keys()
        .chain(names.into_iter().filter(|name| !new.contains_key(*name)));
    for name in in_order {
        let generated = new.get(name);
        let digest = generated.map(digest_of);
        let before = base.and_then(|base| base.get(name));
        let current = now.get(name).map(digest_of);
        let is_edited = current.as_deref() != before;
        let is_new = digest.as_deref() != before;
        let mut remembered = digest.clone();
        if is_new && current != digest {
            if is_edited {
                conflicts.push(name.clone());
                remembered = before.map(str::to_owned);
            } else {
                write(&mut document, name, generated)?;
            }
        }
        if let Some(remembered) = remembered {
            next.0.insert(name.clone(), remembered);
        }
    }
    Ok(Merged {
        document,
        base: next,
        conflicts,
    })
}

fn write(document: &mut Document, part: &str, value: Option<&Value>) -> Result<(), String> {
    let Some((outer, inner)) = part.split_once('.') else {
        match value {
            Some(value) => document.set(part, value),
            None => drop(document.remove(part)),
        }
        return Ok(());
    };
    let mut members: IndexMap<String, Box<RawValue>> = match document.get(outer) {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|error| format!("{outer}: {error}"))?,
        None => IndexMap::new(),
    };
    match value {
        Some(value) => {
            let raw = to_raw_value(value).map_err(|error| error.to_string())?;
            members.insert(inner.to_owned(), raw);
        }
        None => drop(members.shift_remove(inner)),
    }
    document.set(outer, &members);
    Ok(())
}
