//! `[limits]`: what all callers together may do, and where limits are counted.

use super::SettingsError;
use mcp_common::{
    definition::{CallLimits, Rate},
    secret::{ExposeSecret, Secret},
};
use mcp_plugin::tally::redis::RedisSettings;
use serde::{Deserialize, Serialize};
use std::{num::NonZeroU32, path::PathBuf, time::Duration};

/// Calls wait for it.
const LONGEST_MS: u64 = 5_000;
const LONGEST_PREFIX: usize = 128;

/// `[limits]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LimitSettings {
    /// How many calls in a time.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub rate: Option<String>,
    /// How many at once before `rate` counts, 0 for as many as it says.
    pub burst: u32,
    /// How many under way at the same time, 0 for any number.
    pub concurrent: u32,
    /// How many from midnight to midnight, 0 for any number.
    pub per_day: u32,
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

impl LimitSettings {
    /// What all callers together may do.
    pub fn of_calls(&self) -> CallLimits {
        CallLimits {
            // Checked when the settings were read.
            rate: self.rate.as_deref().and_then(|rate| rate.parse().ok()),
            burst: NonZeroU32::new(self.burst),
            concurrent: NonZeroU32::new(self.concurrent),
            per_day: NonZeroU32::new(self.per_day),
        }
    }

    fn problem(&self) -> Option<SettingsError> {
        let rate = self.rate.as_deref().map(str::parse::<Rate>);
        if let Some(Err(reason)) = rate {
            return Some(SettingsError::value("limits.rate", reason));
        }
        let problem = self.of_calls().problem()?;
        Some(SettingsError::value(problem.field, problem.reason))
    }
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
    let mut found: Vec<SettingsError> = limits.problem().into_iter().collect();
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
