//! `/instances/{id}/tools/{name}` and its neighbours: an instance for programs that do not speak MCP. Each request becomes a message of 2026-07-28 and goes
//! the way of all messages, through the same admission, policy, limits and records; what comes back is put into `{success, data, error}`. The older
//! paths without an instance are those of the instance that is configured.

mod envelope;
mod openapi;

use super::{Call, McpRoute, admit, check_content, is_json};
use crate::http::{
    body, conditional,
    error::{Error, Result},
};
use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use envelope::Outcome;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use http_body::Body as _;
use mcp_common::authenticator::Principal;
use mcp_core::{
    activity::Doing,
    peer::Peer,
    policy::Record,
    protocol::{Exchange, Reply, ReplyBody, Way},
    view::InstanceView,
};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use std::{pin::pin, sync::Arc};

const REVISION: &str = "2026-07-28";
/// A list that goes on after these goes on for ever.
const MOST_PAGES: usize = 1_000;
/// Headers with which MCP clients say what messages say.
const OF_MCP: &str = "mcp-";

/// What one of these paths is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Call,
    Tools,
    Resources,
    Resource,
    Info,
    OpenApi,
}

pub(super) fn routes() -> Router<Arc<McpRoute>> {
    let mut routes = Router::new();
    for (place, is_list, wanted) in [
        ("/tools", true, Wanted::Tools),
        ("/resources", true, Wanted::Resources),
        ("/resources/{*name}", false, Wanted::Resource),
        ("/info", true, Wanted::Info),
        ("/openapi.json", true, Wanted::OpenApi),
    ] {
        let handler = move |state: State<Arc<McpRoute>>, place: Places, request: Request| {
            serve(state, place, request, wanted)
        };
        let handler = match is_list {
            true => get(handler).layer(from_fn(conditional::list)),
            false => get(handler),
        };
        routes = routes.route(&format!("/instances/{{instance}}{place}"), handler.clone());
        if wanted != Wanted::OpenApi {
            routes = routes.route(place, handler);
        }
    }
    let call = post(|state: State<Arc<McpRoute>>, place: Places, request: Request| {
        serve(state, place, request, Wanted::Call)
    });
    routes
        .route("/instances/{instance}/tools/{name}", call.clone())
        .route("/tools/{name}", call)
}

type Places = std::result::Result<Path<Place>, PathRejection>;

/// What a path names.
#[derive(Deserialize)]
struct Place {
    instance: Option<String>,
    name: Option<String>,
}

/// Somebody who was let in.
struct Caller<'a> {
    route: &'a McpRoute,
    view: Arc<InstanceView>,
    headers: HeaderMap,
    principal: Principal,
    peer: Arc<Peer>,
    request_id: HeaderValue,
}

/// What a request is answered with.
enum Answer {
    Enveloped(Outcome),
    /// A document of its own.
    Plain(Vec<u8>),
}

async fn serve(
    State(route): State<Arc<McpRoute>>,
    place: Places,
    request: Request,
    wanted: Wanted,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut call = Call::begin(&route, &mut parts.headers, &body::peer(&parts.extensions));
    let doing = Doing::Request(parts.uri.clone());
    let answered = {
        let answer = pin!(answer(&route, place, parts, body, wanted, &mut call.record));
        route.endpoint.activity().during(doing, answer).await
    };
    match answered {
        Ok(Answer::Plain(document)) => Call::named(
            json_response(StatusCode::OK, document),
            call.id,
            Some(call.record),
        ),
        Ok(Answer::Enveloped(outcome)) => Call::named(outcome.into_response(), call.id, Some(call.record)),
        Err(error) => {
            let failure = envelope::failure(error.message());
            let mut response = call.refused(error);
            *response.body_mut() = Body::from(failure);
            response
        }
    }
}

async fn answer(
    route: &McpRoute,
    place: Places,
    parts: Parts,
    body: Body,
    wanted: Wanted,
    record: &mut Record,
) -> Result<Answer> {
    let Path(place) = place.map_err(|_| Error::bad_request("the path is not UTF-8"))?;
    let instance = place
        .instance
        .or_else(|| route.app.settings.app.default_instance.clone());
    let instance = instance.ok_or_else(|| {
        let path = parts.uri.path();
        Error::not_found(format!(
            "the path names no instance: use /instances/INSTANCE{path} (`app.default_instance` of the configuration says which one \
             {path} is of)"
        ))
    })?;
    let peer = body::peer(&parts.extensions);
    let (view, principal) = admit(route, &parts.headers, &peer, &instance, record).await?;
    let mut headers = parts.headers;
    let of_mcp: Vec<_> = headers
        .keys()
        .filter(|name| name.as_str().starts_with(OF_MCP))
        .cloned()
        .collect();
    for name in of_mcp {
        headers.remove(name);
    }
    let caller = Caller {
        route,
        view,
        principal,
        peer,
        request_id: record.id().clone(),
        headers,
    };
    let name = place.name.unwrap_or_default();
    match wanted {
        Wanted::Call => {
            let body = arguments(route, &caller.headers, body, &parts.extensions).await?;
            let arguments = std::str::from_utf8(&body)
                .ok()
                .and_then(|text| serde_json::from_str::<&RawValue>(text).ok());
            let arguments = arguments
                .filter(|raw| raw.get().starts_with('{'))
                .ok_or_else(|| {
                    Error::bad_request("the body must be a JSON object: the arguments of the tool")
                })?;
            let params = json!({"name": name});
            let message = caller.message("tools/call", params, Some(arguments))?;
            let reply = caller.send(&message, record).await;
            envelope::of_call(reply).map(Answer::Enveloped)
        }
        Wanted::Tools => caller
            .list("tools/list", "tools", record)
            .await
            .map(envelope::of_list),
        Wanted::Resources => caller
            .list("resources/list", "resources", record)
            .await
            .map(envelope::of_list),
        Wanted::Resource => caller.read(&name, record).await,
        Wanted::Info => {
            let message = caller.message("server/discover", json!({}), None)?;
            let reply = caller.send(&message, record).await;
            envelope::of_result(reply).map(Answer::Enveloped)
        }
        Wanted::OpenApi => {
            let tools = caller.list("tools/list", "tools", record).await?;
            let public_url = route.app.settings.app.public_url.as_deref();
            let server = public_url.unwrap_or("/");
            let document = openapi::document(&caller.view.entry.definition, &tools, server);
            Ok(Answer::Plain(document))
        }
    }
}

/// The arguments as they came; none are an empty object.
async fn arguments(
    route: &McpRoute,
    headers: &HeaderMap,
    body: Body,
    extensions: &http::Extensions,
) -> Result<Bytes> {
    // A request without a body has no type either.
    if body.size_hint().exact() == Some(0) && !is_json(headers) {
        return Ok(Bytes::from_static(b"{}"));
    }
    check_content(headers)?;
    let body = body::read(body, extensions, route.max_body_bytes, body::PATIENCE).await?;
    match body.trim_ascii().is_empty() {
        true => Ok(Bytes::from_static(b"{}")),
        false => Ok(body),
    }
}

impl Caller<'_> {
    /// A message that says for itself what it needs.
    fn message(
        &self,
        method: &str,
        mut params: serde_json::Value,
        arguments: Option<&RawValue>,
    ) -> Result<Vec<u8>> {
        #[derive(Serialize)]
        struct Params<'a> {
            #[serde(flatten)]
            params: &'a serde_json::Value,
            #[serde(skip_serializing_if = "Option::is_none")]
            arguments: Option<&'a RawValue>,
        }
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = Params {
            params: &params,
            arguments,
        };
        #[derive(Serialize)]
        struct Request<'a> {
            jsonrpc: &'static str,
            id: u32,
            method: &'a str,
            params: Params<'a>,
        }
        let message = Request {
            jsonrpc: "2.0",
            id: 1,
            method,
            params,
        };
        serde_json::to_vec(&message).map_err(|error| Error::internal(error.to_string()))
    }

    /// Whoever goes away gives up what was asked for.
    async fn send(&self, message: &[u8], record: &mut Record) -> Reply {
        let exchange = Exchange {
            way: Way::Channel,
            view: self.view.clone(),
            headers: &self.headers,
            principal: self.principal.clone(),
            peer: self.peer.clone(),
            request_id: self.request_id.clone(),
        };
        let reply = self.route.endpoint.post(&exchange, message).await;
        record.trace = reply.trace.clone();
        reply
    }

    /// All pages of a list.
    async fn list(&self, method: &str, member: &str, record: &mut Record) -> Result<Vec<Box<RawValue>>> {
        let mut all = Vec::new();
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let params = match &cursor {
                None => json!({}),
                Some(cursor) => json!({"cursor": cursor}),
            };
            let message = self.message(method, params, None)?;
            let reply = self.send(&message, record).await;
            let (items, next) = envelope::page(reply, member)?;
            all.extend(items);
            match next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        Ok(all)
    }

    /// A resource by its name, or by its URI.
    async fn read(&self, name: &str, record: &mut Record) -> Result<Answer> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
            uri: String,
        }
        let all = self.list("resources/list", "resources", record).await?;
        let named = all
            .iter()
            .filter_map(|raw| serde_json::from_str::<Named>(raw.get()).ok());
        let mut named = named.filter(|resource| resource.name == name);
        let uri = named
            .next()
            .map_or_else(|| name.to_owned(), |resource| resource.uri);
        let message = self.message("resources/read", json!({"uri": uri}), None)?;
        let reply = self.send(&message, record).await;
        envelope::of_result(reply).map(Answer::Enveloped)
    }
}

fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], body).into_response()
}
