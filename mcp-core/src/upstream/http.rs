//! Streamable HTTP: each request is a POST, whose answer is JSON or a stream of events.

mod answer;
mod credentials;
mod listen;
mod old;
mod pools;

pub(super) use old::Events;

use super::{
    asked::Inquiry,
    authorization::{Attempts, Authorization},
    error::UpstreamError,
    logins::over_http,
    message,
    news::News,
    outgoing::{Outgoing, Speech},
    session::{Question, body},
    settings::HubSettings,
};
use crate::{
    connect::{self, ConnectSettings, Connector, Hop, Policy, Shortcoming},
    encode,
    relay::Line,
    secrets::Secrets,
    tool::{Transport, http::transport::secrets::Found},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, uri::Scheme,
};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use mcp_common::definition::{
    UpstreamDefinition,
    upstream::{Health, Probe},
};
use pools::Pools;
use rustls::ClientConfig;
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::{runtime::Handle, sync::Semaphore};
use tokio_util::context::TokioContext;

const ACCEPT: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// How long a server may take to hear that a session is over.
const FAREWELL: Duration = Duration::from_secs(5);

/// Which versions of HTTP a connection may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// What both sides know.
    All,
    /// HTTP/1.1, which alone turns into something else.
    One,
}

/// One server with a URL, and the session that it gave, if it gives any.
#[derive(Debug)]
pub(super) struct HttpLink {
    pools: Pools,
    /// Where everything runs that outlives a request: who asks may be a worker that ends earlier.
    home: Handle,
    /// The proxy that reads the requests.
    read_by: Option<Arc<Hop>>,
    uri: Uri,
    definition: Arc<UpstreamDefinition>,
    secrets: Secrets,
    /// The token that it is shown, where it wants one of OAuth.
    authorization: Option<Authorization>,
    /// What every request names the gateway by that is made for nobody.
    via: Option<HeaderValue>,
    session: OnceLock<HeaderValue>,
    news: Arc<News>,
    most: u64,
    /// Places for what is posted while nobody waits for it.
    beside: Arc<Semaphore>,
}

/// How long such a message may take.
const BESIDE: Duration = Duration::from_secs(30);
/// Messages that nobody waits for, under way to one server at once; more are not sent.
const MOST_BESIDE: usize = 64;

impl HttpLink {
    /// Connects when the first request is made. What outlives requests runs where this is called.
    pub(super) fn new(
        definition: &Arc<UpstreamDefinition>,
        settings: &HubSettings,
        news: Arc<News>,
        versions: Versions,
    ) -> Result<Arc<Self>, UpstreamError> {
        let url = definition.url.as_deref().unwrap_or_default();
        Self::to(url, definition, settings, news, versions)
    }

    /// The same to one of several addresses.
    pub(super) fn to(
        url: &str,
        definition: &Arc<UpstreamDefinition>,
        settings: &HubSettings,
        news: Arc<News>,
        versions: Versions,
    ) -> Result<Arc<Self>, UpstreamError> {
        let over_http = over_http(url);
        let uri: Uri = over_http
            .parse()
            .map_err(|_| UpstreamError::Refused(format!("`{url}` is not a URL that can be called")))?;
        // What is wrong with it was found when it was written.
        let transport = Transport::of_upstream(definition, &mut Vec::new());
        let (tls, hop) = dressed(&transport, settings)?;
        let connecting = ConnectSettings {
            egress: Arc::new(Policy {
                gateway: settings.egress.clone(),
                own: transport.egress,
            }),
            server_name: transport.server_name,
            timeout: definition.timeouts.connect(),
        };
        let connector = match versions {
            Versions::All => Connector::new(connecting, tls, hop.clone()),
            Versions::One => Connector::of_http1(connecting, tls, hop.clone()),
        };
        Ok(Arc::new(Self {
            pools: Pools::new(connector),
            home: Handle::current(),
            // A proxy reads requests to http servers itself; to others it only sees that there is a tunnel.
            read_by: hop.filter(|_| uri.scheme() == Some(&Scheme::HTTP)),
            uri,
            definition: definition.clone(),
            secrets: settings.secrets.clone(),
            authorization: match &news.account {
                Some(own) => Some(own.clone()),
                None => Authorization::of(&over_http, definition, settings)?,
            },
            via: settings.via.as_ref().map(|via| via.value(None)),
            session: OnceLock::new(),
            news,
            most: definition.limits.max_response_bytes.0,
            beside: Arc::new(Semaphore::new(MOST_BESIDE)),
        }))
    }

    /// Sends a request and waits for its answer. Given up, the server is told.
    pub(super) async fn request(self: &Arc<Self>, out: &Outgoing<'_>) -> Result<Bytes, UpstreamError> {
        let mut headers = self.headers(out)?;
        headers.insert(header::ACCEPT, ACCEPT);
        let speech = out.speech;
        let id = out.id;
        // Dropping the stream is what cancels in 2026-07-28; before, it says nothing.
        let mut abandoned = Abandoned {
            link: (speech != Speech::Modern && out.method != "initialize").then(|| self.clone()),
            id,
        };
        let response = self
            .send(&self.uri, Method::POST, headers, out.body.clone())
            .await?;
        if out.method == "initialize"
            && let Some(session) = response.headers().get(SESSION)
        {
            let mut session = session.clone();
            session.set_sensitive(true);
            let _ = self.session.set(session);
        }
        let answer = self.answer(id, response, speech, out.line).await;
        abandoned.link = None;
        answer
    }

    /// Whether the server gave a session.
    pub(super) fn has_session(&self) -> bool {
        self.session.get().is_some()
    }

    /// Asks how the server is. Any answer shows that it is alive, but a status of 500 and above; the end of a stream is not waited for.
    pub(super) async fn probe(self: &Arc<Self>, health: &Health) -> Result<(), UpstreamError> {
        let path = health.path.as_deref();
        if path.is_some() || health.probe() == Some(Probe::Http) {
            let uri = path.map_or_else(|| Ok(self.uri.clone()), |path| at(&self.uri, path))?;
            let headers = self.headers(&Outgoing::nothing(Speech::Opening))?;
            let response = self.send(&uri, Method::GET, headers, Bytes::new()).await?;
            let status = response.status();
            drained(response.into_body()).await;
            return match status.is_server_error() {
                true => Err(UpstreamError::Status {
                    status: status.as_u16(),
                    words: String::new(),
                }),
                false => Ok(()),
            };
        }
        let method = "server/discover";
        let question = Question {
            method,
            ..Question::default()
        };
        let out = Outgoing {
            id: 1,
            method,
            body: body(1, Speech::Modern, &question),
            ..Outgoing::nothing(Speech::Modern)
        };
        match self.request(&out).await {
            Err(UpstreamError::NotMcp(_)) => Ok(()),
            Err(error) if error.is_of_endpoint() => Err(error),
            _ => Ok(()),
        }
    }

    /// Sends what has no answer.
    pub(super) async fn notify(&self, body: String, speech: Speech) -> Result<(), UpstreamError> {
        let out = Outgoing {
            body: body.into(),
            ..Outgoing::nothing(speech)
        };
        let mut headers = self.headers(&out)?;
        headers.insert(header::ACCEPT, ACCEPT);
        let response = self.send(&self.uri, Method::POST, headers, out.body).await?;
        self.refusal(response, None).await
    }

    /// Answers a request of the server, beside everything else. `own` is the client on whose stream it came.
    fn reply(self: &Arc<Self>, asked: Inquiry, own: Option<&Line>, speech: Speech) {
        let (whom, place) = self.news.askable.whom(own);
        if whom.is_none() {
            let link = self.clone();
            self.beside(async move { link.notify(asked.refused(), speech).await });
            return;
        }
        let link = self.clone();
        self.home.spawn(async move {
            let body = asked.answered(whom).await;
            drop(place);
            let answering = link.clone();
            link.beside(async move { answering.notify(body, speech).await });
        });
    }

    /// Posts what nobody waits for, if not too much of it is under way already; a server that never takes it does not keep it
    /// for ever.
    pub(super) fn beside(&self, post: impl Future<Output = Result<(), UpstreamError>> + Send + 'static) {
        let id = self.definition.id.clone();
        let Ok(place) = self.beside.clone().try_acquire_owned() else {
            tracing::debug!(
                upstream = &*id,
                "a message to the server was not sent: too many are under way"
            );
            return;
        };
        self.home.spawn(async move {
            match tokio::time::timeout(BESIDE, post).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(upstream = &*id, %error, "a message to the server was not taken")
                }
                Err(_) => tracing::debug!(upstream = &*id, "a message to the server was not taken in time"),
            }
            drop(place);
        });
    }

    /// Tells the server that the session is over.
    pub(super) async fn close(&self, speech: Speech) {
        if self.session.get().is_none() {
            return;
        }
        let out = Outgoing::nothing(speech);
        let Ok(headers) = self.headers(&out) else { return };
        let farewell = self.send(&self.uri, Method::DELETE, headers, Bytes::new());
        // Servers need not know the method, and one that is away has forgotten the session.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    /// Everything but what depends on the kind of request.
    fn headers(&self, out: &Outgoing<'_>) -> Result<HeaderMap, UpstreamError> {
        let mut headers = credentials::headers(&self.definition, &self.secrets)?;
        if let Some(more) = out.headers {
            // Those of a whole map take the place of what is there.
            headers.extend(more.clone());
        }
        if let Some(via) = out.via.or(self.via.as_ref()) {
            headers.insert(header::VIA, via.clone());
        }
        if let Some(version) = out.speech.version() {
            headers.insert(VERSION, HeaderValue::from_static(version));
        }
        if out.speech == Speech::Modern {
            if !out.method.is_empty() {
                headers.insert(METHOD, text_value(out.method));
            }
            if let Some(name) = out.name {
                headers.insert(NAME, text_value(name));
            }
        } else if let Some(session) = self.session.get() {
            headers.insert(SESSION, session.clone());
        }
        Ok(headers)
    }

    /// Sends it.
    async fn send(
        &self,
        uri: &Uri,
        method: Method,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, UpstreamError> {
        if method == Method::POST {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        match &self.authorization {
            None => self.send_once(uri, method, headers, body).await,
            // Boxed, so that what needs no token has no room for it.
            Some(authorization) => Box::pin(self.send_with(authorization, uri, method, headers, body)).await,
        }
    }

    /// Sends it with a token, and once more with another one where the server does not take the first one: it has not looked at anything else then.
    async fn send_with(
        &self,
        authorization: &Authorization,
        uri: &Uri,
        method: Method,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let mut attempts = Attempts::default();
        // Who asks for a token may give up before it comes.
        let mut shown = TokioContext::new(authorization.shown(), self.home.clone()).await?;
        loop {
            if let Some(shown) = &shown {
                headers.insert(header::AUTHORIZATION, shown.header.clone());
            }
            let response = self
                .send_once(uri, method.clone(), headers.clone(), body.clone())
                .await?;
            let after = authorization.after(shown.as_ref(), &response, &mut attempts);
            match TokioContext::new(after, self.home.clone()).await? {
                Some(next) => shown = Some(next),
                None if response.status() == StatusCode::UNAUTHORIZED && !self.has_session() => {
                    return Err(authorization.refused());
                }
                None => return Ok(response),
            }
        }
    }

    async fn send_once(
        &self,
        uri: &Uri,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, UpstreamError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = headers;
        if let Some(login) = self.read_by.as_ref().and_then(|hop| hop.login.as_ref()) {
            request
                .headers_mut()
                .insert(header::PROXY_AUTHORIZATION, login.clone());
        }
        let sent = self.pools.here().request(request).await;
        let response = sent.map_err(|error| connect::sending(uri, &error))?;
        match &self.read_by {
            Some(hop) if response.status() == StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                Err(connect::proxy(&hop.refusal(response.status())).into())
            }
            _ => Ok(response),
        }
    }
}

/// What a probe reads of an answer at the most.
const PROBED: u64 = 64 << 10;

/// How long it waits for that.
const DRAINING: Duration = Duration::from_secs(1);

/// Reads a short body to its end, so that the connection serves the next probe, too. What may have no end is not waited for.
async fn drained(body: Incoming) {
    if body.size_hint().exact().is_some_and(|size| size <= PROBED) {
        // A body that breaks off costs its connection, and says nothing.
        let _ = tokio::time::timeout(DRAINING, body.collect()).await;
    }
}

/// Another path of the same server.
fn at(uri: &Uri, path: &str) -> Result<Uri, UpstreamError> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse().ok();
    Uri::from_parts(parts).map_err(|_| UpstreamError::Refused(format!("`{path}` is no path (`health.path`)")))
}

/// What connections are made with, if everything for it is there.
pub(super) fn dressed(
    transport: &Transport,
    settings: &HubSettings,
) -> Result<(ClientConfig, Option<Arc<Hop>>), UpstreamError> {
    if let Some(address) = transport.refused_proxy(&settings.egress) {
        return Err(UpstreamError::Refused(format!(
            "proxy: {address} is not used: `egress.proxies` of the gateway's configuration does not name it"
        )));
    }
    let unfit = |shortcomings: Vec<Shortcoming>| {
        let list: Vec<String> = shortcomings
            .iter()
            .map(|(member, reason)| format!("{member}: {reason}"))
            .collect();
        UpstreamError::Secret(list.join("; "))
    };
    let found = Found::look_up(transport, &settings.secrets).map_err(unfit)?;
    let (tls, hop) = found
        .dressed(transport, &settings.trust)
        .map_err(|shortcoming| unfit(vec![shortcoming]))?;
    Ok((tls, hop.map(Arc::new)))
}

/// A request whose answer nobody waits for any more, once it is dropped.
struct Abandoned {
    link: Option<Arc<HttpLink>>,
    id: u64,
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        let params = format!("\"requestId\":{},\"reason\":\"the client gave it up\"", self.id);
        let body = message::notification("notifications/cancelled", &params);
        let posting = link.clone();
        link.beside(async move { posting.notify(body, Speech::of_session(&posting.news)).await });
    }
}

/// A value as it may stand in `Mcp-Name` and `Mcp-Param-*`.
pub(super) fn text_value(text: &str) -> HeaderValue {
    let is_plain = text.bytes().all(|b| b == b'\t' || (b' '..=b'~').contains(&b))
        && text.trim_matches([' ', '\t']) == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let value = match is_plain {
        true => encode::header_value(text.as_bytes()).ok(),
        false => None,
    };
    value.unwrap_or_else(|| {
        let encoded = format!("=?base64?{}?=", STANDARD.encode(text));
        HeaderValue::try_from(encoded).unwrap_or_else(|_| HeaderValue::from_static(""))
    })
}
