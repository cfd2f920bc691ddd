//! What comes from the store, entry by entry: which of two that differ holds.

use super::{Entry, Gone, KeptServer, Registry, Shared};
use crate::{
    datasource::{LeaseSet, Leased, Leases, SourceError},
    discovery::client_file::id_of,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
    time::Instant,
};

impl Registry {
    /// Takes over what others have written, and lets go what they took away.
    pub(super) async fn fetch(
        &self,
        shared: &Shared,
        store: &dyn Leases,
        turn: &mut Option<Instant>,
    ) -> Result<(), SourceError> {
        let began = Instant::now();
        let LeaseSet { entries, mark } = store.all().await?;
        let is_first = turn.is_none();
        let (mut own, mut gone) = (self.entries(), shared.gone());
        let mut has_changed = false;
        let mut there = BTreeSet::new();
        for leased in entries {
            if is_going(&mut gone, &leased) {
                continue;
            }
            there.insert(leased.name.clone());
            has_changed |= self.take_over(shared, &mut own, &leased, began);
        }
        shared.unread().retain(|id, _| there.contains(id));
        own.retain(|id, entry| {
            if entry.in_store.version.is_none() || there.contains(id) {
                return true;
            }
            // A server that lives is written again, whatever became of its entry. One of which nothing was heard since it was there was taken away by whom it told.
            let was_heard = entry.in_store.there.is_none_or(|there| entry.seen > there);
            let is_said = entry.in_store.is_said || !is_first;
            let is_alive = !entry.in_store.is_stored() && !entry.is_stale && is_said && was_heard;
            entry.in_store.version = None;
            has_changed |= !is_alive;
            is_alive
        });
        drop((own, gone));
        shared.mark.store(mark, Ordering::Release);
        *turn = Some(Instant::now());
        if has_changed {
            self.note_change();
        }
        Ok(())
    }

    /// Whether something else is there after that.
    fn take_over(
        &self,
        shared: &Shared,
        own: &mut BTreeMap<String, Entry>,
        leased: &Leased,
        began: Instant,
    ) -> bool {
        let (id, version) = (&leased.name, leased.version);
        let is_full = own.len() >= self.settings.most;
        let known = own.get_mut(id);
        let read = match &known {
            Some(known) if known.in_store.version == Some(version) => None,
            _ => Some(read(leased)),
        };
        let mut entry = match (known, read) {
            (Some(known), None) => {
                known.in_store.there = Some(began);
                return false;
            }
            (known, Some(Err(reason))) => {
                // It is said once, and written over by whoever registers there.
                if shared.unread().insert(id.clone(), version) != Some(version) {
                    tracing::warn!(server = id, reason, "a registration in the store cannot be read");
                }
                if let Some(known) = known {
                    known.in_store.version = Some(version);
                    if !known.is_news() {
                        // Whoever wrote it heard of it.
                        known.seen = began;
                        (known.in_store.stored, known.in_store.is_theirs) = (known.in_store.change, true);
                    }
                }
                return false;
            }
            (Some(known), Some(Ok(entry))) => {
                let is_same =
                    known.owner == entry.owner && known.registration.name == entry.registration.name;
                if is_same && known.is_news() {
                    (known.in_store.version, known.in_store.there) = (Some(version), Some(began));
                    return false;
                }
                entry
            }
            (None, Some(Ok(_))) if is_full => return false,
            (None, Some(Ok(entry))) => entry,
            (None, None) => return false,
        };
        entry.in_store.is_theirs = true;
        (entry.in_store.written, entry.in_store.there) = (Some(entry.seen), Some(began));
        let is_same =
            |known: &Entry| (&known.registration, known.is_stale) == (&entry.registration, entry.is_stale);
        let has_changed = !own.get(id).is_some_and(is_same);
        own.insert(id.clone(), entry);
        has_changed
    }
}

impl Entry {
    /// What was said here goes to the store next. That nothing was said is no news, and what only stands in a file is old.
    fn is_news(&self) -> bool {
        self.in_store.is_said && !self.in_store.is_stored() && !self.is_stale
    }
}

/// Whether it is on its way out of the store. What came after it stays.
fn is_going(gone: &mut BTreeMap<String, Gone>, leased: &Leased) -> bool {
    let Some(going) = gone.get_mut(&leased.name) else {
        return false;
    };
    if going.version == leased.version {
        return true;
    }
    if read(leased).is_ok_and(|entry| going.means(&entry)) {
        going.version = leased.version;
        return true;
    }
    gone.remove(&leased.name);
    false
}

fn read(leased: &Leased) -> Result<Entry, String> {
    let mut kept: KeptServer = serde_json::from_slice(&leased.body).map_err(|error| error.to_string())?;
    kept.version = Some(leased.version);
    let entry = Entry::from(kept);
    let is_there =
        entry.id == leased.name && id_of(&entry.registration.name).is_some_and(|id| id == entry.id);
    match is_there {
        true => Ok(entry),
        false => Err(format!("it is that of `{}`", entry.registration.name)),
    }
}
