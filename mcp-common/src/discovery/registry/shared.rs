//! Registrations that all replicas on one store have. Each replica keeps all of them by itself, so that nobody waits for the store: what it learns goes there,
//! and what others learned comes from there. Two that are told different things at once are put in order by the versions of the store's entries, which stand there under
//! the ids that are made of the names.
//!
//! Leases are each replica's own to end, by the time that passed since it heard of a server or saw that another replica had. Whoever comes to the end first says so in
//! the store, unless somebody has written there meanwhile.

mod fetch;

use super::{Entry, NotRegistered, Registry, file::KeptServer};
use crate::{
    datasource::{DataSource, Leases, SourceError},
    discovery::client_file::id_of,
};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// How often others may come first.
const ATTEMPTS: u32 = 5;
/// Nobody waits longer for a store.
const PATIENCE: Duration = Duration::from_secs(5);
/// All of it is not read more often for those who ask for what is not known.
const MOMENT: Duration = Duration::from_millis(50);
/// A store that is not there is looked for again after this time.
const AGAIN: Duration = Duration::from_secs(1);

/// The store, and what is on its way there.
pub(super) struct Shared {
    source: Arc<dyn DataSource>,
    /// One conversation with the store at a time; when all was read last.
    turn: tokio::sync::Mutex<Option<Instant>>,
    mark: AtomicU64,
    /// What is not registered any more and still in the store.
    gone: Mutex<BTreeMap<String, Gone>>,
    /// The versions of those in the store that cannot be read here.
    unread: Mutex<BTreeMap<String, u64>>,
    problem: Mutex<Option<String>>,
}

/// What is to be taken out of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Gone {
    /// Its version there.
    version: u64,
    /// Whose it was.
    owner: Arc<str>,
    /// When somebody said so; what was only forgotten stays where another replica heard of it.
    said_at: Option<SystemTime>,
}

impl Gone {
    /// Whether what stands there now is what was meant, and not what came after it.
    fn means(&self, entry: &Entry) -> bool {
        let is_older = |at: SystemTime| entry.last_seen <= at;
        self.owner == entry.owner && self.said_at.is_some_and(is_older)
    }
}

/// Where an entry is in the store.
#[derive(Clone, Debug, Default)]
pub(super) struct InStore {
    /// Its version there; `None` while it is not.
    version: Option<u64>,
    /// The number of its last change here; 0 before the first.
    pub(super) change: u64,
    /// The change that is in the store.
    stored: u64,
    /// When it was written last.
    written: Option<Instant>,
    /// When it was there for certain the last time.
    there: Option<Instant>,
    /// Somebody said so to this process: it does not only stand in its file.
    is_said: bool,
    /// It was another replica that heard of it last.
    is_theirs: bool,
}

impl InStore {
    pub(super) fn of(version: Option<u64>) -> Self {
        Self {
            version,
            ..Self::default()
        }
    }

    pub(super) fn version(&self) -> Option<u64> {
        self.version
    }

    pub(super) fn said(mut self, change: u64) -> Self {
        (self.change, self.is_said, self.is_theirs) = (change, true, false);
        self
    }

    fn is_stored(&self) -> bool {
        self.version.is_some() && self.change == self.stored
    }

    /// How much later it may have been heard of than it says: heartbeats are not written one by one.
    pub(super) fn late(&self, renewal: Duration) -> Duration {
        if self.is_theirs { renewal } else { Duration::ZERO }
    }
}

impl Registry {
    /// Has them together with all gateways whose definitions are in this store, as far as it can keep entries that end.
    pub fn shared_through(mut self, source: Arc<dyn DataSource>) -> Self {
        self.shared = Some(Shared {
            source,
            turn: tokio::sync::Mutex::new(None),
            mark: AtomicU64::new(0),
            gone: Mutex::default(),
            unread: Mutex::default(),
            problem: Mutex::default(),
        });
        self
    }

    /// Whether other replicas have them, too.
    pub fn is_shared(&self) -> bool {
        self.leases().is_some()
    }

    fn leases(&self) -> Option<(&Shared, &dyn Leases)> {
        let shared = self.shared.as_ref()?;
        Some((shared, shared.source.leases()?))
    }

    /// How long heartbeats are not written one by one.
    pub(super) fn renewal(&self) -> Duration {
        match self.shared {
            Some(_) => self.settings.stale_after / 10,
            None => Duration::ZERO,
        }
    }

    /// A heartbeat goes to the store where the last one is so old that others would miss it. Whether this one does.
    pub(super) fn renew(&self, entry: &mut Entry, was_stale: bool) -> bool {
        entry.in_store.is_theirs = false;
        let is_recent = entry
            .in_store
            .written
            .is_some_and(|written| written.elapsed() < self.renewal());
        if self.shared.is_none() || (is_recent && !was_stale) {
            return false;
        }
        entry.in_store = std::mem::take(&mut entry.in_store).said(self.next_change());
        true
    }

    /// Where an id is in the store that is registered anew.
    pub(super) fn free_place(&self, id: &str) -> InStore {
        let version = self.shared.as_ref().and_then(|shared| {
            let gone = shared.gone().remove(id).map(|gone| gone.version);
            gone.or_else(|| shared.unread().get(id).copied())
        });
        InStore::of(version)
    }

    /// What is not here any more is not to stay in the store.
    pub(super) fn take_away(&self, entry: &Entry, is_said: bool) {
        if let (Some(shared), Some(version)) = (&self.shared, entry.in_store.version) {
            let gone = Gone {
                version,
                owner: entry.owner.clone(),
                said_at: is_said.then(SystemTime::now),
            };
            shared.gone().insert(entry.id.clone(), gone);
        }
    }

    /// Brings what is new here to the store, and says whether the server of this name is this caller's after that. A store that is away refuses nobody.
    pub async fn settle(&self, name: &str, owner: &Arc<str>) -> Result<(), NotRegistered> {
        let Some((shared, store)) = self.leases() else {
            return Ok(());
        };
        let settling = async {
            let mut turn = shared.turn.lock().await;
            self.bring(shared, store, &mut turn).await
        };
        shared.note(tokio::time::timeout(PATIENCE, settling).await);
        match id_of(name).and_then(|id| self.entries().get(&id).cloned()) {
            Some(entry) => entry.is_free_for(name, owner, false),
            None => Ok(()),
        }
    }

    /// Reads what other replicas have, unless that was a moment ago.
    pub async fn catch_up(&self) {
        let Some((shared, store)) = self.leases() else {
            return;
        };
        let catching = async {
            let mut turn = shared.turn.lock().await;
            match *turn {
                Some(read) if read.elapsed() < MOMENT => Ok(()),
                _ => self.fetch(shared, store, &mut turn).await,
            }
        };
        shared.note(tokio::time::timeout(PATIENCE, catching).await);
    }

    /// Both ways; what is wrong with the store, if something is.
    pub(super) async fn exchange(&self) -> Result<(), String> {
        let Some((shared, store)) = self.leases() else {
            return Ok(());
        };
        let exchanging = async {
            let mut turn = shared.turn.lock().await;
            self.fetch(shared, store, &mut turn).await?;
            self.bring(shared, store, &mut turn).await
        };
        shared.note(tokio::time::timeout(PATIENCE, exchanging).await);
        match &*shared.problem() {
            Some(problem) => Err(problem.clone()),
            None => Ok(()),
        }
    }

    /// Ready when other replicas may have told something.
    pub(super) async fn others_changed(&self) {
        let Some(shared) = &self.shared else {
            return std::future::pending().await;
        };
        loop {
            let Some(store) = shared.source.leases() else {
                // It may be one that is not open yet.
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            let mark = shared.mark.load(Ordering::Acquire);
            if store.changed(mark).await.is_err() || shared.problem().is_some() {
                tokio::time::sleep(AGAIN).await;
            }
            return;
        }
    }

    async fn bring(
        &self,
        shared: &Shared,
        store: &dyn Leases,
        turn: &mut Option<Instant>,
    ) -> Result<(), SourceError> {
        // What others have is to be known before it is written over.
        if turn.is_none() {
            self.fetch(shared, store, turn).await?;
        }
        for _ in 0..ATTEMPTS {
            if self.send(shared, store).await? {
                return Ok(());
            }
            self.fetch(shared, store, turn).await?;
        }
        Err(SourceError::Unavailable(
            "other replicas write the same registrations all the time".to_owned(),
        ))
    }

    /// Writes what is new here; `false` if somebody else came first with some of it.
    async fn send(&self, shared: &Shared, store: &dyn Leases) -> Result<bool, SourceError> {
        let mut is_through = true;
        let gone = shared.gone().clone();
        for (id, going) in gone {
            let is_gone = match store.remove(&id, going.version).await {
                Ok(()) | Err(SourceError::Conflict { current: None }) => true,
                // What stands there now is read first.
                Err(SourceError::Conflict { .. }) => false,
                Err(error) => return Err(error),
            };
            is_through &= is_gone;
            let mut gone = shared.gone();
            if is_gone && gone.get(&id) == Some(&going) {
                gone.remove(&id);
            }
        }
        let new: Vec<Entry> = {
            let entries = self.entries();
            let new = entries.values().filter(|entry| !entry.in_store.is_stored());
            new.cloned().collect()
        };
        // Entries are taken away when they are forgotten; this is for those whom no replica is left to forget.
        let lives = (self.settings.stale_after + self.settings.forget_after) * 2;
        for entry in new {
            let (id, owner) = (entry.id.clone(), entry.owner.clone());
            let (change, expected) = (entry.in_store.change, entry.in_store.version);
            let written = Instant::now();
            match store.write(&id, body(entry), expected, lives).await {
                Ok(version) => {
                    let mut entries = self.entries();
                    match entries.get_mut(&id) {
                        Some(entry) => {
                            let in_store = &mut entry.in_store;
                            (in_store.version, in_store.stored) = (Some(version), change);
                            (in_store.written, in_store.there) = (Some(written), Some(written));
                        }
                        // It was taken away meanwhile.
                        None => {
                            let gone = Gone {
                                version,
                                owner,
                                said_at: Some(SystemTime::now()),
                            };
                            shared.gone().insert(id, gone);
                            is_through = false;
                        }
                    }
                }
                Err(SourceError::Conflict { .. }) => is_through = false,
                Err(error) => return Err(error),
            }
        }
        Ok(is_through)
    }
}

fn body(entry: Entry) -> Bytes {
    let mut kept = KeptServer::from(entry);
    kept.version = None;
    serde_json::to_vec(&kept).unwrap_or_default().into()
}

impl Shared {
    fn gone(&self) -> MutexGuard<'_, BTreeMap<String, Gone>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unread(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn problem(&self) -> MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers what is wrong with the store, and says it once.
    fn note(&self, done: Result<Result<(), SourceError>, tokio::time::error::Elapsed>) {
        let reason = match done {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("the store did not answer within {PATIENCE:?}")),
        };
        let problem =
            reason.map(|reason| format!("registrations are this replica's alone for now: {reason}"));
        let mut known = self.problem();
        match (&*known, &problem) {
            (None, Some(problem)) => tracing::warn!("{problem}"),
            (Some(_), None) => tracing::info!("registrations are shared with other replicas again"),
            _ => {}
        }
        *known = problem;
    }
}

#[cfg(test)]
mod tests;
