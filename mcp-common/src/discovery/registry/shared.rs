//! Registrations that all replicas on one store have. Each replica keeps all of them by itself, so that nobody waits for the store: what it learns goes there,
//! and what others learned comes from there. Two that are told different things at once are put in order by the versions of the store's entries.
//!
//! Leases are each replica's own to end, by the time that passed since it heard of a server or saw that another replica had. Whoever comes to the end first says so in
//! the store.

use super::{Entry, NotRegistered, Registry, file::KeptServer};
use crate::datasource::{DataSource, LeaseSet, Leases, SourceError};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
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
    problem: Mutex<Option<String>>,
}

/// What is to be taken out of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Gone {
    /// Its version there.
    version: u64,
    /// Somebody said so; what was only forgotten stays where another replica heard of it.
    is_said: bool,
}

/// Where an entry is in the store.
#[derive(Clone, Debug, Default)]
pub(super) struct InStore {
    /// Its version there; `None` while it is not.
    version: Option<u64>,
    /// Grows with each change here.
    change: u64,
    /// The change that is in the store.
    stored: u64,
    /// When it was written last.
    written: Option<Instant>,
    /// It was another replica that heard of it last.
    is_theirs: bool,
}

impl InStore {
    pub(super) fn of(version: Option<u64>) -> Self {
        Self {
            version,
            change: 1,
            stored: u64::from(version.is_some()),
            ..Self::default()
        }
    }

    pub(super) fn version(&self) -> Option<u64> {
        self.version
    }

    pub(super) fn changed(mut self) -> Self {
        self.change += 1;
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
        entry.in_store.change += 1;
        true
    }

    /// Where a name is in the store that is registered anew.
    pub(super) fn free_place(&self, name: &str) -> InStore {
        let gone = self.shared.as_ref().and_then(|shared| shared.gone().remove(name));
        InStore {
            version: gone.map(|gone| gone.version),
            ..InStore::default()
        }
    }

    /// What is not here any more is not to stay in the store.
    pub(super) fn take_away(&self, name: &str, entry: &Entry, is_said: bool) {
        if let (Some(shared), Some(version)) = (&self.shared, entry.in_store.version) {
            shared.gone().insert(name.to_owned(), Gone { version, is_said });
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
        match self.entries().get(name) {
            Some(entry) if entry.owner != *owner => Err(NotRegistered::Taken(format!(
                "name: `{name}` was registered by somebody else"
            ))),
            _ => Ok(()),
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
        for (name, going) in gone {
            let current = match store.remove(&name, going.version).await {
                Ok(()) => None,
                Err(SourceError::Conflict { current }) => current,
                Err(error) => return Err(error),
            };
            is_through &= current.is_none();
            let mut gone = shared.gone();
            if gone.get(&name) == Some(&going) {
                match current.filter(|_| going.is_said) {
                    Some(version) => gone.insert(name, Gone { version, ..going }),
                    None => gone.remove(&name),
                };
            }
        }
        let new: Vec<(String, Entry)> = {
            let entries = self.entries();
            let new = entries.iter().filter(|(_, entry)| !entry.in_store.is_stored());
            new.map(|(name, entry)| (name.clone(), entry.clone())).collect()
        };
        // Entries are taken away when they are forgotten; this is for those whom no replica is left to forget.
        let lives = (self.settings.stale_after + self.settings.forget_after) * 2;
        for (name, entry) in new {
            let (change, expected) = (entry.in_store.change, entry.in_store.version);
            let written = Instant::now();
            match store.write(&name, body(entry), expected, lives).await {
                Ok(version) => {
                    let mut entries = self.entries();
                    match entries.get_mut(&name) {
                        Some(entry) => {
                            let in_store = &mut entry.in_store;
                            (in_store.version, in_store.stored, in_store.written) =
                                (Some(version), change, Some(written));
                        }
                        // It was taken away meanwhile.
                        None => {
                            let is_said = true;
                            shared.gone().insert(name, Gone { version, is_said });
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

    /// Takes over what others have written, and lets go what they took away.
    async fn fetch(
        &self,
        shared: &Shared,
        store: &dyn Leases,
        turn: &mut Option<Instant>,
    ) -> Result<(), SourceError> {
        let LeaseSet {
            entries: theirs,
            mark,
        } = store.all().await?;
        let is_first = turn.is_none();
        let (mut own, gone) = (self.entries(), shared.gone());
        let mut has_changed = false;
        let mut there = BTreeMap::new();
        for leased in theirs
            .into_iter()
            .filter(|leased| !gone.contains_key(&leased.name))
        {
            let (name, version) = (leased.name, leased.version);
            there.insert(name.clone(), version);
            let is_full = own.len() >= self.settings.most;
            let known = own.get_mut(&name);
            if known
                .as_ref()
                .is_some_and(|known| known.in_store.version == Some(version))
            {
                continue;
            }
            let mut read: KeptServer = match serde_json::from_slice(&leased.body) {
                Ok(read) => read,
                Err(error) => {
                    tracing::warn!(server = name, %error, "a registration in the store cannot be read");
                    continue;
                }
            };
            read.version = Some(version);
            let mut entry = Entry::from(read);
            match known {
                // What was said here is newer, and goes there next.
                Some(known) if !is_first && !known.in_store.is_stored() && known.owner == entry.owner => {
                    known.in_store.version = Some(version);
                    continue;
                }
                Some(known) => {
                    has_changed |=
                        (&known.registration, known.is_stale) != (&entry.registration, entry.is_stale);
                }
                None if is_full => continue,
                None => has_changed = true,
            }
            entry.in_store.is_theirs = true;
            entry.in_store.written = Some(entry.seen);
            own.insert(name, entry);
        }
        own.retain(|name, entry| {
            let is_there = entry.in_store.version.is_none() || there.contains_key(name);
            // A server that lives is written again, whatever became of its entry.
            let is_alive = !entry.in_store.is_stored() && !entry.is_stale && !is_first;
            if !is_there && is_alive {
                entry.in_store.version = None;
            }
            has_changed |= !is_there && !is_alive;
            is_there || is_alive
        });
        drop((own, gone));
        shared.mark.store(mark, Ordering::Release);
        *turn = Some(Instant::now());
        if has_changed {
            self.note_change();
        }
        Ok(())
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
