//! A connection whose revision is known: requests go out with what the revision wants, results come back as text.

mod handshake;

use super::{
    conduit::Conduit,
    error::UpstreamError,
    features::Features,
    follow::follow,
    http::{HttpLink, Versions},
    message,
    news::{News, Purpose},
    outgoing::{Asks, Outgoing, Speech},
    replicas::Replicas,
    settings::HubSettings,
    sse,
    stdio::{self, Log, Programs},
    watched::Watched,
    websocket,
};
use crate::{
    fleet::Fleet,
    relay::{Line, LogLevel},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use mcp_common::definition::{UpstreamDefinition, upstream::UpstreamTransport};
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

/// How long the first call of a client waits until the server listens.
const SOON: Duration = Duration::from_secs(1);
/// How long a server may take to note a level; the call that wants it waits for this.
const SETTING: Duration = Duration::from_secs(5);

/// The transport.
#[derive(Debug)]
pub(super) enum Link {
    Http(Arc<HttpLink>),
    Replicas(Arc<Replicas>),
    Conduit(Arc<Conduit>),
}

/// What outlives a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owned<'a> {
    /// All programs of the gateway.
    pub(super) programs: &'a Arc<Programs>,
    /// Its endpoints, where it has several.
    pub(super) fleet: Option<&'a Arc<Fleet>>,
    /// What the upstream's program wrote.
    pub(super) log: &'a Arc<Log>,
    /// What it is for.
    pub(super) purpose: &'a Purpose,
}

/// What the server said of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    /// `serverInfo`, as it was written.
    pub(super) server_info: Option<Box<RawValue>>,
    pub(super) instructions: Option<String>,
    pub(super) features: Features,
}

/// A server that can be asked.
#[derive(Debug)]
pub(super) struct Session {
    link: Link,
    /// How its messages travel, as it was found out.
    pub(super) transport: UpstreamTransport,
    pub(super) speech: Speech,
    pub(super) about: About,
    pub(super) news: Arc<News>,
    ids: AtomicU64,
    /// The least serious log messages that an older server was asked for.
    level: Mutex<Option<LogLevel>>,
}

/// What is asked.
#[derive(Debug, Default)]
pub(super) struct Question<'a> {
    pub(super) method: &'a str,
    /// What is called, where the method calls something by name.
    pub(super) name: Option<Cow<'a, str>>,
    /// Members of the parameters but `_meta`, JSON text without braces.
    pub(super) params: Vec<u8>,
    /// Members of `_meta`, JSON text without braces.
    pub(super) meta: Vec<u8>,
    /// What the client declared, JSON text; without, what it is known to answer.
    pub(super) capabilities: Option<&'a str>,
    pub(super) headers: HeaderMap,
    pub(super) via: Option<HeaderValue>,
    /// The way back to the client before the answer.
    pub(super) line: Option<&'a Line>,
    /// Whether a call may be done twice; other requests say it by their methods.
    pub(super) is_repeatable: bool,
    pub(super) asks: Asks<'a>,
}

impl Question<'_> {
    /// What a server may ask for in its result (2026-07-28).
    fn capabilities(&self) -> Cow<'_, str> {
        match (self.capabilities, self.line) {
            (Some(own), _) => own.into(),
            (None, Some(line)) => line.client().declared().into(),
            (None, None) => "{}".into(),
        }
    }
}

impl Session {
    /// Connects, and finds out how the server speaks. Where nobody said how messages travel, servers that know only HTTP+SSE
    /// of 2024-11-05 show it by refusing what is posted to their URL.
    pub(super) async fn open(
        definition: &Arc<UpstreamDefinition>,
        settings: &HubSettings,
        owned: Owned<'_>,
    ) -> Result<Self, UpstreamError> {
        let transport = definition.transport();
        let over = |transport| Self::open_over(transport, definition, settings, owned);
        match over(transport).await {
            Err(error) if definition.may_be_older_than_streamable() && means_other_transport(&error) => {
                match over(UpstreamTransport::Sse).await {
                    Ok(session) => Ok(session),
                    Err(other) => Err(UpstreamError::NotMcp(format!(
                        "{error}; nor is it HTTP+SSE of 2024-11-05: {other}"
                    ))),
                }
            }
            opened => opened,
        }
    }

    async fn open_over(
        transport: UpstreamTransport,
        definition: &Arc<UpstreamDefinition>,
        settings: &HubSettings,
        owned: Owned<'_>,
    ) -> Result<Self, UpstreamError> {
        let news = News::new(owned.purpose);
        let limit = definition.timeouts.handshake();
        let connecting = async {
            Ok(match transport {
                UpstreamTransport::StreamableHttp if let Some(fleet) = owned.fleet => {
                    Link::Replicas(Replicas::new(definition, fleet, settings, &news)?)
                }
                UpstreamTransport::StreamableHttp => {
                    let link = HttpLink::new(definition, settings, news.clone(), Versions::All)?;
                    Link::Http(link)
                }
                UpstreamTransport::Sse => Link::Conduit(sse::open(definition, settings, news.clone()).await?),
                UpstreamTransport::Websocket => {
                    Link::Conduit(websocket::open(definition, settings, news.clone()).await?)
                }
                UpstreamTransport::Stdio => Link::Conduit(stdio::start(
                    definition,
                    settings,
                    (owned.programs, owned.purpose),
                    news.clone(),
                    owned.log,
                )?),
            })
        };
        let link = within(connecting, limit, "the handshake", "handshake_ms").await?;
        let opening = handshake::Opening::new(&link, news.clone(), owned.purpose.role.client);
        let shaken = opening.run(definition.era, limit);
        match within(shaken, limit, "the handshake", "handshake_ms").await {
            Ok((speech, about, ids)) => {
                news.agreed(speech);
                Ok(Self {
                    link,
                    transport,
                    speech,
                    about,
                    news,
                    ids: AtomicU64::new(ids),
                    level: Mutex::default(),
                })
            }
            Err(error) => {
                // What a program says before it ends is worth more than that it does not answer.
                let error = match (error, news.reason()) {
                    (UpstreamError::Timeout { .. } | UpstreamError::Ended(_), Some(reason)) => {
                        UpstreamError::Ended(reason.to_owned())
                    }
                    (error, _) => error,
                };
                link.close(Speech::Opening).await;
                Err(error)
            }
        }
    }

    /// The result, as the server wrote it.
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<Bytes, UpstreamError> {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        self.ask_as(id, question).await
    }

    /// The same with an id that was given before.
    pub(super) async fn ask_as(&self, id: u64, question: &Question<'_>) -> Result<Bytes, UpstreamError> {
        let mut under_way = self.news.askable.during(id, question.line);
        let answered = self.link.ask(id, self.speech, question).await;
        if let Some(call) = &mut under_way {
            call.is_answered = answered.is_ok();
        }
        answered
    }

    /// Lets an older server send log messages of this level, if it does not yet. What one client does not want is kept from it
    /// later: servers have one level for all.
    pub(super) async fn want_logs(&self, level: LogLevel) {
        {
            let mut wanted = self.level.lock().unwrap_or_else(PoisonError::into_inner);
            let is_enough = wanted.is_some_and(|wanted| wanted <= level);
            if self.speech == Speech::Modern || !self.about.features.logging || is_enough {
                return;
            }
            *wanted = Some(level);
        }
        let question = Question {
            method: "logging/setLevel",
            params: format!("\"level\":\"{}\"", level.as_str()).into(),
            ..Question::default()
        };
        let asking = self.ask(&question);
        if let Err(error) = within(asking, SETTING, "the level of log messages", "call_total_ms").await {
            tracing::debug!(%error, "an upstream does not take the level of log messages");
        }
    }

    /// The id of a subscription, and what the server says that it honours of it.
    pub(super) fn expect_subscription(&self) -> (u64, oneshot::Receiver<Vec<String>>) {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        (id, self.news.expect(id))
    }

    /// Begins to listen for what the server tells beside answers. The first task ends where it tells nothing of its lists.
    pub(super) fn listen(self: &Arc<Self>, watched: &Arc<Watched>) -> [Option<AbortOnDropHandle<()>>; 2] {
        let following = tokio::spawn(follow(self.clone(), watched.clone()));
        let following = Some(AbortOnDropHandle::new(following));
        match (&self.link, self.speech) {
            (_, Speech::Modern) => [following, None],
            (Link::Http(link), speech) => {
                let listening = tokio::spawn(link.clone().listen(speech, None));
                [Some(AbortOnDropHandle::new(listening)), following]
            }
            (Link::Replicas(links), speech) => {
                let listening = tokio::spawn(links.clone().listen(speech, None));
                [Some(AbortOnDropHandle::new(listening)), following]
            }
            // On the others it comes anyway.
            (Link::Conduit(_), _) => [None, following],
        }
    }

    /// The same for a session that only carries calls: what an older server asks may come beside its answers. Returns when the
    /// server listens, since some lose what they ask before that, or soon.
    pub(super) async fn overhear(&self) -> Option<AbortOnDropHandle<()>> {
        let speech @ Speech::Legacy(_) = self.speech else {
            return None;
        };
        let (answered, hears) = oneshot::channel();
        let listening = match &self.link {
            Link::Http(link) => tokio::spawn(link.clone().listen(speech, Some(answered))),
            Link::Replicas(links) => tokio::spawn(links.clone().listen(speech, Some(answered))),
            Link::Conduit(_) => return None,
        };
        let listening = AbortOnDropHandle::new(listening);
        // Some send nothing, not even headers, before there is something to tell.
        let _ = tokio::time::timeout(SOON, hears).await;
        Some(listening)
    }

    /// Whether all of it is at one of several endpoints, which gave a session.
    pub(super) fn is_at_one_endpoint(&self) -> bool {
        matches!(&self.link, Link::Replicas(links) if links.has_home())
    }

    /// Ends it; programs and what they started are gone afterwards.
    pub(super) async fn close(&self) {
        self.link.close(self.speech).await;
    }
}

impl Link {
    async fn ask(&self, id: u64, speech: Speech, question: &Question<'_>) -> Result<Bytes, UpstreamError> {
        let out = Outgoing {
            id,
            method: question.method,
            name: question.name.as_deref(),
            body: body(id, speech, question),
            speech,
            headers: Some(&question.headers),
            via: question.via.as_ref(),
            line: question.line,
            is_repeatable: question.is_repeatable || is_harmless(question.method),
            asks: question.asks,
        };
        match self {
            Self::Http(link) => link.request(&out).await,
            // Boxed, so that calls of one server have no room for it.
            Self::Replicas(links) => Box::pin(links.request(&out)).await,
            Self::Conduit(link) => link.request(&out).await,
        }
    }

    async fn notify(&self, method: &str, speech: Speech) -> Result<(), UpstreamError> {
        let body = message::notification(method, "");
        match self {
            Self::Http(link) => link.notify(body, speech).await,
            Self::Replicas(links) => links.notify(body, speech).await,
            Self::Conduit(link) => link.notify(body).await,
        }
    }

    async fn close(&self, speech: Speech) {
        match self {
            Self::Http(link) => link.close(speech).await,
            Self::Replicas(links) => links.close(speech).await,
            Self::Conduit(link) => link.close().await,
        }
    }
}

/// Whether requests of this method may be made twice, whatever they are about.
fn is_harmless(method: &str) -> bool {
    !matches!(method, "tools/call" | "tasks/update" | "tasks/cancel")
}

/// Whether the server took nothing that was posted to its URL, and not since it wants a credential or has no time.
fn means_other_transport(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::NotMcp(_) => true,
        UpstreamError::Status { status, .. } => {
            (400..500).contains(status) && !matches!(status, 401 | 403 | 408 | 429)
        }
        _ => false,
    }
}

/// The text of a request. 2026-07-28 has in each what earlier revisions say once.
pub(super) fn body(id: u64, speech: Speech, question: &Question<'_>) -> Bytes {
    let Question {
        method, params, meta, ..
    } = question;
    let mut text = Vec::with_capacity(params.len() + meta.len() + FRAME);
    let id = id.to_string();
    for piece in [
        "{\"jsonrpc\":\"2.0\",\"id\":",
        &id,
        ",\"method\":\"",
        method,
        "\",\"params\":{",
    ] {
        text.extend_from_slice(piece.as_bytes());
    }
    text.extend_from_slice(params);
    let mut is_first = true;
    let mut add = |members: &[&[u8]]| {
        let before: &[u8] = match (is_first, params.is_empty()) {
            (false, _) => b",",
            (true, true) => b"\"_meta\":{",
            (true, false) => b",\"_meta\":{",
        };
        is_first = false;
        text.extend_from_slice(before);
        members.iter().for_each(|piece| text.extend_from_slice(piece));
    };
    if !meta.is_empty() {
        add(&[meta]);
    }
    if question.line.is_some_and(Line::wants_progress) {
        add(&[b"\"progressToken\":", id.as_bytes()]);
    }
    if speech == Speech::Modern {
        add(&[
            b"\"io.modelcontextprotocol/protocolVersion\":\"",
            Speech::MODERN_VERSION.as_bytes(),
            b"\",\"io.modelcontextprotocol/clientInfo\":",
            CLIENT_INFO.as_bytes(),
            b",\"io.modelcontextprotocol/clientCapabilities\":",
            question.capabilities().as_bytes(),
        ]);
        if let Some(level) = question.line.and_then(Line::level) {
            let level = level.as_str().as_bytes();
            add(&[b"\"io.modelcontextprotocol/logLevel\":\"", level, b"\""]);
        }
    }
    text.extend_from_slice(if is_first { b"}}" } else { b"}}}" });
    text.into()
}

/// Room for what stands around parameters.
const FRAME: usize = 320;

/// Who the gateway says that it is.
pub(super) const CLIENT_INFO: &str = concat!(
    "{\"name\":\"dynmcp\",\"version\":\"",
    env!("CARGO_PKG_VERSION"),
    "\"}"
);

/// Waits so long, and names what took longer.
pub(super) async fn within<T>(
    work: impl Future<Output = Result<T, UpstreamError>>,
    limit: Duration,
    step: &'static str,
    member: &'static str,
) -> Result<T, UpstreamError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(UpstreamError::Timeout { step, member, limit }),
    }
}

/// The same for a call, whose server need not be quick while the client is asked something.
pub(super) async fn within_call<T>(
    work: impl Future<Output = Result<T, UpstreamError>>,
    line: Option<&Line>,
    limit: Duration,
    step: &'static str,
) -> Result<T, UpstreamError> {
    let member = "call_total_ms";
    let Some(line) = line.filter(|line| !line.client().is_none()) else {
        return within(work, limit, step, member).await;
    };
    tokio::select! {
        done = work => done,
        () = line.besides_waiting(limit) => Err(UpstreamError::Timeout { step, member, limit }),
    }
}
