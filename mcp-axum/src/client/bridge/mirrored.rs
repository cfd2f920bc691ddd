//! What 2026-07-28 repeats in headers, where a pipe has none: the revision, the method, the name, and arguments whose schema
//! says so. The schemas are those of `tools/list`, asked for when the gateway misses a header.

use super::{Bridge, EITHER, JSON, MOST, VERSION, message::Message};
use crate::client::{ClientError, mcp};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
/// A list that goes on after these goes on for ever.
const MOST_PAGES: usize = 1_000;

/// Input schemas with repeated arguments, by the name of their tool.
#[derive(Default)]
pub(super) struct Mirrored(Mutex<HashMap<String, Value>>);

#[derive(Deserialize)]
struct Answer {
    result: Page,
}

#[derive(Deserialize)]
struct Page {
    tools: Vec<Entry>,
    #[serde(rename = "nextCursor")]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(rename = "inputSchema", default)]
    schema: Value,
}

impl Mirrored {
    /// What the message repeats.
    pub(super) fn headers(&self, message: &Message) -> Result<HeaderMap, ClientError> {
        let mut headers = HeaderMap::new();
        if let Some(revision) = &message.revision {
            headers.insert(VERSION, mcp::in_header(revision)?);
        }
        if message.id().is_some() {
            headers.insert(METHOD, mcp::in_header(message.method())?);
        }
        let Some(name) = &message.name else {
            return Ok(headers);
        };
        headers.insert(NAME, mcp::in_header(name)?);
        if message.method() == "tools/call"
            && let Some(arguments) = &message.arguments
        {
            let schemas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(schema) = schemas.get(name) {
                let arguments: Value = serde_json::from_str(arguments.get()).unwrap_or_default();
                mcp::mirror(schema, &arguments, &mut headers)?;
            }
        }
        Ok(headers)
    }

    fn replace(&self, schemas: HashMap<String, Value>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = schemas;
    }
}

impl Bridge {
    /// Asks for the schemas of all tools, in the name of the client that made this request. What does not come of it shows in
    /// the request's own answer.
    pub(super) async fn learn(&self, message: &Message) {
        let mut schemas = HashMap::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let Ok(page) = self.page(message, cursor).await else {
                return;
            };
            let repeats = |entry: &Entry| entry.schema.to_string().contains("\"x-mcp-header\"");
            let repeating = page.tools.into_iter().filter(repeats);
            schemas.extend(repeating.map(|entry| (entry.name, entry.schema)));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        self.mirrored.replace(schemas);
    }

    async fn page(&self, message: &Message, cursor: Option<String>) -> Result<Page, ClientError> {
        let revision = message.revision.as_deref().unwrap_or_default();
        let mut params = json!({"_meta": {
            "io.modelcontextprotocol/protocolVersion": revision,
            "io.modelcontextprotocol/clientCapabilities": {},
        }});
        if let Some(cursor) = cursor {
            params["cursor"] = cursor.into();
        }
        let body = json!({"jsonrpc": "2.0", "id": 0, "method": "tools/list", "params": params});
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, JSON), (header::ACCEPT, EITHER)]);
        headers.insert(VERSION, mcp::in_header(revision)?);
        headers.insert(METHOD, HeaderValue::from_static("tools/list"));
        let response = self.send(Method::POST, headers, body.to_string().into()).await?;
        let answer = self.message(response, MOST).await?;
        let answer: Answer = serde_json::from_slice(&answer)
            .map_err(|error| ClientError::Protocol(format!("the list of tools cannot be read: {error}")))?;
        Ok(answer.result)
    }
}
