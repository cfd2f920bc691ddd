//! Reads a plugin's table of the configuration, where every value may also be text, since the environment only has text.
//! Every refusal names the full path of the setting.

use super::{PluginError, Settings};
use crate::secret::Secret;
use serde_json::{Map, Value};
use std::{fmt::Display, ops::RangeInclusive, str::FromStr, sync::Arc};

/// One table of the configuration and the path under which the operator knows it.
pub struct Table<'a> {
    path: String,
    entries: Option<&'a Map<String, Value>>,
}

impl<'a> Table<'a> {
    /// `settings` at `path` has no other entries than `known` ones.
    pub fn new(path: impl Into<String>, settings: &'a Settings, known: &[&str]) -> Result<Self, PluginError> {
        let path = path.into();
        let entries = match settings {
            Value::Null => None,
            Value::Object(entries) => Some(entries),
            _ => {
                return Err(PluginError::Setting {
                    key: path,
                    reason: "expected a table".to_owned(),
                });
            }
        };
        let table = Self { path, entries };
        let names = entries.into_iter().flat_map(Map::keys);
        let names: Vec<String> = names
            .filter(|name| !known.contains(&name.as_str()))
            .cloned()
            .collect();
        if names.is_empty() {
            return Ok(table);
        }
        Err(PluginError::NoSuchSettings {
            table: table.path,
            names,
            known: known.join(", "),
        })
    }

    /// The entry, unless it is absent or null.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.entries?.get(name).filter(|value| !value.is_null())
    }

    /// Text that is not empty.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>, PluginError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(_) => Err(self.misread(name, "expected text that is not empty")),
        }
    }

    /// Text that nothing may show. An entry whose name contains `password`, `secret`, `token` or `key` is also redacted
    /// where the gateway shows its configuration.
    pub fn secret(&self, name: &str) -> Result<Option<Secret>, PluginError> {
        Ok(self.text(name)?.map(Secret::from))
    }

    /// A number, also one that came as text.
    pub fn number<T>(&self, name: &str, range: RangeInclusive<T>, default: T) -> Result<T, PluginError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let text = match self.get(name) {
            None => return Ok(default),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(other) => other.to_string(),
        };
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (least, most) = range.into_inner();
                self.misread(
                    name,
                    format!("expected a whole number from {least} to {most}, not `{text}`"),
                )
            })
    }

    /// `true` or `false`, also as text; absent is `false`.
    pub fn flag(&self, name: &str) -> Result<bool, PluginError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(_) => Err(self.misread(name, "expected true or false")),
        }
    }

    /// A list of texts, also one that came as JSON; empty where it is absent.
    pub fn words(&self, name: &str) -> Result<Vec<Arc<str>>, PluginError> {
        let wrong = || self.misread(name, "expected a list of texts");
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(wrong()),
        };
        let words = items
            .iter()
            .map(|item| item.as_str().filter(|text| !text.is_empty()).map(Arc::from));
        words.collect::<Option<_>>().ok_or_else(wrong)
    }

    /// One entry is not what it is to be.
    fn misread(&self, name: &str, reason: impl Into<String>) -> PluginError {
        PluginError::Misread {
            key: format!("{}.{name}", self.path),
            reason: reason.into(),
        }
    }

    /// What is wrong with one entry.
    pub fn wrong(&self, name: &str, reason: impl Into<String>) -> PluginError {
        PluginError::Setting {
            key: format!("{}.{name}", self.path),
            reason: reason.into(),
        }
    }
}

/// The full paths of entries of one table.
pub(super) fn paths(table: &str, names: &[String]) -> String {
    let paths: Vec<_> = names.iter().map(|name| format!("{table}.{name}")).collect();
    paths.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn poll(settings: &Settings) -> Result<u64, String> {
        let table = Table::new("data_source.x", settings, &["poll_ms"]).map_err(|e| e.to_string())?;
        table
            .number("poll_ms", 10..=1_000, 100)
            .map_err(|e| e.to_string())
    }

    #[test]
    fn numbers_come_as_numbers_and_as_text() {
        assert_eq!(poll(&json!({"poll_ms": 20})), Ok(20));
        assert_eq!(poll(&json!({"poll_ms": "20"})), Ok(20));
        assert_eq!(poll(&json!({"poll_ms": null})), Ok(100));
        assert_eq!(poll(&Value::Null), Ok(100));
    }

    #[test]
    fn a_refusal_names_the_key() {
        let expected = "data_source.x.poll_ms: expected a whole number from 10 to 1000, not `soon`";
        assert_eq!(poll(&json!({"poll_ms": "soon"})), Err(expected.to_owned()));
        let expected = "data_source.x.pool_ms: no such setting; there are: poll_ms";
        assert_eq!(poll(&json!({"pool_ms": 20})), Err(expected.to_owned()));
        let expected = "data_source.x.pool_ms, data_source.x.b: no such setting; there are: poll_ms";
        let settings = json!({"pool_ms": 20, "poll_ms": 20, "b": null});
        assert_eq!(poll(&settings), Err(expected.to_owned()));
        assert_eq!(poll(&json!(3)), Err("data_source.x: expected a table".to_owned()));
    }
}
