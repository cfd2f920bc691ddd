//! The way from an open request back to its client.

use super::{ClientCan, LogLevel, Pending};
use crate::json::one_line::compact;
use serde_json::{Number, json, value::RawValue};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc;

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
    progress: Option<ProgressState>,
    logs: Logs,
    reaches: Option<Reaches>,
}

struct ProgressState {
    /// The token as JSON text.
    token: Box<str>,
    last: Mutex<f64>,
}

/// What a line is made of.
#[derive(Default)]
pub(crate) struct LineParts {
    /// `_meta.progressToken`, JSON text.
    pub(crate) progress_token: Option<Box<str>>,
    /// The log messages that the client wants.
    pub(crate) logs: Logs,
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

/// A session whose client answers requests.
pub(crate) struct Reaches {
    pub(crate) pending: Arc<Pending>,
    pub(crate) session: Arc<str>,
    pub(crate) client: ClientCan,
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
    /// It answered with this error object.
    #[error("the client answered with an error: {0}")]
    Refused(Box<RawValue>),
}

impl Line {
    /// A line, and what is said over it.
    pub(crate) fn open(parts: LineParts) -> (Self, mpsc::Receiver<Said>) {
        let (said, receiver) = mpsc::channel(ROOM);
        let progress = parts.progress_token.map(|token| ProgressState {
            token,
            last: Mutex::new(f64::NEG_INFINITY),
        });
        let parts = Parts {
            said,
            progress,
            logs: parts.logs,
            reaches: parts.reaches,
        };
        (Self(Arc::new(parts)), receiver)
    }

    /// Whether the client wants to know how far its request is.
    pub fn wants_progress(&self) -> bool {
        self.0.progress.is_some()
    }

    /// The least serious log messages that the client asked for; `None` if it did not.
    pub fn level(&self) -> Option<LogLevel> {
        match self.0.logs {
            Logs::From(level) => Some(level),
            Logs::None | Logs::Any => None,
        }
    }

    /// Tells how far the request is. Progress that does not grow is not progress, and is left out.
    pub fn progress(&self, now: &Progress<'_>) {
        let (Some(state), Some(value)) = (&self.0.progress, now.progress.as_f64()) else {
            return;
        };
        {
            let mut last = state.last.lock().unwrap_or_else(PoisonError::into_inner);
            if value <= *last {
                return;
            }
            *last = value;
        }
        let mut text = format!(
            "{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{{\"progressToken\":{},\"progress\":{}",
            state.token, now.progress
        );
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
        match self.0.logs {
            Logs::None => false,
            Logs::Any => true,
            Logs::From(least) => level >= least,
        }
    }

    /// Whether the client answers requests of this method.
    pub fn can_ask(&self, method: &str) -> bool {
        let reaches = self.0.reaches.as_ref();
        reaches.is_some_and(|reaches| reaches.client.answers(method)) && !self.0.said.is_closed()
    }

    /// Sends the client a request and waits for its result.
    pub async fn ask(&self, method: &str, params: Option<&RawValue>) -> Result<Box<RawValue>, NoAnswer> {
        let reaches = self.0.reaches.as_ref();
        let reaches = reaches
            .filter(|reaches| reaches.client.answers(method))
            .ok_or_else(|| NoAnswer::Unable(method.to_owned()))?;
        let mut asking = reaches.pending.ask(&reaches.session);
        if !self.say(method, Some(&asking.id()), params).await {
            return Err(NoAnswer::Gone);
        }
        tokio::select! {
            answer = &mut asking.answer => match answer {
                Ok(answer) => answer.map_err(NoAnswer::Refused),
                Err(_) => Err(NoAnswer::Gone),
            },
            () = self.0.said.closed() => Err(NoAnswer::Gone),
        }
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
