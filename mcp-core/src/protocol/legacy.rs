//! Revisions before 2026-07-28: `initialize`, optional sessions, batches (2025-03-26 only), the GET stream.

use super::{
    Endpoint, Exchange,
    envelope::{Id, Message, Request},
    events::{self, Script},
    fault::Fault,
    headers,
    params::{Params, as_string},
    reply::{Reply, ReplyBody},
    tools,
    version::Legacy,
};
use crate::via::Via;
use http::StatusCode;
use mcp_common::definition::instance::ProtoType;
use serde_json::{json, value::RawValue};

/// The revision a request speaks, after its session (where the instance has sessions) was checked.
pub(super) fn negotiated(endpoint: &Endpoint, exchange: &Exchange<'_>) -> Result<Legacy, Fault> {
    let header = headers::protocol_version(exchange.headers)?.and_then(Legacy::parse);
    if !stateful(exchange) {
        return Ok(header.unwrap_or(Legacy::ASSUMED));
    }
    let session = endpoint.session(exchange)?;
    Ok(header.unwrap_or(session))
}

pub(super) async fn request(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    request: &Request<'_>,
    params: &Params<'_>,
) -> Result<Reply, Fault> {
    let id = request.id;
    if request.method == "initialize" {
        return Ok(initialize(endpoint, exchange, id, params));
    }
    negotiated(endpoint, exchange).map_err(|fault| fault.with_id(id))?;
    dispatch(endpoint, exchange, request, params).await
}

async fn dispatch(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    request: &Request<'_>,
    params: &Params<'_>,
) -> Result<Reply, Fault> {
    let id = request.id;
    match &*request.method {
        "tools/call" => tools::call(endpoint, exchange, id, params, false).await,
        "tools/list" => tools::list(exchange, id, params, false),
        // `logging/setLevel`: there are no log messages, so that any level is kept trivially.
        "ping" | "logging/setLevel" => Ok(Reply::result(id, "{}")),
        other => Err(Fault::method_not_found(other, false).with_id(id)),
    }
}

fn initialize(endpoint: &Endpoint, exchange: &Exchange<'_>, id: Id<'_>, params: &Params<'_>) -> Reply {
    let wanted = params.protocol_version.and_then(as_string);
    let version = wanted
        .and_then(|name| Legacy::parse(&name))
        .unwrap_or(Legacy::LATEST);
    let info: Option<&RawValue> = serde_json::from_str(&exchange.view.server_info).ok();
    let mut result = json!({
        "protocolVersion": version.as_str(),
        "capabilities": {"tools": {"listChanged": true}},
        "serverInfo": info,
    });
    if let Some(instructions) = &exchange.view.entry.definition.description {
        result["instructions"] = json!(instructions);
    }
    let mut reply = Reply::result(id, result.to_string());
    if stateful(exchange) {
        let instance = &exchange.view.entry.definition.id;
        reply.session = endpoint
            .gateway
            .sessions
            .issue(instance, &exchange.principal.subject, version);
    }
    reply
}

/// A JSON array: a batch only where the request says 2025-03-26.
pub(super) async fn batch(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    messages: &[&RawValue],
) -> Result<Reply, Fault> {
    let version = headers::protocol_version(exchange.headers)?.and_then(Legacy::parse);
    if version != Some(Legacy::V2025_03_26) {
        return Err(Fault::invalid_request(
            "a batch is only served with `MCP-Protocol-Version: 2025-03-26`",
        ));
    }
    if messages.is_empty() || messages.len() > super::envelope::MAX_BATCH {
        let max = super::envelope::MAX_BATCH;
        return Err(Fault::invalid_request(format!(
            "a batch holds 1 to {max} messages, this one {}",
            messages.len()
        )));
    }
    // Each gateway on the way would multiply what it is sent.
    if Via::is_passed_on(exchange.headers) {
        return Err(Fault::invalid_request(
            "a batch is not served to another gateway's tool: send one message",
        ));
    }
    negotiated(endpoint, exchange)?;
    let mut answers = Vec::with_capacity(messages.len());
    for raw in messages {
        let reply = match super::envelope::message(raw.get()) {
            Ok(Message::Request(request)) if request.method == "initialize" => {
                Err(Fault::invalid_request("`initialize` never stands in a batch").with_id(request.id))
            }
            Ok(Message::Request(request)) => match Params::read(request.params) {
                Ok(params) => dispatch(endpoint, exchange, &request, &params).await,
                Err(fault) => Err(fault.with_id(request.id)),
            },
            Ok(Message::Notification(_) | Message::Response) => continue,
            Err(fault) => Err(fault),
        };
        let reply = reply.unwrap_or_else(|fault| Reply::fault(&fault, false));
        if let ReplyBody::Json(pieces) = reply.body {
            answers.push(pieces.concat());
        }
    }
    if answers.is_empty() {
        return Ok(Reply::empty(StatusCode::ACCEPTED));
    }
    let joined = [b"[".as_slice(), &answers.join(&b','), b"]"].concat();
    Ok(Reply::json(StatusCode::OK, joined))
}

/// The standalone stream for list changes.
pub(super) fn open_stream(endpoint: &Endpoint, exchange: &Exchange<'_>) -> Result<Reply, Fault> {
    if stateful(exchange) {
        endpoint.session(exchange)?;
    }
    if !exchange.accepts_events() {
        return Err(Fault::not_acceptable());
    }
    let changed = events::event("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    // A first comment, so that proxies and clients see the stream open; nothing needs to be said at its end.
    endpoint.open_stream(
        exchange,
        Script {
            opening: ": open\n\n".to_owned(),
            changed,
            closing: ": bye\n\n".to_owned(),
        },
    )
}

/// Ends a session.
pub(super) fn delete(endpoint: &Endpoint, exchange: &Exchange<'_>) -> Result<Reply, Fault> {
    endpoint.session(exchange)?;
    if let Some(id) = headers::single(exchange.headers, &headers::SESSION_ID)? {
        endpoint.gateway.sessions.delete(id);
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Whether the instance has sessions.
pub(super) fn stateful(exchange: &Exchange<'_>) -> bool {
    exchange.view.entry.definition.metadata.proto_type == ProtoType::Stateful
}
