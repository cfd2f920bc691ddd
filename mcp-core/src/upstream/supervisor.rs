//! The one task that looks after one upstream: connects, takes the inventory, takes it again when the server says so, and
//! begins anew whenever something breaks, for as long as the definition is there.

use super::{
    error::UpstreamError,
    inventory::{self, Inventory, Shelf},
    remote::Remote,
    session::Session,
    settings::HubSettings,
};
use mcp_common::backoff::Backoff;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// Changes that come together are taken together.
const GATHER: Duration = Duration::from_millis(50);

/// A session that did not last longer was none.
const BRIEF: Duration = Duration::from_secs(1);
/// The shortest time between two writes of what is known for the next start.
const PAUSE: Duration = Duration::from_secs(1);

/// What somebody wants of a supervisor. The answer comes when it is done, or when it failed.
#[derive(Debug)]
pub(super) enum Order {
    /// The lists, now.
    Refresh(Answer),
    /// A new connection, or a new program.
    Restart(Answer),
}

impl Order {
    fn answer(self) -> Answer {
        match self {
            Self::Refresh(answer) | Self::Restart(answer) => answer,
        }
    }
}

type Answer = oneshot::Sender<Result<(), UpstreamError>>;

/// Why a connection is not used any more.
enum Over {
    /// Somebody wants a new one, and waits for it.
    Restarted(Answer),
    /// It broke, or the server ended the session.
    Lost(UpstreamError),
    /// The upstream is not wanted any more.
    Stopped,
}

pub(super) struct Supervisor {
    pub(super) remote: Arc<Remote>,
    pub(super) settings: Arc<HubSettings>,
    pub(super) shelf: Arc<Shelf>,
    /// Hears of inventories that differ from the one before.
    pub(super) changed: Box<dyn Fn(&str) + Send + Sync>,
}

impl Supervisor {
    /// Until the upstream is not wanted any more; nothing of a program is left then, and what is known of it is kept.
    pub(super) async fn run(&self, orders: &mut mpsc::Receiver<Order>) {
        let keeper = &self.remote.keeper;
        tokio::select! {
            () = self.look_after(orders) => {}
            () = keeper.keep(PAUSE, || self.keep()) => {}
        }
        if keeper.is_due() {
            self.keep().await;
        }
    }

    async fn look_after(&self, orders: &mut mpsc::Receiver<Order>) {
        // One that panicked may have left it.
        self.remote.disconnect();
        let mut backoff = Backoff::between(self.settings.first_wait, self.settings.longest_wait);
        let mut waiting: Option<Answer> = None;
        if !self.remote.definition.auto_connect {
            self.remote.status.resting();
            tokio::select! {
                () = self.remote.stop.cancelled() => {}
                // Where nobody can order anything any more, it rests until it is stopped.
                Some(order) = orders.recv() => waiting = Some(order.answer()),
            }
        }
        loop {
            if self.remote.stop.is_cancelled() {
                break;
            }
            self.remote.status.connecting();
            let opened = tokio::select! {
                () = self.remote.stop.cancelled() => break,
                opened = self.open() => opened,
            };
            let error = match opened {
                Ok(session) => {
                    backoff.reset();
                    answer(waiting.take(), Ok(()));
                    let begun = Instant::now();
                    let over = self.serve(&session, orders).await;
                    self.remote.disconnect();
                    session.close().await;
                    if matches!(over, Over::Restarted(_)) {
                        self.remote.clients.end_all().await;
                    }
                    match over {
                        Over::Stopped => break,
                        Over::Restarted(answer) => {
                            waiting = Some(answer);
                            continue;
                        }
                        // Another endpoint may answer: nobody is to wait for this one.
                        Over::Lost(_) if self.remote.fleet.is_some() && begun.elapsed() > BRIEF => continue,
                        Over::Lost(error) => error,
                    }
                }
                Err(error) => error,
            };
            answer(waiting.take(), Err(error.clone()));
            let wait = backoff.next_wait();
            let id = &*self.remote.definition.id;
            tracing::warn!(upstream = id, %error, ?wait, "an upstream cannot be used, it is tried again");
            self.remote
                .status
                .waiting(error.to_string(), Instant::now() + wait);
            tokio::select! {
                () = self.remote.stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
                // Nobody is to wait for a server that is known to be back.
                () = self.returned() => backoff.reset(),
                Some(order) = orders.recv() => waiting = Some(order.answer()),
            }
        }
        self.remote.calls_end().await;
        self.remote.clients.end_for_good().await;
        self.remote.status.stopped();
    }

    /// Until an endpoint can be used again.
    async fn returned(&self) {
        match &self.remote.fleet {
            Some(fleet) => fleet.returned().await,
            None => std::future::pending().await,
        }
    }

    /// A connection whose inventory is taken.
    async fn open(&self) -> Result<Arc<Session>, UpstreamError> {
        let remote = &self.remote;
        let session = remote.open_shared(&self.settings).await?;
        match inventory::fetch(&remote.definition, &session).await {
            Ok(inventory) => {
                let session = Arc::new(session);
                let (id, tools) = (&*remote.definition.id, inventory.tools.len());
                tracing::info!(
                    upstream = id,
                    protocol = inventory.protocol,
                    tools,
                    "an upstream is there"
                );
                self.publish(inventory, true);
                remote.connect(session.clone());
                remote.status.ready();
                Ok(session)
            }
            Err(error) => {
                session.close().await;
                Err(error)
            }
        }
    }

    async fn serve(&self, session: &Arc<Session>, orders: &mut mpsc::Receiver<Order>) -> Over {
        let [listening, _following] = session.listen(&self.remote.watched);
        let news = session.news.clone();
        let poll = self.settings.poll;
        loop {
            // A stream that ended because nobody offers it leaves asking.
            let is_told = listening.as_ref().is_none_or(|task| !task.is_finished())
                && session.about.features.tells_of_all();
            let wait = if is_told { poll.saturating_mul(10) } else { poll };
            let waiting = tokio::select! {
                () = self.remote.stop.cancelled() => return self.stopped().await,
                () = news.lost.cancelled() => {
                    let error = news.reason().map(|reason| UpstreamError::Ended(reason.to_owned()));
                    return Over::Lost(error.unwrap_or(UpstreamError::SessionGone));
                }
                Some(order) = orders.recv() => match order {
                    Order::Refresh(answer) => Some(answer),
                    Order::Restart(answer) => return Over::Restarted(answer),
                },
                () = news.changed.notified() => {
                    tokio::time::sleep(GATHER).await;
                    None
                }
                () = news.doubt.notified() => None,
                () = tokio::time::sleep(wait) => None,
            };
            let taken = tokio::select! {
                () = self.remote.stop.cancelled() => return self.stopped().await,
                taken = inventory::fetch(&self.remote.definition, session) => taken,
            };
            match taken {
                Ok(inventory) => {
                    self.publish(inventory, false);
                    answer(waiting, Ok(()));
                }
                Err(error) => {
                    answer(waiting, Err(error.clone()));
                    return Over::Lost(error);
                }
            }
        }
    }

    /// What servers say on streams belongs to calls, too, so that these end before.
    async fn stopped(&self) -> Over {
        self.remote.calls_end().await;
        Over::Stopped
    }

    /// Shows it, and keeps it for the next start; the first of a definition also where it is the one that is known.
    fn publish(&self, inventory: Inventory, is_first: bool) {
        let tools = inventory.tools.len();
        let is_new = self.remote.publish(inventory);
        if is_new {
            let members = json!({"upstream": self.remote.definition.id, "tools": tools});
            self.settings.events.tell("upstream.tools_changed", members);
            (self.changed)(&self.remote.definition.id);
        }
        if !is_new && !is_first {
            return;
        }
        self.remote.tell_of_drift();
        self.remote.keeper.note();
    }

    async fn keep(&self) {
        let (remote, shelf) = (self.remote.clone(), self.shelf.clone());
        let keeping = tokio::task::spawn_blocking(move || remote.keep(&shelf));
        // A panic in it is in the log; the inventory is there anyway.
        let _ = keeping.await;
    }
}

fn answer(to: Option<Answer>, with: Result<(), UpstreamError>) {
    if let Some(to) = to {
        // Nobody may wait any more.
        let _ = to.send(with);
    }
}
