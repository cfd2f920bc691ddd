//! What a gateway does before its data source answers for the first time.

use crate::{
    catalog::{Catalog, Compile, Remembered},
    datasource::{DataSource, Load, SourceError},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    sync::Arc,
    time::Duration,
};

/// A store that is there but takes longer than this is one that is away.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an earlier process left behind, and what it is good for.
pub struct Stopgap {
    /// Reads it; `None` if there is nothing.
    pub remembered: BoxFuture<'static, Option<Remembered>>,
    /// Serve it while the data source is away. Otherwise it only has the last good versions of what is in quarantine.
    pub serve: bool,
}

impl Stopgap {
    /// A stopgap that has nothing.
    pub fn none() -> Self {
        Self {
            remembered: Box::pin(std::future::ready(None)),
            serve: false,
        }
    }
}

/// The first load, with a stopgap before it.
pub(super) async fn first_load<C: Compile>(
    source: &dyn DataSource,
    catalog: &Arc<Catalog<C>>,
    stopgap: Stopgap,
) -> Result<Load, SourceError> {
    let serve = stopgap.serve;
    // The source may take its time, so both go on at once.
    let remembering = tokio::spawn(remember(catalog.clone(), stopgap.remembered));
    let remembering: Shared<_> = remembering.map(|there| there.unwrap_or(false)).shared();
    let late = async { tokio::join!(remembering.clone(), tokio::time::sleep(PATIENCE)).0 };
    let mut load = std::pin::pin!(AssertUnwindSafe(source.load()).catch_unwind());
    let loaded = tokio::select! {
        loaded = &mut load => Some(loaded),
        there = late => {
            if serve && there {
                serve_remembered(catalog);
            }
            None
        }
    };
    let loaded = match loaded {
        Some(loaded) => loaded,
        None => load.await,
    };
    let there = remembering.await;
    let has_failed = !matches!(loaded, Ok(Ok(_)));
    if has_failed && serve && there && !catalog.loaded() {
        serve_remembered(catalog);
    }
    loaded.unwrap_or_else(|panic| resume_unwind(panic))
}

async fn remember<C: Compile>(
    catalog: Arc<Catalog<C>>,
    remembered: BoxFuture<'static, Option<Remembered>>,
) -> bool {
    let Some(remembered) = remembered.await else {
        return false;
    };
    // Compiling is work for a thread that may be busy.
    let done = tokio::task::spawn_blocking(move || catalog.remember(remembered));
    done.await.is_ok()
}

fn serve_remembered<C: Compile>(catalog: &Catalog<C>) {
    let applied = catalog.serve_remembered();
    let snapshot = catalog.snapshot();
    tracing::warn!(
        revision = applied.revision,
        tools = snapshot.tools.len(),
        instances = snapshot.instances.len(),
        "serving what was known last, until the data source answers"
    );
}
