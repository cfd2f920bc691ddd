//! The keys and roles of the store, for whoever has to recognise a caller.

use crate::{
    catalog::{Catalog, Compile},
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
        let snapshot = self.snapshot();
        let entry = snapshot.documents(Kind::API_KEY)?.get(id)?;
        let definition = entry.definition.clone().downcast().ok()?;
        Some((definition, entry.revision))
    }

    fn role(&self, id: &str) -> StoredRole {
        let snapshot = self.snapshot();
        let entry = snapshot.documents(Kind::ROLE).and_then(|roles| roles.get(id));
        if let Some(entry) = entry
            && let Ok(definition) = entry.definition.clone().downcast()
        {
            return StoredRole::Known(definition, entry.revision);
        }
        match snapshot.quarantined(&Key::role(id)).is_some() {
            true => StoredRole::Unreadable,
            false => StoredRole::Unknown,
        }
    }
}
