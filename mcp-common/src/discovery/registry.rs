//! Servers that announced themselves. Each has a lease, which ends without a heartbeat: then it is not found any more, and stays known until it comes back or is
//! forgotten.

mod allowance;
mod file;
mod shared;

pub use file::NotKept;

use super::{Announced, Discovery, Look, NotSeen, Registration, Set, client_file::id_of};
use allowance::Allowances;
use async_trait::async_trait;
use file::File;
use shared::Shared;
use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::Notify;

/// The longest name.
const LONGEST_NAME: usize = 128;

/// What is allowed.
#[derive(Clone, Debug)]
pub struct RegistrySettings {
    /// How long a server is found after it was heard of last.
    pub stale_after: Duration,
    /// How long it stays known after that.
    pub forget_after: Duration,
    /// The most servers.
    pub most: usize,
    /// The most servers of one caller.
    pub most_per_owner: usize,
    /// Where they are kept over a restart; `None` for nowhere.
    pub file: Option<PathBuf>,
}

/// Who has announced themselves.
pub struct Registry {
    settings: RegistrySettings,
    /// By their ids: two names of one id are one place, here and in the store.
    entries: Mutex<BTreeMap<String, Entry>>,
    allowances: Allowances,
    /// Grows with what goes to the file.
    version: AtomicU64,
    /// Something else is found from now on.
    changed: Notify,
    /// The number of the last change of any entry.
    changes: AtomicU64,
    file: Option<File>,
    shared: Option<Shared>,
}

/// One server.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it says of itself.
    pub registration: Registration,
    /// The upstream's id.
    pub id: String,
    /// Who announced it.
    pub owner: Arc<str>,
    /// When that was the first time.
    pub registered_at: SystemTime,
    /// When it was heard of last, for people.
    pub last_seen: SystemTime,
    /// The same for leases: a clock that jumps ends none.
    seen: Instant,
    /// Its lease has ended.
    pub is_stale: bool,
    /// Where it is in the store that replicas share.
    in_store: shared::InStore,
}

/// Why somebody is not registered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotRegistered {
    /// What is said cannot be used.
    #[error("{0}")]
    Invalid(String),
    /// The name, or the id that is made of it, is somebody else's.
    #[error("{0}")]
    Taken(String),
    /// There are too many.
    #[error("{0}")]
    Full(String),
    /// Too many changes in too short a time.
    #[error("too many registrations at once; try again in {}", seconds(*.0))]
    TooOften(Duration),
    /// There is no such server.
    #[error("there is no server `{0}`; register it")]
    Unknown(String),
}

fn seconds(wait: Duration) -> String {
    format!("{} s", wait.as_secs().max(1))
}

/// What became of a registration.
#[derive(Clone, Debug)]
pub struct Registered {
    /// The server.
    pub entry: Entry,
    /// It was not there before.
    pub is_new: bool,
}

impl Registry {
    /// With what was kept. Every server has a whole lease from now on: how long nobody could have been heard is not known.
    pub fn open(settings: RegistrySettings) -> Self {
        let (file, kept) = match settings.file.clone().map(File::open) {
            Some((file, kept)) => (Some(file), kept),
            None => (None, Vec::new()),
        };
        let (known, most) = (kept.len(), settings.most);
        if known > most {
            tracing::warn!(
                known,
                most,
                "more servers are registered than may be (max_servers); the last ones are forgotten"
            );
        }
        let kept = kept.into_iter().take(most);
        let entries = kept.map(|entry| (entry.id.clone(), entry)).collect();
        Self {
            entries: Mutex::new(entries),
            allowances: Allowances::default(),
            version: AtomicU64::new(0),
            changed: Notify::new(),
            changes: AtomicU64::new(0),
            settings,
            file,
            shared: None,
        }
    }

    /// How long a server is found after it was heard of last.
    pub fn stale_after(&self) -> Duration {
        self.settings.stale_after
    }

    /// Enters a server, or changes what is known of it; that is a heartbeat, too. `check` says whether the upstream that it would be can be used. Whoever
    /// `may_take` may change those of others, whose they stay.
    pub fn register(
        &self,
        registration: Registration,
        owner: &Arc<str>,
        may_take: bool,
        check: impl FnOnce(&str, &Registration) -> Result<(), String>,
    ) -> Result<Registered, NotRegistered> {
        check_name(&registration.name)?;
        let id = id_of(&registration.name)
            .ok_or_else(|| NotRegistered::Invalid("name: nothing of it can be an id".to_owned()))?;
        let mut entries = self.entries();
        let known = entries.get(&id);
        if let Some(known) = known {
            known.is_free_for(&registration.name, owner, may_take)?;
        }
        let now = (SystemTime::now(), Instant::now());
        if let Some(known) = known.filter(|known| known.registration == registration) {
            let mut entry = known.clone();
            let was_stale = entry.hear(now);
            let is_old = self.renew(&mut entry, was_stale);
            entries.insert(id, entry.clone());
            drop(entries);
            self.note_heartbeat(was_stale, is_old);
            return Ok(Registered { entry, is_new: false });
        }
        self.allowances
            .take(owner, now.1)
            .map_err(NotRegistered::TooOften)?;
        let is_new = known.is_none();
        if is_new {
            self.has_room(&entries, owner)?;
        }
        check(&id, &registration).map_err(NotRegistered::Invalid)?;
        let in_store = match known {
            Some(known) => known.in_store.clone(),
            None => self.free_place(&id),
        };
        let entry = Entry {
            id,
            owner: known.map_or(owner, |known| &known.owner).clone(),
            registered_at: known.map_or(now.0, |known| known.registered_at),
            last_seen: now.0,
            seen: now.1,
            is_stale: false,
            in_store: in_store.said(self.next_change()),
            registration,
        };
        entries.insert(entry.id.clone(), entry.clone());
        drop(entries);
        self.note_change();
        Ok(Registered { entry, is_new })
    }

    fn has_room(&self, entries: &BTreeMap<String, Entry>, owner: &Arc<str>) -> Result<(), NotRegistered> {
        let RegistrySettings {
            most, most_per_owner, ..
        } = self.settings;
        if entries.len() >= most {
            return Err(NotRegistered::Full(format!(
                "{most} servers are registered, which is the limit (max_servers)"
            )));
        }
        let own = entries.values().filter(|entry| entry.owner == *owner).count();
        match own >= most_per_owner {
            true => Err(NotRegistered::Full(format!(
                "this key has registered {own} servers, which is the limit (max_per_key)"
            ))),
            false => Ok(()),
        }
    }

    /// A server lives.
    pub fn heartbeat(&self, name: &str, owner: &Arc<str>, may_take: bool) -> Result<Entry, NotRegistered> {
        let mut entries = self.entries();
        let entry = own(&mut entries, name, owner, may_take)?;
        let was_stale = entry.hear((SystemTime::now(), Instant::now()));
        let is_old = self.renew(entry, was_stale);
        let entry = entry.clone();
        drop(entries);
        self.note_heartbeat(was_stale, is_old);
        Ok(entry)
    }

    /// A server is not there any more.
    pub fn unregister(&self, name: &str, owner: &Arc<str>, may_take: bool) -> Result<(), NotRegistered> {
        let mut entries = self.entries();
        let id = own(&mut entries, name, owner, may_take)?.id.clone();
        if let Some(entry) = entries.remove(&id) {
            self.take_away(&entry, true);
        }
        drop(entries);
        self.note_change();
        Ok(())
    }

    /// The server of this name.
    pub fn find(&self, name: &str) -> Option<Entry> {
        self.expire();
        let entries = self.entries();
        let entry = entries.get(&id_of(name)?)?;
        (entry.registration.name == name).then(|| entry.clone())
    }

    /// All of them, those with the highest priority first.
    pub fn all(&self) -> Vec<Entry> {
        self.expire();
        let mut all: Vec<Entry> = self.entries().values().cloned().collect();
        all.sort_by_key(|entry| Reverse(entry.registration.priority));
        all
    }

    /// Writes what changed since the last time. Blocks; whoever comes meanwhile waits.
    pub fn keep(&self) -> Result<(), NotKept> {
        let Some(file) = &self.file else { return Ok(()) };
        file.keep(
            || self.version.load(Ordering::Acquire),
            || self.entries().values().cloned().collect(),
        )
    }

    /// Ends leases; tells when the next one may end.
    fn expire(&self) -> Option<Instant> {
        let now = Instant::now();
        let RegistrySettings {
            stale_after,
            forget_after,
            ..
        } = self.settings;
        let mut has_changed = false;
        let mut next: Option<Instant> = None;
        self.entries().retain(|_, entry| {
            let server = &*entry.registration.name;
            let end = entry.seen + stale_after + entry.in_store.late(self.renewal());
            if !entry.is_stale && end <= now {
                entry.is_stale = true;
                entry.in_store.change = self.next_change();
                has_changed = true;
                tracing::warn!(
                    server,
                    "a registered server was not heard of in time, and is not used any more"
                );
            }
            let end = if entry.is_stale { end + forget_after } else { end };
            let stays = end > now;
            has_changed |= !stays;
            if !stays {
                self.take_away(entry, false);
            }
            if stays {
                next = Some(next.map_or(end, |next| next.min(end)));
            }
            stays
        });
        if has_changed {
            self.note_change();
        }
        next
    }

    /// What a heartbeat has to tell.
    fn note_heartbeat(&self, was_stale: bool, is_old: bool) {
        match (was_stale, is_old) {
            (true, _) => self.note_change(),
            // Only the store is to know.
            (false, true) => self.changed.notify_one(),
            (false, false) => {}
        }
    }

    /// Of all entries together: none that comes in another one's place has a number of its.
    fn next_change(&self) -> u64 {
        self.changes.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn note_change(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
        self.changed.notify_one();
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn own<'a>(
    entries: &'a mut BTreeMap<String, Entry>,
    name: &str,
    owner: &Arc<str>,
    may_take: bool,
) -> Result<&'a mut Entry, NotRegistered> {
    let entry = id_of(name)
        .and_then(|id| entries.get_mut(&id))
        .filter(|entry| entry.registration.name == name)
        .ok_or_else(|| NotRegistered::Unknown(name.to_owned()))?;
    match entry.owner == *owner || may_take {
        true => Ok(entry),
        false => Err(NotRegistered::Taken(format!(
            "`{name}` was registered by somebody else"
        ))),
    }
}

impl Entry {
    /// Whether this place is that of a server of this name and owner.
    fn is_free_for(&self, name: &str, owner: &Arc<str>, may_take: bool) -> Result<(), NotRegistered> {
        let (id, own) = (&self.id, &self.registration.name);
        if own != name {
            return Err(NotRegistered::Taken(format!(
                "name: its id `{id}` is that of the server `{own}`"
            )));
        }
        match self.owner == *owner || may_take {
            true => Ok(()),
            false => Err(NotRegistered::Taken(format!(
                "name: `{own}` was registered by somebody else"
            ))),
        }
    }

    /// Whether its lease had ended.
    fn hear(&mut self, (at, seen): (SystemTime, Instant)) -> bool {
        (self.last_seen, self.seen) = (at, seen);
        std::mem::replace(&mut self.is_stale, false)
    }
}

/// What rights are said of begins and ends as the id does that is made of it: who may have `weather-*` has not `weather`, by calling itself `weather-`.
/// Names that are longer than an id are cut to one; rights are asked for the name.
fn check_name(name: &str) -> Result<(), NotRegistered> {
    let is_part = |c: char| !c.is_control() && !matches!(c, '/' | '?' | '#' | '%');
    let is_whole = |name: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric();
        name.starts_with(is_plain) && name.ends_with(is_plain)
    };
    match (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(is_part) && is_whole(name) {
        true => Ok(()),
        false => Err(NotRegistered::Invalid(format!(
            "name: must have 1 to {LONGEST_NAME} bytes, without control characters and / ? # %, and begin and end with a letter of a-z or a digit"
        ))),
    }
}

/// What is registered, as a discovery.
pub struct Announcements {
    registry: Arc<Registry>,
    /// The version that was seen last, and is in the file, and what was wrong with the store then.
    seen: Option<(u64, Option<String>)>,
}

impl Announcements {
    /// Of this registry.
    pub fn new(registry: Arc<Registry>) -> Self {
        Self { registry, seen: None }
    }
}

#[async_trait]
impl Discovery for Announcements {
    async fn look(&mut self) -> Result<Look, NotSeen> {
        // Others may have heard of a server whose lease would end here.
        let problem = self.registry.exchange().await.err();
        self.registry.expire();
        let version = self.registry.version.load(Ordering::Acquire);
        if self.seen == Some((version, problem.clone())) {
            return Ok(Look::Same);
        }
        let mut set = Set::default();
        set.notes.extend(problem.clone());
        for entry in self.registry.entries().values().filter(|entry| !entry.is_stale) {
            let (document, note) = entry.registration.document(&entry.id);
            set.notes
                .extend(note.map(|note| format!("{}: {note}", entry.registration.name)));
            set.upstreams.push(Announced {
                id: entry.id.clone(),
                document: Ok(document),
            });
        }
        let registry = self.registry.clone();
        let kept = tokio::task::spawn_blocking(move || registry.keep()).await;
        // What could not be written is tried again with the next look.
        self.seen = matches!(kept, Ok(Ok(()))).then_some((version, problem));
        if let Ok(Err(error)) = kept {
            set.notes.push(error.to_string());
        }
        Ok(Look::Set(set))
    }

    fn pause(&self) -> Duration {
        // Each key has an allowance of its own, and whoever registered is called at once.
        Duration::ZERO
    }

    async fn changed(&mut self) {
        let next = self.registry.expire();
        let ends = async {
            match next {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.registry.changed.notified() => {}
            () = ends => {}
            () = self.registry.others_changed() => {}
        }
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries().keys()).finish()
    }
}

#[cfg(test)]
mod tests;
