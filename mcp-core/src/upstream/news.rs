//! What a connection has to tell its supervisor.

use super::{
    asked::{Askable, Role},
    authorization::Authorization,
    outgoing::Speech,
    progress,
    watched::Watched,
};
use crate::relay::{Line, LogLevel};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

/// What servers tell of their lists.
const LIST_CHANGED: [&str; 3] = [
    "notifications/tools/list_changed",
    "notifications/resources/list_changed",
    "notifications/prompts/list_changed",
];

/// What a connection is for, and who hears of what comes over it.
#[derive(Clone, Debug, Default)]
pub(super) struct Purpose {
    /// Whose program it is, where it is one client's.
    pub(super) caller: Option<Arc<str>>,
    /// Whether it is the one that the supervisor makes anew whenever it is gone.
    pub(super) is_supervised: bool,
    pub(super) role: Role,
    /// The caller whose account is used; without, what the document has for everybody.
    pub(super) account: Option<Authorization>,
    /// What clients want to hear of.
    pub(super) watched: Arc<Watched>,
    /// Whoever takes the lists.
    pub(super) changed: Arc<Notify>,
}

/// Written by the connection, read by the supervisor.
#[derive(Debug)]
pub(super) struct News {
    /// The server said that one of its lists is another one now.
    pub(super) changed: Arc<Notify>,
    /// A call failed in a way that says that the server may be away.
    pub(super) doubt: Notify,
    /// The connection, or its session, is of no more use.
    pub(super) lost: CancellationToken,
    /// Who answers what the server asks.
    pub(super) askable: Arc<Askable>,
    /// The caller whose account is used.
    pub(super) account: Option<Authorization>,
    /// What clients want to hear of.
    watched: Arc<Watched>,
    /// Subscriptions of which the server has not said yet what it honours.
    expected: Mutex<HashMap<u64, oneshot::Sender<Vec<String>>>>,
    strays: AtomicU64,
    speech: OnceLock<Speech>,
    ended: OnceLock<String>,
}

impl News {
    pub(super) fn new(purpose: &Purpose) -> Arc<Self> {
        Arc::new(Self {
            changed: purpose.changed.clone(),
            askable: Arc::new(Askable::new(purpose.role.whose)),
            account: purpose.account.clone(),
            watched: purpose.watched.clone(),
            doubt: Notify::new(),
            lost: CancellationToken::new(),
            expected: Mutex::default(),
            strays: AtomicU64::new(0),
            speech: OnceLock::new(),
            ended: OnceLock::new(),
        })
    }

    /// Takes a notification. `line_of` leads from one of our ids to the client whose request it is, and from nothing to the
    /// only client that can be meant, if there is one. What is left to be done is to pass on what comes back.
    pub(super) fn told(
        &self,
        method: &str,
        params: Option<Box<RawValue>>,
        line_of: impl FnOnce(Option<u64>) -> Option<Line>,
    ) -> Option<Logged> {
        match method {
            progress::METHOD => {
                progress::pass_on(params.as_deref(), |token| line_of(Some(token)));
            }
            "notifications/message" => return Logged::read(params?, line_of(None)?),
            "notifications/resources/updated" => {
                let updated: Option<Updated<'_>> = read(params.as_deref());
                if let Some(updated) = updated {
                    self.watched.updated(&updated.uri);
                }
            }
            "notifications/elicitation/complete" => {
                if let (Some(line), Some(params)) = (line_of(None).or_else(|| self.askable.client()), params)
                {
                    line.try_elicited(&params);
                }
            }
            "notifications/subscriptions/acknowledged" => self.acknowledged(params.as_deref()),
            method if LIST_CHANGED.contains(&method) => self.changed.notify_one(),
            _ => {}
        }
        None
    }

    /// What the server will honour of this subscription.
    pub(super) fn expect(&self, subscription: u64) -> oneshot::Receiver<Vec<String>> {
        let (sender, receiver) = oneshot::channel();
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        expected.retain(|_, sender| !sender.is_closed());
        expected.insert(subscription, sender);
        receiver
    }

    fn acknowledged(&self, params: Option<&RawValue>) {
        let Some(acknowledged) = read::<Acknowledged>(params) else {
            return;
        };
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = expected.remove(&acknowledged.meta.subscription) {
            // Nobody may want to know any more.
            let _ = sender.send(acknowledged.notifications.resources);
        }
    }

    /// Counts what came and belongs to nothing.
    pub(super) fn stray(&self) {
        self.strays.fetch_add(1, Ordering::Relaxed);
    }

    /// How much came that belongs to nothing.
    pub(super) fn strays(&self) -> u64 {
        self.strays.load(Ordering::Relaxed)
    }

    /// The connection is of no more use.
    pub(super) fn lost(&self) {
        self.lost.cancel();
    }

    /// The same, with the reason; the first one stays.
    pub(super) fn ended(&self, reason: String) {
        let _ = self.ended.set(reason);
        self.lost.cancel();
    }

    /// Why it is of no more use.
    pub(super) fn reason(&self) -> Option<&str> {
        self.ended.get().map(String::as_str)
    }

    pub(super) fn agreed(&self, speech: Speech) {
        let _ = self.speech.set(speech);
    }

    pub(super) fn speech(&self) -> Option<Speech> {
        self.speech.get().copied()
    }
}

fn read<'a, T: Deserialize<'a>>(params: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(params?.get()).ok()
}

#[derive(Deserialize)]
struct Updated<'a> {
    #[serde(borrow)]
    uri: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Acknowledged {
    #[serde(rename = "_meta")]
    meta: AcknowledgedMeta,
    #[serde(default)]
    notifications: Honoured,
}

#[derive(Deserialize)]
struct AcknowledgedMeta {
    #[serde(rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: u64,
}

#[derive(Default, Deserialize)]
struct Honoured {
    #[serde(default, rename = "resourceSubscriptions")]
    resources: Vec<String>,
}

/// A log message and the client that it is for.
#[derive(Debug)]
pub(super) struct Logged {
    level: LogLevel,
    params: Box<RawValue>,
    line: Line,
}

impl Logged {
    fn read(params: Box<RawValue>, line: Line) -> Option<Self> {
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            level: Cow<'a, str>,
        }
        let level = LogLevel::parse(&read::<Message<'_>>(Some(&params))?.level)?;
        Some(Self { level, params, line })
    }

    /// Waits until the client has room for it.
    pub(super) async fn pass_on(self) {
        self.line.log(self.level, &self.params).await;
    }

    /// Loses it where the client has no room for it.
    pub(super) fn try_pass_on(self) {
        self.line.try_log(self.level, &self.params);
    }
}
