//! A definition as the admin API shows it: the document member for member as it was written, and what the server
//! knows about it.

use crate::timestamp::rfc3339;
use mcp_common::{catalog::StoredEntry, document::Document, key::Revision};
use std::time::SystemTime;

/// The document with what the server maintains.
pub(super) fn shown(entry: &StoredEntry) -> Document {
    shown_as(&entry.document, &entry.id, entry.revision, entry.updated_at)
}

/// The document under its key's id, with `revision` and `updated_at`.
pub(super) fn shown_as(
    document: &Document,
    id: &str,
    revision: Revision,
    at: Option<SystemTime>,
) -> Document {
    let mut document = document.clone();
    document.set_first("id", &id);
    document.set("revision", &revision);
    match at {
        Some(at) => document.set("updated_at", &rfc3339(at)),
        None => drop(document.remove("updated_at")),
    }
    document
}
