//! All accounts of a gateway, its own and those of callers, and the logins that somebody has begun.

use super::{
    account::{Account, Means, Told, Whose},
    binding::Binding,
    error::OAuthError,
    exchanged::Exchanged,
    fetch::plain,
    grants::{GrantState, Grants},
    kept::{Owner, Shelf, since_1970},
    login::{Answered, Logins, Pending, Registrant},
    seal::Seal,
    tickets::{Ticket, Tickets},
};
use mcp_common::{private_file, secret::Secret};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const SUFFIX: &str = ".login";
/// What a discovery found is kept for as long after it is gone: it may be found again, and after a start nothing is found yet.
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Arc<Shared>);

/// By the upstream and what names its server.
type ByServer = HashMap<(Arc<str>, String), Arc<Account>>;

#[derive(Debug, Default)]
struct Shared {
    /// The folder of what is kept, and what it is sealed with; `None` for nowhere.
    kept: Option<(PathBuf, Seal)>,
    accounts: Mutex<ByServer>,
    /// The servers that there were, by the names of what is kept of them.
    known: Mutex<HashMap<String, Known>>,
    /// How many accounts there were.
    made: AtomicU64,
    grants: Grants,
    exchanged: Exchanged,
    tickets: Tickets,
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

/// A login that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedIn {
    /// The upstream's id.
    pub upstream: Arc<str>,
    /// Whose account it is, for people; `None` for the gateway's.
    pub caller: Option<Arc<str>>,
}

impl Accounts {
    /// None yet but what is in this folder, sealed with this.
    pub fn kept_in(kept: Option<(PathBuf, Seal)>) -> Self {
        let accounts = Self(Arc::new(Shared {
            kept,
            ..Shared::default()
        }));
        for file in accounts.files() {
            if file
                .extension()
                .is_some_and(|end| end == private_file::UNFINISHED)
            {
                let _ = fs::remove_file(file);
            } else if name_of(&file).is_some_and(|name| name.split('.').count() == 3) {
                accounts.remember(&file);
            }
        }
        accounts
    }

    /// What a caller has connected before the start.
    fn remember(&self, file: &Path) {
        let shelf = self.shelf(|_| file.to_owned());
        if let Some((purpose, owner, state)) = shelf.find_owned() {
            let account = Account::of_caller(self.number(), purpose, owner, shelf, state);
            self.0.grants.add(&account);
        }
    }

    /// The gateway's own at a server, by its URL of HTTP.
    pub(crate) fn account(&self, upstream: &Arc<str>, url: &str, binding: &Binding) -> Arc<Account> {
        let purpose = binding.purpose(url);
        let whose = match binding.is_of_callers {
            true => Whose::Lists,
            false => Whose::Gateway,
        };
        let mut accounts = lock(&self.0.accounts);
        let key = (upstream.clone(), url.to_owned());
        let before = accounts.get(&key);
        let is_it = |account: &&Arc<Account>| account.purpose == purpose && account.whose == whose;
        if let Some(account) = before.filter(is_it) {
            return account.clone();
        }
        let known = before.map(|before| {
            before.shelf.give_up();
            (before.purpose.identity == purpose.identity).then(|| before.without_tokens())
        });
        let shelf = self.shelf(|folder| folder.join(name(upstream, url)));
        let kind = (whose, binding.grant);
        let account = Account::new(self.number(), purpose, kind, shelf, known.flatten());
        accounts.insert(key, account.clone());
        account
    }

    /// A caller's own, if there is one that can be used.
    pub(crate) fn of_caller(
        &self,
        upstream: &Arc<str>,
        url: &str,
        binding: &Binding,
        owner: &Arc<str>,
    ) -> Option<Arc<Account>> {
        let found = self.0.grants.find(upstream, owner, &binding.purpose(url));
        found.filter(|account| account.is_logged_in())
    }

    /// What this token is exchanged for.
    pub(crate) fn of_token(
        &self,
        base: &Arc<Account>,
        upstream: &Arc<str>,
        url: &str,
        binding: &Binding,
        token: &Arc<Secret>,
    ) -> Arc<Account> {
        let purpose = binding.purpose(url);
        self.0.exchanged.find(upstream, &purpose, token, || {
            let account = Account::of_token(self.number(), purpose.clone(), token.clone());
            account.learn_from(base);
            account
        })
    }

    /// The same, or one that is none of theirs yet.
    pub(crate) fn for_caller(&self, ticket: &Ticket, url: &str, binding: &Binding) -> Arc<Account> {
        let purpose = binding.purpose(url);
        let (upstream, id) = (&ticket.upstream, &ticket.owner);
        if let Some(known) = self.0.grants.find(upstream, id, &purpose) {
            return known;
        }
        let owner = Owner {
            id: id.clone(),
            name: ticket.name.clone(),
            upstream: upstream.clone(),
            url: url.to_owned(),
            since: since_1970(),
        };
        let shelf = self.shelf(|folder| folder.join(name_of_owned(upstream, url, id)));
        Account::of_caller(self.number(), purpose, owner, shelf, Default::default())
    }

    fn number(&self) -> u64 {
        self.0.made.fetch_add(1, Ordering::Relaxed)
    }

    fn shelf(&self, place: impl FnOnce(&Path) -> PathBuf) -> Shelf {
        let kept = self.0.kept.as_ref();
        Shelf::at(kept.map(|(folder, seal)| (place(folder), seal.clone())))
    }

    fn files(&self) -> Vec<PathBuf> {
        let kept = self.0.kept.as_ref();
        let entries = kept.and_then(|(folder, _)| fs::read_dir(folder).ok());
        entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .collect()
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
        // Those of callers stay and go with their server.
        self.0.grants.retain(|owner| {
            let name = name(&owner.upstream, &owner.url);
            let is_over = is_over(&name);
            if !is_over {
                left.insert(name);
            }
            !is_over
        });
        self.0.exchanged.retain(|id| there.contains_key(id));
        for file in self.files() {
            let Some(name) = name_of(&file).map(of_server) else {
                continue;
            };
            if is_over(&name) {
                // What cannot be taken away now can be at the next change.
                let _ = fs::remove_file(file);
            } else {
                left.insert(name);
            }
        }
        known.retain(|name, _| names.contains(name) || left.contains(name));
    }

    /// Takes away what callers have connected who are not there any more, with what they have begun to connect. Whoever comes later by the same name has nothing
    /// of theirs. Authorization servers are not told.
    pub(crate) fn keep_callers(&self, is_there: &dyn Fn(&str) -> bool) {
        self.0.tickets.keep_callers(is_there);
        self.0.logins.keep_callers(is_there);
        self.0.grants.keep_callers(is_there);
    }

    /// Begins a login: the address that somebody has to open. See [`Account::begin_login`].
    pub(crate) async fn begin_login(
        &self,
        account: &Arc<Account>,
        means: &Arc<Means>,
        of: (Option<&Arc<Account>>, Option<String>),
        registrant: &Registrant,
    ) -> Result<String, OAuthError> {
        account.begin_login(means, of, registrant, &self.0.logins).await
    }

    /// The upstream of the login with this `state`, where one is waited for.
    pub(crate) fn upstream_of_login(&self, state: &str) -> Option<Arc<str>> {
        self.0.logins.upstream(state)
    }

    /// Ends a login with what came back to this browser, whatever that is.
    pub async fn finish_login(
        &self,
        state: &str,
        issuer: Option<&str>,
        browser: Option<&str>,
        answered: Answered,
    ) -> Result<LoggedIn, OAuthError> {
        let pending = self.0.logins.take(state)?;
        pending.check_browser(browser)?;
        pending.check_issuer(issuer)?;
        pending.check_document("nothing was done with it")?;
        match answered {
            Answered::Code(code) => pending.account.finish_login(&pending, &code).await?,
            Answered::Error(words) => {
                let issuer = plain(&pending.found.server.issuer);
                let text = format!("`{issuer}` refuses the login: {}", plain(&words));
                return Err(OAuthError::Refused(text));
            }
        }
        Ok(LoggedIn {
            upstream: pending.means.upstream.clone(),
            caller: self.connected(&pending).await?,
        })
    }

    /// From now on it is the caller's, by whose name it is told; `None` for the gateway's.
    async fn connected(&self, pending: &Pending) -> Result<Option<Arc<str>>, OAuthError> {
        let account = &pending.account;
        let Some(owner) = account.owner() else {
            return Ok(None);
        };
        if let Some(before) = self.0.grants.add(account) {
            before.give_way_to(account).await;
        }
        // Only now: whoever changes documents has either seen it, or is seen.
        if let Err(error) = pending.check_document("nothing is kept of it") {
            self.0.grants.remove(account);
            account.forget(None).await;
            return Err(error);
        }
        self.0.tickets.end(&owner.upstream, &owner.id);
        Ok(Some(owner.name.clone()))
    }

    /// What a link ends with by which a caller connects an upstream.
    pub(crate) fn give_ticket(&self, ticket: Ticket) -> Result<String, OAuthError> {
        self.0.tickets.give(ticket)
    }

    /// Whose link it is.
    pub(crate) fn ticket(&self, text: &str) -> Option<Ticket> {
        self.0.tickets.find(text)
    }

    /// All accounts of callers.
    pub(crate) fn grants(&self) -> Vec<GrantState> {
        self.0.grants.list()
    }

    /// Ends when this is so, which is looked at whenever a caller has connected something.
    pub(crate) async fn until(&self, is_so: impl Fn() -> bool) {
        self.0.grants.until(is_so).await;
    }

    /// Gives back an account of a caller; `None` if there is none of this id.
    pub(crate) async fn give_back(&self, id: &str, means: Option<&Means>) -> Option<Told> {
        let account = self.0.grants.take(id)?;
        // A client that the document names since is nobody whom the server of before should see the secret of.
        let identity = |means: &&Means| means.binding.purpose(&means.url).identity;
        let own = means.filter(|means| identity(means) == account.purpose.identity);
        let told = account.forget(own).await;
        Some(match own.is_some() == means.is_some() {
            true => told,
            false => Told::Not(
                "the upstream's document names another client or authorization server since: what is left there is to be revoked there".to_owned(),
            ),
        })
    }
}

/// What is kept of a server: an upstream may have several, whose URLs are no names of files.
fn name(upstream: &str, url: &str) -> String {
    format!("{upstream}.{}{SUFFIX}", digest::<8>(url))
}

/// The same of a caller there.
fn name_of_owned(upstream: &str, url: &str, owner: &str) -> String {
    format!("{upstream}.{}.{}{SUFFIX}", digest::<8>(url), digest::<16>(owner))
}

/// The name of a file of ours, without its end.
fn name_of(file: &Path) -> Option<&str> {
    file.file_name()?.to_str()?.strip_suffix(SUFFIX)
}

/// What the gateway's own is called where this is kept of somebody, both with no end before.
fn of_server(name: &str) -> String {
    let parts: Vec<_> = name.split('.').take(2).collect();
    format!("{}{SUFFIX}", parts.join("."))
}

fn digest<const BYTES: usize>(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest[..BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A panic elsewhere does not make these wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
