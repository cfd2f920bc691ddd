//! `/ws/{instance}`: MCP over a WebSocket, one message a text frame, in every revision. No revision describes it; the form is
//! that of the clients there are.

mod conversation;
mod meter;
mod outgoing;
mod upgrade;

use super::{
    Call, McpRoute, admit,
    channel::{Channel, changes_of},
    instance_of,
};
use crate::http::{body, error::Error};
use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use conversation::{Conversation, Listener};
use http::{StatusCode, header, request::Parts};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use mcp_core::protocol::{Exchange, Way};
use meter::{Meter, Metered};
use std::sync::Arc;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::protocol::{Role, WebSocketConfig},
};
pub(crate) use upgrade::Takeover;

/// What is written ahead of a client that does not read. Larger messages go out in parts.
const MOST_WRITTEN_AHEAD: usize = 1 << 20;

/// Opens a WebSocket.
pub(super) async fn open(State(route): State<Arc<McpRoute>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let mut call = Call::begin(&route, &mut parts.headers, &body::peer(&parts.extensions));
    let opened = opened(&route, &mut parts, &mut call).await;
    match opened {
        Ok(response) => Call::named(response, call.id, Some(call.record)),
        Err(error) => call.refused(error),
    }
}

async fn opened(route: &Arc<McpRoute>, parts: &mut Parts, call: &mut Call) -> Result<Response, Error> {
    let instance = instance_of(route, &parts.headers, parts.uri.path(), "/ws")?.into_owned();
    let (view, principal) = admit(
        route,
        &parts.headers,
        &body::peer(&parts.extensions),
        &instance,
        &mut call.record,
    )
    .await?;
    let answer = upgrade::check(parts)?;
    let only_http_1 = "WebSockets are opened with HTTP/1.1 here";
    let (takeover, upgraded) = parts
        .extensions
        .get::<Takeover>()
        .cloned()
        .zip(parts.extensions.remove::<OnUpgrade>())
        .ok_or_else(|| Error::bad_request(only_http_1))?;
    let (channel, outward) = Channel::open(route, &instance, &principal.subject);
    let peer = body::peer(&parts.extensions);
    let headers = channel.headers(parts.headers.clone());
    let reply = route.endpoint.get(&Exchange {
        view,
        headers: &headers,
        principal,
        peer: peer.clone(),
        way: Way::Channel,
        request_id: call.id.clone(),
    });
    call.record.trace = reply.trace.clone();
    let changes = match changes_of(reply) {
        Ok(changes) => changes,
        Err(refused) => return Ok(*refused),
    };
    let listener = Listener {
        route: route.clone(),
        headers: parts.headers.clone(),
        peer,
        channel,
    };
    let conversation = Conversation {
        listener,
        outward,
        changes,
    };
    let most = route.max_body_bytes;
    takeover.go_on_with(async move {
        let Ok(io) = upgraded.await else { return };
        let config = WebSocketConfig::default()
            .max_message_size(Some(most))
            .max_frame_size(Some(most))
            .max_write_buffer_size(MOST_WRITTEN_AHEAD);
        let meter = Meter::new(conversation.listener.peer.clone());
        let io = Metered {
            io: TokioIo::new(io),
            meter: meter.clone(),
        };
        let socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await;
        conversation.run(socket, &meter).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().extend(answer);
    response
        .headers_mut()
        .insert(header::CONNECTION, header::HeaderValue::from_static("upgrade"));
    Ok(response)
}
