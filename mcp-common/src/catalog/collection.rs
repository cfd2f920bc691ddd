//! The live definitions of one kind, whatever the kind is.

use crate::{
    definition::Read,
    document::Document,
    key::{Definition, Kind, Revision},
    problem::Problems,
};
use imbl::OrdMap;
use std::{fmt, ops::Bound, ops::Deref, sync::Arc, time::SystemTime};

/// One stored version of a definition.
#[derive(Clone, Copy, Debug)]
pub struct StoredVersion<'a> {
    /// The revision that wrote it.
    pub revision: Revision,
    /// The time when it was written, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// What is stored.
    pub document: &'a Document,
}

/// What every live definition has, whatever its kind.
pub trait Entry {
    /// The version that is served.
    fn served(&self) -> StoredVersion<'_>;

    /// A later version that can be read, but cannot be served yet.
    fn waiting(&self) -> Option<StoredVersion<'_>> {
        None
    }

    /// Findings for the author of what is served.
    fn warnings(&self) -> &[String];

    /// The newest version that can be read.
    fn newest(&self) -> StoredVersion<'_> {
        self.waiting().unwrap_or_else(|| self.served())
    }
}

/// Entries by id. A clone shares everything.
pub struct Collection<E>(OrdMap<Arc<str>, Arc<E>>);

/// A collection of entries of any type.
pub trait Entries {
    /// The entry of this id.
    fn entry(&self, id: &str) -> Option<&dyn Entry>;

    /// The ids after `after`, in order.
    fn ids_after(&self, after: Option<&Arc<str>>) -> Box<dyn Iterator<Item = &Arc<str>> + '_>;
}

/// A live definition of a kind that the catalog need not know more of: its document says everything.
pub struct DocumentEntry {
    /// What its document says.
    pub definition: Definition,
    /// The document as it is stored.
    pub document: Document,
    /// The revision that wrote it.
    pub revision: Revision,
    /// The time when it was written, as far as the source knows.
    pub updated_at: Option<SystemTime>,
    /// What the author should know, though the definition works.
    pub warnings: Vec<String>,
}

impl DocumentEntry {
    pub(super) fn read(
        kind: Kind,
        id: &str,
        document: Document,
        revision: Revision,
        updated_at: Option<SystemTime>,
    ) -> Result<Self, (Problems, Document)> {
        match (kind.row().read)(id, &document) {
            Ok(Read { definition, warnings }) => Ok(Self {
                definition,
                document,
                revision,
                updated_at,
                warnings,
            }),
            Err(problems) => Err((problems, document)),
        }
    }

    /// What its document says, for those who know its type.
    pub fn definition<D: 'static>(&self) -> Option<&D> {
        self.definition.downcast_ref()
    }
}

impl Entry for DocumentEntry {
    fn served(&self) -> StoredVersion<'_> {
        StoredVersion {
            revision: self.revision,
            updated_at: self.updated_at,
            document: &self.document,
        }
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl<E> Collection<E> {
    pub(super) fn insert(&mut self, id: Arc<str>, entry: Arc<E>) {
        self.0.insert(id, entry);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<Arc<E>> {
        self.0.remove(id)
    }
}

impl<E: Entry> Entries for Collection<E> {
    fn entry(&self, id: &str) -> Option<&dyn Entry> {
        self.0.get(id).map(|entry| -> &dyn Entry { &**entry })
    }

    fn ids_after(&self, after: Option<&Arc<str>>) -> Box<dyn Iterator<Item = &Arc<str>> + '_> {
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(id.clone()));
        Box::new(self.0.range((from, Bound::Unbounded)).map(|(id, _)| id))
    }
}

impl<E> Deref for Collection<E> {
    type Target = OrdMap<Arc<str>, Arc<E>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

// Derived impls would ask the same of `E`, which is only ever behind an `Arc`.
impl<E> Default for Collection<E> {
    fn default() -> Self {
        Self(OrdMap::new())
    }
}

impl<E> Clone for Collection<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> fmt::Debug for Collection<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
