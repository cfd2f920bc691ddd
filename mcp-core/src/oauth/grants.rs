//! Accounts of callers: who has connected which upstream. An upstream that is used with them is called with the caller's own, or not at all.

use super::{account::Account, binding::Purpose, kept::Owner, login::LoginState};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::Notify;

/// A caller's account at an upstream, without anything that could be used in their name.
#[derive(Clone, Debug)]
pub struct GrantState {
    /// By which it is taken away.
    pub id: String,
    /// The upstream's id.
    pub upstream: Arc<str>,
    /// What tells the caller from others: the id of a key of the store, or the name of whoever came in otherwise.
    pub owner: Arc<str>,
    /// The caller's name, for people.
    pub name: Arc<str>,
    /// When it was connected.
    pub since: SystemTime,
    /// How it is doing.
    pub login: LoginState,
}

/// Upstream and caller.
type Key = (Arc<str>, Arc<str>);

/// All of them.
#[derive(Default)]
pub(super) struct Grants {
    all: Mutex<BTreeMap<Key, Arc<Account>>>,
    added: Notify,
}

impl Grants {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Account>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one of this upstream and caller, if it is of what the upstream is now.
    pub(super) fn find(
        &self,
        upstream: &Arc<str>,
        owner: &Arc<str>,
        purpose: &Purpose,
    ) -> Option<Arc<Account>> {
        let all = self.lock();
        let found = all.get(&(upstream.clone(), owner.clone()))?;
        (found.purpose == *purpose).then(|| found.clone())
    }

    /// Takes the place of an earlier one, which is the answer if it is another.
    pub(super) fn add(&self, account: &Arc<Account>) -> Option<Arc<Account>> {
        let owner = account.owner()?;
        let key = (owner.upstream.clone(), owner.id.clone());
        let before = self.lock().insert(key, account.clone());
        self.added.notify_waiters();
        before.filter(|before| !Arc::ptr_eq(before, account))
    }

    /// It is nobody's any more, unless another one is in its place.
    pub(super) fn remove(&self, account: &Arc<Account>) {
        self.lock().retain(|_, known| !Arc::ptr_eq(known, account));
    }

    /// Ends when one is added.
    pub(super) async fn until(&self, is_there: impl Fn() -> bool) {
        loop {
            let added = self.added.notified();
            if is_there() {
                return;
            }
            added.await;
        }
    }

    /// By upstream and the caller's name.
    pub(super) fn list(&self) -> Vec<GrantState> {
        let mut all: Vec<_> = self.lock().values().filter_map(state).collect();
        all.sort_by(|a, b| (&a.upstream, &a.name).cmp(&(&b.upstream, &b.name)));
        all
    }

    /// It is nobody's any more.
    pub(super) fn take(&self, id: &str) -> Option<Arc<Account>> {
        let mut all = self.lock();
        let found = all.keys().find(|key| id_of(key) == id).cloned()?;
        all.remove(&found)
    }

    /// Takes away those of callers who are not there any more, with what is kept of them.
    pub(super) fn keep_callers(&self, is_there: &dyn Fn(&str) -> bool) {
        self.lock().retain(|(_, owner), account| {
            let stays = is_there(owner);
            if !stays {
                account.shelf.clear();
                account.shelf.give_up();
            }
            stays
        });
    }

    /// Takes away those of which this is not so; nothing more is kept of them.
    pub(super) fn retain(&self, mut stays: impl FnMut(&Owner) -> bool) {
        self.lock().retain(|_, account| {
            let stays = account.owner().is_some_and(&mut stays);
            if !stays {
                account.shelf.give_up();
            }
            stays
        });
    }
}

fn state(account: &Arc<Account>) -> Option<GrantState> {
    let owner = account.owner()?;
    Some(GrantState {
        id: id_of(&(owner.upstream.clone(), owner.id.clone())),
        upstream: owner.upstream.clone(),
        owner: owner.id.clone(),
        name: owner.name.clone(),
        since: UNIX_EPOCH + Duration::from_secs(owner.since),
        login: account.login_state(),
    })
}

fn id_of((upstream, owner): &Key) -> String {
    let digest = Sha256::digest(format!("{upstream} {owner}"));
    digest[..12].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} grants", self.lock().len())
    }
}
