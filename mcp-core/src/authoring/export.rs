//! Stored definitions as files for people: which ones, under which names, in which spelling. The same definition always
//! gives the same text, and a small change a small difference. Pure: nothing is read or written here.

mod canonical;
mod file_name;

use super::change_plan::{OWNER, Skipped, Stored, owner};
pub use canonical::{bundle, canonical};
pub use file_name::FileNames;
use mcp_common::{
    definition::{InstanceDefinition, ToolDefinition},
    document::Document,
    key::{Key, Kind},
};
use std::{collections::BTreeSet, sync::Arc};

/// What there is to write.
#[derive(Clone, Debug, Default)]
pub struct Exported {
    /// Tools, then instances, by id; as they are stored.
    pub definitions: Vec<(Key, Document)>,
    /// What cannot be a file.
    pub skipped: Vec<Skipped>,
    /// How many of them are secrets, whose values are not exported.
    pub without_values: usize,
}

/// Why an instance cannot be exported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Nothing is stored under the id.
    #[error("there is no instance `{0}`")]
    NoSuchInstance(String),
    /// The instance cannot be read, so its tools are not known.
    #[error("the instance `{0}` cannot be read: {1}")]
    Unreadable(String, String),
}

/// What of a store is exported; everything, if nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// This instance, with the tools that it names or includes.
    pub instance: Option<&'a str>,
    /// What this owner maintains, without the member that says so: a plan for the owner puts it back.
    pub owner: Option<&'a str>,
}

/// What a store has of what is wanted.
pub fn export(stored: &Stored, wanted: Wanted<'_>) -> Result<Exported, ExportError> {
    let selected = wanted.instance.map(|id| of_instance(stored, id)).transpose()?;
    let is_wanted = |key: &Key| selected.as_ref().is_none_or(|selected| selected.contains(key));
    let is_owned = |document: &Document| wanted.owner.is_none() || owner(document).as_deref() == wanted.owner;
    let mut exported = Exported::default();
    for kind in Kind::all() {
        for key in stored.keys(kind).filter(|key| is_wanted(key)) {
            let document = stored.get(key).and_then(|stored| stored.document.as_ref());
            if wanted.owner.is_some() && !document.is_some_and(is_owned) {
                continue;
            }
            match document
                .ok_or_else(|| "what is stored is no JSON object".to_owned())
                .and_then(|document| checked(kind, document))
            {
                Ok(document) => {
                    let mut document = document.clone();
                    if wanted.owner.is_some() {
                        document.remove(OWNER);
                    }
                    // The ciphertext of another store's key is of no use, and a file is no place for it.
                    let mut document = kind.row().shown(&document);
                    if kind == Kind::SECRET {
                        exported.without_values += 1;
                        for member in ["key_version", "created_at", "value_at"] {
                            document.remove(member);
                        }
                    }
                    exported.definitions.push((key.clone(), document));
                }
                Err(reason) => exported.skipped.push(Skipped {
                    operation: format!("{}/{}", kind.path_segment(), key.id),
                    reason,
                }),
            }
        }
    }
    Ok(exported)
}

/// In a file the member `kind` says which collection the definition is in. One that says so already (stored as it stood in
/// a file) is left out when the file is written; another one would be misread.
fn checked(kind: Kind, document: &Document) -> Result<&Document, String> {
    let stated = document
        .get("kind")
        .map(|stated| serde_json::from_str(stated.get()).ok());
    match stated {
        None => Ok(document),
        Some(word) if word.and_then(Kind::of_word) == Some(kind) => Ok(document),
        Some(_) => Err(format!(
            "has a member `kind` of its own, which in a file says whether it is {}",
            Kind::listed(
                |kind| format!("{} (`{}`)", kind.row().with_article(), kind.path_segment()),
                "or"
            ),
        )),
    }
}

fn of_instance(stored: &Stored, id: &str) -> Result<BTreeSet<Key>, ExportError> {
    let key = Key::instance(id);
    let no_such = || ExportError::NoSuchInstance(id.to_owned());
    let unreadable = |reason: String| ExportError::Unreadable(id.to_owned(), reason);
    let stored_instance = stored.get(&key).ok_or_else(no_such)?;
    let document = stored_instance.document.as_ref();
    let document = document.ok_or_else(|| unreadable("what is stored is no JSON object".to_owned()))?;
    let instance =
        InstanceDefinition::read(id, document).map_err(|problems| unreadable(problems.to_string()))?;
    let instance = instance.definition;
    let excluded: BTreeSet<&Arc<str>> = instance
        .exclude
        .iter()
        .flat_map(|exclude| &exclude.tool_ids)
        .collect();
    let tags: BTreeSet<&str> = instance
        .include
        .iter()
        .flat_map(|include| &include.tags)
        .map(|tag| &**tag)
        .collect();
    let named = instance.tool_ids.iter().map(|tool| tool.id.clone());
    let has_tag = |key: &Key, document: &Document| {
        let tool = ToolDefinition::read(&key.id, document);
        tool.is_ok_and(|tool| tool.definition.tags.iter().any(|tag| tags.contains(tag.as_str())))
    };
    let tagged = stored
        .documents(Kind::TOOL)
        .filter(|(key, document)| !tags.is_empty() && has_tag(key, document));
    let tools = named
        .chain(tagged.map(|(key, _)| key.id.clone()))
        .filter(|id| !excluded.contains(id));
    Ok(tools.map(Key::tool).chain([key]).collect())
}

#[cfg(test)]
mod tests;
