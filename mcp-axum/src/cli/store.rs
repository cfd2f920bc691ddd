//! The configured data source, for commands that work on it without a gateway.

use super::Failure;
use crate::{
    runtime::{control_plane, server::StartError},
    settings::{Layers, Settings},
};
use mcp_common::{
    catalog::Catalog,
    datasource::{DataSource, Load},
    tasks::Tasks,
};
use mcp_core::authoring::writer::Writer;
use std::{path::PathBuf, sync::Arc};

/// Who writes, as history has it.
pub(super) const PRINCIPAL: &str = "cli";

/// What it has now.
pub(super) async fn load(settings: &Settings) -> Result<Load, Failure> {
    source(settings).await?.load().await.map_err(Failure::runtime)
}

/// The way into it.
pub(super) async fn writer(config: Option<PathBuf>) -> Result<Writer, Failure> {
    let settings = Settings::load(&Layers::of_process(config))?;
    let source = source(&settings).await?;
    let catalog = Catalog::new(control_plane::compiler(&settings));
    Ok(Writer::alone(Arc::new(catalog), source))
}

async fn source(settings: &Settings) -> Result<Arc<dyn DataSource>, Failure> {
    if settings.app.data_source == "memory" {
        return Err(Failure::configuration(
            "app.data_source is `memory`, which is another one in each process; work on a running gateway with \
             --server URL, or configure a data source that is shared",
        ));
    }
    let source = control_plane::open_source(settings, &Tasks::default()).await;
    Ok(source.map_err(StartError::from)?)
}
