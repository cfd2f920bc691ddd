//! Revisions before 2026-07-28: optional sessions, batches (2025-03-26 only), the GET stream.

use super::{
    Endpoint, Exchange, Reply, ReplyBody,
    endpoint::Ask,
    envelope::{self, MAX_BATCH, Message, Request},
    events::{self, Script},
    fault::Fault,
    headers, methods,
    params::Asked,
};
use crate::{
    spec::{Era, Legacy, Method},
    via::Via,
};
use http::StatusCode;
use mcp_common::definition::instance::ProtoType;
use serde_json::value::RawValue;

/// The revision a request speaks, after its session (where the instance has sessions) was checked.
pub(super) fn negotiated(endpoint: &Endpoint, exchange: &Exchange<'_>) -> Result<Legacy, Fault> {
    let header = headers::protocol_version(exchange.headers)?.and_then(Legacy::parse);
    if !stateful(exchange) {
        return Ok(header.unwrap_or(Legacy::ASSUMED));
    }
    let session = endpoint.session(exchange)?;
    Ok(header.unwrap_or(session))
}

/// The session, where the instance has them, of whatever comes after `initialize`.
pub(super) fn check(endpoint: &Endpoint, exchange: &Exchange<'_>, asked: &Asked<'_>) -> Result<(), Fault> {
    match asked {
        Asked::Initialize(_) => Ok(()),
        _ => negotiated(endpoint, exchange).map(drop),
    }
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
    if messages.is_empty() || messages.len() > MAX_BATCH {
        return Err(Fault::invalid_request(format!(
            "a batch holds 1 to {MAX_BATCH} messages, this one {}",
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
        let reply = match envelope::message(raw.get()) {
            Ok(Message::Request(request)) => {
                let answered = in_batch(endpoint, exchange, &request).await;
                answered.map_err(|fault| fault.with_id(request.id))
            }
            Ok(Message::Notification(_) | Message::Response) => continue,
            Err(fault) => Err(fault),
        };
        let reply = reply.unwrap_or_else(|fault| Reply::fault(&fault, Era::Legacy));
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

async fn in_batch(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    request: &Request<'_>,
) -> Result<Reply, Fault> {
    let method = Method::parse(&request.method);
    if method == Some(Method::Initialize) {
        return Err(Fault::invalid_request("`initialize` never stands in a batch"));
    }
    let asked = Asked::read(method, request.params)?;
    let ask = Ask {
        endpoint,
        exchange,
        era: Era::Legacy,
        id: request.id,
    };
    methods::serve(&ask, &request.method, method, &asked).await
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
