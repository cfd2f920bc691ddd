//! The configured data source, for commands that work on it without a gateway.

mod absent;
mod running;

use super::{Failure, foreign};
use crate::{
    runtime::{control_plane, server::StartError},
    settings::{Layers, Settings},
    timestamp::rfc3339,
};
use absent::Absent;
use mcp_common::{
    catalog::Catalog,
    datasource::{DataSource, Load},
    key::{Key, Revision},
    migration::Migrate,
    tasks::Tasks,
};
use mcp_core::authoring::writer::Writer;
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};

/// Who writes, as history has it.
pub(super) const PRINCIPAL: &str = "cli";

/// What a command does with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// It only looks: a store that is not there is not made.
    Read,
    /// It may write.
    Write,
}

/// The way into it.
pub(super) struct LocalStore {
    pub(super) writer: Writer,
    source: Arc<dyn DataSource>,
    settings: Settings,
}

impl LocalStore {
    pub(super) async fn open(config: Option<PathBuf>, purpose: Use) -> Result<Self, Failure> {
        let settings = Settings::load(&Layers::of_process(config))?;
        let source = source(&settings, purpose).await?;
        let catalog = Catalog::new(control_plane::compiler(&settings));
        Ok(Self {
            writer: Writer::alone(Arc::new(catalog), source.clone()),
            source,
            settings,
        })
    }

    /// Whether no key of the configuration opens `/admin`, so that the store has to keep one that does.
    pub(super) fn keeps_an_admin(&self) -> bool {
        !control_plane::opens_admin(&self.settings)
    }

    /// What the gateway of this configuration has written down of a key.
    pub(super) fn usage(&self, key: &Key) -> Option<Value> {
        let known = control_plane::kept_key_usage(&self.settings, &key.id)?;
        Some(json!({
            "since": rfc3339(known.since),
            "requests": known.requests,
            "last_used_at": known.last_used_at.map(rfc3339),
        }))
    }

    /// What it has now. Its revisions are those that the writer goes by: a source that counts for itself counts anew each
    /// time that it is opened.
    pub(super) async fn load(&self) -> Result<Load, Failure> {
        note_absence(&self.settings)?;
        self.source.load().await.map_err(Failure::runtime)
    }

    /// Waits until a gateway that runs with this configuration serves what was written, or says that it does not know.
    pub(super) async fn arrived(&self, revision: Option<Revision>) {
        let Some(revision) = revision else { return };
        if let Some(note) = running::has(&self.settings, revision).await {
            eprintln!("note: {}", foreign::line(&note));
        }
    }
}

impl Use {
    /// A dry run writes nothing.
    pub(super) fn of(dry_run: bool) -> Self {
        if dry_run { Self::Read } else { Self::Write }
    }
}

/// What it has now, for whoever asked what is stored: a store that is not there yet is worth a word.
pub(super) async fn look(settings: &Settings) -> Result<Load, Failure> {
    note_absence(settings)?;
    load(settings).await
}

fn note_absence(settings: &Settings) -> Result<(), Failure> {
    if !control_plane::source_exists(settings).map_err(StartError::from)? {
        let name = &settings.app.data_source;
        eprintln!(
            "note: the data source `{name}` has no store here yet, so nothing is stored (data_source.{name})"
        );
    }
    Ok(())
}

/// What it has now.
pub(super) async fn load(settings: &Settings) -> Result<Load, Failure> {
    let source = source(settings, Use::Read).await?;
    source.load().await.map_err(Failure::runtime)
}

async fn source(settings: &Settings, purpose: Use) -> Result<Arc<dyn DataSource>, Failure> {
    if settings.app.data_source == "memory" {
        return Err(Failure::configuration(
            "app.data_source is `memory`, which is another one in each process; work on a running gateway with \
             --server URL, or configure a data source that is shared",
        ));
    }
    if purpose == Use::Read {
        if !control_plane::source_exists(settings).map_err(StartError::from)? {
            return Ok(Arc::new(Absent));
        }
        check_schema(settings).await?;
    }
    let source = control_plane::open_source(settings, &Tasks::default()).await;
    Ok(source.map_err(StartError::from)?)
}

/// Opening a store of another version would bring it up to date: tables of others would be taken over by a command that only looks.
async fn check_schema(settings: &Settings) -> Result<(), Failure> {
    let found = control_plane::migrate(settings, Migrate::Check).await;
    match found.map_err(StartError::from)? {
        Some(pending) if pending.found != Some(pending.wanted) => Err(Failure::runtime(format_args!(
            "{} has no tables of this version yet, and a command that only reads makes none: `dynmcp migrate --check` says what \
             `dynmcp migrate` would do",
            pending.store
        ))),
        _ => Ok(()),
    }
}
