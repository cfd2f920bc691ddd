//! The instance that has the imported tools.

use crate::authoring::import::prose;
use mcp_common::document::Document;
use serde_json::{
    Map,
    value::{RawValue, to_raw_value},
};

pub(super) fn new(
    id: &str,
    title: &str,
    description: Option<&str>,
    tools: &[String],
) -> Result<Document, String> {
    let mut members = Map::new();
    members.insert("id".into(), id.into());
    members.insert(
        "name".into(),
        if title.trim().is_empty() {
            id.into()
        } else {
            title.trim().into()
        },
    );
    let description = description.map(|text| prose::bounded(text, prose::INSTANCE));
    if let Some(description) = description.filter(|text| !text.is_empty()) {
        members.insert("description".into(), description.into());
    }
    members.insert("tool_ids".into(), tools.to_vec().into());
    super::document(&members)
}

/// The instance with new tools at the end and without removed ones; everything else stays, also which old tools it does not have.
pub(super) fn updated(
    stored: Option<&Document>,
    created: &[String],
    removed: &[String],
) -> Result<Option<Document>, String> {
    if created.is_empty() && removed.is_empty() {
        return Ok(None);
    }
    let unreadable =
        || "what is stored is not an instance; correct or delete it, then import again".to_owned();
    let mut document = stored.ok_or_else(unreadable)?.clone();
    let mut entries: Vec<Box<RawValue>> = match document.get("tool_ids") {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|_| unreadable())?,
        None => Vec::new(),
    };
    entries.retain(|entry| !id(entry).is_some_and(|id| removed.contains(&id)));
    let there: Vec<String> = entries.iter().filter_map(|entry| id(entry)).collect();
    for tool in created.iter().filter(|tool| !there.contains(tool)) {
        entries.push(to_raw_value(tool).map_err(|error| error.to_string())?);
    }
    document.set("tool_ids", &entries);
    Ok(Some(document))
}

/// The id of an entry: the text, or the object's `id`.
fn id(entry: &RawValue) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(entry.get()).ok()?;
    let id = value.get("id").unwrap_or(&value);
    id.as_str().map(str::to_owned)
}
