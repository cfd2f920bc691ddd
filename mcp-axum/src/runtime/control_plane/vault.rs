//! The secrets of the store: the keys that open them, and that they follow the catalog.

use crate::settings::Settings;
use mcp_common::{
    catalog::{Applied, Catalog},
    definition::SecretDefinition,
    key::Kind,
    secret::Secret,
};
use mcp_core::{
    secrets::{SecretKeys, Vault},
    tool::ToolCompiler,
    upstream::Hub,
};
use std::{
    collections::BTreeSet,
    fs::File,
    io::Read,
    sync::{Arc, Weak},
};

/// A file of keys has no more.
const LARGEST_FILE: u64 = 64 << 10;

/// What stands where no key is.
const NONE: &str = "no key is configured (`secrets.key_file`)";

/// The keys of the configuration cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct VaultError {
    place: &'static str,
    reason: String,
}

/// The keys of the configuration; `None` where it names none.
fn keys(settings: &Settings) -> Result<Option<SecretKeys>, VaultError> {
    let place = settings.secrets.key_place();
    let wrong = |reason: String| VaultError { place, reason };
    let text = match (&settings.secrets.key, &settings.secrets.key_file) {
        (Some(key), _) => key.clone(),
        (None, Some(path)) => {
            let mut text = String::new();
            let read = File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_string(&mut text));
            read.map_err(|error| wrong(format!("`{path}` cannot be read: {error}")))?;
            Secret::from(text)
        }
        (None, None) => return Ok(None),
    };
    let keys = SecretKeys::parse(&text).map_err(|reason| wrong(reason.to_string()))?;
    Ok(Some(keys))
}

/// What keeps a gateway from starting.
pub(super) fn problem(settings: &Settings) -> Option<VaultError> {
    keys(settings).err()
}

/// For a gateway.
pub(super) fn of_gateway(settings: &Settings) -> Result<Vault, VaultError> {
    let keys = keys(settings)?.ok_or_else(|| NONE.to_owned());
    Ok(Vault::new(keys))
}

/// For a command, which need not have the keys.
pub(super) fn of_command(settings: &Settings) -> Vault {
    let found = keys(settings).map_err(|error| error.to_string());
    Vault::of_command(found.and_then(|keys| keys.ok_or_else(|| NONE.to_owned())))
}

/// All secrets of a catalog.
pub(super) fn definitions(catalog: &Catalog<ToolCompiler>) -> Vec<Arc<SecretDefinition>> {
    let snapshot = catalog.snapshot();
    let entries = snapshot.documents(Kind::SECRET).into_iter();
    let entries = entries.flat_map(|all| all.values());
    entries
        .filter_map(|entry| entry.definition.clone().downcast().ok())
        .collect()
}

/// Called before anything is loaded, and before whoever uses them follows the catalog.
pub(super) fn follow(catalog: &Arc<Catalog<ToolCompiler>>, vault: &Vault, hub: &Arc<Hub>) {
    let (vault, hub) = (vault.clone(), Arc::downgrade(hub));
    let watched: Weak<Catalog<ToolCompiler>> = Arc::downgrade(catalog);
    catalog.subscribe(Arc::new(move |applied: &Applied| {
        let changed = applied.others.iter().filter(|key| key.kind == Kind::SECRET);
        let changed: BTreeSet<Arc<str>> = changed.map(|key| key.id.clone()).collect();
        let Some(catalog) = watched.upgrade().filter(|_| !changed.is_empty()) else {
            return;
        };
        vault.define(definitions(&catalog).into_iter());
        if let Some(hub) = hub.upgrade().filter(|_| !applied.first_load) {
            hub.secrets_changed(&changed);
        }
    }));
}
