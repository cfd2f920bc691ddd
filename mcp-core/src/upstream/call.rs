//! A call of a tool, as it goes to its server.

use super::{
    error::UpstreamError,
    http::text_value,
    inventory::RemoteTool,
    outgoing::Speech,
    session::{Question, Session},
    settings::HubSettings,
};
use crate::json::members::Members;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use std::sync::Arc;

/// Members of `_meta` that are the gateway's own matter on each side.
const OWN_META: &str = "io.modelcontextprotocol/";
/// Names what progress is told of. Nothing is told to the client, so nothing is asked for.
const PROGRESS: &str = "progressToken";

/// A call.
#[derive(Clone, Debug)]
pub struct RemoteCall {
    /// What is called.
    pub tool: Arc<RemoteTool>,
    /// The arguments as the client sent them, a JSON object.
    pub arguments: Option<Box<str>>,
    /// The client's `_meta`, a JSON object; what is meant for the gateway is not passed on.
    pub meta: Option<Box<str>>,
    /// The gateways that the client's request passed, and this one.
    pub via: Option<HeaderValue>,
}

pub(super) async fn ask(
    session: &Session,
    call: &RemoteCall,
    settings: &HubSettings,
) -> Result<Bytes, UpstreamError> {
    let mut params = format!("\"name\":{}", json!(call.tool.name));
    params.extend([",\"arguments\":", call.arguments.as_deref().unwrap_or("{}")]);
    let is_modern = session.speech == Speech::Modern;
    let headers = match is_modern {
        true => mirrored(&call.tool, call.arguments.as_deref()),
        false => HeaderMap::new(),
    };
    let own = || settings.via.as_ref().map(|via| via.value(None));
    let question = Question {
        method: "tools/call",
        name: Some(&call.tool.name),
        params,
        meta: call.meta.as_deref().map(passed_on).unwrap_or_default(),
        headers,
        via: call.via.clone().or_else(own),
    };
    session.ask(question).await
}

/// Members of the client's `_meta` that are for whoever does the work.
fn passed_on(meta: &str) -> String {
    let Ok(members) = Members::read(meta) else {
        return String::new();
    };
    let mut out = String::new();
    for (name, value) in members.iter() {
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
fn mirrored(tool: &RemoteTool, arguments: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if tool.mirrored.is_empty() {
        return headers;
    }
    let arguments: Value = arguments
        .and_then(|arguments| serde_json::from_str(arguments).ok())
        .unwrap_or_default();
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
        assert_eq!(passed_on(meta), r#""traceparent":"00-1","a/b":{"n":1.10}"#);
        assert_eq!(passed_on("{}"), "");
    }
}
