//! What only shows when roles and keys are looked at together: circles of roles, and roles that nobody has written. Each document is fine
//! alone, so that none of them is refused; whoever writes it is told, and so is whoever looks for what cannot be used.

use super::{collection::DocumentEntry, snapshot::Snapshot};
use crate::{
    authenticator::{KeyRing, StoredRole},
    definition::{ApiKeyDefinition, RoleDefinition, role::built_in},
    key::{Key, Kind, Revision},
};
use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

/// A role that inherits itself by way of others. Keys that have it open nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// The role.
    pub role: Key,
    /// The revision of its document.
    pub revision: Revision,
    /// The way around, for people.
    pub reason: String,
}

impl<T: Send + Sync> Snapshot<T> {
    /// The roles that inherit each other in circles, by id.
    pub fn circles(&self) -> Vec<Circle> {
        let roles = self.documents(Kind::ROLE).into_iter();
        let roles = roles.flat_map(|roles| roles.iter());
        let circle = |(id, entry): (&Arc<str>, &Arc<DocumentEntry>)| {
            Some(Circle {
                reason: self.circle(id)?,
                role: Key::role(id.clone()),
                revision: entry.revision,
            })
        };
        roles.filter_map(circle).collect()
    }

    /// What whoever writes this key or role should know of the roles that it names.
    pub(super) fn about_roles(&self, key: &Key) -> Vec<String> {
        if key.kind == Kind::ROLE {
            return self.circle(&key.id).into_iter().collect();
        }
        if key.kind != Kind::API_KEY {
            return Vec::new();
        }
        let entry = self.documents(Kind::API_KEY).and_then(|keys| keys.get(&key.id));
        let definition = entry.and_then(|entry| entry.definition::<ApiKeyDefinition>());
        let roles = definition.into_iter().flat_map(|definition| &definition.roles);
        let unknown = roles
            .enumerate()
            .filter(|(_, role)| built_in(role).is_none() && matches!(self.role(role), StoredRole::Unknown));
        let warning = |(index, role): (usize, &String)| {
            format!(
                "roles[{index}]: there is no role `{role}`, which allows nothing until there is one; `access` and templates see the word"
            )
        };
        unknown.map(warning).collect()
    }

    /// The way from this role back to it.
    fn circle(&self, id: &str) -> Option<String> {
        let mut inherited_by: HashMap<Arc<str>, Arc<str>> = HashMap::new();
        let mut open = vec![Arc::<str>::from(id)];
        while let Some(role) = open.pop() {
            let StoredRole::Known(definition, _) = self.role(&role) else {
                continue;
            };
            let definition: &RoleDefinition = &definition;
            if definition.inherits.iter().any(|inherited| **inherited == *id) {
                return Some(way(id, role, &inherited_by));
            }
            for inherited in &definition.inherits {
                if let Entry::Vacant(place) = inherited_by.entry(inherited.clone()) {
                    place.insert(role.clone());
                    open.push(inherited.clone());
                }
            }
        }
        None
    }
}

/// From the role to the last one before it, and back.
fn way(id: &str, last: Arc<str>, inherited_by: &HashMap<Arc<str>, Arc<str>>) -> String {
    let mut names = vec![Arc::<str>::from(id), last];
    while let Some(before) = names.last().and_then(|role| inherited_by.get(role)) {
        names.push(before.clone());
    }
    names.reverse();
    let names = names.join(" → ");
    format!(
        "inherits: roles inherit each other in a circle: {names}; keys that have one of them open nothing"
    )
}
