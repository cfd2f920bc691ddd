//! A channel between one client and one instance, over which messages go in both directions for as long as the client likes:
//! HTTP+SSE of 2024-11-05, and WebSocket. Each message is answered by the protocol as any other; where the channel ends, what
//! it asked for ends too.

mod peek;

pub(super) use peek::Peek;

use super::{McpRoute, Work, request_id, response};
use crate::{
    http::{body, error::Error},
    open_requests::OpenRequests,
};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream::BoxStream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use mcp_core::{
    framing::sse::Parser,
    peer::Peer,
    policy::Record,
    protocol::{Endpoint, Exchange, Reply, ReplyBody, SESSION_ID, Way},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Messages of one channel that are being answered at once.
const MOST_AT_ONCE: usize = 256;
/// Messages that wait for the client to take them.
const WAITING: usize = 16;
/// What else of a client's headers is said in messages here.
const VERSION: &str = "mcp-protocol-version";
const OF_MESSAGES: [&str; 3] = [VERSION, "mcp-method", "mcp-name"];
const OF_ARGUMENTS: &str = "mcp-param-";

/// What is told beside answers, in events.
pub(super) type Changes = BoxStream<'static, Bytes>;

/// What a channel has for its client.
pub(super) struct Outward {
    /// Messages.
    pub(super) inbox: mpsc::Receiver<Bytes>,
    /// What is told from then on: of a session, when there is one.
    pub(super) changes: mpsc::Receiver<Changes>,
}

/// One channel.
pub(super) struct Channel {
    /// Its instance.
    pub(super) instance: String,
    /// Who opened it.
    subject: Arc<str>,
    /// That of the worker that has the client's connection, as it was when the channel was opened.
    route: Arc<McpRoute>,
    runtime: Handle,
    /// What `initialize` was answered with.
    session: OnceLock<HeaderValue>,
    /// The client is ready to be told of changes.
    pub(super) is_initialized: CancellationToken,
    /// Requests of 2026-07-28 that are under way.
    open: OpenRequests,
    outbox: mpsc::Sender<Bytes>,
    changes: mpsc::Sender<Changes>,
    places: Arc<Semaphore>,
    /// What is being answered.
    pub(super) tasks: TaskTracker,
    over: CancellationToken,
}

impl Channel {
    /// With what it has for the client.
    pub(super) fn open(route: &Arc<McpRoute>, instance: &str, subject: &Arc<str>) -> (Arc<Self>, Outward) {
        let (outbox, inbox) = mpsc::channel(WAITING);
        let (sender, changes) = mpsc::channel(1);
        let channel = Self {
            instance: instance.to_owned(),
            subject: subject.clone(),
            route: route.clone(),
            runtime: Handle::current(),
            session: OnceLock::new(),
            is_initialized: CancellationToken::new(),
            open: OpenRequests::default(),
            outbox,
            changes: sender,
            places: Arc::new(Semaphore::new(MOST_AT_ONCE)),
            tasks: TaskTracker::new(),
            over: CancellationToken::new(),
        };
        (Arc::new(channel), Outward { inbox, changes })
    }

    /// Whether it is that client's, at that instance.
    fn is_of(&self, instance: &str, subject: &str) -> bool {
        self.instance == instance && *self.subject == *subject
    }

    /// Answers a message in its own time, over the channel.
    pub(super) fn take(self: &Arc<Self>, work: Work, body: Bytes, record: Record) -> Result<(), Error> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            let message =
                format!("{MOST_AT_ONCE} messages of this channel are being answered; wait for some of them");
            return Err(Error::new(StatusCode::TOO_MANY_REQUESTS, message));
        };
        let peek = Peek::read(&body);
        self.cancel(&peek);
        let modern_id = peek.id.clone().filter(|_| peek.is_modern);
        let channel = self.clone();
        let answering = async move {
            let _place = place;
            tokio::select! {
                () = channel.over.cancelled() => {}
                () = channel.answer(work, &body, record, &peek) => {}
            }
        };
        let Some(id) = modern_id else {
            self.runtime.spawn(self.tasks.track_future(answering));
            return Ok(());
        };
        let channel = self.clone();
        self.open.begin(id.clone(), |number| {
            let until_over = async move {
                answering.await;
                channel.open.end(&id, number);
            };
            self.runtime
                .spawn(self.tasks.track_future(until_over))
                .abort_handle()
        });
        Ok(())
    }

    /// Gives up what a message says is not wanted any more.
    pub(super) fn cancel(&self, peek: &Peek) {
        if let Some(id) = &peek.cancels {
            self.open.cancel(id);
        }
    }

    async fn answer(&self, work: Work, body: &[u8], mut record: Record, peek: &Peek) {
        let headers = self.headers(work.headers);
        let exchange = Exchange {
            view: work.view,
            headers: &headers,
            principal: work.principal,
            peer: work.peer.clone(),
            way: Way::Channel,
            request_id: work.request_id,
        };
        // The configuration may be another one than when it was opened.
        let route = self.route.latest();
        let endpoint = &route.endpoint;
        let reply = endpoint.post(&exchange, body).await;
        if let Some(session) = reply
            .session
            .as_deref()
            .and_then(|id| HeaderValue::try_from(id).ok())
        {
            // A client that initializes again goes on with what it agreed on first.
            let _ = self.session.set(session);
        }
        endpoint.recall(&headers, &mut record.trace);
        let (reply, mut record) = reply.recorded(record);
        if let Some(record) = &mut record {
            record.bytes = reply.body.size();
        }
        if peek.is_initialized {
            self.tell_of_changes(endpoint, &exchange);
        }
        match reply.body {
            ReplyBody::Empty => {}
            ReplyBody::Json(_) if peek.is_notification => {}
            ReplyBody::Json(pieces) => {
                let message = Bytes::from(pieces.concat());
                // Not both of them for as long as the client takes.
                drop(pieces);
                self.pass_on(&work.peer, message, body).await;
            }
            ReplyBody::Events(mut events) => {
                let mut parser = Parser::new(u64::MAX);
                while let Some(chunk) = events.next().await {
                    for event in parser.push(&chunk).unwrap_or_default() {
                        if !event.data.is_empty() {
                            self.pass_on(&work.peer, event.data, body).await;
                        }
                    }
                }
            }
        }
    }

    /// The client is ready: from now on it hears what belongs to its session, too.
    fn tell_of_changes(&self, endpoint: &Endpoint, exchange: &Exchange<'_>) {
        if self.session.get().is_some()
            && !self.is_initialized.is_cancelled()
            && let ReplyBody::Events(changes) = endpoint.get(exchange).body
        {
            let _ = self.changes.try_send(changes);
        }
        self.is_initialized.cancel();
    }

    /// What a message shows beside itself: what its request had, but for what stands in messages here.
    pub(super) fn headers(&self, mut headers: HeaderMap) -> HeaderMap {
        let names = headers.keys().filter(|name| is_of_messages(name));
        let names: Vec<HeaderName> = names.cloned().collect();
        for name in names {
            headers.remove(name);
        }
        headers.remove(SESSION_ID);
        headers.remove(request_id::HEADER);
        headers.extend(self.session.get().map(|session| (SESSION_ID, session.clone())));
        headers
    }

    /// Sends what the protocol says to a message. It waits with the client's memory, or is not said: who does not read has no
    /// more of it than who reads.
    async fn pass_on(&self, peer: &Arc<Peer>, message: Bytes, asked: &[u8]) {
        match body::keep(message, peer) {
            Ok(kept) => self.say(kept).await,
            Err(error) => self.refuse(asked, &error).await,
        }
    }

    /// Sends a message; whoever is gone does not get it.
    pub(super) async fn say(&self, message: Bytes) {
        let _ = self.outbox.send(message).await;
    }

    /// Answers for what the protocol does not get to see.
    pub(super) async fn refuse(&self, body: &[u8], error: &Error) {
        let id = Peek::read(body).id;
        let message = serde_json::Value::from(error.message());
        let (id, code) = (id.as_deref().unwrap_or("null"), error.status().as_u16());
        let text = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}}}}}"
        );
        self.say(text.into()).await;
    }

    /// Ends what it asked for.
    pub(super) fn end(&self) {
        self.over.cancel();
    }
}

/// The channel is the session: nobody else knows its id, and it goes with the last that belongs to it.
impl Drop for Channel {
    fn drop(&mut self) {
        if let Some(session) = self.session.get().and_then(|id| id.to_str().ok()) {
            self.route.endpoint.end_session(session);
        }
    }
}

/// What is told over a channel beside answers, or why it is not opened.
pub(super) fn changes_of(reply: Reply) -> Result<Changes, Box<Response>> {
    match reply.body {
        ReplyBody::Events(changes) => Ok(changes),
        _ => Err(Box::new(response::of(reply))),
    }
}

fn is_of_messages(name: &HeaderName) -> bool {
    OF_MESSAGES.contains(&name.as_str()) || name.as_str().starts_with(OF_ARGUMENTS)
}

/// Channels whose messages come by requests of their own, on any worker.
#[derive(Default)]
pub(crate) struct Channels(Mutex<HashMap<String, Arc<Channel>>>);

impl Channels {
    pub(super) fn add(&self, id: &str, channel: Arc<Channel>) {
        self.lock().insert(id.to_owned(), channel);
    }

    /// The channel of this id, where it is that client's.
    pub(super) fn find(&self, id: &str, instance: &str, subject: &str) -> Option<Arc<Channel>> {
        let found = self.lock().get(id).cloned();
        found.filter(|channel| channel.is_of(instance, subject))
    }

    pub(super) fn remove(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Channel>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
