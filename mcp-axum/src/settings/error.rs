//! What can be wrong with a configuration.

use super::display::touches_secret;
use config::ConfigError;

/// Ends the start with exit code 2. The text is one line.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file of `--config` or `RUN_MODE` is not there.
    #[error("{0}")]
    NoFile(String),
    /// The file is not TOML.
    #[error("{file}: {reason}")]
    Syntax {
        /// The file that was read.
        file: String,
        /// Where and what.
        reason: String,
    },
    /// One key has a wrong value.
    #[error("{key}: {reason}")]
    Value {
        /// Path of the key.
        key: String,
        /// What was found and what would be right.
        reason: String,
    },
    /// Keys that mean nothing.
    #[error("{}", .0.join("; "))]
    Unknown(Vec<String>),
    /// Several of these.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Several(Vec<SettingsError>),
}

impl SettingsError {
    /// A value that has the right type and is wrong all the same.
    pub fn value(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Value {
            key: key.into(),
            reason: reason.into(),
        }
    }

    /// All of them, of which there is one at least.
    pub(super) fn together(mut problems: Vec<Self>) -> Self {
        match problems.len() {
            1 => problems.remove(0),
            _ => Self::Several(problems),
        }
    }

    pub(super) fn from_config(error: ConfigError) -> Self {
        match error {
            ConfigError::Type {
                origin,
                unexpected,
                expected,
                key,
            } => {
                let place = origin.map(|origin| format!(" (in {origin})")).unwrap_or_default();
                let key = key.unwrap_or_default();
                let is_hidden = may_hold_secret(&key, expected);
                let unexpected = unexpected.to_string();
                let found = match is_hidden {
                    true if unexpected.starts_with("string ") => "a text".to_owned(),
                    true if unexpected.ends_with('`') => "a number, true or false".to_owned(),
                    _ => found(&unexpected),
                };
                let reason = format!("found {found}, expected {}{place}", in_words(expected));
                Self::value(key, reason)
            }
            ConfigError::At { error, key, .. } => {
                let key = key.unwrap_or_default();
                let reason = plain(&key, &error.to_string());
                Self::value(key, reason)
            }
            ConfigError::NotFound(key) => Self::value(key, "must be given"),
            other => Self::value("configuration", plain("", &other.to_string())),
        }
    }
}

/// Whether what stands at this key may be a secret, or have one in it: a whole section or list as one text does, whatever it is called.
fn may_hold_secret(key: &str, expected: &str) -> bool {
    let is_composed = |kind: &&str| expected.starts_with(kind);
    touches_secret(key)
        || ["a map", "a sequence", "an array", "struct ", "tables"]
            .iter()
            .any(is_composed)
}

/// serde's own words, with the type names of the code taken out.
fn plain(key: &str, text: &str) -> String {
    if let Some((found, expected)) = text.rsplit_once(", expected ")
        && let Some((kind, _)) = found.split_once(" string \"")
        && may_hold_secret(key, expected)
    {
        return format!("{kind} a text, expected {expected}");
    }
    match text.strip_prefix("enum LogFormat does not have variant constructor ") {
        Some(found) => format!("found \"{found}\", expected \"pretty\" or \"json\""),
        None => text.to_owned(),
    }
}

/// The library's words for numbers say how many bits it reads them with.
fn found(words: &str) -> String {
    let number = words
        .split_once("integer ")
        .or_else(|| words.split_once("floating point "));
    match number {
        Some((_, number)) if !words.starts_with("string") => format!("the number {number}"),
        _ => words.to_owned(),
    }
}

/// The library's names of types, for people who do not write Rust.
fn in_words(expected: &str) -> &str {
    match expected {
        "an unsigned 16 bit integer" => "a whole number from 0 to 65535",
        "an integer" | "an unsigned u64 bit integer" | "an unsigned 64 bit or less integer" => {
            "a whole number, 0 or more"
        }
        "a boolean" => "true or false",
        other => other,
    }
}
