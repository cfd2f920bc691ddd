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
    collections::HashMap,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

const SUFFIX: &str = ".login";

/// Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// The folder of what is kept; `None` for nowhere.
    folder: Option<PathBuf>,
    accounts: Mutex<HashMap<(Arc<str>, String), Arc<Account>>>,
    logins: Logins,
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
        let identity = binding.identity(url);
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (upstream.clone(), url.to_owned());
        if let Some(account) = accounts.get(&key).filter(|account| account.identity == identity) {
            return account.clone();
        }
        // An upstream may have several servers, whose URLs are no names of files.
        let digest = Sha256::digest(url);
        let of_url: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let file = |folder: &PathBuf| folder.join(format!("{upstream}.{of_url}{SUFFIX}"));
        let shelf = Shelf(self.0.folder.as_ref().map(file));
        let account = Account::new(identity, binding.grant, shelf);
        accounts.insert(key, account.clone());
        account
    }

    /// Takes away what is of no upstream any more.
    pub(crate) fn keep_only(&self, is_kept: impl Fn(&str) -> bool) {
        let mut accounts = self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.retain(|(id, _), _| is_kept(id));
        drop(accounts);
        let entries = self
            .0
            .folder
            .as_ref()
            .and_then(|folder| fs::read_dir(folder).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let id = name
                .to_str()
                .and_then(|name| name.strip_suffix(SUFFIX)?.split('.').next());
            if id.is_some_and(|id| !is_kept(id)) {
                // What cannot be taken away now can be at the next change.
                let _ = fs::remove_file(entry.path());
            }
        }
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

    /// Ends a login with what came back, whatever that is. The answer is the id of the upstream.
    pub async fn finish_login(
        &self,
        state: &str,
        issuer: Option<&str>,
        answered: Answered,
    ) -> Result<Arc<str>, OAuthError> {
        let pending = self.0.logins.take(state)?;
        pending.check_issuer(issuer)?;
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
