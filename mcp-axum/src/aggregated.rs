//! The servers of an aggregator's file, as documents of the store: written when the gateway starts, and again when the file changes. An instance
//! shows all of them.

use crate::{app::App, settings::Aggregated};
use mcp_common::{document::Document, key::Key};
use mcp_core::authoring::writer::{Delete, Expectation, Put};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Who writes them.
const WRITER: &str = "configuration";
/// Where the store does not take them, they are written again.
const AGAIN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(20);

/// What the store does not take, and why.
type Refused = BTreeMap<Key, String>;

/// Follows the configuration until the gateway ends.
pub(crate) async fn run(mut configured: watch::Receiver<Arc<App>>) {
    let mut written: BTreeMap<Key, Value> = BTreeMap::new();
    let mut told = Refused::new();
    loop {
        let app = configured.borrow_and_update().clone();
        let refused = match &app.settings.aggregated {
            None => Refused::new(),
            Some(aggregated) => {
                while !app.catalog.loaded() {
                    tokio::time::sleep(LOOK).await;
                }
                write(&app, aggregated, &mut written).await
            }
        };
        drop(app);
        for (key, reason) in refused
            .iter()
            .filter(|(key, reason)| told.get(*key) != Some(*reason))
        {
            tracing::error!(target: "dynmcp", %key, reason, "what the configuration says of a server is not in the store; the others are, and this is tried again");
        }
        let changed = match refused.is_empty() {
            true => configured.changed().await,
            false => match tokio::time::timeout(AGAIN, configured.changed()).await {
                Ok(changed) => changed,
                Err(_) => Ok(()),
            },
        };
        told = refused;
        if changed.is_err() {
            return;
        }
    }
}

/// Upstreams first, so that the instance finds them; those that are gone last. What the store refuses costs itself alone.
async fn write(app: &App, aggregated: &Aggregated, written: &mut BTreeMap<Key, Value>) -> Refused {
    let mut refused = Refused::new();
    let wanted = aggregated.documents();
    for (key, document) in &wanted {
        if written.get(key) == Some(document) {
            continue;
        }
        match put(app, key, document).await {
            Ok(()) => drop(written.insert(key.clone(), document.clone())),
            Err(reason) => drop(refused.insert(key.clone(), reason)),
        }
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
            keep_admin: false,
            principal: WRITER,
        };
        let done = app.admin.writer().delete(delete).await;
        match done {
            Ok(_) => drop(written.remove(&key)),
            Err(error) => drop(refused.insert(key, format!("it cannot be deleted: {error}"))),
        }
    }
    refused
}

async fn put(app: &App, key: &Key, document: &Value) -> Result<(), String> {
    let document = Document::parse(document.to_string().as_bytes()).map_err(|problem| problem.to_string())?;
    let put = Put {
        key,
        document: &document,
        expectation: Expectation::Any,
        strict: false,
        dry_run: false,
        keep_admin: false,
        warnings: Vec::new(),
        principal: WRITER,
    };
    let done = app.admin.writer().put(put).await;
    done.map(drop).map_err(|error| error.to_string())
}
