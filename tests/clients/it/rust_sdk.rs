//! `rmcp`, in its three lifecycles.

use crate::fixture::{STATEFUL, STATELESS, Shop};
use anyhow::{Context, Result, ensure};
use dynmcp_harness::Gateway;
use rmcp::{
    ClientHandler, ClientLifecycleMode, ClientServiceExt, RoleClient,
    model::{CallToolRequestParams, ErrorCode, ProtocolVersion, ServerNotification, SubscriptionFilter},
    service::{NotificationContext, RunningService, ServiceError},
    transport::{StreamableHttpClientTransport, streamable_http_client::StreamableHttpClientTransportConfig},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::timeout};

const TOOLS: [&str; 4] = ["get_order", "create_order", "broken", "tenant_report"];
const NOTICE: Duration = Duration::from_secs(10);

#[derive(Clone, Default)]
struct Listener {
    changed: Arc<Notify>,
}

impl ClientHandler for Listener {
    async fn on_tool_list_changed(&self, _context: NotificationContext<RoleClient>) {
        self.changed.notify_one();
    }
}

type Connection = RunningService<RoleClient, Listener>;

async fn connect(shop: &Shop, listener: &Listener, lifecycle: ClientLifecycleMode) -> Result<Connection> {
    let config = StreamableHttpClientTransportConfig::with_uri(shop.url()).auth_header(Gateway::KEY);
    let transport = StreamableHttpClientTransport::from_config(config);
    Ok(listener
        .clone()
        .serve_with_lifecycle(transport, lifecycle)
        .await?)
}

fn call(name: &'static str, arguments: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(name).with_arguments(arguments.as_object().cloned().unwrap_or_default())
}

async fn names(client: &Connection) -> Result<Vec<String>> {
    Ok(client
        .list_all_tools()
        .await?
        .into_iter()
        .map(|tool| tool.name.into_owned())
        .collect())
}

async fn use_tools(client: &Connection) -> Result<()> {
    assert_eq!(names(client).await?, TOOLS);

    let order = client
        .call_tool(call("get_order", json!({"id": "A/7 ü"})))
        .await?;
    let expected =
        json!({"id": "A/7 ü", "state": "shipped", "total": 42.5, "items": [{"sku": "x1", "count": 2}]});
    assert_eq!(order.structured_content.as_ref(), Some(&expected));
    let text = &order.content[0].as_text().context("no text block")?.text;
    assert_eq!(serde_json::from_str::<Value>(text)?, expected);
    assert_ne!(order.is_error, Some(true));

    let sent = json!({"customer": "Ada", "vip": true, "lines": [{"sku": "x1", "count": 2}], "note": {"text": "\"q\""}});
    let created = client.call_tool(call("create_order", sent.clone())).await?;
    assert_eq!(
        created.structured_content,
        Some(json!({"created": true, "order": sent}))
    );

    let broken = client.call_tool(call("broken", json!({}))).await?;
    assert_eq!(broken.is_error, Some(true));
    let invalid = client
        .call_tool(call("create_order", json!({"customer": 7})))
        .await?;
    assert_eq!(invalid.is_error, Some(true));

    let unknown = client.call_tool(call("no_such_tool", json!({}))).await;
    let Err(ServiceError::McpError(error)) = unknown else {
        anyhow::bail!("answered with {unknown:?}")
    };
    assert_eq!(error.code, ErrorCode::INVALID_PARAMS);

    let report = client
        .call_tool(call("tenant_report", json!({"tenant": "Zürich"})))
        .await?;
    assert_eq!(report.structured_content, Some(json!({"tenant": "Zürich"})));
    Ok(())
}

async fn modern(lifecycle: ClientLifecycleMode) -> Result<()> {
    let shop = Shop::open(STATELESS).await?;
    let client = connect(&shop, &Listener::default(), lifecycle).await?;
    use_tools(&client).await?;

    let filter = SubscriptionFilter::builder().tools_list_changed().build();
    let mut subscription = client.listen(filter).await?;
    shop.add_late_tool().await?;
    let notice = timeout(NOTICE, subscription.next())
        .await
        .context("not told of the change")??;
    ensure!(
        matches!(notice, Some(ServerNotification::ToolListChangedNotification(_))),
        "told {notice:?}"
    );
    assert_eq!(names(&client).await?[4], "late_tool");
    subscription.cancel().await?;
    client.cancel().await?;
    shop.check_log().await
}

#[tokio::test]
async fn initialize() -> Result<()> {
    let shop = Shop::open(STATELESS).await?;
    let client = connect(&shop, &Listener::default(), ClientLifecycleMode::Initialize).await?;
    assert_eq!(
        client.peer_info().map(|info| info.protocol_version.clone()),
        Some(ProtocolVersion::V_2025_11_25)
    );
    use_tools(&client).await?;
    client.cancel().await?;
    shop.check_log().await
}

// Without a session this client opens no stream for notifications.
#[tokio::test]
async fn initialize_with_sessions() -> Result<()> {
    let shop = Shop::open(STATEFUL).await?;
    let listener = Listener::default();
    let client = connect(&shop, &listener, ClientLifecycleMode::Initialize).await?;
    use_tools(&client).await?;
    shop.add_late_tool().await?;
    timeout(NOTICE, listener.changed.notified())
        .await
        .context("not told of the change")?;
    assert_eq!(names(&client).await?[4], "late_tool");
    client.cancel().await?;
    shop.check_log().await
}

#[tokio::test]
async fn auto() -> Result<()> {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    modern(ClientLifecycleMode::Auto {
        preferred_versions,
        legacy_version: None,
    })
    .await
}

#[tokio::test]
async fn discover() -> Result<()> {
    modern(ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    })
    .await
}
