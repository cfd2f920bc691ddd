//! The audit log: one record for each call, each change and each refusal.
//!
//! A gate of the policy makes the records, a buffer keeps them for a moment, and a task has them written as lines of files that are one
//! chain of hashes. No request waits for any of it. Whoever reads the files needs no gateway.

mod buffer;
mod chain;
mod checkpoint;
mod entry;
mod folder;
mod gate;
mod keeper;
mod line;
mod redaction;
mod search;
mod sinks;
#[cfg(test)]
mod tests;
mod verify;
mod writer;

pub(crate) use checkpoint::PublicKey;
pub(crate) use search::{Found, Wanted, read_time, search};
pub(crate) use sinks::SyslogPlace;
pub(crate) use verify::{Checked, Verified, verify};

use crate::{
    app::App,
    runtime::tasks::AUDIT,
    settings::{OnFull, Settings},
    telemetry::metrics::AuditMetrics,
};
use buffer::Buffer;
use checkpoint::Signer;
use gate::{AuditGate, Scope};
use keeper::{Checkpoints, Keeper};
use mcp_common::{
    definition::upstream::Pattern,
    private_file,
    tasks::{Ends, Tasks},
};
use mcp_core::policy::Gate;
use redaction::Redaction;
use sinks::{Sinks, Written};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::sync::watch;
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
    sinks: Sinks,
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
        let checkpoints = checkpoints(settings)?;
        let folder = folder_of(settings);
        let place = Place {
            folder: folder.clone(),
            max_file_bytes: audit.max_file_bytes.0,
            max_files: audit.max_files,
            redaction: redaction(settings)?,
        };
        let writer = Writer::open(place).map_err(|cause| AuditError::of_folder(settings, cause))?;
        let (told, progress) = watch::channel(Written::default());
        // The first record of this process.
        let first = writer.head().seq;
        let sinks = Sinks::of(settings, (&folder, first), progress, metrics)?;
        let buffer = Buffer::new(audit.buffer.as_usize(), metrics.clone());
        let scope = Scope {
            reads: audit.reads,
            arguments: audit.arguments.iter().cloned().map(Pattern).collect(),
            refuses: audit.on_full == OnFull::Refuse,
        };
        Ok(Some(Arc::new(Self {
            gate: Arc::new(AuditGate::new(scope, buffer.clone())),
            keeper: Keeper::new(buffer, metrics.clone(), (writer, told), checkpoints),
            sinks,
            folder,
        })))
    }

    /// What makes the records; the last of the policy's gates.
    pub(crate) fn gate(&self) -> Arc<dyn Gate> {
        self.gate.clone()
    }

    /// Writes from now on.
    pub(crate) fn start(&self, tasks: &Tasks, configured: &watch::Receiver<Arc<App>>) {
        self.sinks.start(tasks, configured);
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

/// Where checkpoints of the configured log stand.
pub(crate) fn checkpoints_of(settings: &Settings) -> PathBuf {
    let chosen = settings.audit.checkpoint_dir.as_deref().map(PathBuf::from);
    chosen
        .unwrap_or_else(|| folder_of(settings))
        .join(checkpoint::FILE)
}

/// Where they stand beside the files of a folder.
pub(crate) fn checkpoints_in(folder: &Path) -> PathBuf {
    folder.join(checkpoint::FILE)
}

/// What signs them, where anything does.
fn checkpoints(settings: &Settings) -> Result<Option<Checkpoints>, AuditError> {
    let audit = &settings.audit;
    let Some(file) = &audit.checkpoint_key_file else {
        return Ok(None);
    };
    let signer = Signer::read(Path::new(file)).map_err(|reason| AuditError::Setting {
        key: "audit.checkpoint_key_file",
        reason,
    })?;
    let pace = Duration::from_secs(audit.checkpoint_seconds);
    Ok(Some(Checkpoints::new(signer, checkpoints_of(settings), pace)))
}

/// Why the log could not be opened, as far as that can be known without making anything.
pub(crate) fn problem(settings: &Settings) -> Option<AuditError> {
    if let Err(problem) = redaction(settings) {
        return Some(problem);
    }
    if !settings.audit.enabled {
        return None;
    }
    if let Err(problem) = checkpoints(settings) {
        return Some(problem);
    }
    let could = private_file::could_be_written(&folder_of(settings).join("audit.lock"));
    could.err().map(|cause| AuditError::of_folder(settings, cause))
}

fn redaction(settings: &Settings) -> Result<Redaction, AuditError> {
    let audit = &settings.audit;
    Redaction::new(&audit.redact_paths, &audit.redact_patterns)
        .map_err(|(key, reason)| AuditError::Setting { key, reason })
}
