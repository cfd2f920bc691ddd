//! What of arguments is not written down.

use mcp_common::credential_name::may_be_credential;
use regex::Regex;
use serde_json::{Value, value::RawValue};

/// Stands where something was.
const REDACTED: &str = "[redacted]";

/// What is left out: by name, by place, by what it looks like.
#[derive(Debug, Default)]
pub(super) struct Redaction {
    paths: Vec<Path>,
    patterns: Vec<Regex>,
}

/// A JSON Pointer (RFC 6901) whose `*` stands for any member or item.
#[derive(Debug)]
struct Path(Vec<String>);

impl Redaction {
    /// Says which of them is wrong.
    pub(super) fn new(paths: &[String], patterns: &[String]) -> Result<Self, (&'static str, String)> {
        let paths = paths.iter().map(|text| Path::parse(text));
        let paths = paths.collect::<Result<_, _>>();
        let patterns = patterns.iter().map(|text| {
            Regex::new(text).map_err(|error| format!("`{text}` is no regular expression: {error}"))
        });
        Ok(Self {
            paths: paths.map_err(|reason| ("audit.redact_paths", reason))?,
            patterns: patterns
                .collect::<Result<_, _>>()
                .map_err(|reason| ("audit.redact_patterns", reason))?,
        })
    }

    /// The arguments without it; what cannot be read is not shown at all.
    pub(super) fn apply(&self, arguments: &str) -> Box<RawValue> {
        let mut value: Value = serde_json::from_str(arguments).unwrap_or_else(|_| REDACTED.into());
        for Path(steps) in &self.paths {
            remove(&mut value, steps);
        }
        self.clean(&mut value);
        serde_json::value::to_raw_value(&value).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    fn clean(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    match may_be_credential(name) {
                        true => *value = REDACTED.into(),
                        false => self.clean(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.clean(item)),
            Value::String(text) => {
                for pattern in &self.patterns {
                    if pattern.is_match(text) {
                        *text = pattern.replace_all(text, REDACTED).into_owned();
                    }
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if self.patterns.iter().any(|pattern| pattern.is_match(&text)) {
                    *value = REDACTED.into();
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

fn remove(value: &mut Value, steps: &[String]) {
    let Some((step, rest)) = steps.split_first() else {
        *value = REDACTED.into();
        return;
    };
    match value {
        Value::Object(members) if step == "*" => members.values_mut().for_each(|value| remove(value, rest)),
        Value::Object(members) => {
            if let Some(value) = members.get_mut(step) {
                remove(value, rest);
            }
        }
        Value::Array(items) if step == "*" => items.iter_mut().for_each(|value| remove(value, rest)),
        Value::Array(items) => {
            let item = step.parse::<usize>().ok().and_then(|at| items.get_mut(at));
            if let Some(value) = item {
                remove(value, rest);
            }
        }
        _ => {}
    }
}

impl Path {
    fn parse(text: &str) -> Result<Self, String> {
        let steps = text
            .strip_prefix('/')
            .ok_or_else(|| format!("`{text}` is no JSON Pointer; write `/member`, `/list/*/member`"))?;
        let step = |step: &str| step.replace("~1", "/").replace("~0", "~");
        Ok(Self(steps.split('/').map(step).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn what_is_named_is_not_seen() {
        let redaction = Redaction::new(
            &texts(&["/card/number", "/items/*/note", "/a~1b", "/list/1"]),
            &texts(&[r"\b\d{16}\b", "(?i)bearer [a-z0-9]+"]),
        )
        .unwrap();
        let arguments = json!({
            "card": {"number": "x", "holder": "Ann"}, "items": [{"note": "n", "id": 7}, {"id": 8}], "a/b": {"c": 1}, "list": [1, 2],
            "text": "pay 4111111111111111 with Bearer abc, please", "number": 4111111111111111_u64, "apiKey": "k", "deep": [{"password": ["p"]}],
            "amount": 12.5, "none": null,
        });
        let seen: Value = serde_json::from_str(redaction.apply(&arguments.to_string()).get()).unwrap();
        assert_eq!(
            seen,
            json!({
                "card": {"number": REDACTED, "holder": "Ann"}, "items": [{"note": REDACTED, "id": 7}, {"id": 8}], "a/b": REDACTED, "list": [1, REDACTED],
                "text": "pay [redacted] with [redacted], please", "number": REDACTED, "apiKey": REDACTED, "deep": [{"password": REDACTED}],
                "amount": 12.5, "none": null,
            })
        );
        // What nobody can read may hold anything.
        assert_eq!(redaction.apply(&"[".repeat(5000)).get(), "\"[redacted]\"");
    }

    #[test]
    fn what_cannot_be_meant_is_said() {
        let (key, reason) = Redaction::new(&texts(&["card"]), &[]).unwrap_err();
        assert!(
            key == "audit.redact_paths" && reason.contains("`card`"),
            "{reason}"
        );
        let (key, reason) = Redaction::new(&[], &texts(&["("])).unwrap_err();
        assert!(
            key == "audit.redact_patterns" && reason.contains("`(`"),
            "{reason}"
        );
    }
}
