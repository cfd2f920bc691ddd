//! A call of a tool, as it goes to its server.

use super::{
    error::UpstreamError,
    http::text_value,
    inventory::RemoteTool,
    outgoing::Speech,
    session::{Question, Session},
    settings::HubSettings,
};
use crate::{json::members::Members, relay::Line};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json, value::RawValue};
use std::sync::Arc;

/// Members of `_meta` that each side of the gateway says for itself.
const OWN_META: &str = "io.modelcontextprotocol/";
/// What a client answers that it is asked in results, which go back to it as they are (2026-07-28).
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Names what progress is told of: the gateway has names of its own towards each side.
const PROGRESS: &str = "progressToken";

/// A call.
#[derive(Clone, Debug)]
pub struct RemoteCall {
    /// What is called.
    pub tool: Arc<RemoteTool>,
    /// The parameters of `tools/call` as the client sent them, a JSON object.
    pub params: Box<str>,
    /// The gateways that the client's request passed, and this one.
    pub via: Option<HeaderValue>,
    /// The way back to the client before the answer; `None` for nobody who listens.
    pub line: Option<Line>,
}

pub(super) async fn ask(
    session: &Session,
    call: &RemoteCall,
    settings: &HubSettings,
) -> Result<Bytes, UpstreamError> {
    let is_modern = session.speech == Speech::Modern;
    let sent =
        Members::read(&call.params).map_err(|reason| UpstreamError::Refused(format!("params: {reason}")))?;
    let arguments = sent.get("arguments").map_or("{}", RawValue::get);
    let mut params = format!("\"name\":{}", json!(call.tool.name));
    params.extend([
        ",\"arguments\":",
        if arguments == "null" { "{}" } else { arguments },
    ]);
    // Answers to what the server asked for, and the state that it gave along: in this revision only.
    for (name, value) in sent.iter().filter(|_| is_modern) {
        if !["name", "arguments", "_meta"].contains(&name) {
            params.extend([",", &*json!(name).to_string(), ":", value.get()]);
        }
    }
    let meta = sent
        .get("_meta")
        .and_then(|meta| Members::read(meta.get()).ok())
        .unwrap_or_default();
    let own = || settings.via.as_ref().map(|via| via.value(None));
    let question = Question {
        method: "tools/call",
        name: Some(&call.tool.name),
        params,
        meta: passed_on(&meta),
        capabilities: meta.get(CAPABILITIES).map(|raw| raw.get().to_owned()),
        headers: match is_modern {
            true => mirrored(&call.tool, arguments),
            false => HeaderMap::new(),
        },
        via: call.via.clone().or_else(own),
        line: call.line.clone().filter(Line::wants_progress),
    };
    session.ask(question).await
}

/// Members of the client's `_meta` that are for whoever does the work.
fn passed_on(meta: &Members<'_>) -> String {
    let mut out = String::new();
    for (name, value) in meta.iter() {
        if name == PROGRESS || name.starts_with(OWN_META) {
            continue;
        }
        if !out.is_empty() {
            out.push(',');
        }
        out.extend([&*json!(name).to_string(), ":", value.get()]);
    }
    out
}

/// The headers that repeat arguments (2026-07-28): made of these arguments, whatever the client sent.
fn mirrored(tool: &RemoteTool, arguments: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if tool.mirrored.is_empty() {
        return headers;
    }
    let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
    for header in &tool.mirrored {
        let value = header
            .path
            .iter()
            .try_fold(&arguments, |value, step| value.get(step));
        let text = match value {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        headers.insert(header.header.clone(), text_value(&text));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_gateways_own_is_not_passed_on() {
        let meta = r#"{"progressToken":0,"traceparent":"00-1","io.modelcontextprotocol/protocolVersion":"x","a/b":{"n":1.10}}"#;
        let read = |text| passed_on(&Members::read(text).unwrap());
        assert_eq!(read(meta), r#""traceparent":"00-1","a/b":{"n":1.10}"#);
        assert_eq!(read("{}"), "");
    }
}
