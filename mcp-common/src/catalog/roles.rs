//! What only shows when roles and keys are looked at together: circles of roles, and roles that nobody has written. Each document is fine
//! alone, so that none of them is refused; whoever writes it is told, and so is whoever looks for what cannot be used.

use super::{
    circles::{self, Circle},
    quarantine::Place,
    snapshot::Snapshot,
};
use crate::{
    authenticator::{KeyRing, StoredRole},
    definition::{ApiKeyDefinition, RoleDefinition, role::built_in},
    key::{Key, Kind},
};
use std::sync::Arc;

impl<T> Snapshot<T> {
    /// The roles that inherit each other in circles, by id. They are found out once for all snapshots with the same roles.
    pub fn circles(&self) -> &Arc<[Circle]> {
        self.circles.get_or_init(|| {
            let roles = self.documents(Kind::ROLE).into_iter();
            let roles = roles.flat_map(|roles| roles.iter());
            let read = roles.filter_map(|(_, entry)| {
                let role = entry.definition::<RoleDefinition>()?;
                Some((role, entry.revision))
            });
            circles::find(read)
        })
    }

    /// Those of them that are not in quarantine already: a later version that cannot be read is what has to be looked at first.
    pub fn usable_circles(&self) -> impl Iterator<Item = &Circle> {
        let circles = self.circles().iter();
        circles.filter(|circle| {
            !self
                .quarantine
                .contains_key(&Place::Definition(circle.role.clone()))
        })
    }

    /// How many definitions cannot be used, each counted once.
    pub fn unusable_count(&self) -> usize {
        self.quarantine.len() + self.usable_circles().count()
    }
}

impl<T: Send + Sync> Snapshot<T> {
    /// What whoever writes this key or role should know of the roles that it names.
    pub(super) fn about_roles(&self, key: &Key) -> Vec<String> {
        if key.kind == Kind::ROLE {
            let circle = self.circles().iter().find(|circle| circle.role == *key);
            return circle.map(|circle| circle.reason.clone()).into_iter().collect();
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
}
