//! One worker's way into the gateway.

use super::{
    Exchange, Gateway, Reply, ReplyBody, SESSION_ID, Way,
    ask::{Ask, Form},
    client_name,
    envelope::{self, Body, Message, Request},
    events::{self, Script},
    fault::Fault,
    headers, legacy, methods, modern,
    params::{Asked, Meta},
    session::Session,
};
use crate::{
    activity::Activity,
    engine::Engine,
    policy::External,
    spec::{Era, Legacy, Method},
};
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;

/// One worker's way into the gateway.
#[derive(Clone)]
pub struct Endpoint {
    pub(super) gateway: Arc<Gateway>,
    pub(super) engine: Engine,
    pub(super) activity: Arc<Activity>,
    /// Asked about calls that the gateway's own rules allow.
    pub(super) external: Option<Arc<External>>,
}

impl Endpoint {
    /// An endpoint with upstream connections of its own.
    pub fn new(gateway: Arc<Gateway>, engine: Engine) -> Self {
        Self {
            gateway,
            engine,
            activity: Arc::default(),
            external: None,
        }
    }

    /// Shows its calls there.
    pub fn with_activity(self, activity: Arc<Activity>) -> Self {
        Self { activity, ..self }
    }

    /// Calls upstreams in another way.
    pub fn with_engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// Has somebody outside asked about calls.
    pub fn with_external(self, external: Option<Arc<External>>) -> Self {
        Self { external, ..self }
    }

    /// The place where it shows what it does.
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
        let named = headers::protocol_version(headers);
        matches!(named, Ok(Some(version)) if Legacy::parse(version).is_none())
    }

    /// Answers a POST.
    pub async fn post(&self, exchange: &Exchange<'_>, body: &[u8]) -> Reply {
        let era = match exchange.era() {
            Ok(era) => era,
            Err(fault) => {
                let refused = Answered::new("-", Err(fault.of_message(body)));
                return self.counted(refused);
            }
        };
        if let Err(fault) = self.check_values(exchange, body) {
            return self.counted(Answered::new("-", Err(fault)));
        }
        let answered = match self.check_way(exchange) {
            Ok(()) => self.answer(exchange, body, era).await,
            Err(fault) => Answered::new("loop", Err(fault.of_message(body))),
        };
        self.counted(answered)
    }

    /// A POST is answered by its status, so that nothing need be read for the id; a channel has nothing but the id.
    fn check_values(&self, exchange: &Exchange<'_>, body: &[u8]) -> Result<(), Fault> {
        let checked = self.engine.check_message(body);
        checked.map_err(|exceeded| {
            let reason = format!("the message {exceeded}");
            let fault = Fault::of_http(StatusCode::PAYLOAD_TOO_LARGE, reason);
            match exchange.way {
                Way::Request => fault,
                Way::Channel => fault.of_message(body),
            }
        })
    }

    async fn answer(&self, exchange: &Exchange<'_>, body: &[u8], era: Era) -> Answered {
        match envelope::parse(body) {
            Err(fault) => Answered::new("-", Err(fault)),
            Ok(Body::Batch(messages)) => {
                let reply = match era {
                    Era::Legacy => legacy::batch(self, exchange, &messages).await,
                    Era::Modern => Err(Fault::invalid_request(
                        "this revision has no batches: send one message",
                    )),
                };
                Answered::new("batch", reply)
            }
            Ok(Body::Single(Message::Response(response))) => {
                let reply = match era {
                    Era::Modern => Err(Fault::invalid_request(
                        "a response answers nothing here: this revision is asked by results, not by requests",
                    )),
                    Era::Legacy => legacy::response(self, exchange, &response),
                };
                Answered::new("response", reply)
            }
            Ok(Body::Single(Message::Notification(notification))) => {
                let params = Asked::read(None, notification.params);
                let era = params.map_or(era, |params| claimed(Meta::read(params.meta()).as_ref(), era));
                let reply = match era {
                    // An id that a client chose must not end somebody else's request, and here is no session to tell them
                    // apart: who cancels closes the stream.
                    Era::Modern => Ok(Reply::empty(StatusCode::ACCEPTED)),
                    Era::Legacy => legacy::notification(self, exchange, &notification),
                };
                Answered::new("notification", reply)
            }
            Ok(Body::Single(Message::Request(request))) => self.request(exchange, &request, era).await,
        }
    }

    /// The body says which era a request belongs to, or else the header (`docs/PROTOCOL.md`, chapter 2).
    async fn request(&self, exchange: &Exchange<'_>, request: &Request<'_>, header: Era) -> Answered {
        let method = Method::parse(&request.method);
        let label = method.map_or("other", Method::name);
        let answered = |reply: Result<Reply, Fault>| {
            let reply = reply.map_err(|fault| fault.with_id(request.id));
            Answered::new(label, reply)
        };
        let asked = match (Asked::read(method, request.params), header) {
            (Ok(asked), _) => asked,
            (Err(_), Era::Modern) => {
                let missing = || Fault::invalid_envelope("params must be an object with `_meta`");
                let fault = modern::check_header(exchange).err().unwrap_or_else(missing);
                return answered(Err(fault));
            }
            (Err(fault), Era::Legacy) => return answered(Err(fault)),
        };
        let meta = Meta::read(asked.meta());
        let client = client_name::of(&asked, meta.as_ref());
        let answered = |reply| Answered {
            client: client.clone(),
            ..answered(reply)
        };
        let era = claimed(meta.as_ref(), header);
        if let (Asked::Initialize(_), Era::Modern) = (&asked, header)
            && !meta.as_ref().is_some_and(Meta::is_claim)
        {
            let fault = Fault::header_mismatch(
                "`initialize` belongs to the revisions before 2026-07-28, but MCP-Protocol-Version names another one",
            );
            return answered(Err(fault));
        }
        let served = method.filter(|method| methods::is_served(exchange, *method, era));
        let checked = match era {
            Era::Modern => {
                // What is not served has no name that could be repeated.
                let name = asked.mirrored_name().filter(|_| served.is_some());
                modern::check(exchange, request, name, meta.as_ref()).map(|()| None)
            }
            Era::Legacy => legacy::check(self, exchange, &asked),
        };
        let session = match checked {
            Ok(session) => session,
            Err(fault) => return answered(Err(fault)),
        };
        let Some(method) = served else {
            return answered(Err(Fault::method_not_found(&request.method, era)));
        };
        let calls = &self.gateway.session_state.open_calls;
        let call = session
            .as_ref()
            .map(|session| calls.open(session.id.clone(), request.id.as_json()));
        let ask = Ask {
            endpoint: self,
            exchange,
            era,
            id: request.id,
            params: request.params,
            meta,
            session,
            call,
            form: Form::Alone,
            external: Default::default(),
        };
        answered(methods::serve(&ask, method, &asked).await)
    }

    /// Answers a GET: the older revisions' stream.
    pub fn get(&self, exchange: &Exchange<'_>) -> Reply {
        self.stream_method(exchange, "GET", legacy::open_stream)
    }

    /// Answers a DELETE: the end of an older revision's session.
    pub fn delete(&self, exchange: &Exchange<'_>) -> Reply {
        self.stream_method(exchange, "DELETE", |endpoint, exchange| {
            if legacy::is_stateful(exchange) {
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
            return self.counted(Answered::new("loop", Err(fault)));
        }
        let answered = match exchange.era() {
            Ok(Era::Modern) => Answered::new(method, Ok(Reply::empty(StatusCode::METHOD_NOT_ALLOWED))),
            Ok(Era::Legacy) => Answered::new(method, answer(self, exchange)),
            Err(fault) => Answered::new(method, Err(fault)),
        };
        self.counted(answered)
    }

    fn check_way(&self, exchange: &Exchange<'_>) -> Result<(), Fault> {
        self.gateway
            .check_way(exchange.headers)
            .map_err(|found| Fault::loop_detected(found.to_string()))
    }

    /// The session of a stateful instance.
    pub(super) fn session(&self, exchange: &Exchange<'_>) -> Result<Session, Fault> {
        let id = headers::single(exchange.headers, &SESSION_ID)?;
        let id = id.ok_or_else(|| {
            if exchange.way == Way::Channel {
                return Fault::invalid_request("`initialize` comes first");
            }
            Fault::invalid_request("this instance has sessions: `initialize` by POST first, then send Mcp-Session-Id (the HTTP+SSE transport of 2024-11-05, which begins with a GET, is served by instances with `metadata.proto_type: legacy`: choose Streamable HTTP in the client)")
        })?;
        let instance = &exchange.view.entry.definition.id;
        let agreed = self
            .gateway
            .sessions
            .check(id, instance, &exchange.principal.subject);
        let agreed = agreed.map_err(|_| Fault::session_not_found())?;
        let id: Arc<str> = id.into();
        if !self.gateway.idle_sessions.touch(&id) {
            self.gateway.end_session(&id);
            return Err(Fault::session_not_found());
        }
        Ok(Session { id, agreed })
    }

    /// Ends a session whose id only its channel knows.
    pub fn end_session(&self, id: &str) {
        self.gateway.end_session(id);
    }

    pub(super) fn open_stream(&self, exchange: &Exchange<'_>, script: Script) -> Result<Reply, Fault> {
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
        let key = gateway.keys.hold(exchange);
        let events = events::stream(script, signal, gateway.shutdown.clone(), key, open);
        Ok(Reply {
            body: ReplyBody::Events(events.boxed()),
            ..Reply::empty(StatusCode::OK)
        })
    }

    pub(super) fn in_flight(&self) -> InFlight {
        let gauge = self.gateway.metrics.upstream_in_flight.clone();
        gauge.inc();
        InFlight(gauge)
    }

    /// The reply to what was answered, counted.
    fn counted(&self, answered: Answered) -> Reply {
        let Answered { label, reply, client } = answered;
        let mut reply = reply.unwrap_or_else(|fault| Reply::fault(&fault));
        reply.trace.method = label;
        reply.trace.client = client.or(reply.trace.client.take());
        let result = match reply.trace.error {
            None if reply.status.is_success() => "ok",
            _ => "error",
        };
        self.gateway.metrics.request(label, result);
        reply
    }
}

/// What came of a message.
struct Answered {
    /// The label of metrics and logs, one of a fixed set.
    label: &'static str,
    reply: Result<Reply, Fault>,
    /// What the client calls itself.
    client: Option<Arc<str>>,
}

impl Answered {
    fn new(label: &'static str, reply: Result<Reply, Fault>) -> Self {
        Self {
            label,
            reply,
            client: None,
        }
    }
}

/// The era that the body claims, or else the header's.
fn claimed(meta: Option<&Meta<'_>>, header: Era) -> Era {
    if meta.is_some_and(Meta::is_claim) {
        Era::Modern
    } else {
        header
    }
}

/// Also counts down when the call is given up.
pub(super) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}
