//! An MCP client of revision 2026-07-28, which needs neither a session nor a stream: two methods, one POST each.

use crate::cli::{Failure, gateway::Gateway, near};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

const REVISION: &str = "2026-07-28";
/// A list that goes on after these goes on for ever.
const MOST_PAGES: usize = 1_000;

/// One instance of one gateway.
pub(super) struct Client {
    gateway: Gateway,
    instance: String,
    path: String,
}

/// One entry of `tools/list`.
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) description: String,
    /// Of its arguments.
    pub(super) schema: Value,
    pub(super) raw: Box<RawValue>,
}

/// Of `tools/call`.
pub(super) struct ToolResult {
    pub(super) content: Vec<Value>,
    pub(super) is_error: bool,
    pub(super) raw: Box<RawValue>,
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

impl Client {
    pub(super) fn new(gateway: Gateway, instance: &str) -> Self {
        let path = format!("/mcp/{}", utf8_percent_encode(instance, NON_ALPHANUMERIC));
        Self {
            gateway,
            instance: instance.to_owned(),
            path,
        }
    }

    /// All of them, in their order.
    pub(super) async fn tools(&self) -> Result<Vec<Tool>, Failure> {
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
        Err(Failure::runtime("the list of tools does not end"))
    }

    /// `arguments` go out as they are written.
    pub(super) async fn call(&self, tool: &Tool, arguments: &RawValue) -> Result<ToolResult, Failure> {
        let name = Value::from(tool.name.as_str());
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("mcp-name"), in_header(&tool.name)?);
        let given: Value = serde_json::from_str(arguments.get()).map_err(Failure::runtime)?;
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
    ) -> Result<Box<RawValue>, Failure> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientInfo": {"name": "dynmcp call", "version": env!("CARGO_PKG_VERSION")},
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
            Failure::runtime(format_args!(
                "answered {}, which is no MCP server's answer",
                answer.status
            ))
        })?;
        match message {
            Message {
                result: Some(result),
                error: None,
            } => Ok(result),
            Message { error, .. } => Err(self.refusal(answer.status, error.unwrap_or_default()).await),
        }
    }

    async fn refusal(&self, status: StatusCode, error: Value) -> Failure {
        let text = error.get("message").unwrap_or(&error);
        let text = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        match status {
            StatusCode::UNAUTHORIZED => {
                Failure::runtime(format_args!("{text}; give one with --key or DYNMCP_KEY"))
            }
            // JSON-RPC's own refusals are objects.
            StatusCode::NOT_FOUND if error.is_string() => {
                let known = self.instances().await;
                let hint = match near::hint(&self.instance, known.iter().map(String::as_str)) {
                    none if none.is_empty() && !known.is_empty() => {
                        format!("; there are {}", known.join(", "))
                    }
                    hint => hint,
                };
                Failure::runtime(format!("{text}{hint}"))
            }
            _ => Failure::runtime(text),
        }
    }

    /// The ids of all instances, as far as the key may know them and they are few.
    async fn instances(&self) -> Vec<String> {
        #[derive(Deserialize)]
        struct Instance {
            id: String,
        }
        let path = "/admin/ids?limit=50";
        let Ok(answer) = self.gateway.send(Method::GET, path, HeaderMap::new(), "").await else {
            return Vec::new();
        };
        let found = self.gateway.data::<Vec<Instance>>(&answer);
        found.map_or_else(
            |_| Vec::new(),
            |found| found.into_iter().map(|instance| instance.id).collect(),
        )
    }
}

fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Failure> {
    serde_json::from_str(raw.get())
        .map_err(|error| Failure::runtime(format_args!("the server's answer cannot be read: {error}")))
}

/// Arguments whose schema says `x-mcp-header` are repeated in headers.
fn mirror(schema: &Value, arguments: &Value, headers: &mut HeaderMap) -> Result<(), Failure> {
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, property) in properties.into_iter().flatten() {
        let Some(value) = arguments.get(name).filter(|value| !value.is_null()) else {
            continue;
        };
        if let Some(mirrored) = property.get("x-mcp-header").and_then(Value::as_str) {
            let header = HeaderName::from_bytes(format!("mcp-param-{mirrored}").as_bytes());
            let header = header.map_err(Failure::runtime)?;
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            headers.insert(header, in_header(&text)?);
        }
        mirror(property, value, headers)?;
    }
    Ok(())
}

/// What cannot stand in a header as it is goes as base64.
fn in_header(text: &str) -> Result<HeaderValue, Failure> {
    let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && text.trim() == text
        && !text.is_empty()
        && !text.starts_with("=?base64?");
    let value = if is_plain {
        text.to_owned()
    } else {
        format!("=?base64?{}?=", STANDARD.encode(text))
    };
    HeaderValue::try_from(value).map_err(Failure::runtime)
}
