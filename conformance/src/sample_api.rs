//! The HTTP API behind the tools.

use anyhow::Result;
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header::CONTENT_TYPE},
    routing::{any, get, post},
};
use dynmcp_harness::Admin;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// One red pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDAT\
    \x08\xd7c\xf8\xcf\xc0\0\0\x03\x01\x01\0\x18\xdd\x8d\xb0\0\0\0\0IEND\xaeB`\x82";
/// Two samples.
const WAV: &[u8] = b"RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\
    \x04\0\0\0\0\0\0\0";
const BYTES: &[u8] = &[0, 159, 146, 150];

pub(crate) fn router(change: Arc<Change>) -> Router {
    Router::new()
        .route(
            "/text",
            any(async || "This is a simple text response for testing."),
        )
        .route("/image", get(async || ([(CONTENT_TYPE, "image/png")], PNG)))
        .route("/audio", get(async || ([(CONTENT_TYPE, "audio/wav")], WAV)))
        .route(
            "/bytes",
            get(async || ([(CONTENT_TYPE, "application/octet-stream")], BYTES)),
        )
        .route(
            "/failure",
            get(async || (StatusCode::INTERNAL_SERVER_ERROR, "This tool intentionally fails")),
        )
        .route(
            "/report",
            get(async |query: Query<BTreeMap<String, String>>| Json(json!(query.0))),
        )
        .route("/change", post(change_tools))
        .with_state(change)
}

async fn change_tools(State(change): State<Arc<Change>>) -> (StatusCode, String) {
    match change.perform().await {
        Ok(()) => (StatusCode::OK, "The tools have changed.".to_owned()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
    }
}

/// What a platform's own API may do: it changes what the gateway shows, through the admin API.
pub(crate) struct Change {
    admin: Admin,
    tool: Value,
    count: AtomicUsize,
}

impl Change {
    pub(crate) fn new(admin: Admin, tool: Value) -> Self {
        Self {
            admin,
            tool,
            count: AtomicUsize::new(0),
        }
    }

    /// No two changes are alike: two that undo each other in quick succession would be none to tell of.
    async fn perform(&self) -> Result<()> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut tool = self.tool.clone();
        tool["description"] = json!(format!("Its description changes: {count}"));
        self.admin.put_tool("test_dynamic_tool", &tool).await
    }
}
