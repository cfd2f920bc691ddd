//! An MCP client of revision 2026-07-28, which needs neither a session nor a stream: two methods, one POST each.

use super::{ClientError, Gateway};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

const REVISION: &str = "2026-07-28";
/// A list that goes on after these goes on for ever.
const MOST_PAGES: usize = 1_000;

/// One instance of one gateway.
pub(crate) struct Mcp {
    gateway: Gateway,
    path: String,
    /// What it calls itself.
    name: &'static str,
}

/// One entry of `tools/list`.
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) description: String,
    /// Of its arguments.
    pub(crate) schema: Value,
    pub(crate) raw: Box<RawValue>,
}

/// Of `tools/call`.
pub(crate) struct ToolResult {
    pub(crate) content: Vec<Value>,
    pub(crate) is_error: bool,
    pub(crate) raw: Box<RawValue>,
}

#[derive(Deserialize)]
struct Message {
    result: Option<Box<RawValue>>,
    /// JSON-RPC's, or the text of the gateway's own refusal.
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Page {
    tools: Vec<Box<RawValue>>,
    #[serde(rename = "nextCursor")]
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(rename = "inputSchema", default)]
    schema: Value,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    content: Vec<Value>,
    #[serde(rename = "isError", default)]
    is_error: bool,
}

impl Mcp {
    /// `name` is what the client calls itself.
    pub(crate) fn new(gateway: Gateway, instance: &str, name: &'static str) -> Self {
        let path = format!("/mcp/{}", utf8_percent_encode(instance, NON_ALPHANUMERIC));
        Self { gateway, path, name }
    }

    /// All of them, in their order.
    pub(crate) async fn tools(&self) -> Result<Vec<Tool>, ClientError> {
        let mut tools = Vec::new();
        let mut params = json!({});
        for _ in 0..MOST_PAGES {
            let result = self
                .request("tools/list", &params.to_string(), HeaderMap::new())
                .await?;
            let page: Page = read(&result)?;
            for raw in page.tools {
                let entry: Entry = read(&raw)?;
                tools.push(Tool {
                    name: entry.name,
                    description: entry.description,
                    schema: entry.schema,
                    raw,
                });
            }
            match page.next_cursor {
                Some(cursor) => params = json!({ "cursor": cursor }),
                None => return Ok(tools),
            }
        }
        Err(ClientError::Protocol("the list of tools does not end".to_owned()))
    }

    /// `arguments` go out as they are written.
    pub(crate) async fn call(&self, tool: &Tool, arguments: &RawValue) -> Result<ToolResult, ClientError> {
        let name = Value::from(tool.name.as_str());
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("mcp-name"), in_header(&tool.name)?);
        let given: Value = read(arguments)?;
        mirror(&tool.schema, &given, &mut headers)?;
        let params = format!("{{\"name\":{name},\"arguments\":{arguments}}}");
        let raw = self.request("tools/call", &params, headers).await?;
        let outcome: Outcome = read(&raw)?;
        Ok(ToolResult {
            content: outcome.content,
            is_error: outcome.is_error,
            raw,
        })
    }

    /// `params` is the text of a JSON object.
    async fn request(
        &self,
        method: &str,
        params: &str,
        mut headers: HeaderMap,
    ) -> Result<Box<RawValue>, ClientError> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientInfo": {"name": self.name, "version": env!("CARGO_PKG_VERSION")},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = params.strip_suffix('}').unwrap_or_default();
        let comma = if params == "{" { "" } else { "," };
        let body = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{params}{comma}\"_meta\":{meta}}}}}"
        );
        let fixed = [
            (header::CONTENT_TYPE, "application/json"),
            (header::ACCEPT, "application/json, text/event-stream"),
            (HeaderName::from_static("mcp-protocol-version"), REVISION),
        ];
        headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
        headers.insert(HeaderName::from_static("mcp-method"), in_header(method)?);
        let answer = self.gateway.send(Method::POST, &self.path, headers, body).await?;
        let text = String::from_utf8_lossy(&answer.body);
        // An event stream ends with the answer.
        let streamed = text.lines().rev().find_map(|line| line.strip_prefix("data:"));
        let message: Message = serde_json::from_str(streamed.unwrap_or(&text)).map_err(|_| {
            ClientError::Protocol(format!(
                "answered {}, which is no MCP server's answer",
                answer.status
            ))
        })?;
        match message {
            Message {
                result: Some(result),
                error: None,
            } => Ok(result),
            Message { error, .. } => Err(refusal(answer.status, error.unwrap_or_default())),
        }
    }

    /// The gateway that it speaks to.
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }
}

fn refusal(status: StatusCode, error: Value) -> ClientError {
    let text = error.get("message").unwrap_or(&error);
    ClientError::McpRefused {
        status,
        text: text.as_str().map_or_else(|| text.to_string(), str::to_owned),
        // What is refused before a message is read has the status for its code; gateways of before had a text.
        is_at_the_door: error.is_string() || error["code"] == status.as_u16(),
    }
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, ClientError> {
    serde_json::from_str(raw.get())
        .map_err(|error| ClientError::Protocol(format!("the server's answer cannot be read: {error}")))
}

/// Arguments whose schema says `x-mcp-header` are repeated in headers.
pub(super) fn mirror(schema: &Value, arguments: &Value, headers: &mut HeaderMap) -> Result<(), ClientError> {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let Some(value) = arguments.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        if let Some(mirrored) = property.get("x-mcp-header").and_then(Value::as_str) {
            let header = HeaderName::from_bytes(format!("mcp-param-{mirrored}").as_bytes());
            let header = header.map_err(|error| ClientError::Protocol(error.to_string()))?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            headers.insert(header, in_header(&text)?);
        }
        mirror(property, value, headers)?;
    }
    Ok(())
}

/// What cannot stand in a header as it is goes as base64.
pub(super) fn in_header(text: &str) -> Result<HeaderValue, ClientError> {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && text.trim() == text
        && !text.is_empty()
        && !text.starts_with("=?base64?");
    let value = if is_plain {
        text.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(text))
    };
    HeaderValue::try_from(value).map_err(|error| ClientError::Protocol(error.to_string()))
}
