//! The MCP protocol of every revision on one endpoint: which era a request belongs to, and what answers it.
//!
//! [`Gateway`] is shared by the whole process, an [`Endpoint`] belongs to one worker and owns its upstream
//! connections. Neither knows the HTTP server: requests come as parts, answers leave as [`Reply`].

mod abandoned;
pub mod envelope;
mod events;
pub mod fault;
mod gateway;
mod headers;
mod legacy;
mod list_changed;
mod modern;
mod params;
mod reply;
mod session;
mod tools;
pub mod version;

pub use abandoned::{AbandonedSettings, Attended};
pub use gateway::{Gateway, GatewayParts, ProtocolSettings};
pub use headers::SESSION_ID;
pub use reply::{Reply, ReplyBody, Trace};

use crate::{activity::Activity, engine::Engine, peer::Peer, view::InstanceView};
use envelope::{Body, Message, Request};
use events::Script;
use fault::Fault;
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode, header::ACCEPT};
use mcp_common::authenticator::Principal;
use params::{Meta, Params};
use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;
use version::{Legacy, MODERN};

/// One HTTP request, after authentication.
pub struct Exchange<'a> {
    /// The instance it came to.
    pub view: Arc<InstanceView>,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Who sent it.
    pub principal: Principal,
    /// The client that it came from.
    pub peer: Arc<Peer>,
}

impl Exchange<'_> {
    /// Whether the client takes an event stream; a missing `Accept` takes anything (RFC 9110, 12.5.1).
    fn accepts_events(&self) -> bool {
        let mut values = self.headers.get_all(ACCEPT).iter().peekable();
        values.peek().is_none()
            || values
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .any(|range| {
                    let range = range.split(';').next().unwrap_or_default().trim();
                    ["text/event-stream", "text/*", "*/*"]
                        .iter()
                        .any(|known| range.eq_ignore_ascii_case(known))
                })
    }

    /// The header names a revision that no `initialize` can have negotiated.
    fn claims_modern_header(&self) -> Result<bool, Fault> {
        Ok(headers::protocol_version(self.headers)?.is_some_and(|version| Legacy::parse(version).is_none()))
    }
}

/// One worker's way into the gateway.
#[derive(Clone)]
pub struct Endpoint {
    gateway: Arc<Gateway>,
    engine: Engine,
    activity: Arc<Activity>,
}

impl Endpoint {
    /// With its own upstream connections.
    pub fn new(gateway: Arc<Gateway>, engine: Engine) -> Self {
        Self {
            gateway,
            engine,
            activity: Arc::default(),
        }
    }

    /// Shows its calls there.
    pub fn with_activity(self, activity: Arc<Activity>) -> Self {
        Self { activity, ..self }
    }

    /// Where it shows what it does.
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// What all endpoints share.
    pub fn gateway(&self) -> &Arc<Gateway> {
        &self.gateway
    }

    /// Whether a client that goes away thereby cancels its request (2026-07-28, "Cancellation"): before that
    /// revision a lost connection meant nothing.
    pub fn cancels_on_disconnect(headers: &HeaderMap) -> bool {
        matches!(headers::protocol_version(headers), Ok(Some(version)) if Legacy::parse(version).is_none())
    }

    /// Answers a POST.
    pub async fn post(&self, exchange: &Exchange<'_>, body: &[u8]) -> Reply {
        let modern_header = match exchange.claims_modern_header() {
            Ok(modern) => modern,
            Err(fault) => return Reply::fault(&fault, true),
        };
        if let Err(fault) = self.check_way(exchange) {
            return self.turned_back(&fault, modern_header);
        }
        let (method, reply) = match envelope::parse(body) {
            Err(fault) => ("-", Err((fault, modern_header))),
            Ok(Body::Batch(_)) if modern_header => (
                "batch",
                Err((
                    Fault::invalid_request("this revision has no batches: send one message"),
                    true,
                )),
            ),
            Ok(Body::Batch(messages)) => (
                "batch",
                legacy::batch(self, exchange, &messages)
                    .await
                    .map_err(|fault| (fault, false)),
            ),
            Ok(Body::Single(Message::Response)) => ("response", self.response(exchange, modern_header)),
            Ok(Body::Single(Message::Notification(notification))) => {
                let claims = Params::read(notification.params).is_ok_and(|params| claim(&params).is_some());
                (
                    "notification",
                    self.notification(exchange, modern_header || claims),
                )
            }
            Ok(Body::Single(Message::Request(request))) => (
                known_method(&request.method),
                self.request(exchange, &request, modern_header).await,
            ),
        };
        let mut reply = reply.unwrap_or_else(|(fault, modern)| Reply::fault(&fault, modern));
        reply.trace.method = method;
        self.count(&reply);
        reply
    }

    /// Answers a GET: the older revisions' stream.
    pub fn get(&self, exchange: &Exchange<'_>) -> Reply {
        self.stream_method(exchange, "GET", legacy::open_stream)
    }

    /// Answers a DELETE: the end of an older revision's session.
    pub fn delete(&self, exchange: &Exchange<'_>) -> Reply {
        self.stream_method(exchange, "DELETE", |endpoint, exchange| {
            if legacy::stateful(exchange) {
                return legacy::delete(endpoint, exchange);
            }
            Ok(Reply::empty(StatusCode::METHOD_NOT_ALLOWED))
        })
    }

    fn stream_method(
        &self,
        exchange: &Exchange<'_>,
        method: &'static str,
        answer: impl FnOnce(&Self, &Exchange<'_>) -> Result<Reply, Fault>,
    ) -> Reply {
        if let Err(fault) = self.check_way(exchange) {
            return self.turned_back(&fault, false);
        }
        let mut reply = match exchange.claims_modern_header() {
            Ok(true) => Reply::empty(StatusCode::METHOD_NOT_ALLOWED),
            Ok(false) => answer(self, exchange).unwrap_or_else(|fault| Reply::fault(&fault, false)),
            Err(fault) => Reply::fault(&fault, true),
        };
        reply.trace.method = method;
        self.count(&reply);
        reply
    }

    fn check_way(&self, exchange: &Exchange<'_>) -> Result<(), Fault> {
        self.gateway
            .check_way(exchange.headers)
            .map_err(|found| Fault::loop_detected(found.to_string()))
    }

    fn turned_back(&self, fault: &Fault, modern: bool) -> Reply {
        let mut reply = Reply::fault(fault, modern);
        reply.trace.method = "loop";
        self.count(&reply);
        reply
    }

    /// The era is decided here (`docs/PROTOCOL.md`, chapter 2): by the body's claim first, then by the header.
    async fn request(
        &self,
        exchange: &Exchange<'_>,
        request: &Request<'_>,
        modern_header: bool,
    ) -> Result<Reply, (Fault, bool)> {
        let params = match Params::read(request.params) {
            Ok(params) => params,
            Err(_) if modern_header => {
                let fault =
                    Fault::invalid_envelope("params must be an object with `_meta`").with_id(request.id);
                return Err((fault, true));
            }
            Err(fault) => return Err((fault.with_id(request.id), false)),
        };
        let meta = claim(&params);
        if request.method == "initialize" && meta.is_none() && modern_header {
            let fault = Fault::header_mismatch(
                "`initialize` belongs to the revisions before 2026-07-28, but MCP-Protocol-Version names another one",
            );
            return Err((fault.with_id(request.id), true));
        }
        if meta.is_some() || modern_header {
            let meta = meta.or_else(|| Meta::read(params.meta));
            let reply = modern::serve(self, exchange, request, &params, meta.as_ref()).await;
            return reply.map_err(|fault| (fault, true));
        }
        legacy::request(self, exchange, request, &params)
            .await
            .map_err(|fault| (fault, false))
    }

    fn notification(&self, exchange: &Exchange<'_>, modern: bool) -> Result<Reply, (Fault, bool)> {
        if !modern {
            legacy::negotiated(self, exchange).map_err(|fault| (fault, false))?;
        }
        Ok(Reply::empty(StatusCode::ACCEPTED))
    }

    /// The gateway asks clients nothing, so that there is nothing to answer; older clients may not know that.
    fn response(&self, exchange: &Exchange<'_>, modern: bool) -> Result<Reply, (Fault, bool)> {
        if modern {
            return Err((
                Fault::invalid_request("a response answers nothing here: requests never come from us"),
                true,
            ));
        }
        self.notification(exchange, false)
    }

    /// The session of a stateful instance.
    fn session(&self, exchange: &Exchange<'_>) -> Result<Legacy, Fault> {
        let id = headers::single(exchange.headers, &SESSION_ID)?;
        let id = id.ok_or_else(|| {
            Fault::invalid_request("this instance has sessions: `initialize` first, then send Mcp-Session-Id")
        })?;
        let instance = &exchange.view.entry.definition.id;
        let session = self
            .gateway
            .sessions
            .check(id, instance, &exchange.principal.subject);
        session.map_err(|_| Fault::session_not_found())
    }

    fn open_stream(&self, exchange: &Exchange<'_>, script: Script) -> Result<Reply, Fault> {
        let gateway = &self.gateway;
        let open = events::Counted::new(gateway.metrics.streams.clone(), exchange.peer.clone());
        if open.all() > gateway.max_streams {
            return Err(Fault::internal(format!(
                "too many open streams (at most {}, `mcp.max_streams`)",
                gateway.max_streams
            )));
        }
        if !exchange.peer.is_many() && open.of_peer() > gateway.max_streams_per_client {
            return Err(Fault::internal(format!(
                "too many open streams of this address (at most {}, `mcp.max_streams_per_client`; an address that stands for \
                 many clients belongs into `app.front_proxies`)",
                gateway.max_streams_per_client
            )));
        }
        let signal = gateway.list_changed.subscribe(&exchange.view.entry.definition.id);
        let signal = signal.ok_or_else(|| Fault::internal("the instance is gone"))?;
        let events = events::stream(script, signal, gateway.shutdown.clone(), open);
        Ok(Reply {
            body: ReplyBody::Events(events.boxed()),
            ..Reply::empty(StatusCode::OK)
        })
    }

    fn in_flight(&self) -> InFlight {
        let gauge = self.gateway.metrics.upstream_in_flight.clone();
        gauge.inc();
        InFlight(gauge)
    }

    fn count(&self, reply: &Reply) {
        let result = match reply.trace.error {
            None if reply.status.is_success() => "ok",
            _ => "error",
        };
        self.gateway.metrics.request(reply.trace.method, result);
    }
}

/// Also counts down when the call is given up.
struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The modern envelope, if the body claims to carry one.
fn claim<'a>(params: &Params<'a>) -> Option<Meta<'a>> {
    Meta::read(params.meta).filter(|meta| meta.protocol_version.is_some())
}

/// A bounded set, for metrics and logs.
fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 8] = [
        "tools/call",
        "tools/list",
        "server/discover",
        "initialize",
        "ping",
        "subscriptions/listen",
        "logging/setLevel",
        "resources/list",
    ];
    KNOWN
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

/// For answers that name what is served.
pub fn served_versions() -> impl Iterator<Item = &'static str> {
    MODERN.iter().copied()
}
