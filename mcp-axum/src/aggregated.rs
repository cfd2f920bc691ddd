//! The servers of an aggregator's file, as documents of the store: written when the gateway starts, and again when the file changes. An instance
//! shows all of them.

use crate::{app::App, settings::Aggregated};
use mcp_common::{document::Document, key::Key};
use mcp_core::authoring::writer::{Delete, Expectation, Put, WriteError};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Who writes them.
const WRITER: &str = "configuration";
/// Where the store does not take them, they are written again.
const AGAIN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

/// Follows the configuration until the gateway ends.
pub(crate) async fn run(mut configured: watch::Receiver<Arc<App>>) {
    let mut written: BTreeMap<Key, Value> = BTreeMap::new();
    loop {
        let app = configured.borrow_and_update().clone();
        let done = match &app.settings.aggregated {
            None => Ok(()),
            Some(aggregated) => {
                while !app.catalog.loaded() {
                    tokio::time::sleep(LOOK).await;
                }
                write(&app, aggregated, &mut written).await
            }
        };
        drop(app);
        let changed = match done {
            Ok(()) => configured.changed().await,
            Err(error) => {
                tracing::error!(target: "dynmcp", %error, "servers of the configuration cannot be stored; it is tried again");
                match tokio::time::timeout(AGAIN, configured.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => Ok(()),
                }
            }
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Upstreams first, so that the instance finds them; those that are gone last.
async fn write(
    app: &App,
    aggregated: &Aggregated,
    written: &mut BTreeMap<Key, Value>,
) -> Result<(), WriteError> {
    let wanted = aggregated.documents();
    for (key, document) in &wanted {
        if written.get(key) == Some(document) {
            continue;
        }
        let stored = Document::parse(document.to_string().as_bytes());
        // What is made here is an object.
        let Ok(stored) = stored else { continue };
        let put = Put {
            key,
            document: &stored,
            expectation: Expectation::Any,
            strict: false,
            dry_run: false,
            warnings: Vec::new(),
            principal: WRITER,
        };
        app.admin.writer().put(put).await?;
        written.insert(key.clone(), document.clone());
    }
    let gone: Vec<Key> = written
        .keys()
        .filter(|key| wanted.iter().all(|(wanted, _)| wanted != *key))
        .cloned()
        .collect();
    for key in gone {
        let delete = Delete {
            key: &key,
            expectation: Expectation::Any,
            dry_run: false,
            principal: WRITER,
        };
        app.admin.writer().delete(delete).await?;
        written.remove(&key);
    }
    Ok(())
}
