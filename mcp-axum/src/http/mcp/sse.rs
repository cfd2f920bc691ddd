//! HTTP+SSE of 2024-11-05, for instances with `metadata.proto_type: legacy`: a GET opens a stream that says where messages are
//! posted to, and everything that the gateway has to say comes over it. When it ends, the session does.

use super::{
    Call, McpRoute, Work, admit,
    channel::{Changes, Channel, Channels, Outward, changes_of},
    check_content, instance_of,
};
use crate::{
    app::App,
    http::{body, error::Error},
};
use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, StatusCode, request::Parts};
use mcp_common::definition::instance::ProtoType;
use mcp_core::protocol::{Exchange, SESSION_ID, Way};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::{convert::Infallible, sync::Arc, time::Duration};

/// How often something is said while only answers are waited for, as streams do.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const PING: Bytes = Bytes::from_static(b": ping\n\n");

/// The parameter of the query that names the session.
const SESSION: &str = "sessionId";

/// Whether a GET of `/mcp/{instance}` is one of an old client: those of Streamable HTTP name their session, or their revision.
pub(super) fn is_meant(route: &McpRoute, parts: &Parts) -> bool {
    if parts.headers.contains_key(SESSION_ID) || parts.headers.contains_key("mcp-protocol-version") {
        return false;
    }
    let instance = instance_of(route, &parts.headers, parts.uri.path(), "/mcp");
    let view = instance
        .ok()
        .and_then(|instance| route.endpoint.gateway().views.get(&instance));
    view.is_some_and(|view| view.entry.definition.metadata.proto_type == ProtoType::Legacy)
}

/// Opens a stream.
pub(super) async fn open(State(route): State<Arc<McpRoute>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let mut call = Call::begin(&route, &mut parts.headers, &body::peer(&parts.extensions));
    match opened(&route, parts, &mut call).await {
        Ok(response) => Call::named(response, call.id, Some(call.record)),
        Err(error) => call.refused(error),
    }
}

async fn opened(route: &Arc<McpRoute>, parts: Parts, call: &mut Call) -> Result<Response, Error> {
    let path = parts.uri.path();
    let door = if path.starts_with("/mcp") { "/mcp" } else { "/sse" };
    let instance = instance_of(route, &parts.headers, path, door)?;
    let (view, principal) = admit(
        route,
        &parts.headers,
        &body::peer(&parts.extensions),
        &instance,
        &mut call.record,
    )
    .await?;
    if view.entry.definition.metadata.proto_type != ProtoType::Legacy {
        return Err(Error::not_found(
            "this instance does not serve the HTTP+SSE transport of 2024-11-05: choose Streamable HTTP in the client, with \
             /mcp/INSTANCE (or give the instance `metadata.proto_type: legacy`)",
        ));
    }
    if parts.method != Method::GET {
        return Err(Error::method_not_allowed("GET"));
    }
    let id = new_id()?;
    let (channel, outward) = Channel::open(route, &instance, &principal.subject);
    let headers = channel.headers(parts.headers.clone());
    let reply = route.endpoint.get(&Exchange {
        view,
        headers: &headers,
        principal,
        peer: body::peer(&parts.extensions),
        way: Way::Channel,
        request_id: call.id.clone(),
    });
    call.record.trace = reply.trace.clone();
    let changes = match changes_of(reply) {
        Ok(changes) => changes,
        Err(refused) => return Ok(*refused),
    };
    let place = utf8_percent_encode(&instance, NON_ALPHANUMERIC);
    let endpoint = format!("event: endpoint\ndata: /messages/{place}?{SESSION}={id}\n\n");
    route.app.channels.add(&id, channel.clone());
    let client = Client {
        opening: Some(endpoint.into()),
        outward,
        changes: Some(changes),
        open: Open {
            app: route.app.clone(),
            id,
            channel,
        },
    };
    let events = stream::unfold(client, |mut client| async move {
        let next = client.next().await?;
        Some((Ok::<_, Infallible>(next), client))
    });
    let mut response = Body::from_stream(events).into_response();
    super::response::say_events(&mut response);
    Ok(response)
}

/// The client's end of a channel.
struct Client {
    opening: Option<Bytes>,
    outward: Outward,
    /// What is told, and that somebody is there; ends when the gateway drains.
    changes: Option<Changes>,
    open: Open,
}

impl Client {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(opening) = self.opening.take() {
            return Some(opening);
        }
        loop {
            let channel = &self.open.channel;
            let Some(changes) = &mut self.changes else {
                // Nothing new begins; what was begun is answered.
                channel.tasks.close();
                return tokio::select! {
                    biased;
                    Some(message) = self.outward.inbox.recv() => Some(event(&message)),
                    () = tokio::time::sleep(KEEP_ALIVE) => Some(PING),
                    () = channel.tasks.wait() => self.outward.inbox.try_recv().ok().map(|message| event(&message)),
                };
            };
            tokio::select! {
                biased;
                Some(message) = self.outward.inbox.recv() => return Some(event(&message)),
                Some(changes) = self.outward.changes.recv() => self.changes = Some(changes),
                change = changes.next() => match change {
                    None => {
                        self.changes = None;
                        self.open.close();
                    }
                    // Before it is ready, a client is told of nothing; comments are for whatever is on the way.
                    Some(change) if change.starts_with(b":") || channel.is_initialized.is_cancelled() => return Some(change),
                    Some(_) => {}
                },
            }
        }
    }
}

/// A channel that messages can be posted to, until it is dropped.
struct Open {
    app: Arc<App>,
    id: String,
    channel: Arc<Channel>,
}

impl Open {
    fn close(&self) {
        self.app.channels.remove(&self.id);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.close();
        self.channel.end();
    }
}

/// A message has no line breaks but between its members.
fn event(message: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(message.len() + 24);
    out.extend_from_slice(b"event: message\ndata: ");
    out.extend(
        message
            .iter()
            .map(|&byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }),
    );
    out.extend_from_slice(b"\n\n");
    out.into()
}

/// Takes a message of an open stream.
pub(super) async fn message(State(route): State<Arc<McpRoute>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut call = Call::begin(&route, &mut parts.headers, &body::peer(&parts.extensions));
    let taken = take(&route, parts, body, &mut call).await;
    match taken {
        Ok((channel, work, body)) => {
            let Call { id, record } = call;
            // The record is that of the message, whose answer comes over the stream.
            match channel.take(work, body, record) {
                Ok(()) => Call::named((StatusCode::ACCEPTED, "Accepted").into_response(), id, None),
                Err(error) => Call::named(error.into_response(), id, None),
            }
        }
        Err(error) => call.refused(error),
    }
}

async fn take(
    route: &McpRoute,
    parts: Parts,
    body: Body,
    call: &mut Call,
) -> Result<(Arc<Channel>, Work, Bytes), Error> {
    let instance = instance_of(route, &parts.headers, parts.uri.path(), "/messages")?;
    let (view, principal) = admit(
        route,
        &parts.headers,
        &body::peer(&parts.extensions),
        &instance,
        &mut call.record,
    )
    .await?;
    if parts.method != Method::POST {
        return Err(Error::method_not_allowed("POST"));
    }
    check_content(&parts.headers)?;
    let channels: &Channels = &route.app.channels;
    let channel = session_of(&parts)
        .and_then(|id| channels.find(id, &instance, &principal.subject))
        .ok_or_else(|| {
            Error::not_found(
                "there is no such session: it ended with its stream, or another replica has it; open a stream with GET \
                 /sse/INSTANCE, and post to where it says",
            )
        })?;
    let body = body::read(body, &parts.extensions, route.max_body_bytes, body::PATIENCE).await?;
    let peer = body::peer(&parts.extensions);
    let body = body::keep_small(body, &peer)?;
    let work = Work {
        view,
        headers: parts.headers,
        principal,
        peer,
        request_id: call.id.clone(),
    };
    Ok((channel, work, body))
}

fn session_of(parts: &Parts) -> Option<&str> {
    let pairs = parts.uri.query()?.split('&');
    let mut found = pairs.filter_map(|pair| pair.strip_prefix(SESSION)?.strip_prefix('='));
    found.next()
}

/// Whoever knows it may post in the client's name, with the client's key.
fn new_id() -> Result<String, Error> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
