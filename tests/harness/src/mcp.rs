//! A small MCP client that shows what is on the wire. Real clients have tests of their own.

use crate::Gateway;
use anyhow::{Context, Result, ensure};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use std::time::Duration;

const MODERN: &str = "2026-07-28";
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends requests of the stateless era, or of an older one. Clones share connections.
#[derive(Clone, Default)]
pub struct Mcp {
    client: Client,
}

impl Mcp {
    /// A request of the stateless era. An error is one of the connection, never an answer's.
    pub async fn modern(
        &self,
        endpoint: &str,
        method: &str,
        params: Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        read(modern(&self.client, endpoint, method, params).send().await?).await
    }

    /// A request as an older client sends it.
    pub async fn older(
        &self,
        endpoint: &str,
        method: &str,
        params: Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let request = post(&self.client, endpoint).header("mcp-protocol-version", "2025-06-18");
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        read(request.body(body.to_string()).send().await?).await
    }

    /// The names that `tools/list` shows.
    pub async fn tools(&self, endpoint: &str) -> Result<Vec<String>> {
        let (status, body) = self.modern(endpoint, "tools/list", json!({})).await?;
        let tools = body["result"]["tools"].as_array();
        let tools = tools.with_context(|| format!("{endpoint} answered {status}: {body}"))?;
        let name = |tool: &Value| tool["name"].as_str().unwrap_or_default().to_owned();
        Ok(tools.iter().map(name).collect())
    }

    /// The revision that an answer carries, where the gateway's `config_revision_header` is `X-Config-Revision`.
    pub async fn revision(&self, endpoint: &str) -> Result<u64> {
        let answer = modern(&self.client, endpoint, "tools/list", json!({}))
            .send()
            .await?;
        let told = answer.headers().get("x-config-revision");
        let told = told.with_context(|| format!("{endpoint} says no revision"))?;
        Ok(told.to_str()?.parse()?)
    }

    /// Opens a stream of list changes; returns when the gateway has acknowledged it.
    pub async fn listen(&self, endpoint: &str) -> Result<Listener> {
        let wanted = json!({"notifications": {"toolsListChanged": true}});
        let response = modern(&self.client, endpoint, "subscriptions/listen", wanted)
            .send()
            .await?;
        ensure!(
            response.status().is_success(),
            "{endpoint} answered {}",
            response.status()
        );
        let mut listener = Listener {
            response,
            buffer: String::new(),
        };
        listener.next().await?;
        Ok(listener)
    }
}

fn post(client: &Client, endpoint: &str) -> RequestBuilder {
    client
        .post(endpoint)
        .bearer_auth(Gateway::KEY)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
}

fn modern(client: &Client, endpoint: &str, method: &str, mut params: Value) -> RequestBuilder {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let mut request = post(client, endpoint)
        .header("mcp-protocol-version", MODERN)
        .header("mcp-method", method);
    if let Some(name) = params["name"].as_str() {
        request = request.header("mcp-name", name);
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    request.body(body.to_string())
}

/// The last message of an event stream, or the body; `null` for what is not JSON.
async fn read(response: Response) -> Result<(u16, Value), reqwest::Error> {
    let status = response.status().as_u16();
    let text = response.text().await?;
    let event = text.lines().rev().find_map(|line| line.strip_prefix("data:"));
    Ok((
        status,
        serde_json::from_str(event.unwrap_or(&text)).unwrap_or_default(),
    ))
}

/// An open stream.
pub struct Listener {
    response: Response,
    buffer: String,
}

impl Listener {
    /// The next message.
    pub async fn next(&mut self) -> Result<Value> {
        tokio::time::timeout(PATIENCE, self.read())
            .await
            .context("no message in time")?
    }

    async fn read(&mut self) -> Result<Value> {
        loop {
            if let Some((event, rest)) = self.buffer.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data:"));
                let message = data.map(serde_json::from_str).transpose()?;
                self.buffer = rest.to_owned();
                match message {
                    Some(message) => return Ok(message),
                    None => continue, // a comment
                }
            }
            let chunk = self.response.chunk().await?.context("the stream has ended")?;
            self.buffer.push_str(std::str::from_utf8(&chunk)?);
        }
    }
}
