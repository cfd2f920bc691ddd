//! The way from an open request back to its client.

use super::{ClientCan, LogLevel, Pending, waits::Waits};
use crate::json::one_line::compact;
use serde_json::{Number, json, value::RawValue};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

/// How long a client may take to answer: people do.
const PATIENCE: Duration = Duration::from_secs(600);
/// Messages that wait to be written; whoever says more waits, or loses progress that newer progress replaces.
const ROOM: usize = 32;

/// One message to the client, JSON on one line.
pub(crate) type Said = String;

/// What an origin may say before its answer; clones are the same line. Where the client takes no stream, or went away,
/// everything that is said is lost, and requests are refused.
#[derive(Clone)]
pub struct Line(Arc<Parts>);

struct Parts {
    said: mpsc::Sender<Said>,
    wants_progress: bool,
    wish: Mutex<Wish>,
    client: ClientCan,
    reaches: Option<Reaches>,
    waits: Arc<Waits>,
}

/// What the client wants to be told: another request of it may want something else.
struct Wish {
    progress: Option<ProgressState>,
    logs: Logs,
}

struct ProgressState {
    /// The token as JSON text.
    token: Box<str>,
    last: f64,
}

impl ProgressState {
    fn new(token: Box<str>) -> Self {
        let last = f64::NEG_INFINITY;
        Self { token, last }
    }
}

/// What a line is made of.
#[derive(Default)]
pub(crate) struct LineParts {
    /// `_meta.progressToken`, JSON text.
    pub(crate) progress_token: Option<Box<str>>,
    /// The log messages that the client wants.
    pub(crate) logs: Logs,
    /// What the client answers.
    pub(crate) client: ClientCan,
    /// How requests reach the client, where they do.
    pub(crate) reaches: Option<Reaches>,
}

/// Log messages that a client wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Logs {
    #[default]
    None,
    /// Whatever the server sends by itself: older clients that never said otherwise.
    Any,
    /// Messages that are as serious as this, or more.
    From(LogLevel),
}

/// How requests reach a client.
pub(crate) enum Reaches {
    /// It has a session, whose requests and answers are messages of their own.
    Session {
        /// Who waits for answers.
        pending: Arc<Pending>,
        /// The session.
        session: Arc<str>,
    },
    /// It is asked by a result, and answers with another request (2026-07-28).
    Results(mpsc::Sender<Question>),
}

/// What a client is asked by a result.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) method: String,
    pub(crate) params: Option<Box<RawValue>>,
    pub(crate) answer: oneshot::Sender<Box<RawValue>>,
}

/// How far a request is.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// Grows with every message.
    pub progress: Number,
    /// What it grows to, if that is known.
    pub total: Option<Number>,
    /// The message for people.
    pub message: Option<&'a str>,
}

/// Why a client did not answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It has no session, is of an era that is asked in another way, or did not declare that it answers this.
    #[error("the client does not answer `{0}`")]
    Unable(String),
    /// The client's stream is gone.
    #[error("the client went away")]
    Gone,
    /// It took too long.
    #[error("the client did not answer within {PATIENCE:?}")]
    Late,
    /// Too many answers of clients are waited for.
    #[error("too many answers of this client, or of all, are waited for")]
    TooMany,
    /// It answered with this error object.
    #[error("the client answered with an error: {0}")]
    Refused(Box<RawValue>),
}

impl Line {
    /// A line, and what is said over it.
    pub(crate) fn open(parts: LineParts) -> (Self, mpsc::Receiver<Said>) {
        let (said, receiver) = mpsc::channel(ROOM);
        let wish = Wish {
            progress: parts.progress_token.map(ProgressState::new),
            logs: parts.logs,
        };
        let parts = Parts {
            said,
            wants_progress: wish.progress.is_some(),
            wish: Mutex::new(wish),
            client: parts.client,
            reaches: parts.reaches,
            waits: Arc::default(),
        };
        (Self(Arc::new(parts)), receiver)
    }

    /// Another request of the client takes the place of the one that this was opened for.
    pub(crate) fn go_on(&self, progress_token: Option<Box<str>>, logs: Logs) {
        *self.wish() = Wish {
            progress: progress_token.map(ProgressState::new),
            logs,
        };
    }

    /// Whether the client wants to know how far its request is.
    pub fn wants_progress(&self) -> bool {
        self.0.wants_progress
    }

    /// What the client said that it answers.
    pub fn client(&self) -> ClientCan {
        self.0.client
    }

    /// Whether the client is asked by results (2026-07-28), and not by requests.
    pub fn asks_by_results(&self) -> bool {
        matches!(self.0.reaches, Some(Reaches::Results(_)))
    }

    /// Ends after so much time in which the client was not waited for.
    pub async fn besides_waiting(&self, limit: Duration) {
        self.0.waits.besides(limit).await;
    }

    /// The least serious log messages that the client asked for; `None` if it did not.
    pub fn level(&self) -> Option<LogLevel> {
        match self.wish().logs {
            Logs::From(level) => Some(level),
            Logs::None | Logs::Any => None,
        }
    }

    fn wish(&self) -> MutexGuard<'_, Wish> {
        self.0.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how far the request is. Progress that does not grow is not progress, and is left out.
    pub fn progress(&self, now: &Progress<'_>) {
        let Some(value) = now.progress.as_f64() else {
            return;
        };
        let mut text = {
            let mut wish = self.wish();
            let Some(state) = wish.progress.as_mut().filter(|state| value > state.last) else {
                return;
            };
            state.last = value;
            format!(
                "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{},\"progress\":{}",
                state.token, now.progress
            )
        };
        if let Some(total) = &now.total {
            text += &format!(",\"total\":{total}");
        }
        if let Some(message) = now.message {
            text += &format!(",\"message\":{}", json!(message));
        }
        text += "}}";
        // A client that reads slowly gets the next one.
        let _lost = self.0.said.try_send(text);
    }

    /// Passes a log message on, if the client wants such. `params` is the JSON object of `notifications/message`.
    pub async fn log(&self, level: LogLevel, params: &RawValue) {
        if self.wants(level) {
            self.say("notifications/message", None, Some(params)).await;
        }
    }

    /// The same, where the client has room for it; otherwise the message is lost.
    pub fn try_log(&self, level: LogLevel, params: &RawValue) {
        if self.wants(level) {
            let _lost = self
                .0
                .said
                .try_send(message("notifications/message", None, Some(params)));
        }
    }

    fn wants(&self, level: LogLevel) -> bool {
        match self.wish().logs {
            Logs::None => false,
            Logs::Any => true,
            Logs::From(least) => level >= least,
        }
    }

    /// Tells a client that is asked by requests that what it was asked for elsewhere is done.
    pub fn try_elicited(&self, params: &RawValue) {
        if matches!(self.0.reaches, Some(Reaches::Session { .. })) {
            let text = message("notifications/elicitation/complete", None, Some(params));
            let _lost = self.0.said.try_send(text);
        }
    }

    /// Sends the client a request and waits for its result.
    pub async fn ask(&self, method: &str, params: Option<&RawValue>) -> Result<Box<RawValue>, NoAnswer> {
        let reaches = self.0.reaches.as_ref();
        let reaches = reaches
            .filter(|_| self.0.client.answers(method, params))
            .ok_or_else(|| NoAnswer::Unable(method.to_owned()))?;
        let _waiting = self.0.waits.begin();
        let asking = async {
            match reaches {
                Reaches::Session { pending, session } => {
                    self.ask_in_session(pending, session, method, params).await
                }
                Reaches::Results(questions) => self.ask_by_result(questions, method, params).await,
            }
        };
        tokio::select! {
            answer = tokio::time::timeout(PATIENCE, asking) => answer.unwrap_or(Err(NoAnswer::Late)),
            () = self.0.said.closed() => Err(NoAnswer::Gone),
        }
    }

    async fn ask_in_session(
        &self,
        pending: &Arc<Pending>,
        session: &Arc<str>,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<Box<RawValue>, NoAnswer> {
        let mut asking = pending.ask(session).ok_or(NoAnswer::TooMany)?;
        if !self.say(method, Some(&asking.id()), params).await {
            return Err(NoAnswer::Gone);
        }
        match (&mut asking.answer).await {
            Ok(answer) => answer.map_err(NoAnswer::Refused),
            Err(_) => Err(NoAnswer::Gone),
        }
    }

    async fn ask_by_result(
        &self,
        questions: &mpsc::Sender<Question>,
        method: &str,
        params: Option<&RawValue>,
    ) -> Result<Box<RawValue>, NoAnswer> {
        let (answer, receiver) = oneshot::channel();
        let question = Question {
            method: method.to_owned(),
            params: params.map(ToOwned::to_owned),
            answer,
        };
        questions.send(question).await.map_err(|_| NoAnswer::Gone)?;
        receiver.await.map_err(|_| NoAnswer::Gone)
    }

    /// `false` if nobody reads.
    async fn say(&self, method: &str, id: Option<&str>, params: Option<&RawValue>) -> bool {
        self.0.said.send(message(method, id, params)).await.is_ok()
    }
}

fn message(method: &str, id: Option<&str>, params: Option<&RawValue>) -> Said {
    let mut text = String::from("{\"jsonrpc\":\"2.0\",");
    if let Some(id) = id {
        text += &format!("\"id\":{},", json!(id));
    }
    text += &format!("\"method\":{}", json!(method));
    if let Some(params) = params {
        text.extend([",\"params\":", &*compact(params.get())]);
    }
    text.push('}');
    text
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}
