//! The admin key. Either the operator configures one, or the first start makes one, shows it once, and keeps only its
//! hash.

use crate::settings::{PluginTables, Settings};
use mcp_common::{
    private_file,
    secret::{ExposeSecret, Secret},
};
use mcp_plugin::authenticator::api_key;
use serde_json::{Map, Value, json};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The authenticator that knows keys.
const PLUGIN: &str = "api_key";
const FILE: &str = "admin-key.sha256";

/// Why there is no admin key.
#[derive(Debug, thiserror::Error)]
pub enum AdminKeyError {
    /// The file cannot be read or written.
    #[error("the data directory `{directory}` cannot be used: {cause}; make it writable or set app.data_dir")]
    Directory {
        /// `app.data_dir`.
        directory: String,
        /// What the system says.
        cause: io::Error,
    },
    /// The file holds something else.
    #[error("{file} does not hold a SHA-256 hash; delete it, and the next start makes a new admin key")]
    Damaged {
        /// Its path.
        file: String,
    },
    /// There are no random numbers for a key.
    #[error("the system gives no random numbers for an admin key: {0}; set app.api_key")]
    NoRandomness(getrandom::Error),
}

/// Where the admin's right comes from.
pub(crate) enum AdminKey {
    /// Nobody here needs one.
    NotNeeded,
    /// It is `app.api_key`.
    Configured(Secret),
    /// It was made at an earlier start.
    Stored { hash: String, file: PathBuf },
    /// It was made now, and is not stored yet.
    New { key: Secret, file: PathBuf },
}

impl AdminKey {
    /// Finds the key or makes one; writes nothing.
    pub(super) fn find(settings: &Settings) -> Result<Self, AdminKeyError> {
        if let Some(key) = &settings.app.api_key {
            return Ok(Self::Configured(key.clone()));
        }
        if !keys_count(settings) || lists_an_admin(settings) {
            return Ok(Self::NotNeeded);
        }
        let file = settings.app.data_dir.join(FILE);
        match fs::read_to_string(&file) {
            Ok(text) => {
                let hash = text.trim();
                if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(AdminKeyError::Damaged {
                        file: file.display().to_string(),
                    });
                }
                let hash = hash.to_owned();
                Ok(Self::Stored { hash, file })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::New {
                key: generate()?,
                file,
            }),
            Err(cause) => Err(unusable(&settings.app.data_dir, cause)),
        }
    }

    /// Says at the start where the key is that nobody sees any more.
    pub(super) fn tell(&self) {
        if let Self::Stored { file, .. } = self {
            let place = file.display();
            tracing::info!(
                target: "dynmcp",
                "the admin key is the one shown at the first start; delete {place} to get a new one"
            );
        }
    }

    /// The authenticators' tables with the admin key among the keys.
    pub(super) fn tables(&self, settings: &Settings) -> PluginTables {
        let mut tables = settings.authenticator.clone();
        let entry = match self {
            Self::NotNeeded => return tables,
            Self::Configured(key) => json!({"name": "admin", "key": key.expose_secret(), "admin": true}),
            Self::Stored { hash, .. } => json!({"name": "admin", "hash": hash, "admin": true}),
            Self::New { key, .. } => {
                json!({"name": "admin", "hash": api_key::hash(key.expose_secret()), "admin": true})
            }
        };
        let table = tables
            .entry(PLUGIN.to_owned())
            .or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(members) = table {
            let keys = members.entry("keys").or_insert_with(|| Value::Array(Vec::new()));
            // Anything but a list is the plugin's to refuse.
            if let Value::Array(keys) = keys {
                keys.push(entry);
            }
        }
        tables
    }

    /// Keeps the hash of a new key and returns the key, to be shown once.
    pub(crate) fn store_if_new(self) -> Result<Option<Secret>, AdminKeyError> {
        let Self::New { key, file } = self else {
            return Ok(None);
        };
        let directory = file.parent().unwrap_or(Path::new("."));
        let hash = api_key::hash(key.expose_secret());
        write(directory, &file, &hash).map_err(|cause| unusable(directory, cause))?;
        Ok(Some(key))
    }
}

fn unusable(directory: &Path, cause: io::Error) -> AdminKeyError {
    AdminKeyError::Directory {
        directory: directory.display().to_string(),
        cause,
    }
}

/// Why a first start could not keep the key that it would make; writes nothing.
pub(super) fn problem(settings: &Settings) -> Option<AdminKeyError> {
    let needs_file = settings.app.api_key.is_none() && keys_count(settings) && !lists_an_admin(settings);
    let directory = &settings.app.data_dir;
    if !needs_file || directory.join(FILE).exists() {
        return None;
    }
    let could = private_file::could_be_written(&directory.join(FILE));
    could.err().map(|cause| unusable(directory, cause))
}

fn keys_count(settings: &Settings) -> bool {
    settings.app.authenticators.iter().any(|name| name == PLUGIN)
}

/// Whether somebody can come into `/admin` whatever the store and identity providers say: with a key of the configuration, which there always
/// is where keys of the configuration count, or without any.
pub(crate) fn opens_admin(settings: &Settings) -> bool {
    keys_count(settings) || settings.app.authenticators.iter().any(|name| name == "none")
}

/// A key of the configuration that opens nothing, although its author counts on it as the last way in.
pub(crate) fn warning(settings: &Settings) -> Option<String> {
    if opens_admin(settings) {
        return None;
    }
    let place = match &settings.app.api_key {
        Some(_) => "app.api_key",
        None => listed_admins(settings)
            .next()
            .map(|_| "authenticator.api_key.keys")?,
    };
    Some(format!(
        "{place}: opens nothing, since app.authenticators does not name `{PLUGIN}`: add it there for a way in that no identity provider and \
         nothing in the store can close"
    ))
}

fn lists_an_admin(settings: &Settings) -> bool {
    listed_admins(settings).next().is_some()
}

/// Keys of the configuration that open `/admin`, beside `app.api_key`.
fn listed_admins(settings: &Settings) -> impl Iterator<Item = &Value> {
    let table = settings.authenticator.get(PLUGIN);
    let keys = table
        .and_then(|table| table.get("keys"))
        .and_then(Value::as_array);
    let keys = keys.into_iter().flatten();
    keys.filter(|key| key.get("admin") == Some(&Value::Bool(true)))
}

/// Whether this is a key that opens `/admin`: one of the configuration, or the one that was made at the first start.
pub(crate) fn is_admins(settings: &Settings, key: &str) -> bool {
    let hash = api_key::hash(key);
    let chosen = settings.app.api_key.as_ref();
    let is_listed = |entry: &Value| {
        let says = |member: &str| entry.get(member).and_then(Value::as_str);
        says("key") == Some(key) || says("hash").is_some_and(|own| own.eq_ignore_ascii_case(&hash))
    };
    chosen.is_some_and(|own| own.expose_secret() == key)
        || listed_admins(settings).any(is_listed)
        || fs::read_to_string(settings.app.data_dir.join(FILE)).is_ok_and(|stored| stored.trim() == hash)
}

/// Two processes that start at once must not end with a key that does not fit the file: the second one fails.
fn write(directory: &Path, file: &Path, hash: &str) -> io::Result<()> {
    private_file::create_folder(directory)?;
    let mut file = private_file::options().write(true).create_new(true).open(file)?;
    file.write_all(format!("{hash}\n").as_bytes())?;
    file.sync_all()
}

/// 256 random bits, with a prefix by which secret scanners know what it is.
pub(crate) fn generate() -> Result<Secret, AdminKeyError> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(AdminKeyError::NoRandomness)?;
    Ok(Secret::from(format!("dyn_{}", URL_SAFE_NO_PAD.encode(random))))
}

#[cfg(test)]
mod tests;
