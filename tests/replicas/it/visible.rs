//! What one replica writes, all serve, and all clients hear of.

use crate::fixture::{INSTANCE, echo, everywhere, get_item, open_shop, three};
use anyhow::{Result, ensure};
use dynmcp_harness::Mcp;
use serde_json::json;

pub(crate) async fn a_write_on_one_is_visible_on_all(source: &str) -> Result<()> {
    let (replicas, upstream, mcp) = (three(source).await?, echo().await?, Mcp::default());
    open_shop(&replicas, &upstream).await?;
    for (writer, tools) in [
        (0, vec!["add_item"]),
        (1, vec![]),
        (2, vec!["get_item", "add_item"]),
    ] {
        let shop = json!({"name": "Shop", "tool_ids": tools});
        let admin = replicas.all()[writer].admin();
        let revision = admin.write("ids", INSTANCE, &shop).await?;
        // The writer has it when the write is answered, the others when they say so.
        ensure!(mcp.tools(&replicas.all()[writer].endpoint(INSTANCE)).await? == tools);
        everywhere(&replicas, revision).await?;
        for gateway in replicas.all() {
            let seen = mcp.tools(&gateway.endpoint(INSTANCE)).await?;
            ensure!(
                seen == tools,
                "{} shows {seen:?} instead of {tools:?}",
                gateway.origin()
            );
            let status = gateway.admin().get("status").await?;
            ensure!(status["source"] == source && status["stale"] == false, "{status}");
            ensure!(status["lag_ms"] == 0 && status["quarantined"] == 0, "{status}");
        }
    }
    Ok(())
}

pub(crate) async fn list_changed_reaches_clients_of_any(source: &str) -> Result<()> {
    let (replicas, upstream, mcp) = (three(source).await?, echo().await?, Mcp::default());
    open_shop(&replicas, &upstream).await?;
    let mut listeners = Vec::new();
    for gateway in replicas.all() {
        listeners.push(mcp.listen(&gateway.endpoint(INSTANCE)).await?);
    }
    for (writer, gateway) in replicas.all().iter().enumerate() {
        let description = format!("Gets an item, says replica {writer}.");
        let tool = get_item(&upstream, &description);
        gateway.admin().write("tds", "get_item", &tool).await?;
        for (place, listener) in listeners.iter_mut().enumerate() {
            let message = listener.next().await?;
            ensure!(
                message["method"] == "notifications/tools/list_changed",
                "{message}"
            );
            // Who is told can see it.
            let endpoint = replicas.all()[place].endpoint(INSTANCE);
            let (_, listed) = mcp.modern(&endpoint, "tools/list", json!({})).await?;
            ensure!(
                listed["result"]["tools"][0]["description"] == description,
                "{listed}"
            );
        }
    }
    Ok(())
}
