//! All accounts of a gateway, and the logins that somebody has begun.

use super::{
    account::{Account, Means},
    binding::Binding,
    error::OAuthError,
    fetch::plain,
    kept::Shelf,
    login::{Answered, Logins, Registrant},
};
use mcp_common::private_file;
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const SUFFIX: &str = ".login";
/// What a discovery found is kept for as long after it is gone: it may be found again, and after a start nothing is found yet.
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The folder of what is kept; `None` for nowhere.
    folder: Option<PathBuf>,
    accounts: Mutex<HashMap<(Arc<str>, String), Arc<Account>>>,
    /// The servers that there were, by the names of what is kept of them.
    known: Mutex<HashMap<String, Known>>,
    logins: Logins,
}

/// A server of an upstream that there is.
pub(crate) struct Present<'a> {
    /// The upstream's id.
    pub(crate) id: &'a str,
    /// The URL of HTTP.
    pub(crate) url: String,
    /// No document defines it: a discovery found it.
    pub(crate) is_found: bool,
}

#[derive(Debug)]
struct Known {
    is_found: bool,
    /// Since when it is not there.
    gone: Option<Instant>,
}

impl Accounts {
    /// None yet but what is in this folder.
    pub fn kept_in(folder: Option<PathBuf>) -> Self {
        let entries = folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        for entry in entries.into_iter().flatten().flatten() {
            if entry
                .path()
                .extension()
                .is_some_and(|end| end == private_file::UNFINISHED)
            {
                let _ = fs::remove_file(entry.path());
            }
        }
        Self(Arc::new(Shared {
            folder,
            ..Shared::default()
        }))
    }

    /// The one of a server, by its URL of HTTP.
    pub(crate) fn account(&self, upstream: &Arc<str>, url: &str, binding: &Binding) -> Arc<Account> {
        let (identity, terms) = (binding.identity(url), binding.terms());
        let mut accounts = lock(&self.0.accounts);
        let key = (upstream.clone(), url.to_owned());
        let before = accounts.get(&key);
        if let Some(account) = before.filter(|account| account.identity == identity && account.terms == terms)
        {
            return account.clone();
        }
        let known = before.map(|before| {
            before.shelf.give_up();
            (before.identity == identity).then(|| before.without_tokens())
        });
        let folder = self.0.folder.as_ref();
        let shelf = Shelf::at(folder.map(|folder| folder.join(name(upstream, url))));
        let account = Account::new(identity, (terms, binding.grant), shelf, known.flatten());
        accounts.insert(key, account.clone());
        account
    }

    /// Takes away what is of no server any more. `is_stored` says whether there is a document of an id, which may be one that cannot be used now.
    pub(crate) fn keep_only(&self, present: &[Present<'_>], is_stored: &dyn Fn(&str) -> bool) {
        self.keep_only_at(present, is_stored, Instant::now());
    }

    fn keep_only_at(&self, present: &[Present<'_>], is_stored: &dyn Fn(&str) -> bool, now: Instant) {
        let there: HashMap<&str, bool> = present.iter().map(|one| (one.id, one.is_found)).collect();
        let names: HashSet<String> = present.iter().map(|one| name(one.id, &one.url)).collect();
        let mut known = lock(&self.0.known);
        for one in present {
            let server = Known {
                is_found: one.is_found,
                gone: None,
            };
            known.insert(name(one.id, &one.url), server);
        }
        let mut is_over = |name: &str| {
            let id = name.split('.').next().unwrap_or_default();
            let server = known.entry(name.to_owned()).or_insert(Known {
                is_found: true,
                gone: None,
            });
            let is_defined_elsewhere = there.get(id).is_some_and(|is_found| !is_found);
            if names.contains(name) || (!there.contains_key(id) && is_stored(id)) {
                server.gone = None;
                return false;
            }
            let gone = *server.gone.get_or_insert(now);
            // A document is there or not; who looks around may have looked away.
            is_defined_elsewhere || !server.is_found || now.saturating_duration_since(gone) >= GRACE
        };
        let mut left = HashSet::new();
        lock(&self.0.accounts).retain(|(id, url), account| {
            let name = name(id, url);
            let is_over = is_over(&name);
            if is_over {
                account.shelf.give_up();
            } else {
                left.insert(name);
            }
            !is_over
        });
        let folder = self.0.folder.as_ref();
        let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let file = entry.file_name();
            let Some(name) = file.to_str().filter(|name| name.ends_with(SUFFIX)) else {
                continue;
            };
            if is_over(name) {
                // What cannot be taken away now can be at the next change.
                let _ = fs::remove_file(entry.path());
            } else {
                left.insert(name.to_owned());
            }
        }
        known.retain(|name, _| names.contains(name) || left.contains(name));
    }

    /// Begins a login: the address that somebody has to open.
    pub(crate) async fn begin_login(
        &self,
        account: &Arc<Account>,
        means: &Arc<Means>,
        registrant: &Registrant,
    ) -> Result<String, OAuthError> {
        account.begin_login(means, registrant, &self.0.logins).await
    }

    /// The upstream of the login with this `state`, where one is waited for.
    pub(crate) fn upstream_of_login(&self, state: &str) -> Option<Arc<str>> {
        self.0.logins.upstream(state)
    }

    /// Ends a login with what came back, whatever that is. The answer is the id of the upstream.
    pub async fn finish_login(
        &self,
        state: &str,
        issuer: Option<&str>,
        answered: Answered,
    ) -> Result<Arc<str>, OAuthError> {
        let pending = self.0.logins.take(state)?;
        pending.check_issuer(issuer)?;
        if !pending.account.shelf.is_current() {
            let text = "the upstream's document is another one since the login was begun: nothing was done with it; begin anew";
            return Err(OAuthError::Refused(text.to_owned()));
        }
        match answered {
            Answered::Code(code) => pending.account.finish_login(&pending, &code).await?,
            Answered::Error(words) => {
                let issuer = plain(&pending.found.server.issuer);
                let text = format!("`{issuer}` refuses the login: {}", plain(&words));
                return Err(OAuthError::Refused(text));
            }
        }
        Ok(pending.means.upstream.clone())
    }
}

/// What is kept of a server: an upstream may have several, whose URLs are no names of files.
fn name(upstream: &str, url: &str) -> String {
    let digest = Sha256::digest(url);
    let of_url: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{upstream}.{of_url}{SUFFIX}")
}

/// A panic elsewhere does not make these wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
