//! The audit log: one record for each call, each change and each refusal.
//!
//! A gate of the policy makes the records, a buffer keeps them for a moment, and a task has them written as lines of files that are one
//! chain of hashes. No request waits for any of it. Whoever reads the files needs no gateway.

mod buffer;
mod chain;
mod entry;
mod folder;
mod gate;
mod keeper;
mod line;
mod redaction;
mod search;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub(crate) use search::{Found, Wanted, read_time, search};
pub(crate) use verify::{Verified, verify};

use crate::{
    runtime::tasks::AUDIT,
    settings::{OnFull, Settings},
    telemetry::metrics::AuditMetrics,
};
use buffer::Buffer;
use gate::{AuditGate, Scope};
use keeper::Keeper;
use mcp_common::{
    definition::upstream::Pattern,
    private_file,
    tasks::{Ends, Tasks},
};
use mcp_core::policy::Gate;
use redaction::Redaction;
use std::{io, path::PathBuf, sync::Arc};
use writer::{Place, Writer};

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Nothing can be written there.
    #[error("audit.dir: `{folder}` cannot be used: {cause}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system says.
        cause: io::Error,
    },
    /// What is to be left out of arguments cannot be understood.
    #[error("{key}: {reason}")]
    Setting {
        /// The key of the configuration.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
}

/// The log of one gateway.
pub struct Audit {
    gate: Arc<AuditGate>,
    keeper: Arc<Keeper>,
    /// Where its files are.
    pub(crate) folder: PathBuf,
}

impl Audit {
    /// Opens the log, where one is wanted.
    pub(crate) fn open(
        settings: &Settings,
        metrics: &Arc<AuditMetrics>,
    ) -> Result<Option<Arc<Self>>, AuditError> {
        let audit = &settings.audit;
        if !audit.enabled {
            return Ok(None);
        }
        let folder = folder_of(settings);
        let place = Place {
            folder: folder.clone(),
            max_file_bytes: audit.max_file_bytes.0,
            max_files: audit.max_files,
            redaction: redaction(settings)?,
        };
        let writer = Writer::open(place).map_err(|cause| AuditError::of_folder(settings, cause))?;
        let buffer = Buffer::new(audit.buffer.as_usize(), metrics.clone());
        let scope = Scope {
            reads: audit.reads,
            arguments: audit.arguments.iter().cloned().map(Pattern).collect(),
            refuses: audit.on_full == OnFull::Refuse,
        };
        Ok(Some(Arc::new(Self {
            gate: Arc::new(AuditGate::new(scope, buffer.clone())),
            keeper: Keeper::new(buffer, metrics.clone(), writer),
            folder,
        })))
    }

    /// What makes the records; the last of the policy's gates.
    pub(crate) fn gate(&self) -> Arc<dyn Gate> {
        self.gate.clone()
    }

    /// Writes from now on.
    pub(crate) fn start(&self, tasks: &Tasks) {
        let keeper = self.keeper.clone();
        tasks.spawn(AUDIT, Ends::ByItself, move || keeper.clone().run());
    }

    /// Nothing comes any more: what is there is written.
    pub(crate) fn close(&self) {
        self.gate.buffer.closed.cancel();
    }
}

impl AuditError {
    fn of_folder(settings: &Settings, cause: io::Error) -> Self {
        let folder = folder_of(settings).display().to_string();
        Self::Folder { folder, cause }
    }
}

/// The folder of the configured log.
pub(crate) fn folder_of(settings: &Settings) -> PathBuf {
    let chosen = settings.audit.dir.as_deref().map(PathBuf::from);
    chosen.unwrap_or_else(|| settings.app.data_dir.join("audit"))
}

/// Why the log could not be opened, as far as that can be known without making anything.
pub(crate) fn problem(settings: &Settings) -> Option<AuditError> {
    if let Err(problem) = redaction(settings) {
        return Some(problem);
    }
    if !settings.audit.enabled {
        return None;
    }
    let could = private_file::could_be_written(&folder_of(settings).join("audit.lock"));
    could.err().map(|cause| AuditError::of_folder(settings, cause))
}

fn redaction(settings: &Settings) -> Result<Redaction, AuditError> {
    let audit = &settings.audit;
    Redaction::new(&audit.redact_paths, &audit.redact_patterns)
        .map_err(|(key, reason)| AuditError::Setting { key, reason })
}
