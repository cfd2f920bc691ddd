//! Requests to clients that wait for their answers.
//!
//! Their ids name this process: on another replica nobody waits for them, and none of its own is taken for one of these.

use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// Answers of all clients, and of one, that are waited for at once.
const MOST: usize = 10_000;
const MOST_OF_ONE: usize = 64;

/// What a client answered: its result, or its error object.
pub(crate) type ClientAnswer = Result<Box<RawValue>, Box<RawValue>>;

/// All of them.
pub(crate) struct Pending {
    /// Told apart from other processes.
    process: String,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    made: u64,
    waiting: HashMap<u64, Waiting>,
}

struct Waiting {
    session: Arc<str>,
    answer: oneshot::Sender<ClientAnswer>,
}

impl Pending {
    /// `None` if the system gives no randomness.
    pub(crate) fn new() -> Option<Arc<Self>> {
        let mut bytes = [0; 6];
        getrandom::fill(&mut bytes).ok()?;
        Some(Arc::new(Self {
            process: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            table: Mutex::default(),
        }))
    }

    /// A new request to the client of a session; `None` where too many wait already.
    pub(super) fn ask(self: &Arc<Self>, session: &Arc<str>) -> Option<Asking> {
        let (answer, receiver) = oneshot::channel();
        let mut table = self.lock();
        let own = table.waiting.values().filter(|one| one.session == *session);
        if own.count() >= MOST_OF_ONE || table.waiting.len() >= MOST {
            return None;
        }
        table.made += 1;
        let number = table.made;
        table.waiting.insert(
            number,
            Waiting {
                session: session.clone(),
                answer,
            },
        );
        Some(Asking {
            pending: self.clone(),
            number,
            answer: receiver,
        })
    }

    /// Hands the answer to whoever waits for it in this session; `false` where nobody does.
    pub(crate) fn answered(&self, session: &str, id: &str, answer: ClientAnswer) -> bool {
        let number = id
            .strip_prefix("gw-")
            .and_then(|id| id.split_once('-'))
            .filter(|(process, _)| *process == self.process)
            .and_then(|(_, number)| number.parse().ok());
        let Some(number) = number else { return false };
        let mut table = self.lock();
        let is_own = |waiting: &Waiting| *waiting.session == *session;
        if !table.waiting.get(&number).is_some_and(is_own) {
            return false;
        }
        table
            .waiting
            .remove(&number)
            .is_some_and(|waiting| waiting.answer.send(answer).is_ok())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that waits until this is dropped.
pub(super) struct Asking {
    pending: Arc<Pending>,
    number: u64,
    pub(super) answer: oneshot::Receiver<ClientAnswer>,
}

impl Asking {
    /// Its JSON-RPC id.
    pub(super) fn id(&self) -> String {
        format!("gw-{}-{}", self.pending.process, self.number)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.pending.lock().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_takes_not_all_of_the_room() {
        let pending = Pending::new().unwrap();
        let (one, other) = ("one".into(), "other".into());
        let mut held: Vec<_> = (0..MOST_OF_ONE).map(|_| pending.ask(&one).unwrap()).collect();
        assert!(pending.ask(&one).is_none());
        assert!(pending.ask(&other).is_some());
        held.pop();
        assert!(pending.ask(&one).is_some());
    }
}
