//! What tokens of callers are exchanged for: one account for each token and server, for as long as somebody comes with it.

use super::{account::Account, binding::Purpose};
use mcp_common::secret::{ExposeSecret, Secret};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Who has not come for so long comes with another token.
const IDLE: Duration = Duration::from_secs(900);
/// More are not remembered at once; who has not come for longest asks again.
const MOST: usize = 10_000;

/// Upstream, what it is, and the caller's token, of which nothing can be read.
type Key = (Arc<str>, Purpose, [u8; 32]);

/// All of them.
#[derive(Default)]
pub(super) struct Exchanged(Mutex<HashMap<Key, (Arc<Account>, Instant)>>);

impl Exchanged {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, (Arc<Account>, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one of this token, made where there is none.
    pub(super) fn find(
        &self,
        upstream: &Arc<str>,
        purpose: &Purpose,
        token: &Secret,
        make: impl FnOnce() -> Arc<Account>,
    ) -> Arc<Account> {
        let digest = Sha256::digest(token.expose_secret()).into();
        let key = (upstream.clone(), purpose.clone(), digest);
        let mut all = self.lock();
        if let Some((account, used)) = all.get_mut(&key) {
            *used = Instant::now();
            return account.clone();
        }
        all.retain(|_, (_, used)| used.elapsed() < IDLE);
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                all.remove(&oldest);
            }
        }
        let account = make();
        all.insert(key, (account.clone(), Instant::now()));
        account
    }

    /// Takes away those of other upstreams.
    pub(super) fn retain(&self, is_there: impl Fn(&str) -> bool) {
        self.lock().retain(|(upstream, ..), _| is_there(upstream));
    }
}

impl fmt::Debug for Exchanged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} exchanged tokens", self.lock().len())
    }
}
