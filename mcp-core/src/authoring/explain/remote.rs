//! A call of an upstream's tool, explained: which server would get which message.

use super::AskError;
use crate::{
    tool::{RemoteArguments, ToolCompiler},
    upstream::{Hub, Preview, RemoteCall, RemoteTool},
};
use mcp_common::{
    catalog::Catalog,
    definition::{instance::ToolReference, upstream::UpstreamTransport},
    key::Key,
};
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
    /// How the answer is shaped; absent where it is the server's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ExplainedOutput>,
    /// How many bytes of text, and of structured content, the answer has at the most.
    pub max_result_bytes: u64,
}

/// How an answer is shaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedOutput {
    /// Where it is written: `upstream` or `instance`.
    pub said_by: String,
    /// The jq program over the structured content, or over the JSON that the text is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jq: Option<String>,
    /// The template of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
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
    let definition = &offer.definition;
    let reference = reference(catalog, key, asked)?;
    let own = definition.tools.overrides.get(&*asked.tool);
    let own = own.and_then(|said| Some(("upstream", said.output.clone()?)));
    let said = reference
        .as_ref()
        .and_then(|said| Some(("instance", said.output.clone()?)));
    let output = said.or(own);
    let most = output.as_ref().and_then(|(_, output)| output.max_bytes);
    let most = most.map_or(hub.max_result_bytes(definition) as u64, |most| most.0);
    let overrides = reference.and_then(|reference| reference.overrides);
    let completed = match overrides {
        Some(overrides) => RemoteArguments::new(&overrides).complete(given),
        None => Ok(given.to_owned()),
    };
    let (arguments, problem) = match completed {
        Ok(arguments) => (arguments, None),
        Err(problem) => (given.to_owned(), Some(problem)),
    };
    let call = RemoteCall::of_nobody(tool.clone(), &arguments);
    let preview = hub.preview(&key.id, &call).ok_or_else(missing)?;
    let preview: Preview = preview.map_err(|error| AskError::Invalid(error.to_string()))?;
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
        output: output.map(|(said_by, output)| ExplainedOutput {
            said_by: said_by.to_owned(),
            jq: output.jq.as_deref().map(str::to_owned),
            template: output.template.as_deref().map(str::to_owned),
        }),
        max_result_bytes: most,
    })
}

/// What the instance says about the tool, if one is asked about.
fn reference(
    catalog: &Catalog<ToolCompiler>,
    key: &Key,
    asked: &RemoteRequest,
) -> Result<Option<ToolReference>, AskError> {
    let Some(instance) = &asked.instance else {
        return Ok(None);
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
    Ok(references.find(|reference| is_it(&reference.id)).cloned())
}
