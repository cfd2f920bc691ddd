//! The keys and roles of the store, for whoever has to recognise a caller.

use crate::{
    catalog::{Catalog, Compile, Snapshot},
    definition::{ApiKeyDefinition, RoleDefinition},
    key::{Key, Kind, Revision},
};
use std::sync::Arc;

/// The keys and roles that are stored, as they are now.
pub trait KeyRing: Send + Sync {
    /// The key of this id and the revision of its document.
    fn key(&self, id: &str) -> Option<(Arc<ApiKeyDefinition>, Revision)>;

    /// The role of this id.
    fn role(&self, id: &str) -> StoredRole;
}

/// What the store has of a role.
#[derive(Clone, Debug)]
pub enum StoredRole {
    /// The role and the revision of its document.
    Known(Arc<RoleDefinition>, Revision),
    /// There is a document, of which no version could ever be read.
    Unreadable,
    /// There is none.
    Unknown,
}

/// Which version of a role it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleVersion {
    /// The one that was written at this revision.
    Of(Revision),
    /// One that cannot be read.
    Unreadable,
    /// There is none.
    Unknown,
}

impl StoredRole {
    /// Which version it is.
    pub fn version(&self) -> RoleVersion {
        match self {
            Self::Known(_, revision) => RoleVersion::Of(*revision),
            Self::Unreadable => RoleVersion::Unreadable,
            Self::Unknown => RoleVersion::Unknown,
        }
    }
}

impl<C: Compile> KeyRing for Catalog<C> {
    fn key(&self, id: &str) -> Option<(Arc<ApiKeyDefinition>, Revision)> {
        self.snapshot().key(id)
    }

    fn role(&self, id: &str) -> StoredRole {
        self.snapshot().role(id)
    }
}

/// As they are, or were, at one revision.
impl<T: Send + Sync> KeyRing for Snapshot<T> {
    fn key(&self, id: &str) -> Option<(Arc<ApiKeyDefinition>, Revision)> {
        let entry = self.documents(Kind::API_KEY)?.get(id)?;
        let definition = entry.definition.clone().downcast().ok()?;
        Some((definition, entry.revision))
    }

    fn role(&self, id: &str) -> StoredRole {
        let entry = self.documents(Kind::ROLE).and_then(|roles| roles.get(id));
        if let Some(entry) = entry
            && let Ok(definition) = entry.definition.clone().downcast()
        {
            return StoredRole::Known(definition, entry.revision);
        }
        let is_unreadable = self.quarantined(&Key::role(id)).is_some()
            || self.elsewhere().any(|place| may_be_role(place, id));
        match is_unreadable {
            true => StoredRole::Unreadable,
            false => StoredRole::Unknown,
        }
    }
}

/// Whether what cannot be read at all, a file or a row, may be this role: what that refuses is not known then.
fn may_be_role(place: &str, id: &str) -> bool {
    let mut words = place.split(|c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.'));
    words.any(|word| {
        let name = word.rsplit_once('.').map_or(word, |(name, _)| name);
        word == Kind::ROLE.path_segment() || word == Kind::ROLE.as_str() || word == id || name == id
    })
}

#[cfg(test)]
mod tests {
    use super::may_be_role;

    #[test]
    fn what_cannot_be_read_may_be_a_role_where_its_place_says_so() {
        for place in [
            "roles/no-drops.yaml:3",
            "roles/other.yaml",
            "team/no-drops.json",
            "RDS `no-drops`",
            "/dynmcp/roles/",
        ] {
            assert!(may_be_role(place, "no-drops"), "{place}");
        }
        for place in ["tds/drops.yaml:3", "no-drops-at-all.yaml", "TDS `x`"] {
            assert!(!may_be_role(place, "no-drops"), "{place}");
        }
    }
}
