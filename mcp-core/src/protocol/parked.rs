//! Calls whose older server waits for an answer of a client of 2026-07-28: that is asked by a result, and answers with another
//! request, which goes on with the call ([ADR 19](../../../docs/adr/0019-relays-and-replicas.md)). They wait in this process.

use crate::json::{members::Members, one_line::compact};
use serde_json::{json, value::RawValue};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_util::task::AbortOnDropHandle;

/// Calls that wait at once, of all clients and of one.
const MOST: usize = 1_000;
const MOST_OF_ONE: usize = 32;
/// How long each of them waits: as long as its server would be told to.
const PATIENCE: Duration = Duration::from_secs(600);

/// What clients were asked, by the names that answers repeat.
pub(super) type Questions = BTreeMap<String, crate::relay::Question>;

/// All of them; `T` is a call.
pub(super) struct Parked<T> {
    /// Told apart from other processes.
    process: String,
    patience: Duration,
    table: Arc<Mutex<Table<T>>>,
}

struct Table<T> {
    waiting: HashMap<String, Waiting<T>>,
}

struct Waiting<T> {
    call: T,
    questions: Questions,
    whose: Whose,
    _until: AbortOnDropHandle<()>,
}

/// Who may go on with a call, and with which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) instance: Arc<str>,
    pub(super) subject: Arc<str>,
    /// What is asked for.
    pub(super) target: Box<str>,
}

/// A call that goes on.
pub(super) struct Resumed<T> {
    pub(super) call: T,
    /// What was not answered.
    pub(super) left: Questions,
}

impl<T: Send + 'static> Parked<T> {
    /// `None` if the system gives no randomness.
    pub(super) fn new() -> Option<Arc<Self>> {
        Self::patient(PATIENCE)
    }

    fn patient(patience: Duration) -> Option<Arc<Self>> {
        let table = Table {
            waiting: HashMap::new(),
        };
        Some(Arc::new(Self {
            process: random(6)?,
            patience,
            table: Arc::new(Mutex::new(table)),
        }))
    }

    /// Lets a call wait. `ask` is given the name by which it goes on; the call comes back where there is no room.
    pub(super) fn park(
        &self,
        call: T,
        questions: Questions,
        whose: Whose,
        ask: impl FnOnce(&str, &Questions),
    ) -> Result<(), T> {
        let Some(name) = random(16) else { return Err(call) };
        let state = format!("gw-{}-{name}", self.process);
        let mut table = lock(&self.table);
        let own = table
            .waiting
            .values()
            .filter(|one| one.whose.subject == whose.subject);
        if own.count() >= MOST_OF_ONE || table.waiting.len() >= MOST {
            return Err(call);
        }
        ask(&state, &questions);
        let (all, own) = (Arc::downgrade(&self.table), state.clone());
        let patience = self.patience;
        let until = tokio::spawn(async move {
            tokio::time::sleep(patience).await;
            if let Some(table) = all.upgrade() {
                // Ends here, after the lock is given back.
                let _over = lock(&table).waiting.remove(&own);
            }
        });
        let waiting = Waiting {
            call,
            questions,
            whose,
            _until: AbortOnDropHandle::new(until),
        };
        table.waiting.insert(state, waiting);
        Ok(())
    }

    /// Whether the name is one that this process gave.
    pub(super) fn is_own(&self, state: &str) -> bool {
        let rest = state.strip_prefix("gw-").and_then(|rest| rest.split_once('-'));
        rest.is_some_and(|(process, _)| process == self.process)
    }

    /// The call of this name, where it is that client's, with what it answers; `None` where nothing waits. It is made `ready` before the server
    /// has the answers, which goes on at once then.
    pub(super) fn go_on(
        &self,
        state: &str,
        whose: &Whose,
        responses: Option<&RawValue>,
        ready: impl FnOnce(T) -> T,
    ) -> Option<Resumed<T>> {
        let Waiting {
            call, mut questions, ..
        } = {
            let mut table = lock(&self.table);
            table.waiting.get(state).filter(|one| one.whose == *whose)?;
            table.waiting.remove(state)?
        };
        let call = ready(call);
        let responses: Option<HashMap<String, Box<RawValue>>> =
            responses.and_then(|raw| serde_json::from_str(raw.get()).ok());
        for (name, response) in responses.unwrap_or_default() {
            // What is no result is no answer.
            if response.get().starts_with('{')
                && let Some(question) = questions.remove(&name)
            {
                // The server may have given it up.
                let _ = question.answer.send(response);
            }
        }
        questions.retain(|_, question| !question.answer.is_closed());
        Some(Resumed {
            call,
            left: questions,
        })
    }
}

/// The members of the result that asks for these, but for those of every result. What the server wrote stays as it is.
pub(super) fn result(state: &str, questions: &Questions) -> String {
    let requests = questions.iter().map(|(name, question)| {
        let params = question.params.as_deref().map_or("{}", RawValue::get);
        let (name, method) = (json!(name), json!(question.method));
        format!("{name}:{{\"method\":{method},\"params\":{}}}", newer(params))
    });
    let requests: Vec<String> = requests.collect();
    let state = json!(state);
    format!(
        "\"inputRequests\":{{{}}},\"requestState\":{state}",
        requests.join(",")
    )
}

/// The parameters as 2026-07-28 has them, on one line: pages have no id there.
fn newer(params: &str) -> String {
    const ID: &str = "elicitationId";
    let members = Members::read(params).unwrap_or_default();
    if members.get(ID).is_none() {
        return compact(params);
    }
    let kept = members.iter().filter(|(name, _)| *name != ID);
    let kept: Vec<String> = kept
        .map(|(name, value)| format!("{}:{}", json!(name), compact(value.get())))
        .collect();
    format!("{{{}}}", kept.join(","))
}

fn random(bytes: usize) -> Option<String> {
    let mut all = vec![0; bytes];
    getrandom::fill(&mut all).ok()?;
    Some(all.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn lock<T>(table: &Mutex<Table<T>>) -> MutexGuard<'_, Table<T>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::Question;
    use tokio::sync::oneshot;

    fn whose(subject: &str) -> Whose {
        Whose {
            instance: "i".into(),
            subject: subject.into(),
            target: "\"t\"".into(),
        }
    }

    fn question() -> (Questions, oneshot::Receiver<Box<RawValue>>) {
        let (answer, receiver) = oneshot::channel();
        let question = Question {
            method: "roots/list".to_owned(),
            params: None,
            answer,
        };
        ([("roots-1".to_owned(), question)].into(), receiver)
    }

    fn park<T: Send + 'static>(
        parked: &Parked<T>,
        call: T,
        questions: Questions,
        whose: Whose,
    ) -> Option<String> {
        let mut given = None;
        let state = |state: &str, _: &Questions| given = Some(state.to_owned());
        parked.park(call, questions, whose, state).ok()?;
        given
    }

    fn raw(text: &str) -> &RawValue {
        serde_json::from_str(text).unwrap()
    }

    #[tokio::test]
    async fn a_call_goes_on_once_for_the_client_that_it_is_of() {
        let parked = Parked::new().unwrap();
        let (questions, mut answer) = question();
        let state = park(&parked, 7, questions, whose("ann")).unwrap();
        assert!(parked.is_own(&state) && !parked.is_own("gw-0-1"));
        let answers = raw(r#"{"other":{},"roots-1":{"roots":[]}}"#);
        assert!(
            parked
                .go_on(&state, &whose("bob"), Some(answers), |call| call)
                .is_none()
        );
        let tampered = format!("{state}-TAMPERED");
        assert!(
            parked
                .go_on(&tampered, &whose("ann"), Some(answers), |call| call)
                .is_none()
        );
        let ready = |call| {
            assert!(answer.try_recv().is_err(), "the server has the answer already");
            call
        };
        let resumed = parked.go_on(&state, &whose("ann"), Some(answers), ready).unwrap();
        assert_eq!((resumed.call, resumed.left.len()), (7, 0));
        assert_eq!(answer.await.unwrap().get(), r#"{"roots":[]}"#);
        assert!(
            parked
                .go_on(&state, &whose("ann"), Some(answers), |call| call)
                .is_none()
        );
    }

    #[tokio::test]
    async fn what_is_not_answered_is_left() {
        for responses in [None, Some("7"), Some("{}"), Some(r#"{"roots-1":null}"#)] {
            let parked = Parked::new().unwrap();
            let (questions, _answer) = question();
            let state = park(&parked, (), questions, whose("ann")).unwrap();
            let resumed = parked
                .go_on(&state, &whose("ann"), responses.map(raw), |call| call)
                .unwrap();
            assert_eq!(resumed.left.len(), 1, "{responses:?}");
        }
    }

    #[test]
    fn what_is_asked_is_written_as_the_server_wrote_it() {
        let (mut questions, _answer) = question();
        let ask = |questions: &mut Questions, params: &str| {
            questions.get_mut("roots-1").unwrap().params = Some(raw(params).to_owned());
            result("s", questions)
        };
        assert_eq!(
            ask(
                &mut questions,
                r#"{ "z":12345678901234567890123, "a":1.10,"x":{"b":1,"a":2} }"#
            ),
            r#""inputRequests":{"roots-1":{"method":"roots/list","params":{"z":12345678901234567890123,"a":1.10,"x":{"b":1,"a":2}}}},"requestState":"s""#
        );
        assert_eq!(
            ask(&mut questions, r#"{"mode":"url","elicitationId":"e","url":"u"}"#),
            r#""inputRequests":{"roots-1":{"method":"roots/list","params":{"mode":"url","url":"u"}}},"requestState":"s""#
        );
    }

    #[tokio::test]
    async fn one_client_has_not_all_of_the_room() {
        let parked = Parked::new().unwrap();
        for _ in 0..MOST_OF_ONE {
            park(&parked, (), question().0, whose("ann")).unwrap();
        }
        assert!(park(&parked, (), question().0, whose("ann")).is_none());
        assert!(park(&parked, (), question().0, whose("bob")).is_some());
    }

    #[tokio::test]
    async fn calls_do_not_wait_for_ever() {
        let parked = Parked::patient(Duration::ZERO).unwrap();
        let (questions, answer) = question();
        park(&parked, (), questions, whose("ann")).unwrap();
        answer.await.unwrap_err();
        assert!(lock(&parked.table).waiting.is_empty());
    }
}
