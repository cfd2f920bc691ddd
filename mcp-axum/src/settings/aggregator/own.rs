//! The same file as a configuration and definitions of this gateway, for whoever goes on without it.

use super::{Aggregated, Translated, read};
use crate::settings::SettingsError;
use mcp_common::{credential_name::may_be_credential, key::Key};
use mcp_plugin::authenticator::api_key;
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

/// Shorter values of variables could stand anywhere by chance.
const SHORTEST: usize = 4;

/// What the file says, in files of this gateway.
pub(crate) struct Own {
    /// The configuration, as TOML.
    pub(crate) configuration: String,
    /// Definitions, as the admin API would take them.
    pub(crate) definitions: Vec<(Key, Value)>,
    /// What has no effect, and what somebody should know.
    pub(crate) notes: Vec<String>,
}

/// `folder` is where the definitions will be.
pub(crate) fn own(
    file: &Path,
    text: &str,
    environment: &HashMap<String, String>,
    folder: &Path,
) -> Result<Own, SettingsError> {
    let mut translated = read(file, text, environment)?;
    hash_keys(&mut translated);
    translated.settings["app"]["data_source"] = "file".into();
    let source = json!({"file": {"path": folder, "writable": true}});
    translated.settings.insert("data_source".to_owned(), source);
    let configuration = translated.as_toml(file)?;
    let (aggregated, mut problems) = translated.aggregated();
    let definitions = aggregated.documents();
    let mut notes = aggregated.notes;
    let written: Vec<String> = definitions
        .iter()
        .map(|(_, document)| document.to_string())
        .chain([configuration.clone()])
        .collect();
    for name in variables(text) {
        let Some(value) = environment.get(name).filter(|value| value.len() >= SHORTEST) else {
            continue;
        };
        let quoted = Value::from(value.as_str()).to_string();
        let quoted = quoted.trim_matches('"');
        if !written.iter().any(|text| text.contains(quoted)) {
            continue;
        }
        match may_be_credential(name) {
            true => problems.push(SettingsError::value(
                format!("${{{name}}}"),
                "what this variable says would stand in a file; name it in `headers` or `env` of a server, where the name is kept",
            )),
            false => notes.push(format!(
                "${{{name}}}: what the variable says now stands in its place"
            )),
        }
    }
    match problems.len() {
        0 => Ok(Own {
            configuration,
            definitions,
            notes,
        }),
        1 => Err(problems.remove(0)),
        _ => Err(SettingsError::Several(problems)),
    }
}

/// A key in a file can be read by whoever reads the file.
fn hash_keys(translated: &mut Translated) {
    let keys = translated.settings.get_mut("authenticator");
    let keys = keys.and_then(|table| table.pointer_mut("/api_key/keys")?.as_array_mut());
    for (number, entry) in keys.into_iter().flatten().enumerate() {
        let Some(entry) = entry.as_object_mut() else {
            continue;
        };
        let Some(Value::String(key)) = entry.remove("key") else {
            continue;
        };
        if let Err(reason) = api_key::check_length(&key) {
            let place = format!("auth.api_key.keys[{number}].key");
            translated.problems.push(SettingsError::value(place, reason));
        }
        entry.insert("hash".to_owned(), api_key::hash(&key).into());
    }
}

/// Names in `${…}`.
fn variables(text: &str) -> BTreeSet<&str> {
    let starts = text.match_indices("${");
    starts
        .filter_map(|(at, _)| Some(text[at + 2..].split_once('}')?.0))
        .collect()
}

impl Aggregated {
    /// Upstreams first, so that the instance that shows all of them finds them.
    pub(crate) fn documents(&self) -> Vec<(Key, Value)> {
        let mut documents: Vec<(Key, Value)> = self
            .upstreams
            .iter()
            .map(|upstream| (Key::upstream(upstream.id.as_str()), upstream.document.clone()))
            .collect();
        let mut instance = json!({"name": "All servers of the configuration", "tool_ids": []});
        let ids: Vec<&str> = self
            .upstreams
            .iter()
            .map(|upstream| upstream.id.as_str())
            .collect();
        if !ids.is_empty() {
            instance["include"] = json!({"upstreams": ids});
        }
        if self.is_open {
            instance["auth"] = "none".into();
        }
        documents.push((Key::instance(super::INSTANCE), instance));
        documents
    }
}
