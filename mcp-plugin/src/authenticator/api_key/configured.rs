//! The list `authenticator.api_key.keys`. Refusals never repeat a key.

use super::{KeyDigest, check_length, digest};
use mcp_common::{
    authenticator::{Attributes, Principal},
    definition::api_key::Digest,
    plugin::{PluginError, Settings, Table},
};
use serde_json::{Value, value::to_raw_value};
use std::{collections::BTreeMap, sync::Arc};

const TABLE: &str = "authenticator.api_key";

/// Each key with the principal it stands for.
type Keys = Vec<(KeyDigest, Principal)>;

/// Every configured key with the principal it stands for.
pub(super) fn keys(settings: &Settings) -> Result<Keys, PluginError> {
    let keys = listed(settings)?;
    if keys.is_empty() {
        return Err(PluginError::Setting {
            key: format!("{TABLE}.keys"),
            reason: "no key is listed, so nobody could get in; add {name, key or hash}".to_owned(),
        });
    }
    Ok(keys)
}

/// The same where another key may come later.
fn listed(settings: &Settings) -> Result<Keys, PluginError> {
    let (keys, problems) = read(settings)?;
    problems.into_iter().next().map_or(Ok(keys), Err)
}

/// Everything that is wrong with the list. There may be no key yet.
pub(super) fn problems(settings: &Settings) -> Vec<PluginError> {
    read(settings).map_or_else(|problem| vec![problem], |(_, problems)| problems)
}

/// The keys, and what is wrong with others.
fn read(settings: &Settings) -> Result<(Keys, Vec<PluginError>), PluginError> {
    let table = Table::new(TABLE, settings, &["keys"])?;
    let list = match table.get("keys") {
        Some(Value::Array(list)) => list.as_slice(),
        None => &[],
        Some(_) => {
            return Err(table.wrong(
                "keys",
                "expected a list of {name, key or hash, admin, roles, claims}; in a variable of the environment it is written as \
                 JSON: [{\"name\": …, \"hash\": …}]",
            ));
        }
    };
    let mut keys: Keys = Vec::with_capacity(list.len());
    let mut problems = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        let (key, principal) = match one(&format!("{TABLE}.keys[{index}]"), entry) {
            Ok(read) => read,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let twin = keys
            .iter()
            .find(|(known, who)| *known == key || who.subject == principal.subject);
        if let Some((_, twin)) = twin {
            let reason = format!(
                "`{}` and `{}` have the same name or the same key",
                twin.subject, principal.subject
            );
            problems.push(table.wrong("keys", reason));
            continue;
        }
        keys.push((key, principal));
    }
    Ok((keys, problems))
}

fn one(path: &str, entry: &Value) -> Result<(KeyDigest, Principal), PluginError> {
    if !entry.is_object() {
        let reason = "expected a table with name, key or hash, admin, roles and claims".to_owned();
        return Err(PluginError::Setting {
            key: path.to_owned(),
            reason,
        });
    }
    let table = Table::new(path, entry, &["name", "key", "hash", "admin", "roles", "claims"])?;
    let name = table
        .text("name")?
        .ok_or_else(|| table.wrong("name", "missing; it stands in history and logs"))?;
    let key = match (table.text("key")?, table.text("hash")?) {
        (Some(key), None) if !key.bytes().all(|byte| byte.is_ascii_graphic()) => {
            return Err(table.wrong("key", "only visible ASCII characters fit into a header"));
        }
        (Some(key), None) => {
            check_length(key).map_err(|reason| table.wrong("key", reason))?;
            digest(key.as_bytes())
        }
        (None, Some(hash)) => Digest::from_hex(hash)
            .map(|digest| digest.0)
            .ok_or_else(|| table.wrong("hash", "expected the SHA-256 of the key, 64 hexadecimal digits"))?,
        (Some(_), Some(_)) => return Err(table.wrong("hash", "give either the key or its hash")),
        (None, None) => return Err(table.wrong("key", "missing; give the key or its hash")),
    };
    Ok((
        key,
        Principal {
            subject: name.into(),
            admin: table.flag("admin")?,
            attributes: attributes(&table)?,
            grant: None,
        },
    ))
}

/// What templates may name of the caller; `None` where nothing is said.
fn attributes(table: &Table<'_>) -> Result<Option<Arc<Attributes>>, PluginError> {
    let role = |value: &Value| value.as_str().filter(|role| !role.is_empty()).map(str::to_owned);
    let roles = match table.get("roles") {
        None => Some(Vec::new()),
        Some(Value::Array(roles)) => roles.iter().map(role).collect(),
        Some(_) => None,
    };
    let roles = roles.ok_or_else(|| table.wrong("roles", "expected a list of texts that are not empty"))?;
    let mut claims = BTreeMap::new();
    match table.get("claims") {
        None => {}
        Some(Value::Object(given)) => {
            for (name, value) in given {
                let wrong = |_| table.wrong("claims", format!("`{name}` cannot be written as JSON"));
                // The configuration does not keep the order of members; every start has the same one.
                let mut value = value.clone();
                value.sort_all_objects();
                claims.insert(name.clone(), to_raw_value(&value).map_err(wrong)?);
            }
        }
        Some(_) => return Err(table.wrong("claims", "expected a table of names and values")),
    }
    let attributes = Attributes { roles, claims };
    Ok((!attributes.is_empty()).then(|| Arc::new(attributes)))
}
