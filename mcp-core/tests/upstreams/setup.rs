//! A hub with upstreams, and how tests wait for what it does.

use mcp_common::{definition::UpstreamDefinition, document::Document, tasks::Tasks};
use mcp_core::{
    upstream::{Caller, Hub, HubSettings, Inventory, RemoteCall, State, UpstreamError, Wanted},
    via::Via,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::runtime::Handle;

/// How long anything may take on a busy machine before a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits short, and names itself.
pub(crate) fn settings() -> HubSettings {
    HubSettings {
        first_wait: Duration::from_millis(20),
        longest_wait: Duration::from_millis(200),
        via: Via::named("test", 4),
        stdio_allow: vec!["sh".to_owned()],
        ..HubSettings::default()
    }
}

pub(crate) fn definition(id: &str, document: &Value) -> Arc<UpstreamDefinition> {
    let document = Document::parse(document.to_string().as_bytes()).unwrap();
    Arc::new(UpstreamDefinition::read(id, &document).unwrap().definition)
}

/// A hub with one upstream, `u`.
pub(crate) fn hub(document: &Value) -> Arc<Hub> {
    hub_with(settings(), document)
}

pub(crate) fn hub_with(settings: HubSettings, document: &Value) -> Arc<Hub> {
    let hub = Hub::new(settings, Tasks::default(), Handle::current());
    hub.define(std::iter::once(definition("u", document)));
    hub
}

/// Until it is true; nothing that is waited for here has an event of its own.
pub(crate) async fn until(hub: &Hub, what: &str, is_true: impl Fn() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(
        waited.await.is_ok(),
        "not within {PATIENCE:?}: {what}; {:?}",
        hub.status("u")
    );
}

pub(crate) async fn ready(hub: &Hub) -> Arc<Inventory> {
    until(hub, "ready", || hub.status("u").unwrap().state == State::Ready).await;
    hub.offer("u").unwrap().inventory.unwrap()
}

/// What is wrong with an upstream that cannot be used.
pub(crate) async fn trouble(hub: &Hub) -> String {
    until(hub, "waiting", || hub.status("u").unwrap().last_error.is_some()).await;
    hub.status("u").unwrap().last_error.unwrap()
}

pub(crate) fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.tools.iter().map(|tool| &*tool.name).collect()
}

/// The result of a call, as the server wrote it.
pub(crate) async fn call(hub: &Hub, tool: &str, arguments: &str) -> Result<String, UpstreamError> {
    call_by(None, hub, tool, arguments).await
}

/// The same of somebody in particular.
pub(crate) async fn call_by(
    caller: Option<Caller>,
    hub: &Hub,
    tool: &str,
    arguments: &str,
) -> Result<String, UpstreamError> {
    let inventory = hub.offer("u").unwrap().inventory.unwrap();
    let call = RemoteCall {
        wanted: Wanted::Tool(inventory.tool(tool).unwrap().clone()),
        params: format!("{{\"name\":\"x\",\"arguments\":{arguments}}}").into(),
        via: None,
        trace: Vec::new(),
        line: None,
        caller,
        principal: None,
        owner: None,
        token: None,
    };
    let result = hub.call("u", call).await?;
    Ok(String::from_utf8(result.to_vec()).unwrap())
}
