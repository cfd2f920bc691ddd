//! `/instances/{id}/tools/{name}` and its neighbours: an instance for programs that do not speak MCP. Each request becomes a message of 2026-07-28 and goes
//! the way of all messages, through the same admission, policy, limits and records; what comes back is put into `{success, data, error}`. The older
//! paths without an instance are those of the instance that is configured.

mod envelope;
mod openapi;

use super::{Call, McpRoute, admit, check_content, is_json, response::say_standing};
use crate::http::{
    body, conditional,
    error::{Error, Result},
};
use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
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
    peer::{Held, Peer},
    policy::{Record, Standing},
    protocol::{Exchange, Reply, ReplyBody, Way},
    view::InstanceView,
};
use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};
use std::{
    pin::pin,
    sync::{Arc, OnceLock},
};

const REVISION: &str = "2026-07-28";
/// A list that goes on after these goes on for ever.
const MOST_PAGES: usize = 1_000;
/// Memory of a list beside its own bytes: what it is written into.
const WRITTEN: u64 = 2;
/// The same where it is read into values first, each of which is more than its text.
const AS_VALUES: u64 = 8;
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

impl Wanted {
    /// Whether clients ask for it again and again, and mostly have it.
    fn is_kept(self) -> bool {
        matches!(self, Self::Tools | Self::Resources | Self::Info | Self::OpenApi)
    }

    /// How much memory its list takes, by its bytes.
    fn weight(self) -> u64 {
        match self {
            Self::OpenApi => AS_VALUES,
            _ => WRITTEN,
        }
    }
}

pub(super) fn routes() -> Router<Arc<McpRoute>> {
    let mut routes = Router::new();
    for (place, wanted) in [
        ("/tools", Wanted::Tools),
        ("/resources", Wanted::Resources),
        ("/resources/{*name}", Wanted::Resource),
        ("/info", Wanted::Info),
        ("/openapi.json", Wanted::OpenApi),
    ] {
        let handler = get(
            move |state: State<Arc<McpRoute>>, place: Places, request: Request| {
                serve(state, place, request, wanted)
            },
        );
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
    /// Where they stand with their limits after the call.
    standing: &'a OnceLock<Standing>,
}

/// A list, and the memory that it and what is made of it take.
struct Listed {
    items: Vec<Box<RawValue>>,
    held: Held,
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
    let known = conditional::known(&parts.headers);
    let standing = OnceLock::new();
    let answered = {
        let record = (&mut call.record, &standing);
        let answer = pin!(answer(&route, place, parts, body, wanted, record));
        route.endpoint.activity().during(doing, answer).await
    };
    let response = match answered {
        Ok(Answer::Plain(document)) => json_response(StatusCode::OK, document),
        Ok(Answer::Enveloped(outcome)) => outcome.into_response(),
        Err(error) => {
            let failure = envelope::failure(error.message());
            let mut refused = call.refused_with(error, failure);
            say_standing(refused.headers_mut(), standing.get());
            return refused;
        }
    };
    let mut response = response;
    say_standing(response.headers_mut(), standing.get());
    // Before it is recorded: what the client has is not sent.
    let response = match wanted.is_kept() {
        true => conditional::unless_known(&known, response).await,
        false => response,
    };
    Call::named(response, call.id, Some(call.record))
}

async fn answer(
    route: &McpRoute,
    place: Places,
    parts: Parts,
    body: Body,
    wanted: Wanted,
    (record, standing): (&mut Record, &OnceLock<Standing>),
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
        standing,
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
        Wanted::Tools => {
            let listed = caller.list("tools/list", "tools", wanted, record).await?;
            Ok(envelope::of_list(listed.items))
        }
        Wanted::Resources => {
            let listed = caller.list("resources/list", "resources", wanted, record).await?;
            Ok(envelope::of_list(listed.items))
        }
        Wanted::Resource => caller.read(&name, record).await,
        Wanted::Info => {
            let message = caller.message("server/discover", json!({}), None)?;
            let reply = caller.send(&message, record).await;
            envelope::of_result(reply).map(Answer::Enveloped)
        }
        Wanted::OpenApi => {
            let Listed { items, held } = caller.list("tools/list", "tools", wanted, record).await?;
            let public_url = route.app.settings.app.public_url.clone();
            let server = public_url.unwrap_or_else(|| "/".to_owned());
            let definition = caller.view.entry.definition.clone();
            // With many tools it takes as long as many calls, which share the worker.
            let making = move || {
                // Until it is done, whoever is gone by then.
                let _held = held;
                openapi::document(&definition, &items, &server)
            };
            let made = route.app.control.spawn_blocking(making).await;
            made.map(Answer::Plain)
                .map_err(|panicked| Error::internal(panicked.to_string()))
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
        let mut reply = self.route.endpoint.post(&exchange, message).await;
        if let Some(standing) = reply.standing.take() {
            let _is_first = self.standing.set(standing);
        }
        record.trace = reply.trace.clone();
        reply
    }

    /// All pages of a list, with the client's memory for what is wanted of them.
    async fn list(&self, method: &str, member: &str, wanted: Wanted, record: &mut Record) -> Result<Listed> {
        let no_memory = |needed: u64| {
            move |reason| {
                let what = format!(
                    "this list needs {needed} bytes while it is made; show less in the instance, or raise app.memory_budget"
                );
                Error::no_memory(reason, self.peer.limit()).prefixed(&what)
            }
        };
        let mut listed = Listed {
            items: Vec::new(),
            held: self.peer.hold(0).map_err(no_memory(0))?,
        };
        let mut size = 0;
        let mut cursor = None;
        for _ in 0..MOST_PAGES {
            let params = match &cursor {
                None => json!({}),
                Some(cursor) => json!({"cursor": cursor}),
            };
            let message = self.message(method, params, None)?;
            let reply = self.send(&message, record).await;
            size += envelope::size(&reply) * wanted.weight();
            listed.held.grow(size).map_err(no_memory(size))?;
            let (items, next) = envelope::page(reply, member)?;
            listed.items.extend(items);
            match next {
                Some(next) => cursor = Some(next),
                None => return Ok(listed),
            }
            // Others have their turn between two pages.
            tokio::task::yield_now().await;
        }
        let message = format!("the list has more than {MOST_PAGES} pages: set a larger `mcp.page_size`");
        Err(Error::new(StatusCode::INTERNAL_SERVER_ERROR, message))
    }

    /// A resource by its URI or, where no resource of the list has that, by its name. Names are chosen by whoever offers a resource, and URIs may be those
    /// of templates: what is written as a URI is no name, so that nobody has his own read in the place of another's.
    async fn read(&self, name: &str, record: &mut Record) -> Result<Answer> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
            uri: String,
        }
        let found = match is_uri(name) {
            true => None,
            false => {
                let wanted = Wanted::Resource;
                let listed = self.list("resources/list", "resources", wanted, record).await?;
                let items = listed.items.iter();
                let named: Vec<Named> = items
                    .filter_map(|raw| serde_json::from_str(raw.get()).ok())
                    .collect();
                let by_uri = named.iter().find(|resource| resource.uri == name);
                let resource = by_uri.or_else(|| named.iter().find(|resource| resource.name == name));
                resource.map(|resource| resource.uri.clone())
            }
        };
        let uri = found.as_deref().unwrap_or(name);
        let message = self.message("resources/read", json!({"uri": uri}), None)?;
        let reply = self.send(&message, record).await;
        envelope::of_result(reply).map(Answer::Enveloped)
    }
}

/// A scheme and what it names (RFC 3986 section 3).
fn is_uri(text: &str) -> bool {
    let is_scheme = |scheme: &str| {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_part)
    };
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(is_scheme) && !text.contains(char::is_whitespace)
}

fn json_response(status: StatusCode, body: Vec<u8>) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], body).into_response()
}
