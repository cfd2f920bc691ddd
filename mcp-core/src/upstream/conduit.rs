//! Connections over which all messages go one way and the other: programs, WebSockets, HTTP+SSE of 2024-11-05. What carries
//! them differs, who waits for which answer does not.

mod pending;

#[cfg(unix)]
use super::stdio::Input;
use super::{
    asked::Inquiry,
    error::UpstreamError,
    message::{self, Incoming},
    news::News,
    outgoing::Outgoing,
    sse::Mailbox,
};
use bytes::Bytes;
use http::HeaderValue;
use pending::{Answer, Pending, Waiting};
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Messages that wait for the other side to read them.
pub(super) const WAITING: usize = 256;

/// Where messages leave.
#[derive(Debug)]
pub(super) enum Outward {
    /// One after the other, by whoever writes to the connection.
    Queue(mpsc::Sender<Bytes>),
    /// Into the input of a program, by whoever has something to say.
    #[cfg(unix)]
    Program(Arc<Input>),
    /// Each with a request of its own.
    Posts(Arc<Mailbox>),
}

/// A connection that carries messages both ways.
#[derive(Debug)]
pub(super) struct Conduit {
    outward: Outward,
    pending: Pending,
    news: Arc<News>,
    /// Ends what carries the messages; the keeper is over when nothing of it is left.
    stop: CancellationToken,
    keeper: Mutex<Option<JoinHandle<()>>>,
    /// What the connection is, for those who hear that it ended.
    noun: &'static str,
}

/// A request that is under way. Given up before its answer came, the server is told.
struct Asked<'a> {
    conduit: &'a Conduit,
    id: u64,
    may_be_cancelled: bool,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if self.conduit.pending.give_up(self.id) && self.may_be_cancelled {
            let params = format!("\"requestId\":{},\"reason\":\"the client gave it up\"", self.id);
            self.conduit
                .say(message::notification("notifications/cancelled", &params));
        }
    }
}

/// A queue for messages of a conduit, and its other end.
pub(super) fn queue() -> (Outward, mpsc::Receiver<Bytes>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Outward::Queue(sender), receiver)
}

impl Conduit {
    /// `noun` is what the connection is to people: `program`, `WebSocket`.
    pub(super) fn new(outward: Outward, news: Arc<News>, noun: &'static str) -> Arc<Self> {
        Arc::new(Self {
            outward,
            pending: Pending::default(),
            news,
            stop: CancellationToken::new(),
            keeper: Mutex::new(None),
            noun,
        })
    }

    /// Runs what carries the messages. It ends when the conduit is closed, and has let go of everything when it is over.
    pub(super) fn kept_by(&self, keeper: impl Future<Output = ()> + Send + 'static) {
        let keeper = tokio::spawn(keeper);
        *self.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeper);
    }

    /// Cancelled as soon as nobody wants the connection any more.
    pub(super) fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn request(&self, out: &Outgoing<'_>) -> Answer {
        let (sender, receiver) = oneshot::channel();
        let waiting = Waiting {
            answer: sender,
            line: out.line.cloned(),
        };
        self.pending.add(out.id, waiting);
        let _asked = Asked {
            conduit: self,
            id: out.id,
            may_be_cancelled: out.method != "initialize",
        };
        // Looked at after the request is among those that wait: whoever ends the connection settles these.
        if self.news.lost.is_cancelled() {
            return Err(self.ended());
        }
        self.send(out.body.clone(), out.via).await?;
        receiver.await.unwrap_or_else(|_| Err(self.ended()))
    }

    /// Sends what has no answer.
    pub(super) async fn notify(&self, body: String) -> Result<(), UpstreamError> {
        self.send(body.into(), None).await
    }

    async fn send(&self, body: Bytes, via: Option<&HeaderValue>) -> Result<(), UpstreamError> {
        match &self.outward {
            Outward::Queue(outbox) => outbox.send(body).await.map_err(|_| self.ended()),
            #[cfg(unix)]
            Outward::Program(input) => input.send(&body).await.map_err(|_| self.ended()),
            Outward::Posts(mailbox) => Box::pin(mailbox.post(body, via)).await,
        }
    }

    /// Sends what nobody waits for; a server that reads nothing loses it.
    fn say(&self, body: String) {
        match &self.outward {
            Outward::Queue(outbox) => drop(outbox.try_send(body.into())),
            #[cfg(unix)]
            Outward::Program(input) => input.try_send(body.as_bytes()),
            Outward::Posts(mailbox) => mailbox.post_beside(body),
        }
    }

    /// Takes a message that came; an error for what is none.
    pub(super) async fn take(self: &Arc<Self>, text: &Bytes) -> Result<(), String> {
        let read = message::read_aside(text)
            .await
            .inspect_err(|_| self.news.stray())?;
        match read {
            Incoming::Answer {
                id: Some(id),
                outcome,
            } => {
                if !self.pending.settle(id, outcome.map_err(UpstreamError::Rpc)) {
                    self.news.stray();
                }
            }
            Incoming::Answer { id: None, .. } => self.news.stray(),
            Incoming::Request(asked) => self.answer(asked),
            Incoming::Notification { method, params } => {
                let line_of = |named| self.pending.line_of(named);
                if let Some(logged) = self.news.told(&method, params, line_of) {
                    // Nobody else may have to wait for a client that reads slowly.
                    logged.try_pass_on();
                }
            }
        }
        Ok(())
    }

    /// Answers a request of the server. Nothing says whose call it belongs to.
    fn answer(self: &Arc<Self>, asked: Inquiry) {
        let (whom, place) = self.news.askable.whom(None);
        if whom.is_none() {
            self.say(asked.refused());
            return;
        }
        let conduit = Arc::downgrade(self);
        tokio::spawn(async move {
            let answer = asked.answered(whom).await;
            drop(place);
            if let Some(conduit) = conduit.upgrade() {
                // A connection that ended meanwhile wants no answer.
                let _ = conduit.notify(answer).await;
            }
        });
    }

    /// Nothing comes any more: whoever waits is told why.
    pub(super) fn over(&self, reason: &str) {
        self.news.ended(reason.to_owned());
        self.pending.end(reason);
    }

    fn ended(&self) -> UpstreamError {
        let reason = self.news.reason();
        UpstreamError::Ended(reason.map_or_else(|| format!("the {} ended", self.noun), str::to_owned))
    }

    /// Ends what carries the messages, and waits until nothing of it is left.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper {
            let _ = keeper.await;
        }
    }
}

impl Drop for Conduit {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
