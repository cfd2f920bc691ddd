//! `[audit.sinks]`: where records of the audit log go besides its files.

use super::SettingsError;
use crate::audit::SyslogPlace;
use mcp_common::secret::{ExposeSecret, Secret};
use serde::{Deserialize, Serialize};
use std::{fs, path::PathBuf};

const LONGEST_MS: u64 = 60_000;

/// `[audit.sinks]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditSinkSettings {
    /// Lines on standard output.
    pub stdout: bool,
    /// A receiver of syslog.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub syslog: Option<String>,
    /// Somebody who takes requests.
    pub webhook: AuditWebhookSettings,
}

/// `[audit.sinks.webhook]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditWebhookSettings {
    /// The place where records are sent by POST; empty: nowhere.
    #[serde(serialize_with = "super::display::url")]
    pub url: String,
    /// What messages are signed with.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty_secret",
        serialize_with = "super::display::secret"
    )]
    pub secret: Option<Secret>,
    /// The same, in a file.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub secret_file: Option<String>,
    /// How long it may take to answer.
    pub timeout_ms: u64,
}

impl AuditWebhookSettings {
    /// Whether there is one.
    pub fn is_wanted(&self) -> bool {
        !self.url.is_empty()
    }

    /// Read for each message, so that a file can be replaced.
    pub(crate) fn signed_with(&self) -> Result<Option<Secret>, String> {
        let Some(file) = &self.secret_file else {
            return Ok(self.secret.clone());
        };
        let text = fs::read_to_string(file).map_err(|error| format!("{file} cannot be read: {error}"))?;
        match text.trim() {
            "" => Err(format!("{file} is empty")),
            text => Ok(Some(text.into())),
        }
    }

    /// The secret and all of the URL, for comparisons alone.
    pub(super) fn compared(&self) -> serde_json::Value {
        let secret = self
            .secret
            .as_ref()
            .map(|secret| secret.expose_secret().to_owned());
        serde_json::json!([self.url, secret])
    }
}

/// What is wrong with them.
pub(super) fn problems(sinks: &AuditSinkSettings, is_enabled: bool) -> Vec<SettingsError> {
    let mut found = Vec::new();
    let mut note = |key: &str, reason: &str| {
        found.push(SettingsError::value(format!("audit.sinks.{key}"), reason));
    };
    let webhook = &sinks.webhook;
    let wanted = [
        ("stdout", sinks.stdout),
        ("syslog", sinks.syslog.is_some()),
        ("webhook.url", webhook.is_wanted()),
    ];
    for (key, _) in wanted.iter().filter(|(_, is_wanted)| *is_wanted && !is_enabled) {
        note(
            key,
            "means nothing without audit.enabled: records are sent from the files",
        );
    }
    if let Some(Err(reason)) = sinks.syslog.as_deref().map(SyslogPlace::read) {
        note("syslog", &reason);
    }
    let url = webhook.url.parse::<http::Uri>().ok();
    let is_web = url.is_some_and(|url| {
        let has_credentials = url.authority().is_none_or(|at| at.as_str().contains('@'));
        matches!(url.scheme_str(), Some("http" | "https")) && !has_credentials
    });
    if webhook.is_wanted() && !is_web {
        note(
            "webhook.url",
            "is no URL of a receiver; write \"https://HOST/PATH\", without credentials",
        );
    }
    if webhook.secret.is_some() && webhook.secret_file.is_some() {
        note("webhook.secret", "give one of secret and secret_file");
    }
    if let Some(file) = webhook.secret_file.as_ref().map(PathBuf::from)
        && let Err(error) = fs::metadata(&file)
    {
        note("webhook.secret_file", &format!("{}: {error}", file.display()));
    }
    if !(1..=LONGEST_MS).contains(&webhook.timeout_ms) {
        note("webhook.timeout_ms", &format!("must be 1 to {LONGEST_MS}"));
    }
    found
}
