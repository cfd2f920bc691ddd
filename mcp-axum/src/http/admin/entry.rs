//! A definition as the admin API shows it: the document member for member as it was written, and what the server
//! knows about it.

use crate::timestamp::rfc3339;
use mcp_common::{
    catalog::StoredEntry,
    document::Document,
    key::{Key, Kind, Revision},
};
use std::time::SystemTime;

/// The document with what the server maintains.
pub(super) fn shown(kind: Kind, entry: &StoredEntry) -> Document {
    let key = Key {
        kind,
        id: entry.id.clone(),
    };
    shown_as(&entry.document, &key, entry.revision, entry.updated_at)
}

/// The document under its key's id, with `revision` and `updated_at`, and without what nobody is shown.
pub(super) fn shown_as(
    document: &Document,
    key: &Key,
    revision: Revision,
    at: Option<SystemTime>,
) -> Document {
    let mut document = key.kind.row().shown(document);
    document.set_first("id", &key.id);
    document.set("revision", &revision);
    match at {
        Some(at) => document.set("updated_at", &rfc3339(at)),
        None => drop(document.remove("updated_at")),
    }
    document
}
