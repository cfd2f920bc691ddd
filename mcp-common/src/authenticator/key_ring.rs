//! The keys of the store, for whoever has to recognise one.

use crate::{
    catalog::{Catalog, Compile},
    definition::ApiKeyDefinition,
    key::{Kind, Revision},
};
use std::sync::Arc;

/// The keys that are stored, as they are now.
pub trait KeyRing: Send + Sync {
    /// The key of this id and the revision of its document.
    fn key(&self, id: &str) -> Option<(Arc<ApiKeyDefinition>, Revision)>;
}

impl<C: Compile> KeyRing for Catalog<C> {
    fn key(&self, id: &str) -> Option<(Arc<ApiKeyDefinition>, Revision)> {
        let snapshot = self.snapshot();
        let entry = snapshot.documents(Kind::API_KEY)?.get(id)?;
        let definition = entry.definition.clone().downcast().ok()?;
        Some((definition, entry.revision))
    }
}
