//! `[limits]`: where limits of keys and roles are counted.

use super::SettingsError;
use mcp_common::secret::{ExposeSecret, Secret};
use mcp_plugin::tally::redis::RedisSettings;
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, time::Duration};

/// Calls wait for it.
const LONGEST_MS: u64 = 5_000;
const LONGEST_PREFIX: usize = 128;

/// `[limits]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LimitSettings {
    /// Where replicas count together.
    pub redis: RedisLimitSettings,
}

/// `[limits.redis]`: the Redis where replicas count together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RedisLimitSettings {
    /// Where it is; without it each replica counts for itself.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub url: Option<String>,
    /// Of an ACL.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub username: Option<String>,
    /// The password.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty_secret",
        serialize_with = "super::display::secret"
    )]
    pub password: Option<Secret>,
    /// A file with it.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub password_file: Option<String>,
    /// A file with the authorities that sign its certificate.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub ca_file: Option<String>,
    /// How its keys begin.
    pub prefix: String,
    /// How long a call waits for it.
    pub timeout_ms: u64,
}

impl RedisLimitSettings {
    /// How long a call waits for it.
    pub fn patience(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    /// As those know it who count; `None` where each replica counts for itself.
    pub fn place(&self) -> Option<RedisSettings> {
        Some(RedisSettings {
            url: self.url.clone()?,
            username: self.username.clone(),
            password: self.password.clone(),
            password_file: self.password_file.as_ref().map(PathBuf::from),
            ca_file: self.ca_file.as_ref().map(PathBuf::from),
            prefix: self.prefix.clone(),
        })
    }

    /// The password, for comparisons alone.
    pub(super) fn compared(&self) -> serde_json::Value {
        self.password
            .as_ref()
            .map(|password| password.expose_secret().to_owned())
            .into()
    }
}

/// What is wrong with it.
pub(super) fn problems(limits: &LimitSettings) -> Vec<SettingsError> {
    let redis = &limits.redis;
    let mut found = Vec::new();
    let mut note = |key: &str, is_fine: bool, reason: String| {
        if !is_fine {
            found.push(SettingsError::value(format!("limits.redis.{key}"), reason));
        }
    };
    note(
        "timeout_ms",
        (1..=LONGEST_MS).contains(&redis.timeout_ms),
        format!("must be 1 to {LONGEST_MS}"),
    );
    let is_printable = redis.prefix.bytes().all(|byte| byte.is_ascii_graphic());
    note(
        "prefix",
        is_printable && redis.prefix.len() <= LONGEST_PREFIX && !redis.prefix.contains(['{', '}']),
        format!("must be at most {LONGEST_PREFIX} letters, digits and signs, without blanks and braces"),
    );
    if let Some((key, reason)) = redis.place().and_then(|place| place.problem()) {
        note(key, false, reason);
    }
    found
}
