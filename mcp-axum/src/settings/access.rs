//! `[access]`: who else decides about calls.

use super::SettingsError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A call waits no longer.
const LONGEST_MS: u64 = 30_000;
/// What was allowed may not be any more.
const LONGEST_SECONDS: u64 = 3_600;
const MOST_AT_ONCE: usize = 10_000;

/// `[access]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessSettings {
    /// Somebody outside who is asked.
    pub external: ExternalSettings,
}

/// `[access.external]`: how somebody outside is asked about calls. Who it is stands in the plugin's own table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExternalSettings {
    /// Name of the plugin; without one nobody is asked.
    #[serde(
        deserialize_with = "super::sections::unset_if_empty",
        serialize_with = "super::sections::empty_if_unset"
    )]
    pub authorizer: Option<String>,
    /// What becomes of a call where nobody answers.
    pub fail: Fail,
    /// How long a call waits for an answer.
    pub timeout_ms: u64,
    /// How long an answer is good.
    pub cache_seconds: u64,
    /// Questions at one time.
    pub max_concurrent: usize,
    /// Whether arguments are sent.
    pub arguments: bool,
}

/// `access.external.fail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fail {
    /// It is refused.
    Closed,
    /// It is made.
    Open,
}

impl ExternalSettings {
    /// How somebody is asked, as those below know it.
    pub fn rules(&self) -> mcp_core::policy::ExternalSettings {
        mcp_core::policy::ExternalSettings {
            fails_open: self.fail == Fail::Open,
            patience: Duration::from_millis(self.timeout_ms),
            kept: Duration::from_secs(self.cache_seconds),
            most_at_once: self.max_concurrent,
            with_arguments: self.arguments,
        }
    }
}

/// What is wrong with it.
pub(super) fn problems(access: &AccessSettings) -> Vec<SettingsError> {
    let external = &access.external;
    let mut found = Vec::new();
    let mut note = |key: &str, is_fine: bool, reason: String| {
        if !is_fine {
            found.push(SettingsError::value(format!("access.external.{key}"), reason));
        }
    };
    note(
        "timeout_ms",
        (1..=LONGEST_MS).contains(&external.timeout_ms),
        format!("must be 1 to {LONGEST_MS}"),
    );
    note(
        "cache_seconds",
        external.cache_seconds <= LONGEST_SECONDS,
        format!("at most {LONGEST_SECONDS}; 0 asks about each call"),
    );
    note(
        "max_concurrent",
        (1..=MOST_AT_ONCE).contains(&external.max_concurrent),
        format!("must be 1 to {MOST_AT_ONCE}"),
    );
    found
}
