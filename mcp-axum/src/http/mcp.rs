//! `/mcp/{instance}`, and `/mcp` where an instance is configured for it: HTTP in front of the protocol, with `/sse` and `/ws` for
//! clients of other transports. In this order: who may reach this endpoint from where (Host,
//! Origin), who is calling, which instance, which method; only then is a body read.

mod access;
mod channel;
mod readmission;
mod request_id;
mod response;
mod rest;
mod sse;
mod websocket;

use super::{body, error::Error, manners::method_not_allowed, resource};
use crate::app::{App, Phase};
pub(crate) use access::AccessRules;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::{any, post as post_to},
};
use bytes::Bytes;
pub(crate) use channel::Channels;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use http_body::Body as _;
use mcp_common::{
    authenticator::{Arrival, Denied, Principal},
    definition::instance::InstanceAuth,
};
use mcp_core::{
    activity::Doing,
    engine::Engine,
    peer::Peer,
    policy::{Door, Record, Refusal},
    protocol::{Endpoint, Exchange, Reply, SESSION_ID, Way},
    view::InstanceView,
};
use percent_encoding::percent_decode_str;
pub(crate) use readmission::Readmission;
pub(crate) use request_id::RequestIds;
use std::{
    borrow::Cow,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
pub(crate) use websocket::Takeover;

/// What the endpoint needs; one per worker.
struct McpRoute {
    app: Arc<App>,
    /// The protocol, with this worker's upstream connections.
    endpoint: Endpoint,
    access: AccessRules,
    max_body_bytes: usize,
    request_ids: RequestIds,
    log_requests: bool,
    /// The latest one that took its place.
    renewed: Mutex<Option<Arc<Self>>>,
}

impl McpRoute {
    fn of(app: Arc<App>, endpoint: Endpoint) -> Self {
        let settings = &app.settings;
        Self {
            access: AccessRules::new(&settings.app),
            endpoint,
            max_body_bytes: settings.app.max_body_bytes.as_usize(),
            request_ids: RequestIds::random(),
            log_requests: settings.log.requests,
            renewed: Mutex::default(),
            app,
        }
    }

    /// The same under the configuration that is in effect now, for what goes on after the request that it came with.
    fn latest(self: &Arc<Self>) -> Arc<Self> {
        let app = self.app.latest();
        if Arc::ptr_eq(&app, &self.app) {
            return self.clone();
        }
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = renewed.as_ref().filter(|known| Arc::ptr_eq(&known.app, &app)) {
            return known.clone();
        }
        let before = renewed.as_ref().unwrap_or(self);
        let mut endpoint = before.endpoint.clone().with_external(app.external.clone());
        // Connections to upstreams stay while their settings do.
        if !Arc::ptr_eq(&before.app.engine, &app.engine) {
            let engine = Engine::new((*app.engine).clone(), app.services.clone());
            endpoint = endpoint.with_engine(engine);
        }
        let route = Arc::new(Self::of(app, endpoint));
        *renewed = Some(route.clone());
        route
    }
}

/// The routes of one worker. Without `app.cors_origins` there are no CORS headers at all.
pub fn router(app: Arc<App>, endpoint: Endpoint) -> Router {
    let settings = app.settings.clone();
    let route = McpRoute::of(app, endpoint);
    let router = Router::new()
        .route("/mcp", any(serve))
        .route("/mcp/", any(serve))
        .route("/mcp/{instance}", any(serve))
        .route("/mcp/{instance}/", any(serve))
        .route("/sse", any(sse::open))
        .route("/sse/{instance}", any(sse::open))
        .route("/messages/{instance}", any(sse::message))
        .route("/ws", any(websocket::open))
        .route("/ws/{instance}", any(websocket::open))
        .merge(rest::routes())
        // Before CORS, which answers what browsers ask about methods first.
        .method_not_allowed_fallback(method_not_allowed)
        // The door of older gateways. Other methods there are for people, and answered by whoever else is there.
        .route("/", post_to(serve))
        .with_state(Arc::new(route));
    let origins = &settings.app.cors_origins.0;
    if origins.is_empty() {
        router
    } else {
        router.layer(cors(origins))
    }
}

/// What pages may read of an answer beside what every page may: sessions, where to log in, when to try again, what is left of limits, and the request's name.
const EXPOSED: [HeaderName; 8] = [
    SESSION_ID,
    HeaderName::from_static("mcp-protocol-version"),
    header::WWW_AUTHENTICATE,
    header::RETRY_AFTER,
    response::RATE_LIMIT,
    response::RATE_LIMIT_POLICY,
    request_id::HEADER,
    header::ETAG,
];
/// How long a browser keeps to what it was allowed; none keeps to it for longer.
const PREFLIGHT: Duration = Duration::from_secs(7_200);

/// Browser clients send `Mcp-Param-*` headers that nobody can list, hence the mirror.
fn cors(origins: &[String]) -> CorsLayer {
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::from_str(origin).ok()),
        )
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
        .max_age(PREFLIGHT)
}

/// How much of the name of an instance that does not exist is logged.
const MOST_OF_A_NAME: usize = 64;

/// A request that is answered, and remembered.
struct Call {
    id: HeaderValue,
    record: Record,
}

impl Call {
    fn begin(route: &McpRoute, headers: &mut HeaderMap, peer: &Peer) -> Self {
        let id = route.request_ids.of(headers);
        let mut record = route.endpoint.gateway().policy.record(Door::Mcp, &id);
        match route.log_requests {
            true => record.of_client(headers),
            false => record = record.without_line(),
        }
        route.endpoint.recall(headers, &mut record.trace);
        record.address = peer.address();
        record.traced(route.app.services.spans.as_ref(), headers);
        Self { id, record }
    }

    /// With what the request was answered.
    fn end(self, answered: Result<Reply, Error>) -> Response {
        let Self { id, record } = self;
        match answered {
            Ok(reply) => {
                let (reply, record) = reply.recorded(record);
                Self::named(response::of(reply), id, record)
            }
            Err(error) => Self { id, record }.refused(error),
        }
    }

    fn refused(self, error: Error) -> Response {
        let response = self.response_of(error);
        Self::named(response, self.id, Some(self.record))
    }

    /// The same in words of one's own.
    fn refused_with(self, error: Error, body: Vec<u8>) -> Response {
        let mut response = self.response_of(error);
        *response.body_mut() = Body::from(body);
        Self::named(response, self.id, Some(self.record))
    }

    /// What a failure writes to the log names its request.
    fn response_of(&self, error: Error) -> Response {
        let span = tracing::error_span!("mcp", request_id = self.id.to_str().unwrap_or_default());
        span.in_scope(|| error.into_response())
    }

    fn named(mut response: Response, id: HeaderValue, record: Option<Record>) -> Response {
        response.headers_mut().insert(request_id::HEADER, id);
        if let Some(mut record) = record {
            record.answered(response.status());
            record.bytes = response.body().size_hint().exact();
        }
        response
    }
}

async fn serve(State(route): State<Arc<McpRoute>>, request: Request) -> Response {
    let (mut parts, mut body) = request.into_parts();
    if parts.method == Method::GET && sse::is_meant(&route, &parts) {
        return sse::open(State(route), Request::from_parts(parts, body)).await;
    }
    let mut call = Call::begin(&route, &mut parts.headers, &body::peer(&parts.extensions));
    let doing = Doing::Request(parts.uri.clone());
    let answered = {
        let peer = body::peer(&parts.extensions);
        let answer = pin!(async {
            match answer(&route, parts, &mut body, &mut call.record).await {
                // What is refused before its body is read answers that message all the same.
                Err(error) if error.is_json_rpc() => Err(error.answering(body::glance(body, &peer).await)),
                answered => answered,
            }
        });
        route.endpoint.activity().during(doing, answer).await
    };
    call.end(answered)
}

async fn answer(
    route: &McpRoute,
    parts: Parts,
    body: &mut Body,
    record: &mut Record,
) -> Result<Reply, Error> {
    let Parts {
        method,
        uri,
        headers,
        extensions,
        ..
    } = parts;
    let peer = body::peer(&extensions);
    let instance = instance_of(route, &headers, uri.path(), "/mcp")?;
    let (view, principal) = admit(route, &headers, &peer, &instance, record).await?;
    let request_id = record.id().clone();
    let endpoint = &route.endpoint;
    let mut answered = match method {
        Method::POST => {
            check_content(&headers)?;
            let body = std::mem::take(body);
            let body = body::read(body, &extensions, route.max_body_bytes, body::PATIENCE).await?;
            let work = Work {
                view,
                headers,
                principal,
                peer,
                request_id,
            };
            post(endpoint, work, body).await
        }
        Method::GET => Ok(endpoint.get(&Exchange {
            view,
            headers: &headers,
            principal,
            peer,
            way: Way::Request,
            request_id,
        })),
        Method::DELETE => Ok(endpoint.delete(&Exchange {
            view,
            headers: &headers,
            principal,
            peer,
            way: Way::Request,
            request_id,
        })),
        _ => Err(Error::method_not_allowed("GET, POST, DELETE")),
    };
    if let Ok(reply) = &mut answered
        && !reply.scopes.is_empty()
    {
        let denied = Denied::Scopes(std::mem::take(&mut reply.scopes));
        reply.challenge = Some(challenge(route, &instance, &denied));
    }
    answered
}

fn challenge(route: &McpRoute, instance: &str, denied: &Denied) -> String {
    resource::challenge(&route.app.guard, route.app.resources.as_ref(), instance, denied)
}

/// Refuses everything that can be refused before a method or a body is looked at.
async fn admit(
    route: &McpRoute,
    headers: &HeaderMap,
    peer: &Peer,
    instance: &str,
    record: &mut Record,
) -> Result<(Arc<InstanceView>, Principal), Error> {
    route.access.check(headers)?;
    let view = route.endpoint.gateway().views.get(instance);
    // Whoever is refused wanted to go there, too.
    record.instance = Some(match &view {
        Some(view) => view.entry.definition.id.clone(),
        None => instance.chars().take(MOST_OF_A_NAME).collect::<String>().into(),
    });
    let anonymous = view
        .as_ref()
        .is_some_and(|view| view.entry.definition.auth == InstanceAuth::None);
    // An unknown instance answers like a guarded one, so that ids cannot be guessed without a key.
    let found = if anonymous {
        Ok(Principal::anonymous())
    } else {
        let resource = route
            .app
            .resources
            .as_ref()
            .map(|resources| resources.instance(instance));
        let arrival = Arrival {
            headers,
            resource: resource.as_deref(),
            certificate: peer.certificate(),
        };
        route.access.recognise(&route.app.guard, arrival).await
    };
    if let Ok(principal) = &found {
        record.sent_by(principal);
    }
    let policy = &route.endpoint.gateway().policy;
    let refused = |refusal: Refusal| {
        let challenge = match &refusal {
            Refusal::Unauthenticated(denied) => challenge(route, instance, denied),
            _ => route.app.guard.challenge().to_owned(),
        };
        Error::refused(&refusal, &challenge).in_json_rpc()
    };
    let principal = policy.enter(Door::Mcp, Some(instance), found).map_err(refused)?;
    if let Some(view) = &view {
        let definition = &view.entry.definition;
        policy.enter_instance(&principal, definition).map_err(refused)?;
    }
    record.entered();
    if route.app.phase() == Phase::Loading {
        return Err(Error::unavailable(
            "the definitions are still being loaded; try again in a moment",
        ));
    }
    let view =
        view.ok_or_else(|| Error::not_found(format!("no instance is called `{instance}`")).in_json_rpc())?;
    let view = route.endpoint.gateway().views.seen_by(&principal, view);
    Ok((view, principal))
}

/// What a message is answered with.
struct Work {
    view: Arc<InstanceView>,
    headers: HeaderMap,
    principal: Principal,
    peer: Arc<Peer>,
    /// The name of its request.
    request_id: HeaderValue,
}

/// In 2026-07-28 a client that goes away cancels its request: dropping the future does it. Before that a lost
/// connection was no cancellation, so that the work goes on in a task of its own, for a while.
async fn post(route: &Endpoint, work: Work, body: Bytes) -> Result<Reply, Error> {
    let cancels = Endpoint::cancels_on_disconnect(&work.headers);
    let (endpoint, client) = (route.clone(), work.principal.subject.clone());
    // Boxed: it is large, and would be copied into the request's future, and from there into the task.
    let work = Box::pin(async move {
        endpoint
            .post(
                &Exchange {
                    view: work.view,
                    headers: &work.headers,
                    principal: work.principal,
                    peer: work.peer,
                    way: Way::Request,
                    request_id: work.request_id,
                },
                &body,
            )
            .await
    });
    if cancels {
        return Ok(work.await);
    }
    let work = tokio::spawn(work);
    let attended = route.gateway().attend(work, client);
    attended.await.map_err(|error| Error::internal(error.to_string()))
}

/// What follows the door in a path, decoded; where nothing does, the instance that is configured. A slash at the end says
/// nothing.
fn instance_of<'a>(
    route: &'a McpRoute,
    headers: &HeaderMap,
    path: &'a str,
    door: &str,
) -> Result<Cow<'a, str>, Error> {
    let segment = path.strip_prefix(door).unwrap_or_default().trim_matches('/');
    if !segment.is_empty() {
        return percent_decode_str(segment)
            .decode_utf8()
            .map_err(|_| Error::bad_request("the instance id is not UTF-8"));
    }
    if let Some(default) = &route.app.settings.app.default_instance {
        return Ok(default.into());
    }
    route.access.check(headers)?;
    let message = format!(
        "the path names no instance: MCP clients use {door}/INSTANCE (`app.default_instance` of the configuration says which one \
         {door} is)"
    );
    Err(Error::not_found(message).in_json_rpc())
}

/// Refuses a body that is no JSON as it is.
fn check_content(headers: &HeaderMap) -> Result<(), Error> {
    if !is_json(headers) {
        let message = "send `Content-Type: application/json`";
        return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    body::check_coding(headers)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}
