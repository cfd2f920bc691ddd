//! Three replicas and what they serve.

use anyhow::Result;
use axum::{
    Json, Router,
    extract::Path,
    routing::{get, post},
};
use dynmcp_harness::{Mcp, Replicas, Setup, Store, Upstream};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a change may take to be everywhere, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What clients of the instance see.
pub(crate) const INSTANCE: &str = "shop";

pub(crate) async fn three(source: &str) -> Result<Replicas> {
    replicas(source, 3).await
}

pub(crate) async fn replicas(source: &str, count: usize) -> Result<Replicas> {
    let store = Store::start(source).await?;
    let setup = Setup {
        app: "config_revision_header = 'X-Config-Revision'\n".to_owned(),
        ..Setup::default()
    };
    Replicas::start(store, count, setup).await
}

/// Answers with what it was asked.
pub(crate) async fn echo() -> Result<Upstream> {
    let item = |Path(id): Path<u64>| async move { Json(json!({"item": id})) };
    let added = |Json(item): Json<Value>| async move { Json(json!({"added": item})) };
    Upstream::start(
        Router::new()
            .route("/items/{id}", get(item))
            .route("/items", post(added)),
    )
    .await
}

pub(crate) fn get_item(upstream: &Upstream, description: &str) -> Value {
    json!({
        "name": "get_item", "description": description,
        "input_schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
        "tds_ext_info": {"domain": upstream.origin(), "method": "GET", "path": "/items/{id}"},
    })
}

pub(crate) fn add_item(upstream: &Upstream) -> Value {
    json!({
        "name": "add_item", "description": "Adds an item.",
        "input_schema": {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]},
        "tds_ext_info": {"domain": upstream.origin(), "method": "POST", "path": "/items"},
    })
}

/// Stores both tools and the instance on the first replica, and waits until all have them.
pub(crate) async fn open_shop(replicas: &Replicas, upstream: &Upstream) -> Result<u64> {
    let admin = replicas.all()[0].admin();
    admin
        .write("tds", "get_item", &get_item(upstream, "Gets an item."))
        .await?;
    admin.write("tds", "add_item", &add_item(upstream)).await?;
    let shop = json!({"name": "Shop", "tool_ids": ["get_item", "add_item"]});
    let revision = admin.write("ids", INSTANCE, &shop).await?;
    everywhere(replicas, revision).await?;
    // On a folder of files each gateway numbers changes by itself: there a revision says nothing about the others.
    for gateway in replicas.all() {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let tools = Mcp::default().tools(&gateway.endpoint(INSTANCE)).await;
            if tools.is_ok_and(|tools| tools.len() == 2) {
                break;
            }
            anyhow::ensure!(
                Instant::now() < deadline,
                "{} has no {INSTANCE}",
                gateway.origin()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(revision)
}

/// Waits until all replicas have the revision.
pub(crate) async fn everywhere(replicas: &Replicas, revision: u64) -> Result<()> {
    for gateway in replicas.all() {
        let status = gateway
            .admin()
            .get(&format!("status?wait_revision={revision}"))
            .await?;
        let reached = status["revision"].as_u64().unwrap_or_default();
        anyhow::ensure!(
            reached >= revision,
            "{} stays behind {revision}: {status}",
            gateway.origin()
        );
    }
    Ok(())
}
