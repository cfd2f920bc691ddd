//! One mapping of the file, and what of it has been read: the rest is named.

use super::Translated;
use crate::settings::SettingsError;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The largest number that a configuration of the gateway has, which is TOML.
const MOST: u64 = i64::MAX as u64;

/// A mapping that is being read.
pub(super) struct Part<'a> {
    path: String,
    /// What a problem is said of, beside the path.
    of: String,
    members: Map<String, Value>,
    environment: &'a HashMap<String, String>,
}

impl<'a> Part<'a> {
    pub(super) fn root(value: Value, environment: &'a HashMap<String, String>) -> Self {
        Self::new(String::new(), String::new(), value, environment)
    }

    pub(super) fn item(
        value: Value,
        list: &str,
        number: usize,
        environment: &'a HashMap<String, String>,
    ) -> Self {
        let mut part = Self::new(format!("{list}[{number}]"), String::new(), value, environment);
        if let Some(id) = part.members.get("id").and_then(Value::as_str) {
            part.of = format!(" (server `{id}`)");
        }
        part
    }

    fn new(path: String, of: String, value: Value, environment: &'a HashMap<String, String>) -> Self {
        let members = match value {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self {
            path,
            of,
            members,
            environment,
        }
    }

    pub(super) fn key(&self, name: &str) -> String {
        match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}.{name}", self.path),
        }
    }

    /// Something is wrong with a member.
    pub(super) fn wrong(&self, name: &str, reason: &str, all: &mut Translated) {
        all.problems.push(SettingsError::value(
            self.key(name),
            format!("{reason}{}", self.of),
        ));
    }

    /// Something is understood and has no effect.
    pub(super) fn note(&self, name: &str, why: &str, all: &mut Translated) {
        all.notes.push(format!("{}{}: {why}", self.key(name), self.of));
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Takes these members, of which each that is there is understood and has no effect.
    pub(super) fn pass_over(&mut self, names: &[&str], why: &str, all: &mut Translated) {
        for name in names {
            if self.take(name).is_some() {
                self.note(name, why, all);
            }
        }
    }

    /// Takes a member as it is; null counts as none.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Another mapping in it; an empty one where there is none.
    pub(super) fn part(&mut self, name: &str, all: &mut Translated) -> Part<'a> {
        let value = self.take(name).unwrap_or_else(|| Value::Object(Map::new()));
        if !value.is_object() {
            self.wrong(name, "expected a mapping", all);
        }
        Part::new(self.key(name), self.of.clone(), value, self.environment)
    }

    /// What is left of a part that was taken out, for somebody else.
    pub(super) fn put(&mut self, name: &str, part: Part<'a>) {
        if !part.members.is_empty() {
            self.members.insert(name.to_owned(), part.members.into());
        }
    }

    /// One of a list in it.
    pub(super) fn item_of(&self, list: &str, number: usize, value: Value) -> Part<'a> {
        Part::new(
            format!("{}[{number}]", self.key(list)),
            self.of.clone(),
            value,
            self.environment,
        )
    }

    pub(super) fn list(&mut self, name: &str, all: &mut Translated) -> Vec<Value> {
        match self.take(name) {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.wrong(name, "expected a list", all);
                Vec::new()
            }
        }
    }

    pub(super) fn text(&mut self, name: &str, all: &mut Translated) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(self.filled(&text)),
            _ => {
                self.wrong(name, "expected a text", all);
                None
            }
        }
    }

    pub(super) fn texts(&mut self, name: &str, all: &mut Translated) -> Vec<String> {
        let items = self.list(name, all);
        let texts: Option<Vec<String>> = items
            .iter()
            .map(|item| item.as_str().map(|text| self.filled(text)))
            .collect();
        texts.unwrap_or_else(|| {
            self.wrong(name, "expected a list of texts", all);
            Vec::new()
        })
    }

    /// Whether a member is a mapping.
    pub(super) fn is_mapping(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(Value::is_object)
    }

    /// Whether a member is a list.
    pub(super) fn is_list(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(Value::is_array)
    }

    /// A mapping of texts, where a variable alone is a reference to a secret: what it is stays out of documents.
    pub(super) fn pairs(&mut self, name: &str, all: &mut Translated) -> Map<String, Value> {
        let Some(value) = self.take(name) else {
            return Map::new();
        };
        let Value::Object(members) = value else {
            self.wrong(name, "expected a mapping", all);
            return Map::new();
        };
        let mut text = |value: Value| match value {
            Value::String(text) => match variable(&text) {
                Some((before, name)) => {
                    all.variables.push(name.to_owned());
                    format!("{before}${{env:{name}}}")
                }
                None => self.filled(&text),
            },
            other => other.to_string(),
        };
        members
            .into_iter()
            .map(|(name, value)| (name, text(value).into()))
            .collect()
    }

    pub(super) fn flag(&mut self, name: &str, all: &mut Translated) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.wrong(name, "expected true or false", all);
                None
            }
        }
    }

    /// A whole number of at least `least`.
    pub(super) fn number(&mut self, name: &str, least: u64, all: &mut Translated) -> Option<u64> {
        let value = self.take(name)?;
        match value.as_u64() {
            Some(number) if number > MOST => {
                self.wrong(name, &format!("must be at most {MOST}, but is {value}"), all);
                None
            }
            Some(number) if number >= least => Some(number),
            _ => {
                let reason = format!("must be a whole number of at least {least}, but is {value}");
                self.wrong(name, &reason, all);
                None
            }
        }
    }

    /// `30s`, `2m`, `500ms`, or seconds; in milliseconds.
    pub(super) fn duration_ms(&mut self, name: &str, all: &mut Translated) -> Option<u64> {
        let value = self.take(name)?;
        let read = match &value {
            Value::Number(seconds) => seconds.as_u64().and_then(|seconds| seconds.checked_mul(1_000)),
            Value::String(text) => humantime::parse_duration(text)
                .ok()
                .and_then(|time| u64::try_from(time.as_millis()).ok()),
            _ => None,
        };
        match read {
            Some(ms) if ms > MOST => {
                self.wrong(name, &format!("must be a shorter time, but is {value}"), all);
                None
            }
            Some(ms) => Some(ms),
            None => {
                self.wrong(name, "expected a time, such as 30s", all);
                None
            }
        }
    }

    /// What nobody has read has no effect, and is named; at most so much of it.
    pub(super) fn rest(self, all: &mut Translated) {
        for name in self.members.keys() {
            all.notes.push(format!(
                "{}{}: there is no such key; it has no effect",
                self.key(name),
                self.of
            ));
        }
    }

    /// Variables that the environment has are put in; others stay as they are written.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                filled.push_str("${");
                rest = after;
                continue;
            };
            match self.environment.get(name) {
                Some(value) => filled.push_str(value),
                None => filled.push_str(&format!("${{{name}}}")),
            }
            rest = behind;
        }
        filled + rest
    }
}

/// `${NAME}`, alone or behind `Bearer`.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (before, rest) = match text.strip_prefix("Bearer ") {
        Some(rest) => ("Bearer ", rest),
        None => ("", text),
    };
    let name = rest.strip_prefix("${")?.strip_suffix('}')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((before, name))
}
