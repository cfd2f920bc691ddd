//! A request of a client for something that a server offers, as it goes to the server.

use super::{
    clients::ClientKey,
    error::UpstreamError,
    http::text_value,
    inventory::RemoteTool,
    outgoing::{Asks, Speech},
    session::{Question, Session},
    settings::HubSettings,
};
use crate::{
    json::{members::Members, quoted},
    relay::Line,
    spec::Method,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use mcp_common::secret::Secret;
use serde_json::{Value, json, value::RawValue};
use std::{borrow::Cow, sync::Arc};

/// Members of `_meta` that each side of the gateway says for itself.
const OWN_META: &str = "io.modelcontextprotocol/";
/// What a client answers that it is asked in results, which go back to it as they are (2026-07-28).
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
/// Names what progress is told of: the gateway has names of its own towards each side.
const PROGRESS: &str = "progressToken";

/// A request for something that a server offers.
#[derive(Clone, Debug)]
pub struct RemoteCall {
    /// What is asked for.
    pub wanted: Wanted,
    /// The parameters as the client sent them, a JSON object.
    pub params: Arc<str>,
    /// The gateways that the client's request passed, and this one.
    pub via: Option<HeaderValue>,
    /// The trace that it is part of: headers, and members of `_meta`.
    pub trace: Vec<(HeaderName, HeaderValue)>,
    /// The way back to the client before the answer; `None` for nobody who listens.
    pub line: Option<Line>,
    /// Who asks; `None` for nobody in particular.
    pub caller: Option<Caller>,
    /// The name of who asks; `None` for nobody in particular.
    pub principal: Option<Arc<str>>,
    /// What tells who asks from all others whose accounts are used; `None` for nobody in particular.
    pub owner: Option<Arc<str>>,
    /// The token that the caller has shown, where it is one that another one can be got for.
    pub token: Option<Arc<Secret>>,
}

impl RemoteCall {
    /// A call of a tool by nobody in particular, whom nothing is told before the answer. `arguments` is a JSON object.
    pub(crate) fn of_nobody(tool: Arc<RemoteTool>, arguments: &str) -> Self {
        Self {
            wanted: Wanted::Tool(tool),
            params: format!("{{\"arguments\":{arguments}}}").into(),
            via: None,
            trace: Vec::new(),
            line: None,
            caller: None,
            principal: None,
            owner: None,
            token: None,
        }
    }
}

/// Who asks, as far as servers are to keep them apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The session of its own that the client has, if it has one.
    pub session: Option<Arc<str>>,
    /// The name that it calls in. Others may call in it too.
    pub name: Arc<str>,
}

impl RemoteCall {
    /// What its client's session is kept by.
    pub(super) fn client_key(&self) -> Option<ClientKey> {
        Some(ClientKey {
            caller: self.caller.clone()?,
            client: self.line.as_ref().map(Line::client).unwrap_or_default(),
            account: None,
        })
    }
}

/// What is asked for, by the server's own names.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The result of a tool.
    Tool(Arc<RemoteTool>),
    /// The messages of the prompt of this name.
    Prompt(Arc<str>),
    /// The contents of a resource: the one whose URI the parameters have.
    Resource,
    /// Values for an argument of the prompt of this name.
    PromptCompletion(Arc<str>),
    /// Values for a variable of a template: the one that the parameters name.
    TemplateCompletion,
    /// Something about a task: the one that the parameters name.
    Task(Method),
}

impl Wanted {
    pub(super) fn method(&self) -> Method {
        match self {
            Self::Tool(_) => Method::ToolsCall,
            Self::Prompt(_) => Method::PromptsGet,
            Self::Resource => Method::ResourcesRead,
            Self::PromptCompletion(_) | Self::TemplateCompletion => Method::CompletionComplete,
            Self::Task(method) => *method,
        }
    }

    /// What timeouts name.
    pub(super) fn step(&self) -> &'static str {
        match self {
            Self::Tool(_) => "the call",
            Self::Prompt(_) => "the prompt",
            Self::Resource => "the resource",
            Self::PromptCompletion(_) | Self::TemplateCompletion => "the completion",
            Self::Task(_) => "the task",
        }
    }

    /// The parameters that servers of all revisions know; others have more.
    fn known(&self) -> &'static [&'static str] {
        match self {
            Self::Tool(_) | Self::Prompt(_) => &["name", "arguments"],
            Self::Resource => &["uri"],
            Self::PromptCompletion(_) | Self::TemplateCompletion => &["ref", "argument", "context"],
            Self::Task(_) => &["taskId"],
        }
    }

    /// The parameter that is written otherwise than the client wrote it.
    fn renamed(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Tool(tool) => Some(("name", json!(&*tool.name).to_string())),
            Self::Prompt(name) => Some(("name", json!(&**name).to_string())),
            Self::PromptCompletion(name) => {
                Some(("ref", json!({"type": "ref/prompt", "name": name}).to_string()))
            }
            Self::Resource | Self::TemplateCompletion | Self::Task(_) => None,
        }
    }
}

/// What is asked of a server that is spoken to in this way.
pub(super) fn question(
    speech: Speech,
    call: &RemoteCall,
    via: Option<HeaderValue>,
) -> Result<Question<'_>, UpstreamError> {
    let is_modern = speech == Speech::Modern;
    let sent =
        Members::read(&call.params).map_err(|reason| UpstreamError::Refused(format!("params: {reason}")))?;
    if !is_modern && sent.get("requestState").is_some() {
        let text = "it goes on with a call that waits here no more".to_owned();
        return Err(UpstreamError::Stale(text));
    }
    let meta = sent
        .get("_meta")
        .and_then(|meta| Members::read(meta.get()).ok())
        .unwrap_or_default();
    let named = |member: &str| {
        let text = sent.get(member)?;
        serde_json::from_str(text.get()).ok().map(Cow::Owned)
    };
    let mut headers = match &call.wanted {
        Wanted::Tool(tool) if is_modern => mirrored(tool, arguments(&sent)),
        _ => HeaderMap::new(),
    };
    headers.extend(call.trace.iter().cloned());
    Ok(Question {
        method: call.wanted.method().name(),
        name: match &call.wanted {
            Wanted::Tool(tool) => Some((&*tool.name).into()),
            Wanted::Prompt(name) => Some((&**name).into()),
            Wanted::Resource => named("uri"),
            Wanted::Task(_) => named("taskId"),
            Wanted::PromptCompletion(_) | Wanted::TemplateCompletion => None,
        },
        params: params(&call.wanted, &sent, is_modern),
        meta: with_trace(passed_on(&meta), &meta, &call.trace),
        capabilities: meta.get(CAPABILITIES).map(RawValue::get),
        headers,
        via,
        line: call.line.as_ref(),
        is_repeatable: matches!(&call.wanted, Wanted::Tool(tool) if tool.is_repeatable),
        asks: Asks {
            session: call.caller.as_ref().and_then(|caller| caller.session.as_deref()),
            principal: call.principal.as_deref(),
            params: Some(&call.params),
        },
    })
}

/// The arguments among the parameters of a client.
pub(super) fn arguments_of(params: &str) -> Option<&str> {
    let sent = Members::read(params).ok()?;
    Some(arguments(&sent))
}

pub(super) async fn ask(
    session: &Session,
    call: &RemoteCall,
    settings: &HubSettings,
) -> Result<Bytes, UpstreamError> {
    let own = || settings.via.as_ref().map(|via| via.value(None));
    let question = question(session.speech, call, call.via.clone().or_else(own))?;
    if let Some(level) = question.line.and_then(Line::level) {
        Box::pin(session.want_logs(level)).await;
    }
    session.ask(&question).await
}

/// Some clients send `null` for "no arguments", others nothing.
fn arguments<'a>(sent: &Members<'a>) -> &'a str {
    let arguments = sent.get("arguments").map_or("{}", RawValue::get);
    if arguments == "null" { "{}" } else { arguments }
}

/// One more member.
fn member(out: &mut Vec<u8>, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(b',');
    }
    quoted(out, name);
    out.push(b':');
    out.extend_from_slice(value.as_bytes());
}

/// The members of the parameters, without braces.
fn params(wanted: &Wanted, sent: &Members<'_>, is_modern: bool) -> Vec<u8> {
    let renamed = wanted.renamed();
    let values = sent
        .iter()
        .map(|(name, value)| name.len() + value.get().len() + 4);
    let name = renamed.as_ref().map_or(0, |(_, value)| value.len() + 8);
    let mut out = Vec::with_capacity(values.sum::<usize>() + name);
    if let Some((name, value)) = &renamed {
        member(&mut out, name, value);
    }
    if matches!(wanted, Wanted::Tool(_)) {
        member(&mut out, "arguments", arguments(sent));
    }
    let is_written = |name: &str| {
        renamed.as_ref().is_some_and(|(written, _)| *written == name)
            || (matches!(wanted, Wanted::Tool(_)) && name == "arguments")
    };
    for (name, value) in sent
        .iter()
        .filter(|(name, _)| *name != "_meta" && !is_written(name))
    {
        // Answers to what the server asked for, and the state that it gave along: in 2026-07-28 only.
        if is_modern || wanted.known().contains(&name) {
            member(&mut out, name, value.get());
        }
    }
    out
}

/// Members of the client's `_meta` that are for whoever does the work.
fn passed_on(meta: &Members<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in meta.iter() {
        if name != PROGRESS && !name.starts_with(OWN_META) {
            member(&mut out, name, value.get());
        }
    }
    out
}

/// The same with the trace, which servers without headers find there. What a client says there itself is its own.
fn with_trace(mut meta: Vec<u8>, sent: &Members<'_>, trace: &[(HeaderName, HeaderValue)]) -> Vec<u8> {
    for (name, value) in trace.iter().filter(|(name, _)| sent.get(name.as_str()).is_none()) {
        let Ok(value) = value.to_str() else { continue };
        member(&mut meta, name.as_str(), &json!(value).to_string());
    }
    meta
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
        let read = |text| String::from_utf8(passed_on(&Members::read(text).unwrap())).unwrap();
        assert_eq!(read(meta), r#""traceparent":"00-1","a/b":{"n":1.10}"#);
        assert_eq!(read("{}"), "");
    }

    #[test]
    fn parameters_pass_but_for_names_and_what_older_servers_do_not_know() {
        let sent = r#"{"ref":{"type":"ref/prompt","name":"up_p"},"argument":{"name":"a","value":"1.0"},"requestState":"s","_meta":{}}"#;
        let read = |wanted: &Wanted, is_modern| {
            String::from_utf8(params(wanted, &Members::read(sent).unwrap(), is_modern)).unwrap()
        };
        let wanted = Wanted::PromptCompletion("p".into());
        let legacy = r#""ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"1.0"}"#;
        assert_eq!(read(&wanted, false), legacy);
        assert_eq!(read(&wanted, true), format!("{legacy},\"requestState\":\"s\""));
        let template = read(&Wanted::TemplateCompletion, false);
        assert!(
            template.starts_with(r#""ref":{"type":"ref/prompt","name":"up_p"},"#),
            "{template}"
        );
    }
}
