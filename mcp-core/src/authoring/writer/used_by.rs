//! What goes on without a definition that is deleted: whoever deletes it is told.

use mcp_common::{
    catalog::Snapshot,
    definition::{ApiKeyDefinition, InstanceDefinition, RoleDefinition},
    key::{Key, Kind},
};

/// A warning for each way in which others name it; that does not keep it from being deleted, and they have it again when it is stored again.
pub(super) fn warnings<T>(snapshot: &Snapshot<T>, key: &Key) -> Vec<String> {
    let id = &*key.id;
    if key.kind == Kind::TOOL {
        let listing = instances(snapshot, |instance| {
            instance.tool_ids.iter().any(|named| named.id == key.id)
        });
        return told(
            key,
            listing,
            "these instances still list it",
            "they go on without it",
        );
    }
    if key.kind == Kind::UPSTREAM {
        let showing = instances(snapshot, |instance| instance.refers_to(id));
        return told(
            key,
            showing,
            "these instances show what it offers",
            "they go on without that",
        );
    }
    if key.kind == Kind::ROLE {
        let held = documents::<T, ApiKeyDefinition>(snapshot, Kind::API_KEY, |held| {
            held.roles.iter().any(|role| role == id)
        });
        let inheriting = documents::<T, RoleDefinition>(snapshot, Kind::ROLE, |role| {
            role.inherits.iter().any(|role| **role == *id)
        });
        let consequence =
            "what it allowed is not allowed to them any more, and what it refused is not refused";
        let mut all = told(key, held, "these keys have it", consequence);
        all.extend(told(
            key,
            inheriting,
            "these roles inherit it",
            "keys that have one of them are closed",
        ));
        return all;
    }
    Vec::new()
}

fn instances<T>(snapshot: &Snapshot<T>, names: impl Fn(&InstanceDefinition) -> bool) -> Vec<String> {
    let all = snapshot.instances.iter();
    all.filter(|(_, entry)| names(&entry.definition))
        .map(|(id, _)| format!("`{id}`"))
        .collect()
}

fn documents<T, D: 'static>(snapshot: &Snapshot<T>, kind: Kind, names: impl Fn(&D) -> bool) -> Vec<String> {
    let all = snapshot.documents(kind).into_iter().flat_map(|all| all.iter());
    all.filter(|(_, entry)| entry.definition::<D>().is_some_and(&names))
        .map(|(id, _)| format!("`{id}`"))
        .collect()
}

/// More names say nothing new.
const MOST_NAMED: usize = 20;

fn told(key: &Key, ids: Vec<String>, who: &str, consequence: &str) -> Vec<String> {
    if ids.is_empty() {
        return Vec::new();
    }
    let named = ids[..ids.len().min(MOST_NAMED)].join(", ");
    let more = match ids.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    vec![format!(
        "{key} is deleted, and {who}: {named}{more}; {consequence}"
    )]
}
