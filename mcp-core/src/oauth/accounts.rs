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
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

const SUFFIX: &str = ".login";

/// Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The folder of what is kept, and what it is sealed with; `None` for nowhere.
    kept: Option<(PathBuf, Seal)>,
    accounts: Mutex<HashMap<(Arc<str>, String), Arc<Account>>>,
    /// How many there were.
    made: AtomicU64,
    grants: Grants,
    exchanged: Exchanged,
    tickets: Tickets,
    logins: Logins,
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
        if let Some((identity, owner, state)) = shelf.find_owned() {
            let account = Account::of_caller(self.number(), identity, owner, shelf, state);
            self.0.grants.add(account);
        }
    }

    /// The gateway's own at a server, by its URL of HTTP.
    pub(crate) fn account(&self, upstream: &Arc<str>, url: &str, binding: &Binding) -> Arc<Account> {
        let identity = binding.identity(url);
        let whose = match binding.is_of_callers {
            true => Whose::Lists,
            false => Whose::Gateway,
        };
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (upstream.clone(), url.to_owned());
        let is_it = |account: &&Arc<Account>| account.identity == identity && account.whose == whose;
        if let Some(account) = accounts.get(&key).filter(is_it) {
            return account.clone();
        }
        // An upstream may have several servers, whose URLs are no names of files.
        let name = format!("{upstream}.{}{SUFFIX}", digest::<8>(url));
        let shelf = self.shelf(|folder| folder.join(name));
        let account = Account::new(self.number(), identity, whose, binding.grant, shelf);
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
        let found = self.0.grants.find(upstream, owner, &binding.identity(url));
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
        let identity = binding.identity(url);
        self.0.exchanged.find(upstream, &identity, token, || {
            let account =
                Account::of_token(self.number(), identity.clone(), token.clone(), Default::default());
            account.learn_from(base);
            account
        })
    }

    /// The same, or one that is none of theirs yet.
    pub(crate) fn for_caller(&self, ticket: &Ticket, url: &str, binding: &Binding) -> Arc<Account> {
        let identity = binding.identity(url);
        let (upstream, id) = (&ticket.upstream, &ticket.owner);
        if let Some(known) = self.0.grants.find(upstream, id, &identity) {
            return known;
        }
        let owner = Owner {
            id: id.clone(),
            name: ticket.name.clone(),
            upstream: upstream.clone(),
            url: url.to_owned(),
            since: since_1970(),
        };
        let name = format!("{upstream}.{}.{}{SUFFIX}", digest::<8>(url), digest::<16>(id));
        let shelf = self.shelf(|folder| folder.join(name));
        Account::of_caller(self.number(), identity, owner, shelf, Default::default())
    }

    fn number(&self) -> u64 {
        self.0.made.fetch_add(1, Ordering::Relaxed)
    }

    fn shelf(&self, place: impl FnOnce(&Path) -> PathBuf) -> Shelf {
        let kept = self.0.kept.as_ref();
        Shelf(kept.map(|(folder, seal)| (place(folder), seal.clone())))
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

    /// Takes away what is of no upstream any more.
    pub(crate) fn keep_only(&self, ids: &HashSet<&str>) {
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|(id, _), _| ids.contains(&**id));
        drop(accounts);
        self.0.grants.retain(|id| ids.contains(id));
        self.0.exchanged.retain(|id| ids.contains(id));
        for file in self.files() {
            let id = name_of(&file).and_then(|name| name.split('.').next());
            if id.is_some_and(|id| !ids.contains(id)) {
                // What cannot be taken away now can be at the next change.
                let _ = fs::remove_file(file);
            }
        }
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
        match answered {
            Answered::Code(code) => pending.account.finish_login(&pending, &code).await?,
            Answered::Error(words) => {
                let issuer = plain(&pending.found.server.issuer);
                let text = format!("`{issuer}` refuses the login: {}", plain(&words));
                return Err(OAuthError::Refused(text));
            }
        }
        let Pending { account, means, .. } = pending;
        let caller = account.owner().map(|owner| {
            self.0.tickets.end(&owner.upstream, &owner.id);
            owner.name.clone()
        });
        if caller.is_some() {
            self.0.grants.add(account);
        }
        Ok(LoggedIn {
            upstream: means.upstream.clone(),
            caller,
        })
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
        Some(account.forget(means).await)
    }
}

/// The name of a file of ours, without its end.
fn name_of(file: &Path) -> Option<&str> {
    file.file_name()?.to_str()?.strip_suffix(SUFFIX)
}

fn digest<const BYTES: usize>(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest[..BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}
