//! What an instance says about arguments of another server's tool: they are hidden, or have values. The server alone knows
//! what it takes, so that nothing is checked but what clients may give; texts stay as they were written.

use super::input_schema::property::{Change, change};
use crate::json::{
    members::Members,
    pointer::{self, pointer_of},
};
use mcp_common::definition::instance::ToolOverrides;
use serde_json::{json, value::RawValue};
use std::sync::Arc;

/// Objects in each other that are gone into.
const DEEPEST: usize = 16;

/// What is said about the arguments of one tool.
#[derive(Debug, Default)]
pub(crate) struct RemoteArguments {
    /// Member names from the root of the arguments.
    hidden: Vec<Vec<String>>,
    /// JSON texts.
    values: Vec<(Vec<String>, Arc<str>)>,
    /// Where null counts as not given, the arguments that are never without a value.
    required: Option<Vec<String>>,
}

impl RemoteArguments {
    /// Reads what an instance says; what is no JSON Pointer is a name.
    pub(crate) fn new(overrides: &ToolOverrides) -> Self {
        let values = overrides.defaults.iter();
        Self {
            hidden: overrides.hide.iter().map(|name| path(name)).collect(),
            values: values.map(|(name, value)| (path(name), value.clone())).collect(),
            required: None,
        }
    }

    /// Null for an optional argument counts as not given from now on; `schema` is what clients see.
    pub(crate) fn with_nulls_as_absent(self, schema: &str) -> Self {
        let required = Members::read(schema).ok().and_then(|members| {
            let names = members.get("required")?;
            serde_json::from_str(names.get()).ok()
        });
        Self {
            required: Some(required.unwrap_or_default()),
            ..self
        }
    }

    /// The tool's schema as clients see it, and what of the words said about it says nothing.
    pub(crate) fn listed(&self, schema: &str) -> (String, Vec<String>) {
        let mut text = schema.to_owned();
        let mut idle = Vec::new();
        let hidden = self.hidden.iter().map(|path| (path, Change::Remove));
        let shown = self.values.iter().filter(|(path, _)| !self.hidden.contains(path));
        let given = shown.map(|(path, value)| (path, Change::Default(value)));
        for (path, to) in given.chain(hidden) {
            let steps: Vec<&str> = path.iter().map(String::as_str).collect();
            match change(&text, &steps, to) {
                Ok(Some(changed)) => text = changed,
                Ok(None) | Err(_) => idle.push(pointer_of(path)),
            }
        }
        (text, idle)
    }

    /// The arguments as the server gets them, or what the client may not give.
    pub(crate) fn complete(&self, arguments: &str) -> Result<String, String> {
        let without_nulls = self
            .required
            .as_ref()
            .and_then(|required| without_nulls(arguments, required));
        let arguments = without_nulls.as_deref().unwrap_or(arguments);
        for path in &self.hidden {
            if find(arguments, path).is_some() {
                return Err(format!("`{}` is not an argument of this tool", pointer_of(path)));
            }
        }
        let mut text = arguments.to_owned();
        for (path, value) in &self.values {
            if let Some(changed) = with(&text, path, value, DEEPEST) {
                text = changed;
            }
        }
        Ok(text)
    }
}

fn path(name: &str) -> Vec<String> {
    pointer::parse(name).unwrap_or_else(|_| vec![name.to_owned()])
}

/// `None` where none is to be left out.
fn without_nulls(json: &str, required: &[String]) -> Option<String> {
    let is_kept = |name: &str, value: &str| value != "null" || required.iter().any(|kept| kept == name);
    let members = Members::read(json).ok()?;
    if members.iter().all(|(name, value)| is_kept(name, value.get())) {
        return None;
    }
    let kept = members.iter().filter(|(name, value)| is_kept(name, value.get()));
    let kept = kept.map(|(name, value)| format!("{}:{}", json!(name), value.get()));
    Some(format!("{{{}}}", kept.collect::<Vec<_>>().join(",")))
}

fn find<'a>(json: &'a str, path: &[String]) -> Option<&'a RawValue> {
    let (name, inner) = path.split_first()?;
    let found = Members::read(json).ok()?.get(name)?;
    if inner.is_empty() {
        Some(found)
    } else {
        find(found.get(), inner)
    }
}

/// The object with the value at that place, if nothing is there; `None` where it stays as it is.
fn with(json: &str, path: &[String], value: &str, depth: usize) -> Option<String> {
    let (name, inner) = path.split_first()?;
    let members = Members::read(json).ok()?;
    let there = members.get(name).map(RawValue::get);
    let member = match (there, inner.is_empty()) {
        (Some(_), true) => return None,
        (None, true) => value.to_owned(),
        (there, false) => with(there.unwrap_or("{}"), inner, value, depth.checked_sub(1)?)?,
    };
    let mut out = String::from("{");
    let mut add = |name: &str, value: &str| {
        if out.len() > 1 {
            out.push(',');
        }
        out.extend([&*json!(name).to_string(), ":", value]);
    };
    for (own, value) in members.iter() {
        add(own, if own == name { &member } else { value.get() });
    }
    if there.is_none() {
        add(name, &member);
    }
    out.push('}');
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(defaults: &[(&str, &str)], hide: &[&str]) -> RemoteArguments {
        let defaults = defaults.iter();
        RemoteArguments::new(&ToolOverrides {
            defaults: defaults
                .map(|(name, value)| ((*name).to_owned(), (*value).into()))
                .collect(),
            hide: hide.iter().map(|name| (*name).to_owned()).collect(),
        })
    }

    #[test]
    fn clients_see_what_they_may_give_and_the_rest_stays_as_it_was_written() {
        let schema = r#"{"type":"object","properties":{"a":{"maximum":1.10},"b":{},"c":{}},"required":["a","b"],"x-own":1e2}"#;
        let (listed, idle) = said(&[("a", "1.0"), ("c", "7")], &["b", "c", "none"]).listed(schema);
        assert_eq!(
            listed,
            r#"{"type":"object","properties":{"a":{"maximum":1.10,"default":1.0}},"x-own":1e2}"#
        );
        assert_eq!(idle, ["/none"]);
    }

    #[test]
    fn values_stand_where_the_client_gives_none() {
        let said = said(
            &[
                ("a", "12345678901234567890123"),
                ("/deep/er/x", "1.10"),
                ("z", "null"),
            ],
            &["h", "/deep/h"],
        );
        for (sent, expected) in [
            (
                "{}",
                Ok(r#"{"deep":{"er":{"x":1.10}},"a":12345678901234567890123,"z":null}"#),
            ),
            (
                r#"{"a":1.0,"deep":{"y":1e2,"er":{"x":0}}}"#,
                Ok(r#"{"a":1.0,"deep":{"y":1e2,"er":{"x":0}},"z":null}"#),
            ),
            (r#"{"deep":7,"a":1,"z":1}"#, Ok(r#"{"deep":7,"a":1,"z":1}"#)),
            (r#"{"h":null}"#, Err("`/h` is not an argument of this tool")),
            (
                r#"{"deep":{"h":1}}"#,
                Err("`/deep/h` is not an argument of this tool"),
            ),
        ] {
            let completed = said.complete(sent);
            assert_eq!(completed.as_deref().map_err(String::as_str), expected, "{sent}");
        }
    }

    #[test]
    fn nulls_for_what_need_not_be_given_are_left_out_where_the_instance_says_so() {
        let schema = r#"{"properties":{"a":{},"b":{},"c":{}},"required":["b"]}"#;
        let said = said(&[("a", "1")], &["c"]).with_nulls_as_absent(schema);
        for (sent, expected) in [
            (r#"{"a":null,"b":null,"x":null}"#, r#"{"b":null,"a":1}"#),
            (r#"{"a":2,"b":{"c":null}}"#, r#"{"a":2,"b":{"c":null}}"#),
            // Not given, and so not given although it is hidden.
            (r#"{"c":null}"#, r#"{"a":1}"#),
        ] {
            assert_eq!(said.complete(sent).as_deref(), Ok(expected), "{sent}");
        }
    }
}
