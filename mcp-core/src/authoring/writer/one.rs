//! Writes of one definition.

use super::{WriteError, Writer, Written, last_admin, used_by};
use crate::secrets::to_be_stored;
use bytes::Bytes;
use mcp_common::{
    catalog::Refusal,
    datasource::{Expected, Write},
    definition::SecretDefinition,
    document::Document,
    key::{Key, Kind, Revision},
};
use std::{borrow::Cow, time::SystemTime};

/// What a writer expects to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expectation {
    /// Anything or nothing.
    #[default]
    Any,
    /// Nothing is there.
    Absent,
    /// Something is there.
    Present,
    /// This revision.
    Revision(Revision),
}

/// A definition that is to be stored.
#[derive(Debug)]
pub struct Put<'a> {
    /// The key that it is stored under.
    pub key: &'a Key,
    /// The document as it is stored.
    pub document: &'a Document,
    /// What is there now.
    pub expectation: Expectation,
    /// Warnings refuse it.
    pub strict: bool,
    /// Everything but the write.
    pub dry_run: bool,
    /// Refuse what takes away the last key of the store that may write keys.
    pub keep_admin: bool,
    /// Warnings that are known already.
    pub warnings: Vec<String>,
    /// Who writes.
    pub principal: &'a str,
}

/// A definition that is to be taken out of the store.
#[derive(Debug)]
pub struct Delete<'a> {
    /// The key that it is stored under.
    pub key: &'a Key,
    /// What is there now.
    pub expectation: Expectation,
    /// Everything but the write.
    pub dry_run: bool,
    /// Refuse what takes away the last key of the store that may write keys.
    pub keep_admin: bool,
    /// Who writes.
    pub principal: &'a str,
}

impl Expectation {
    /// As data sources know it. `current` is what the catalog has.
    fn expected(self, current: Option<Revision>) -> Result<Expected, WriteError> {
        Ok(match self {
            Self::Any => Expected::Any,
            Self::Absent => Expected::Absent,
            Self::Present => Expected::Revision(current.ok_or(WriteError::Missing)?),
            Self::Revision(revision) => Expected::Revision(revision),
        })
    }
}

/// A secret without its value, which leaves the one that is stored.
fn keeps_value(put: &Put<'_>) -> bool {
    let has = |member| put.document.get(member).is_some();
    put.key.kind == Kind::SECRET && !has("value") && !has("sealed")
}

impl Writer {
    /// Stores a definition that passes the catalog's check.
    pub async fn put(&self, put: Put<'_>) -> Result<Written<()>, WriteError> {
        let turn = self.turn.lock().await;
        self.look(put.key).await?;
        let current = self.catalog.snapshot().stored_revision(put.key);
        let expected = match put.expectation.expected(current)? {
            // The value that is kept is the one that was looked at: another replica may have written a new one meanwhile.
            Expected::Any if keeps_value(&put) => current.map_or(Expected::Absent, Expected::Revision),
            expected => expected,
        };
        let document = self.to_be_stored(put.key, put.document)?;
        let mut warnings = self.catalog.check(put.key, &document)?;
        if put.keep_admin {
            self.keeps_an_admin(put.key, Some(&document))?;
        }
        warnings.extend(self.unopened(put.key, &document));
        warnings.extend(put.warnings);
        if put.strict && !warnings.is_empty() {
            return Err(WriteError::Strict(warnings));
        }
        if put.dry_run {
            // Loses against another write like a real one.
            expected.met_by(current)?;
            return Ok(Written {
                value: (),
                revision: None,
                warnings,
            });
        }
        let write = Write {
            key: put.key,
            expected,
            principal: put.principal,
        };
        let body = Bytes::from(document.to_json());
        let revision = self.source.put(write, body).await?;
        warnings.extend(self.arrival(revision, turn).await);
        warnings.extend(self.catalog.snapshot().overtaken(put.key, revision));
        Ok(Written {
            value: (),
            revision: Some(revision),
            warnings,
        })
    }

    /// Of a secret what is stored, with its value encrypted.
    fn to_be_stored<'d>(&self, key: &Key, document: &'d Document) -> Result<Cow<'d, Document>, WriteError> {
        let Some(vault) = self.catalog.compiler().vault() else {
            return Ok(Cow::Borrowed(document));
        };
        let stored = self.catalog.snapshot().find(key).map(|stored| stored.document);
        let stored = to_be_stored(key, document, stored.as_ref(), vault, SystemTime::now());
        stored.map_err(|problem| WriteError::Refused(Refusal::from(problem)))
    }

    /// A secret whose value nobody can use: it was kept, or sent as it was stored once.
    fn unopened(&self, key: &Key, document: &Document) -> Option<String> {
        let vault = self
            .catalog
            .compiler()
            .vault()
            .filter(|_| key.kind == Kind::SECRET)?;
        let secret = SecretDefinition::read(&key.id, document).ok()?.definition;
        let reason = vault.check(&secret).err()?;
        Some(format!("value: {reason}"))
    }

    fn keeps_an_admin(&self, key: &Key, document: Option<&Document>) -> Result<(), WriteError> {
        let snapshot = self.catalog.snapshot();
        match last_admin::is_lost(&snapshot, key, document, SystemTime::now()) {
            true => Err(WriteError::LastAdmin(key.clone())),
            false => Ok(()),
        }
    }

    /// Deletes a definition; the revision is absent where there was none, and of a dry run.
    pub async fn delete(&self, delete: Delete<'_>) -> Result<Written<()>, WriteError> {
        let Delete {
            key,
            expectation,
            dry_run,
            keep_admin,
            principal,
        } = delete;
        let turn = self.turn.lock().await;
        self.look(key).await?;
        let current = self.catalog.snapshot().stored_revision(key);
        let expected = expectation.expected(current)?;
        if expected == Expected::Absent {
            return Err(WriteError::DeletesNothing);
        }
        if keep_admin {
            self.keeps_an_admin(key, None)?;
        }
        let mut warnings = used_by::warnings(&self.catalog.snapshot(), key);
        if dry_run {
            expected.met_by(current)?;
            if current.is_none() {
                warnings.clear();
            }
            return Ok(Written {
                value: (),
                revision: None,
                warnings,
            });
        }
        let write = Write {
            key,
            expected,
            principal,
        };
        let revision = self.source.delete(write).await?;
        match revision {
            Some(revision) => warnings.extend(self.arrival(revision, turn).await),
            None => warnings.clear(),
        }
        Ok(Written {
            value: (),
            revision,
            warnings,
        })
    }
}
