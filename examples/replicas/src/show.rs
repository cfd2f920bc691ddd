//! What is shown, in order.

mod rolling;

use anyhow::Result;
use axum::{Json, Router, extract::Path, routing::get};
use dynmcp_harness::{Mcp, Replicas, Setup, Store, Upstream};
use serde_json::{Value, json};
use std::time::Instant;

const INSTANCE: &str = "shop";

pub(super) async fn all(source: &str, calls: usize) -> Result<()> {
    println!("Starting the store ({source}) and three gateways …");
    let store = Store::start(source).await?;
    let setup = Setup {
        program: Some(std::env::current_exe()?),
        app: "config_revision_header = 'X-Config-Revision'\n".to_owned(),
        ..Setup::default()
    };
    let mut replicas = Replicas::start(store, 3, setup).await?;
    let item = |Path(id): Path<u64>| async move { Json(json!({"item": id})) };
    let upstream = Upstream::start(Router::new().route("/items/{id}", get(item))).await?;
    a_write(&replicas, &upstream).await?;
    statuses(&replicas).await?;
    list_changed(&replicas, &upstream).await?;
    rolling::restart(&mut replicas, calls).await
}

fn get_item(upstream: &Upstream, description: &str) -> Value {
    json!({
        "name": "get_item", "description": description,
        "input_schema": {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
        "tds_ext_info": {"domain": upstream.origin(), "method": "GET", "path": "/items/{id}"},
    })
}

async fn a_write(replicas: &Replicas, upstream: &Upstream) -> Result<()> {
    let [first, ..] = replicas.all() else {
        return Ok(());
    };
    first
        .admin()
        .write("tds", "get_item", &get_item(upstream, "Gets an item."))
        .await?;
    let shop = json!({"name": "Shop", "tool_ids": ["get_item"]});
    let start = Instant::now();
    let revision = first.admin().write("ids", INSTANCE, &shop).await?;
    println!("\nWritten to {}: revision {revision}", first.origin());
    for gateway in replicas.all() {
        gateway
            .admin()
            .get(&format!("status?wait_revision={revision}"))
            .await?;
        let (mcp, endpoint) = (Mcp::default(), gateway.endpoint(INSTANCE));
        let tools = mcp.tools(&endpoint).await?;
        let after = start.elapsed();
        let told = mcp.revision(&endpoint).await?;
        let origin = gateway.origin();
        println!("  {origin} lists {tools:?} after {after:?}, X-Config-Revision: {told}");
    }
    Ok(())
}

async fn statuses(replicas: &Replicas) -> Result<()> {
    println!("\nGET /admin/status");
    for gateway in replicas.all() {
        println!("  {} {}", gateway.origin(), gateway.admin().get("status").await?);
    }
    Ok(())
}

async fn list_changed(replicas: &Replicas, upstream: &Upstream) -> Result<()> {
    let mcp = Mcp::default();
    let mut listeners = Vec::new();
    for gateway in replicas.all() {
        listeners.push((gateway.origin(), mcp.listen(&gateway.endpoint(INSTANCE)).await?));
    }
    let [.., last] = replicas.all() else { return Ok(()) };
    let start = Instant::now();
    let changed = get_item(upstream, "Gets an item, and says so.");
    last.admin().write("tds", "get_item", &changed).await?;
    println!("\nChanged on {}", last.origin());
    for (origin, listener) in &mut listeners {
        let message = listener.next().await?;
        println!(
            "  a client of {origin} hears {} after {:?}",
            message["method"],
            start.elapsed()
        );
    }
    Ok(())
}
