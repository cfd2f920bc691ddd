//! Gives every tool a name that is its own in the instance and stays the same from import to import.

use super::{
    fingerprint::{Fingerprint, digest_of},
    own::Own,
};
use crate::authoring::{
    change_plan::Stored,
    import::{definition::Draft, name},
};
use mcp_common::{definition::InstanceDefinition, document::Document, key::Key};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) struct Names {
    taken: BTreeSet<String>,
    /// The names that tools have from an earlier import.
    kept: BTreeSet<String>,
}

impl Names {
    /// With the names that other tools have in the instance.
    pub(super) fn new(instance: &str, own: &Own<'_>, stored: &Stored) -> Self {
        let is_own = |id: &str| own.iter().any(|(_, entry)| *entry.key.id == *id);
        let definition = stored
            .get(&Key::instance(instance))
            .and_then(|stored| stored.document.as_ref())
            .and_then(|document| InstanceDefinition::read(instance, document).ok())
            .map(|read| read.definition);
        let references = definition.into_iter().flat_map(|definition| definition.tool_ids);
        let taken = references.filter(|tool| !is_own(&tool.id)).filter_map(|tool| {
            let own_name = || name_of(stored.get(&Key::tool(tool.id.clone()))?.document.as_ref()?);
            tool.name.as_deref().map(str::to_owned).or_else(own_name)
        });
        Self {
            taken: taken.collect(),
            kept: BTreeSet::new(),
        }
    }

    /// Names that tools have stay theirs, whatever the order of the description is now.
    pub(super) fn reserve_kept(&mut self, drafts: &[Draft], own: &Own<'_>) {
        for draft in drafts {
            let base = own
                .get(&draft.operation)
                .and_then(|entry| Fingerprint::stored(entry.document));
            self.kept.extend(base.and_then(|base| generated(draft, &base)));
        }
    }

    /// The name of a draft; `base` is what the last import generated for it.
    pub(super) fn choose(&mut self, draft: &Draft, base: Option<&Fingerprint>) -> String {
        if let Some(name) = base.and_then(|base| generated(draft, base)) {
            self.taken.insert(name.clone());
            return name;
        }
        let is_taken = |name: &str| self.taken.contains(name) || self.kept.contains(name);
        let name = name::free(&draft.name, &draft.operation, is_taken);
        self.taken.insert(name.clone());
        name
    }

    pub(super) fn give_back(&mut self, name: &str) {
        self.taken.remove(name);
    }
}

/// The name that the last import gave it, if the description would still have it.
fn generated(draft: &Draft, base: &Fingerprint) -> Option<String> {
    let candidates = [
        draft.name.clone(),
        name::free(&draft.name, &draft.operation, |_| true),
    ];
    let digest = base.get("name")?;
    candidates
        .into_iter()
        .find(|name| digest_of(&Value::from(name.as_str())) == digest)
}

fn name_of(document: &Document) -> Option<String> {
    serde_json::from_str(document.get("name")?.get()).ok()
}
