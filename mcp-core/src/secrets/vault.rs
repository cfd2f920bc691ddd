//! The secrets of the store, opened: what `${secret:name}` leads to. Follows the catalog; a call takes what is there by then and waits for nobody.

use super::keys::{Sealed, SecretKeys};
use arc_swap::ArcSwap;
use mcp_common::{definition::SecretDefinition, secret::Secret};
use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// Secrets of the store and the keys that open them. Clones share them.
#[derive(Clone)]
pub struct Vault(Arc<Shared>);

struct Shared {
    /// Or why there are none.
    keys: Result<SecretKeys, String>,
    /// Whether what cannot be opened here may be opened by a gateway: commands need not have its keys.
    is_of_command: bool,
    opened: ArcSwap<HashMap<Arc<str>, Opened>>,
    /// What cannot be opened is said once.
    told: Mutex<usize>,
}

#[derive(Clone)]
struct Opened {
    definition: Arc<SecretDefinition>,
    value: Result<Arc<Secret>, String>,
}

impl Vault {
    /// Nothing in it yet.
    pub fn new(keys: Result<SecretKeys, String>) -> Self {
        Self::with(keys, false)
    }

    /// The same for a command, which need not have the keys.
    pub fn of_command(keys: Result<SecretKeys, String>) -> Self {
        Self::with(keys, true)
    }

    fn with(keys: Result<SecretKeys, String>, is_of_command: bool) -> Self {
        Self(Arc::new(Shared {
            keys,
            is_of_command,
            opened: ArcSwap::default(),
            told: Mutex::default(),
        }))
    }

    /// The keys, or why there are none.
    pub fn keys(&self) -> Result<&SecretKeys, &str> {
        self.0.keys.as_ref().map_err(String::as_str)
    }

    /// The value of a secret, or why it cannot be had.
    pub fn open(&self, definition: &SecretDefinition) -> Result<Secret, String> {
        let keys = self
            .keys()
            .map_err(|reason| format!("cannot be opened: {reason}"))?;
        let sealed = Sealed {
            version: definition.key_version.clone(),
            bytes: definition.sealed_bytes().unwrap_or_default(),
        };
        keys.open(&definition.id, &sealed)
    }

    /// The same for equal values of secrets of one name, and known to nobody without the keys; `None` of what cannot be opened.
    pub fn mark(&self, definition: &SecretDefinition) -> Option<String> {
        let value = self.open(definition).ok()?;
        self.keys().ok()?.mark(&definition.id, &value)
    }

    /// Whether definitions can use it, as far as this process can know that.
    pub fn check(&self, definition: &SecretDefinition) -> Result<(), String> {
        match (self.keys(), self.0.is_of_command) {
            (Err(_), true) => Ok(()),
            _ => self.open(definition).map(drop),
        }
    }

    /// Takes over which secrets there are; opens those that are new or changed.
    pub fn define(&self, definitions: impl Iterator<Item = Arc<SecretDefinition>>) {
        let before = self.0.opened.load();
        let opened = |definition: Arc<SecretDefinition>| {
            let known = before
                .get(&definition.id)
                .filter(|known| Arc::ptr_eq(&known.definition, &definition));
            let opened = known.cloned().unwrap_or_else(|| Opened {
                value: self.open(&definition).map(Arc::new),
                definition: definition.clone(),
            });
            (definition.id.clone(), opened)
        };
        let after: HashMap<_, _> = definitions.map(opened).collect();
        if !self.0.is_of_command {
            self.tell(&after);
        }
        self.0.opened.store(Arc::new(after));
    }

    /// One line however many there are, and another one only when there are others.
    fn tell(&self, all: &HashMap<Arc<str>, Opened>) {
        let mut closed: Vec<_> = all
            .iter()
            .filter_map(|(name, opened)| Some((name, opened.value.as_ref().err()?)))
            .collect();
        closed.sort();
        let mut told = self.0.told.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *told, closed.len());
        let Some((name, reason)) = closed.first().filter(|_| closed.len() > before) else {
            return;
        };
        let (count, of) = (closed.len(), all.len());
        tracing::error!(
            secret = &***name,
            reason,
            "{count} of {of} secrets of the store cannot be opened; definitions that name one are in quarantine"
        );
    }

    /// What `${secret:name}` leads to.
    pub(super) fn find(&self, name: &str) -> Result<Arc<Secret>, String> {
        match self.0.opened.load().get(name) {
            Some(opened) => opened.value.clone(),
            None if self.0.is_of_command => Err(
                "is a secret of the store, which this command does not open; ask a gateway (--server URL)"
                    .to_owned(),
            ),
            None => Err(format!("is not there: no secret `{name}` is stored")),
        }
    }
}

impl Default for Vault {
    fn default() -> Self {
        Self::new(Err("no key is configured (`secrets.key_file`)".to_owned()))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("keys", &self.0.keys)
            .field("secrets", &self.0.opened.load().len())
            .finish()
    }
}
