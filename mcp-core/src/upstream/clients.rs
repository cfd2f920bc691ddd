//! Sessions of single clients with an older server, which asks its client and may remember what it did. Each is opened by
//! the first call of its client, and ended when nobody has called for a while.

use super::{
    asked::{Role, Whose},
    call::{self, Caller, RemoteCall},
    error::UpstreamError,
    session::Session,
    settings::HubSettings,
};
use crate::relay::ClientCan;
use bytes::Bytes;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::OnceCell, time::Instant};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

/// How long a session stays that nobody uses.
const IDLE: Duration = Duration::from_secs(600);

/// The time after which sessions are ended that were opened while others were.
const AGAIN: Duration = Duration::from_millis(100);

/// What a session is kept by: its client, and what that answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ClientKey {
    pub(super) caller: Caller,
    pub(super) client: ClientCan,
    /// The account that it is used with, where that is the caller's own.
    pub(super) account: Option<u64>,
}

/// All of them.
#[derive(Clone)]
pub(super) struct Clients {
    shared: Arc<Shared>,
}

struct Shared {
    most: usize,
    table: Mutex<HashMap<ClientKey, Arc<Client>>>,
    /// Those that keep sessions until they are over.
    keepers: TaskTracker,
    /// Nobody is to have a session any more.
    gone: CancellationToken,
}

/// One client's session.
pub(super) struct Client {
    session: OnceCell<Arc<Session>>,
    used: Mutex<Instant>,
    /// Nobody is to use it any more.
    over: CancellationToken,
}

impl ClientKey {
    pub(super) fn role(&self) -> Role {
        let whose = match self.caller.session {
            Some(_) => Whose::OneClient,
            None => Whose::Alike,
        };
        Role {
            whose,
            client: self.client,
        }
    }
}

impl Clients {
    pub(super) fn new(most: usize) -> Self {
        let shared = Shared {
            most,
            table: Mutex::default(),
            keepers: TaskTracker::new(),
            gone: CancellationToken::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The session of this client. The first who wants it opens it, others wait for that.
    pub(super) async fn session<F>(
        &self,
        key: &ClientKey,
        open: impl FnOnce() -> F,
    ) -> Result<Arc<Client>, UpstreamError>
    where
        F: Future<Output = Result<Session, UpstreamError>>,
    {
        let client = self.client(key)?;
        let opened = client.session.get_or_try_init(|| async {
            let session = Arc::new(open().await?);
            let listening = session.overhear().await;
            self.keep(key.clone(), client.clone(), session.clone(), listening);
            Ok::<_, UpstreamError>(session)
        });
        // One that could not be opened stays where it is: who comes next tries again, also who waits already, and it gives way.
        opened.await?;
        Ok(client)
    }

    fn client(&self, key: &ClientKey) -> Result<Arc<Client>, UpstreamError> {
        let mut table = self.shared.lock();
        if let Some(client) = table.get(key).filter(|client| client.is_good()) {
            client.touch();
            return Ok(client.clone());
        }
        if table.len() >= self.shared.most && !table.contains_key(key) {
            // Whoever calls now has more use of it than who did so longest ago.
            let idle = table.iter().filter(|(_, client)| client.is_idle());
            let Some(oldest) = idle
                .min_by_key(|(_, client)| client.used())
                .map(|(key, _)| key.clone())
            else {
                let limit = u32::try_from(self.shared.most).unwrap_or(u32::MAX);
                return Err(UpstreamError::TooManyClients { limit });
            };
            if let Some(client) = table.remove(&oldest) {
                client.over.cancel();
            }
        }
        let client = Arc::new(Client {
            session: OnceCell::new(),
            used: Mutex::new(Instant::now()),
            over: CancellationToken::new(),
        });
        if let Some(before) = table.insert(key.clone(), client.clone()) {
            before.over.cancel();
        }
        Ok(client)
    }

    /// Looks after a session until nobody uses it any more, or it is lost.
    fn keep(
        &self,
        key: ClientKey,
        client: Arc<Client>,
        session: Arc<Session>,
        listening: Option<AbortOnDropHandle<()>>,
    ) {
        let shared = self.shared.clone();
        self.shared.keepers.spawn(async move {
            let _listening = listening;
            loop {
                let left = IDLE.saturating_sub(client.used().elapsed());
                tokio::select! {
                    () = session.news.lost.cancelled() => break,
                    () = client.over.cancelled() => break,
                    () = shared.gone.cancelled() => break,
                    () = tokio::time::sleep(left.max(Duration::from_secs(1))) => {}
                }
                if client.used().elapsed() >= IDLE && shared.forget_idle(&key, &client) {
                    break;
                }
            }
            shared.forget(&key, &client);
            session.close().await;
        });
    }

    /// Ends all of them, and waits until nothing of them is left.
    pub(super) async fn end_all(&self) {
        self.shared.keepers.close();
        loop {
            for (_, client) in self.shared.lock().drain() {
                client.over.cancel();
            }
            // Whoever calls meanwhile opens another one.
            if tokio::time::timeout(AGAIN, self.shared.keepers.wait())
                .await
                .is_ok()
            {
                break;
            }
        }
        self.shared.keepers.reopen();
    }

    /// The same, and whoever opens one after it has it for a moment only.
    pub(super) async fn end_for_good(&self) {
        self.shared.gone.cancel();
        self.end_all().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<ClientKey, Arc<Client>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, key: &ClientKey, client: &Arc<Client>) {
        let mut table = self.lock();
        if table.get(key).is_some_and(|own| Arc::ptr_eq(own, client)) {
            table.remove(key);
        }
    }

    /// `false` where somebody uses it after all.
    fn forget_idle(&self, key: &ClientKey, client: &Arc<Client>) -> bool {
        let mut table = self.lock();
        if !client.is_idle() {
            client.touch();
            return false;
        }
        if table.get(key).is_some_and(|own| Arc::ptr_eq(own, client)) {
            table.remove(key);
        }
        true
    }
}

impl Client {
    /// Passes a call on.
    pub(super) async fn ask(
        self: Arc<Self>,
        call: &RemoteCall,
        settings: &HubSettings,
    ) -> Result<Bytes, UpstreamError> {
        let Some(session) = self.session.get() else {
            return Err(UpstreamError::SessionGone);
        };
        let answered = call::ask(session, call, settings).await;
        self.touch();
        if answered.as_ref().is_err_and(UpstreamError::is_lost) {
            session.news.lost();
        }
        answered
    }

    /// Its table and nobody else has it, or its keeper, which is there as soon as there is a session.
    fn is_idle(self: &Arc<Self>) -> bool {
        let others = if self.session.initialized() { 2 } else { 1 };
        Arc::strong_count(self) <= others
    }

    fn is_good(&self) -> bool {
        let is_lost = |session: &Arc<Session>| session.news.lost.is_cancelled();
        !self.over.is_cancelled() && !self.session.get().is_some_and(is_lost)
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn used(&self) -> Instant {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
