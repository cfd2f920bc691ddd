//! A call of an upstream's tool, explained: which server would get which message.

use super::AskError;
use crate::{
    tool::{RemoteArguments, ToolCompiler},
    upstream::{Hub, Preview, RemoteCall, RemoteTool, Wanted},
};
use mcp_common::{catalog::Catalog, definition::upstream::UpstreamTransport, key::Key};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, sync::Arc};

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteRequest {
    /// The tool, by the server's own name.
    pub tool: String,
    /// Arguments of the call, an object; none where nothing is said.
    #[serde(default)]
    pub arguments: Option<Box<RawValue>>,
    /// The instance that the call comes through, for arguments that it hides or gives; none where nothing is said.
    #[serde(default)]
    pub instance: Option<String>,
}

/// One call, explained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RemoteExplanation {
    /// The upstream that would be called.
    pub upstream: String,
    /// Its URL, or its program and arguments.
    pub server: String,
    /// How messages travel.
    pub transport: String,
    /// The revision that it is spoken to in.
    pub protocol: String,
    /// Whether there is a connection now; without one the call fails at once.
    pub connected: bool,
    /// Whether the tool is held back, since nobody approved it as it is (`pin`).
    pub held_back: bool,
    /// Why a call with these arguments is refused before anything is sent; absent if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The message that would be sent; absent where none would. The id is another one each time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<RawValue>>,
    /// The headers of its HTTP request, with `***` for credentials; empty for other transports.
    pub headers: BTreeMap<String, String>,
}

/// Explains. Nothing is sent.
pub fn explain_remote(
    catalog: &Catalog<ToolCompiler>,
    hub: &Hub,
    key: &Key,
    asked: &RemoteRequest,
) -> Result<RemoteExplanation, AskError> {
    let missing = || AskError::Missing(format!("there is no {key} that is switched on"));
    let offer = hub.offer(&key.id).ok_or_else(missing)?;
    let inventory = offer
        .inventory
        .as_ref()
        .ok_or_else(|| AskError::Missing(format!("{key} was never there, so nobody knows its tools")))?;
    let tool: &Arc<RemoteTool> = inventory
        .tool(&asked.tool)
        .ok_or_else(|| AskError::Missing(format!("tool: {key} has no tool `{}` now", asked.tool)))?;
    let given = asked.arguments.as_deref().map_or("{}", RawValue::get);
    if !given.starts_with('{') {
        return Err(AskError::Invalid("arguments: must be an object".to_owned()));
    }
    let (arguments, problem) = match completed(catalog, key, asked, given)? {
        Ok(arguments) => (arguments, None),
        Err(problem) => (given.to_owned(), Some(problem)),
    };
    let call = RemoteCall {
        wanted: Wanted::Tool(tool.clone()),
        params: format!("{{\"arguments\":{arguments}}}").into(),
        via: None,
        line: None,
        caller: None,
    };
    let preview = hub.preview(&key.id, &call).ok_or_else(missing)?;
    let preview: Preview = preview.map_err(|error| AskError::Invalid(error.to_string()))?;
    let definition = &offer.definition;
    let server = match preview.transport {
        UpstreamTransport::Stdio => {
            let command = definition.command.iter();
            let words: Vec<&str> = command.chain(&definition.args).map(String::as_str).collect();
            words.join(" ")
        }
        _ => definition.url.clone().unwrap_or_default(),
    };
    let message = RawValue::from_string(preview.message).ok();
    Ok(RemoteExplanation {
        upstream: key.id.to_string(),
        server,
        transport: preview.transport.as_str().to_owned(),
        protocol: preview.protocol.to_owned(),
        connected: preview.is_connected,
        held_back: !definition.pin.shows(&tool.name, &tool.digest),
        message: message.filter(|_| problem.is_none()),
        problem,
        headers: preview.headers.into_iter().collect(),
    })
}

/// The arguments with those that the instance gives, or what the client may not give.
fn completed(
    catalog: &Catalog<ToolCompiler>,
    key: &Key,
    asked: &RemoteRequest,
    given: &str,
) -> Result<Result<String, String>, AskError> {
    let Some(instance) = &asked.instance else {
        return Ok(Ok(given.to_owned()));
    };
    let snapshot = catalog.snapshot();
    let entry = snapshot.instances.get(&**instance);
    let entry =
        entry.ok_or_else(|| AskError::Missing(format!("instance: there is no instance `{instance}`")))?;
    if !entry.definition.refers_to(&key.id) {
        return Err(AskError::Missing(format!(
            "instance: `{instance}` shows nothing of {key}"
        )));
    }
    let is_it = |id: &str| id.split_once('/') == Some((&*key.id, &*asked.tool));
    let mut references = entry.definition.tool_ids.iter();
    let overrides = references
        .find(|reference| is_it(&reference.id))
        .and_then(|reference| reference.overrides.clone());
    Ok(match overrides {
        Some(overrides) => RemoteArguments::new(&overrides).complete(given),
        None => Ok(given.to_owned()),
    })
}
