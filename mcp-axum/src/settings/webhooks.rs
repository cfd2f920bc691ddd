//! `[[webhooks]]`: those outside who are told of events.

use super::{List, SettingsError};
use mcp_common::{
    events::Wanted,
    secret::{ExposeSecret, Secret},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Attempts for one event.
const MOST_ATTEMPTS: u32 = 100;
const LONGEST_MS: u64 = 60_000;
/// Each is a task and reads every event.
const MOST: usize = 64;

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// How it is called in logs and metrics; host and port of its URL where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The place where events are sent by POST.
    #[serde(serialize_with = "super::display::url")]
    pub url: String,
    /// Which events; all where nothing is said.
    #[serde(default = "all")]
    pub types: List,
    /// What messages are signed with.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "super::display::secret"
    )]
    pub secret: Option<Secret>,
    /// The same, in a variable of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_env: Option<String>,
    /// The same, in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_file: Option<PathBuf>,
    /// How long it may take to answer.
    #[serde(default = "patience")]
    pub timeout_ms: u64,
    /// How often one event is sent, until it is answered with success.
    #[serde(default = "attempts")]
    pub attempts: u32,
}

fn all() -> List {
    List(vec!["*".to_owned()])
}

fn patience() -> u64 {
    5_000
}

fn attempts() -> u32 {
    8
}

impl WebhookSettings {
    /// How it is called.
    pub fn name(&self) -> String {
        let host = || {
            let url = self.url.parse::<http::Uri>().ok();
            url.and_then(|url| Some(url.authority()?.to_string()))
        };
        self.name.clone().or_else(host).unwrap_or_default()
    }

    fn exposed(&self) -> Option<&str> {
        self.secret.as_ref().map(|secret| secret.expose_secret())
    }

    /// With the secret and all of the URL, for comparisons alone.
    pub(super) fn compared(&self) -> serde_json::Value {
        let mut written = serde_json::to_value(self).unwrap_or_default();
        written["url"] = self.url.as_str().into();
        written["secret"] = self.exposed().into();
        written
    }
}

impl PartialEq for WebhookSettings {
    fn eq(&self, other: &Self) -> bool {
        self.compared() == other.compared()
    }
}

/// What is wrong with them.
pub(super) fn problems(webhooks: &[WebhookSettings]) -> Vec<SettingsError> {
    let mut found = Vec::new();
    if webhooks.len() > MOST {
        found.push(SettingsError::value("webhooks", format!("at most {MOST}")));
    }
    for (number, webhook) in webhooks.iter().enumerate() {
        let mut note = |key: &str, reason: String| {
            found.push(SettingsError::value(format!("webhooks[{number}].{key}"), reason));
        };
        let url = webhook.url.parse::<http::Uri>().ok();
        let is_web = url.is_some_and(|url| {
            matches!(url.scheme_str(), Some("http" | "https"))
                && url
                    .authority()
                    .is_some_and(|authority| !authority.as_str().contains('@'))
        });
        if !is_web {
            note(
                "url",
                "is no URL of a receiver; write \"https://HOST/PATH\", without credentials".to_owned(),
            );
        }
        if let Err(unknown) = Wanted::new(webhook.types.iter()) {
            note("types", unknown.to_string());
        }
        let secrets = [
            webhook.secret.is_some(),
            webhook.secret_env.is_some(),
            webhook.secret_file.is_some(),
        ];
        if secrets.into_iter().filter(|given| *given).count() > 1 {
            note(
                "secret",
                "give one of secret, secret_env and secret_file".to_owned(),
            );
        }
        if webhook.exposed().is_some_and(str::is_empty) {
            note(
                "secret",
                "is empty; leave it out for messages that are not signed".to_owned(),
            );
        }
        if let Some(name) = &webhook.secret_env
            && std::env::var_os(name).is_none()
        {
            note("secret_env", format!("the environment has no variable `{name}`"));
        }
        if let Some(file) = &webhook.secret_file
            && let Err(error) = std::fs::metadata(file)
        {
            note("secret_file", format!("{}: {error}", file.display()));
        }
        if !(1..=LONGEST_MS).contains(&webhook.timeout_ms) {
            note("timeout_ms", format!("must be 1 to {LONGEST_MS}"));
        }
        if !(1..=MOST_ATTEMPTS).contains(&webhook.attempts) {
            note("attempts", format!("must be 1 to {MOST_ATTEMPTS}"));
        }
    }
    found
}
