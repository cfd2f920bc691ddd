//! What a server asks of its client: of the one whose call it is, and of nobody else.

use super::{error::excerpt, message};
use crate::relay::{ClientCan, Line, NoAnswer};
use serde_json::{json, value::RawValue};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests of one server that are being answered at once.
const AT_ONCE: usize = 64;
/// How long a server may work on a call that was given up. It need not answer it, so that nothing says when it is over.
pub(super) const GOES_ON: Duration = Duration::from_secs(60);

/// A request of a server.
#[derive(Debug)]
pub(super) struct Inquiry {
    pub(super) id: Box<RawValue>,
    pub(super) method: String,
    pub(super) params: Option<Box<RawValue>>,
}

/// Whose calls a connection carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Whose {
    /// Everybody's: the server was told that nobody answers anything.
    #[default]
    Everybody,
    /// Those of clients that answer the same.
    Alike,
    /// Those of one client.
    OneClient,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) whose: Whose,
    /// What the server is told that its client answers.
    pub(super) client: ClientCan,
}

/// The clients of a connection whose calls are under way.
#[derive(Debug)]
pub(super) struct Askable {
    whose: Whose,
    lines: Mutex<BTreeMap<u64, Line>>,
    /// When a call was last given up that the server may still be busy with.
    given_up: Mutex<Option<Instant>>,
    places: Arc<Semaphore>,
}

impl Inquiry {
    /// What it is answered with.
    pub(super) async fn answered(self, line: Option<Line>) -> String {
        let Some(line) = line.filter(|_| self.method != "ping") else {
            return message::reply(&self.id, &self.method);
        };
        let error = |code: i64, reason: &NoAnswer| {
            json!({"code": code, "message": excerpt(&reason.to_string())}).to_string()
        };
        let (member, value) = match line.ask(&self.method, self.params.as_deref()).await {
            Ok(result) => ("result", result.get().to_owned()),
            Err(NoAnswer::Refused(error)) => ("error", error.get().to_owned()),
            Err(reason @ NoAnswer::Unable(_)) => ("error", error(-32601, &reason)),
            Err(reason) => ("error", error(-32603, &reason)),
        };
        format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{},\"{member}\":{value}}}",
            self.id.get()
        )
    }

    /// What it is answered with where nobody can be asked now.
    pub(super) fn refused(&self) -> String {
        message::reply(&self.id, &self.method)
    }
}

impl Askable {
    pub(super) fn new(whose: Whose) -> Self {
        Self {
            whose,
            lines: Mutex::default(),
            given_up: Mutex::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// A call is under way until the result is dropped.
    pub(super) fn during(self: &Arc<Self>, id: u64, line: Option<&Line>) -> Option<UnderWay> {
        let line = line.filter(|_| self.whose != Whose::Everybody)?;
        self.lock().insert(id, line.clone());
        Some(UnderWay {
            askable: self.clone(),
            id,
            is_answered: false,
        })
    }

    /// Who is to answer what came on the answer to a call, or on nobody's; a place for it goes along.
    pub(super) fn whom(&self, own: Option<&Line>) -> (Option<Line>, Option<OwnedSemaphorePermit>) {
        let place = self.places.clone().try_acquire_owned().ok();
        if place.is_none() || self.whose == Whose::Everybody {
            return (None, place);
        }
        let lines = self.lock();
        let line = match (own, self.whose) {
            (Some(own), _) => Some(own.clone()),
            (None, Whose::OneClient) => lines.values().next_back().cloned(),
            // It may be anybody's of them, or be about a call that nobody waits for any more.
            (None, _) if lines.len() > 1 || self.gave_up_lately() => None,
            (None, _) => lines.values().next().cloned(),
        };
        (line, place)
    }

    /// The client that a notification is for which names no call.
    pub(super) fn client(&self) -> Option<Line> {
        let lines = self.lock();
        lines
            .values()
            .next_back()
            .filter(|_| self.whose == Whose::OneClient)
            .cloned()
    }

    fn gave_up_lately(&self) -> bool {
        self.given_up().is_some_and(|at| at.elapsed() < GOES_ON)
    }

    fn given_up(&self) -> MutexGuard<'_, Option<Instant>> {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is under way.
#[derive(Debug)]
pub(super) struct UnderWay {
    askable: Arc<Askable>,
    id: u64,
    /// Whether the server is done with it.
    pub(super) is_answered: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.is_answered {
            *self.askable.given_up() = Some(Instant::now());
        }
        self.askable.lock().remove(&self.id);
    }
}
