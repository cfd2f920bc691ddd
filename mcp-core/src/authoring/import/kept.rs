//! Names that the last import gave to arguments. Instances give values to them, prompts name them: they stay, whatever else
//! the description has by now.

use super::{Format, ImportOptions, arguments::Place};
use crate::{authoring::change_plan::Stored, json::pointer};
use mcp_common::{document::Document, key::Kind};
use serde_json::Value;
use std::collections::HashMap;

/// The instance's tools by the operation that they were made from.
#[derive(Debug)]
pub(super) struct Kept<'a>(HashMap<String, &'a Document>);

/// An argument: where it goes, what the API calls it, and its name.
pub(super) type KeptName = (Place, String, String);

impl<'a> Kept<'a> {
    pub(super) fn find(format: Format, options: &ImportOptions, stored: &'a Stored) -> Self {
        let prefix = format!("{}.", options.instance);
        let own = stored
            .documents(Kind::TOOL)
            .filter(|(key, _)| key.id.starts_with(&prefix));
        let made = own.filter_map(|(_, document)| {
            let source: Value = serde_json::from_str(document.get("source")?.get()).ok()?;
            let text = |name: &str| source.get(name).and_then(Value::as_str);
            let is_own = text("type") == Some(format.as_str()) && text("instance") == Some(&options.instance);
            is_own
                .then(|| Some((text("operation")?.to_owned(), document)))
                .flatten()
        });
        Self(made.collect())
    }

    /// Of an operation, whose path the description has as `path`.
    pub(super) fn names(&self, operation: &str, path: &str) -> Vec<KeptName> {
        let binding = self
            .0
            .get(operation)
            .and_then(|document| document.get("tds_ext_info"));
        let binding: Option<Value> = binding.and_then(|raw| serde_json::from_str(raw.get()).ok());
        let Some(binding) = binding else {
            return Vec::new();
        };
        let kept_path = binding.get("path").and_then(Value::as_str).unwrap_or_default();
        let in_path = placeholders(path).into_iter().zip(placeholders(kept_path));
        let mut names: Vec<KeptName> = in_path.map(|(wire, name)| (Place::Path, wire, name)).collect();
        let params = binding.get("params").and_then(Value::as_array);
        names.extend(params.into_iter().flatten().filter_map(of_param));
        let parts = binding.pointer("/body/parts").and_then(Value::as_array);
        names.extend(parts.into_iter().flatten().filter_map(of_part));
        names
    }
}

fn placeholders(path: &str) -> Vec<String> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}

fn of_param(param: &Value) -> Option<KeptName> {
    let text = |name: &str| param.get(name).and_then(Value::as_str);
    let name = text("name")?;
    let wire = text("as").unwrap_or(name);
    let place = match text("in")? {
        "query" => Place::Query,
        "header" => Place::Header,
        "cookie" => Place::Cookie,
        "body" => return Some((Place::Body, member(wire)?, name.to_owned())),
        _ => return None,
    };
    Some((place, wire.to_owned(), name.to_owned()))
}

fn of_part(part: &Value) -> Option<KeptName> {
    let text = |name: &str| part.get(name).and_then(Value::as_str);
    Some((Place::Part, text("name")?.to_owned(), member(text("from")?)?))
}

/// The one member that a pointer, or a plain name, leads to.
fn member(pointer: &str) -> Option<String> {
    if !pointer.starts_with('/') {
        return Some(pointer.to_owned());
    }
    let mut steps = pointer::parse(pointer).ok()?;
    (steps.len() == 1).then(|| steps.pop()).flatten()
}
