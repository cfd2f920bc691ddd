//! Writes a plan.

use super::{Plan, Step};
use crate::authoring::import::Progress;
use bytes::Bytes;
use mcp_common::{
    datasource::{DataSource, Expected, SourceError, Write},
    document::Document,
    key::{Key, Revision},
};

/// A plan that was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The last write's; `None` where there was nothing to write.
    pub revision: Option<Revision>,
    /// Writes made.
    pub written: usize,
}

/// A plan that was not written to its end.
#[derive(Debug, thiserror::Error)]
#[error(
    "{written} of {planned} changes were written; then {key}: {cause}. Doing it again continues from there"
)]
pub struct ApplyError {
    /// Writes made.
    pub written: usize,
    /// Writes planned.
    pub planned: usize,
    /// What could not be written.
    pub key: Key,
    /// The last write's revision.
    pub revision: Option<Revision>,
    /// The reason.
    #[source]
    pub cause: SourceError,
}

impl Plan {
    /// Step by step; a store has no transaction over definitions. The first one that fails ends it.
    pub async fn apply(
        &self,
        source: &dyn DataSource,
        principal: &str,
        progress: &Progress,
    ) -> Result<Applied, ApplyError> {
        let mut applied = Applied::default();
        for step in &self.steps {
            progress.at("written", applied.written, self.steps.len());
            let written = write(step, source, principal).await.map_err(|cause| ApplyError {
                written: applied.written,
                planned: self.steps.len(),
                key: step.key().clone(),
                revision: applied.revision,
                cause,
            })?;
            applied.revision = written.or(applied.revision);
            applied.written += 1;
        }
        Ok(applied)
    }
}

async fn write(
    step: &Step,
    source: &dyn DataSource,
    principal: &str,
) -> Result<Option<Revision>, SourceError> {
    let put = async |key: &Key, document: &Document, expected: Expected| {
        let write = Write {
            key,
            expected,
            principal,
        };
        source.put(write, Bytes::from(document.to_json())).await.map(Some)
    };
    match step {
        Step::Create { key, document } => put(key, document, Expected::Absent).await,
        Step::Update {
            key,
            document,
            revision,
            ..
        } => put(key, document, Expected::Revision(*revision)).await,
        Step::Delete { key, revision } => {
            let write = Write {
                key,
                expected: Expected::Revision(*revision),
                principal,
            };
            source.delete(write).await
        }
    }
}
