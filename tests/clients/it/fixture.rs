//! The gateway that every client meets: four tools over a small order API, a fifth one later.

use anyhow::{Result, ensure};
use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    routing::{get, post},
};
use dynmcp_harness::{Gateway, Upstream};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// A gateway with the instance `shop`, and what it calls.
pub(crate) struct Shop {
    pub(crate) gateway: Gateway,
    upstream: Upstream,
    proto_type: &'static str,
}

pub(crate) const STATELESS: &str = "streamable-stateless";
pub(crate) const STATEFUL: &str = "streamable-stateful";
pub(crate) const OLD: &str = "legacy";

/// How a client reaches the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Streamable HTTP.
    Http,
    /// `dynmcp stdio`.
    Stdio,
    /// HTTP+SSE of 2024-11-05.
    Sse,
    /// A WebSocket.
    WebSocket,
}

impl Way {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Stdio => "stdio",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }
}

impl Shop {
    pub(crate) async fn open(proto_type: &'static str) -> Result<Self> {
        let upstream = Upstream::start(order_api()).await?;
        let gateway = Gateway::start().await?;
        let shop = Self {
            gateway,
            upstream,
            proto_type,
        };
        shop.define("get_order", "GET", "/orders/{id}", order_schema())
            .await?;
        shop.define("create_order", "POST", "/orders", creation_schema())
            .await?;
        shop.define(
            "broken",
            "GET",
            "/broken",
            json!({"type": "object", "additionalProperties": false}),
        )
        .await?;
        shop.define("tenant_report", "GET", "/report", tenant_schema())
            .await?;
        shop.show(&["get_order", "create_order", "broken", "tenant_report"])
            .await?;
        Ok(shop)
    }

    pub(crate) fn url(&self) -> String {
        self.gateway.endpoint("shop")
    }

    /// What a client is given that goes this way.
    pub(crate) fn url_of(&self, way: Way) -> String {
        match way {
            Way::Http | Way::Stdio => self.url(),
            Way::Sse => self.url().replace("/mcp/", "/sse/"),
            Way::WebSocket => self.url().replace("/mcp/", "/ws/").replacen("http", "ws", 1),
        }
    }

    /// What an administrator does while clients are connected.
    pub(crate) async fn add_late_tool(&self) -> Result<()> {
        self.define("late_tool", "GET", "/report", json!({})).await?;
        self.show(&[
            "get_order",
            "create_order",
            "broken",
            "tenant_report",
            "late_tool",
        ])
        .await
    }

    /// For clients that have no way to show a key.
    pub(crate) async fn open_to_everybody(&self) -> Result<()> {
        let tools = ["get_order", "create_order", "broken", "tenant_report"];
        let document = json!({"name": "Shop", "tool_ids": tools, "auth": "none"});
        self.gateway.admin().put_instance("shop", &document).await
    }

    /// Nothing went wrong that no client saw, and the key is not in it.
    pub(crate) async fn check_log(&self) -> Result<()> {
        let mut log = self.gateway.output();
        let deadline = Instant::now() + Duration::from_secs(10);
        // Written in the background; the last lines may still be on their way.
        while !log.contains("tools/call") {
            ensure!(Instant::now() < deadline, "no line about a call:\n{log}");
            sleep(Duration::from_millis(20)).await;
            log = self.gateway.output();
        }
        for unwanted in [Gateway::KEY, "panicked", " ERROR "] {
            ensure!(!log.contains(unwanted), "`{unwanted}` in the log:\n{log}");
        }
        Ok(())
    }

    async fn define(&self, name: &str, method: &str, path: &str, input_schema: Value) -> Result<()> {
        let document = json!({
            "name": name,
            "description": format!("The tool {name} of the order API"),
            "input_schema": input_schema,
            "tds_ext_info": {"domain": self.upstream.origin(), "method": method, "path": path, "required_params": {}},
        });
        self.gateway.admin().put_tool(name, &document).await
    }

    async fn show(&self, tools: &[&str]) -> Result<()> {
        let metadata = json!({"proto_type": self.proto_type});
        let document = json!({"name": "Shop", "tool_ids": tools, "metadata": metadata});
        self.gateway.admin().put_instance("shop", &document).await
    }
}

fn order_schema() -> Value {
    json!({"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]})
}

fn creation_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "customer": {"type": "string"},
            "vip": {"type": "boolean"},
            "lines": {"type": "array", "items": {"type": "object"}},
            "note": {"type": "object"},
        },
        "required": ["customer"],
    })
}

fn tenant_schema() -> Value {
    json!({
        "type": "object",
        "properties": {"tenant": {"type": "string", "x-mcp-header": "Tenant"}},
        "required": ["tenant"],
    })
}

fn order_api() -> Router {
    Router::new()
        .route("/orders/{id}", get(read_order))
        .route("/orders", post(create_order))
        .route(
            "/broken",
            get(async || {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    Json(json!({"error": "maintenance"})),
                )
            }),
        )
        .route("/report", get(report))
}

async fn read_order(Path(id): Path<String>) -> Json<Value> {
    Json(json!({"id": id, "state": "shipped", "total": 42.5, "items": [{"sku": "x1", "count": 2}]}))
}

async fn create_order(Json(order): Json<Value>) -> (StatusCode, Json<Value>) {
    (
        StatusCode::CREATED,
        Json(json!({"created": true, "order": order})),
    )
}

async fn report(Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    Json(json!(query))
}
