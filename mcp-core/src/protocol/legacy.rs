//! Revisions before 2026-07-28: optional sessions, batches (2025-03-26 only), the GET stream.

use super::{
    Endpoint, Exchange, Reply, ReplyBody, Way,
    ask::{Ask, Form},
    envelope::{self, Id, MAX_BATCH, Message, Notification, Request, Response},
    events::{self, Script, Told},
    fault::Fault,
    headers, methods,
    params::{self, Asked, CancelledParams},
    session::Session,
};
use crate::{
    relay::Watch,
    spec::{Era, Legacy, Method},
    via::Via,
    view::PerList,
};
use http::StatusCode;
use mcp_common::definition::instance::ProtoType;
use serde_json::value::RawValue;

/// The session of a request, where the instance has them.
fn session(endpoint: &Endpoint, exchange: &Exchange<'_>) -> Result<Option<Session>, Fault> {
    headers::protocol_version(exchange.headers)?;
    is_stateful(exchange)
        .then(|| endpoint.session(exchange))
        .transpose()
}

/// The session of whatever comes after `initialize`.
pub(super) fn check(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    asked: &Asked<'_>,
) -> Result<Option<Session>, Fault> {
    match asked {
        Asked::Initialize(_) => Ok(None),
        _ => session(endpoint, exchange),
    }
}

/// Takes a notification; one that cancels a request finds it in its own session.
pub(super) fn notification(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    notification: &Notification<'_>,
) -> Result<Reply, Fault> {
    let session = session(endpoint, exchange)?;
    if let Some(session) = session
        && notification.method == "notifications/cancelled"
        && let Ok(CancelledParams { request_id: Some(id) }) = params::read(notification.params)
        && let Some(id) = Id::read(id)
    {
        let calls = &endpoint.gateway.session_state.open_calls;
        if calls.cancel(session.id, id.as_json()) {
            endpoint.gateway.metrics.cancelled.inc();
        }
    }
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// Takes the answer to a request that went to the client; it finds who waits for it in its own session.
pub(super) fn response(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    response: &Response<'_>,
) -> Result<Reply, Fault> {
    let session = session(endpoint, exchange)?;
    if let Some(session) = session
        && let Some(pending) = &endpoint.gateway.session_state.pending
        && let Some(id) = response.id
        && let Ok(id) = serde_json::from_str::<String>(id.as_json())
    {
        let owned = response
            .outcome
            .map(RawValue::to_owned)
            .map_err(RawValue::to_owned);
        if !pending.answered(&session.id, &id, owned) {
            tracing::debug!(
                id,
                "a client answered what nobody asks, any more or on this replica"
            );
        }
    }
    Ok(Reply::empty(StatusCode::ACCEPTED))
}

/// A JSON array, which is a batch in 2025-03-26 only. That revision has no header that says so: it is the one of a request
/// without the header, unless its session agreed on another.
pub(super) async fn batch(
    endpoint: &Endpoint,
    exchange: &Exchange<'_>,
    messages: &[&RawValue],
) -> Result<Reply, Fault> {
    let session = session(endpoint, exchange)?;
    let named = headers::protocol_version(exchange.headers)?.and_then(Legacy::parse);
    let agreed = session.as_ref().map(|session| session.agreed.version);
    let version = named.or(agreed).unwrap_or(Legacy::ASSUMED);
    if version != Legacy::V2025_03_26 {
        return Err(Fault::invalid_request(format!(
            "{} has no batches, which 2025-03-26 alone has: send one message",
            version.as_str()
        )));
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
    let mut answers = Vec::with_capacity(messages.len());
    for raw in messages {
        let reply = match envelope::message(raw.get()) {
            Ok(Message::Request(request)) => {
                let answered = in_batch(endpoint, exchange, &request, session.clone()).await;
                answered.map_err(|fault| fault.with_id(request.id))
            }
            Ok(Message::Notification(one)) => notification(endpoint, exchange, &one),
            Ok(Message::Response(one)) => response(endpoint, exchange, &one),
            Err(fault) => Err(fault),
        };
        let reply = reply.unwrap_or_else(|fault| Reply::fault(&fault));
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
    session: Option<Session>,
) -> Result<Reply, Fault> {
    let method = Method::parse(&request.method);
    if method == Some(Method::Initialize) {
        return Err(Fault::invalid_request("`initialize` never stands in a batch"));
    }
    let method = method
        .filter(|method| methods::is_served(exchange, *method, Era::Legacy))
        .ok_or_else(|| Fault::method_not_found(&request.method, Era::Legacy))?;
    let asked = Asked::read(Some(method), request.params)?;
    let calls = &endpoint.gateway.session_state.open_calls;
    let call = session
        .as_ref()
        .map(|session| calls.open(session.id.clone(), request.id.as_json()));
    let ask = Ask {
        endpoint,
        exchange,
        era: Era::Legacy,
        id: request.id,
        params: request.params,
        meta: None,
        session,
        call,
        form: Form::Joined,
        external: Default::default(),
    };
    methods::serve(&ask, method, &asked).await
}

/// The standalone stream for list changes.
pub(super) fn open_stream(endpoint: &Endpoint, exchange: &Exchange<'_>) -> Result<Reply, Fault> {
    // A channel may be opened before `initialize` comes.
    let is_early = exchange.way == Way::Channel && !exchange.headers.contains_key(headers::SESSION_ID);
    let session = match is_stateful(exchange) && !is_early {
        true => Some(endpoint.session(exchange)?),
        false => None,
    };
    if !exchange.accepts_events() {
        return Err(Fault::not_acceptable());
    }
    if headers::protocol_version(exchange.headers)?.is_none() && !is_stateful(exchange) {
        return Err(Fault::of_http(StatusCode::METHOD_NOT_ALLOWED, NO_SSE_TRANSPORT));
    }
    let request = exchange.asked(Method::SubscriptionsListen, None, None, &[]);
    let permit = endpoint
        .gateway
        .policy
        .admit(&request)
        .map_err(|refusal| Fault::refused(&refusal, || Fault::method_not_found("GET", Era::Legacy)))?;
    let capabilities = &exchange.view.capabilities;
    let changed = PerList::of(|list| {
        let method = list.changed();
        let text = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/{method}\"}}");
        capabilities.announces(list).then(|| events::event(&text))
    });
    // A first comment, so that proxies and clients see the stream open; nothing needs to be said at its end.
    let opening = String::from(": open\n\n");
    let instance = &exchange.view.entry.definition.id;
    let is_narrowed = exchange
        .principal
        .rights()
        .is_some_and(|rights| rights.narrows(instance));
    if let Some(session) = session.as_ref().filter(|_| is_narrowed) {
        // The stream before may have ended because the caller may read less now.
        let watches = endpoint.gateway.session_state.watches(&session.id);
        watches.retain(|uri| exchange.view.resource(uri).is_some());
    }
    let script = Script {
        opening,
        changed,
        closing: ": bye\n\n".to_owned(),
        told: session.map(|session| Told {
            _held: endpoint
                .gateway
                .idle_sessions
                .during(&session.id)
                .map(|in_use| Box::new(in_use) as Watch)
                .into_iter()
                .collect(),
            updates: endpoint
                .gateway
                .session_state
                .watches(&session.id)
                .updates
                .clone(),
            subscription: String::new(),
        }),
    };
    let stream = endpoint.open_stream(exchange, script)?;
    Ok(stream.holding(permit))
}

/// Clients of the HTTP+SSE transport of 2024-11-05 begin with a GET and wait for an event that says where to post to: nothing but a
/// refusal ends that. Clients of Streamable HTTP from before the header was there go on without the stream, which `initialize` did
/// not promise them.
const NO_SSE_TRANSPORT: &str = "a stream without a session is for clients that send `MCP-Protocol-Version`; the HTTP+SSE transport of 2024-11-05, \
    which begins with a GET, is not served here: choose Streamable HTTP in the client, with this URL (or give the instance `metadata.proto_type: legacy`)";

/// Ends a session.
pub(super) fn delete(endpoint: &Endpoint, exchange: &Exchange<'_>) -> Result<Reply, Fault> {
    endpoint.session(exchange)?;
    if let Some(id) = headers::single(exchange.headers, &headers::SESSION_ID)? {
        endpoint.end_session(id);
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// Whether the client has a session.
pub(super) fn is_stateful(exchange: &Exchange<'_>) -> bool {
    exchange.way == Way::Channel || exchange.view.entry.definition.metadata.proto_type == ProtoType::Stateful
}
