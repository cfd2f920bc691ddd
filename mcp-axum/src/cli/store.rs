//! The configured data source, for commands that work on it without a gateway.

use super::Failure;
use crate::{
    runtime::{control_plane, server::StartError},
    settings::{Layers, Settings},
};
use mcp_common::{
    datasource::{DataSource, Load},
    tasks::Tasks,
};
use std::{path::PathBuf, sync::Arc};

/// Opened, with what it had then.
pub(super) struct Store {
    pub(super) settings: Settings,
    pub(super) source: Arc<dyn DataSource>,
    pub(super) load: Load,
}

impl Store {
    pub(super) async fn open(config: Option<PathBuf>) -> Result<Self, Failure> {
        Self::of(Settings::load(&Layers::of_process(config))?).await
    }

    pub(super) async fn of(settings: Settings) -> Result<Self, Failure> {
        if settings.app.data_source == "memory" {
            return Err(Failure::configuration(
                "app.data_source is `memory`, which is another one in each process; work on a running gateway with \
                 --server URL, or configure a data source that is shared",
            ));
        }
        let source = control_plane::open_source(&settings, &Tasks::default())
            .await
            .map_err(StartError::from)?;
        let load = source.load().await.map_err(Failure::runtime)?;
        Ok(Self {
            settings,
            source,
            load,
        })
    }
}
