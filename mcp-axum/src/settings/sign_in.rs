//! `[[sign_in]]`: identity providers with which people sign in at the pages of the gateway.

use super::{List, PluginTables, SettingsError};
use mcp_common::secret::{ExposeSecret, Secret};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Each is a button.
const MOST: usize = 16;
/// What is at `/sign-in/NAME` already.
const TAKEN: [&str; 2] = ["callback", "out"];

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignInSettings {
    /// Stands in addresses.
    pub name: String,
    /// What the button says; the name where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// One of the issuers of `authenticator.jwt`, to the letter.
    pub issuer: String,
    /// The id of the gateway there.
    pub client_id: String,
    /// Its secret, if it has one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "super::display::secret"
    )]
    pub client_secret: Option<Secret>,
    /// The same, in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for.
    #[serde(default = "usual_scopes")]
    pub scopes: List,
    /// For whom the token is to be (RFC 8707): the admin API where nothing is said, not named at all where it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
}

fn usual_scopes() -> List {
    List(vec!["openid".to_owned()])
}

impl SignInSettings {
    /// What people read.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// With the secret, for comparisons alone.
    pub(super) fn compared(&self) -> serde_json::Value {
        let mut written = serde_json::to_value(self).unwrap_or_default();
        let secret = self.client_secret.as_ref();
        written["client_secret"] = secret.map(|secret| secret.expose_secret()).into();
        written
    }
}

/// What is wrong with them.
pub(super) fn problems(
    all: &[SignInSettings],
    public_url: Option<&str>,
    authenticators: &PluginTables,
) -> Vec<SettingsError> {
    let mut found = Vec::new();
    if all.len() > MOST {
        found.push(SettingsError::value("sign_in", format!("at most {MOST}")));
    }
    if !all.is_empty() && public_url.is_none() {
        let reason = "needs app.public_url: identity providers lead people back there";
        found.push(SettingsError::value("sign_in", reason));
    }
    for (number, one) in all.iter().enumerate() {
        let mut note = |key: &str, reason: String| {
            found.push(SettingsError::value(format!("sign_in[{number}].{key}"), reason));
        };
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if !(1..=32).contains(&one.name.len()) || !one.name.bytes().all(is_name) {
            note("name", "must have 1 to 32 of a-z 0-9 -".to_owned());
        }
        if TAKEN.contains(&&*one.name) || all[..number].iter().any(|other| other.name == one.name) {
            note("name", format!("must be another one: `{}` is taken", one.name));
        }
        if !issuers(authenticators).contains(&one.issuer) {
            let reason = "is none of the issuers in authenticator.jwt.issuers, which say whose tokens are taken and which roles they bring";
            note("issuer", reason.to_owned());
        }
        if one.client_id.is_empty() {
            note("client_id", "must be given".to_owned());
        }
        if one.client_secret.is_some() && one.client_secret_file.is_some() {
            note(
                "client_secret",
                "give one of client_secret and client_secret_file".to_owned(),
            );
        }
        if let Some(file) = &one.client_secret_file
            && let Err(error) = std::fs::metadata(file)
        {
            note("client_secret_file", format!("{}: {error}", file.display()));
        }
        if !one.scopes.iter().any(|scope| scope == "openid") {
            note("scopes", "must have `openid`".to_owned());
        }
    }
    found
}

/// As a file has them, or a variable of the environment.
fn issuers(authenticators: &PluginTables) -> Vec<String> {
    let list = authenticators.get("jwt").and_then(|table| table.get("issuers"));
    let list = match list {
        Some(serde_json::Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(list) => list.clone(),
        None => serde_json::Value::Null,
    };
    let entries = list.as_array().into_iter().flatten();
    entries
        .filter_map(|entry| entry["issuer"].as_str().map(str::to_owned))
        .collect()
}
