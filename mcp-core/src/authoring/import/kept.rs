//! Names that the last import gave to arguments. Instances give values to them, prompts name them: they stay, whatever else
//! the description has by now.

use super::{Format, ImportOptions, arguments::Place, definition::rest_in_query};
use crate::{authoring::change_plan::Stored, json::pointer};
use mcp_common::{document::Document, key::Kind};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The instance's tools by the operation that they were made from.
#[derive(Debug)]
pub(super) struct Kept<'a>(HashMap<String, &'a Document>);

/// What the argument is called that is the whole body.
const ROOTS: [&str; 4] = ["items", "request", "text", "content"];

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
        let Some(document) = self.0.get(operation) else {
            return Vec::new();
        };
        let read = |member: &str| -> Option<Value> { serde_json::from_str(document.get(member)?.get()).ok() };
        let Some(binding) = read("tds_ext_info") else {
            return Vec::new();
        };
        let kept_path = binding.get("path").and_then(Value::as_str).unwrap_or_default();
        let mut names = in_path(path, kept_path);
        let params = binding.get("params").and_then(Value::as_array);
        let params = params.into_iter().flatten();
        names.extend(params.clone().filter_map(of_param));
        let parts = binding.pointer("/body/parts").and_then(Value::as_array);
        names.extend(parts.into_iter().flatten().filter_map(of_part));
        names.extend(of_root(&binding));
        let placed = params.filter_map(|param| Some(param.get("name")?.as_str()?.to_owned()));
        let mut placed: HashSet<String> = placed.chain(placeholders(kept_path)).collect();
        placed.extend(names.iter().map(|(.., name)| name.clone()));
        // What nothing places goes where the rule for flat arguments puts it, under its own name.
        let rest = rest(&binding);
        let schema = read("input_schema");
        let properties = schema
            .as_ref()
            .and_then(|schema| schema.get("properties")?.as_object());
        let properties = properties.into_iter().flatten().map(|(name, _)| name.clone());
        let unplaced = properties.filter(|name| !placed.contains(name));
        names.extend(unplaced.map(|name| (rest, name.clone(), name)));
        names
    }
}

/// Where arguments without a place go.
fn rest(binding: &Value) -> Place {
    let method = binding.get("method").and_then(Value::as_str).unwrap_or_default();
    let is_in_query = match binding.pointer("/body/mode").and_then(Value::as_str) {
        Some("none") => true,
        Some("json" | "form" | "multipart") => false,
        _ => rest_in_query(&method.to_ascii_uppercase()),
    };
    if is_in_query { Place::Query } else { Place::Body }
}

/// What placeholders of the description's path are called. Segment by segment, since `:id` may be one there.
fn in_path(path: &str, kept: &str) -> Vec<KeptName> {
    let named = |wires: Vec<String>, names: Vec<String>| {
        let is_same_path = wires.len() == names.len();
        let pairs = wires.into_iter().zip(names).filter(move |_| is_same_path);
        pairs.map(|(wire, name)| (Place::Path, wire, name))
    };
    let wires_of = |segment: &str| match segment.strip_prefix(':') {
        Some(wire) if !wire.contains(['{', '}']) => vec![wire.to_owned()],
        _ => placeholders(segment),
    };
    if path.split('/').count() != kept.split('/').count() {
        return named(placeholders(path), placeholders(kept)).collect();
    }
    let segments = path.split('/').zip(kept.split('/'));
    segments
        .flat_map(|(segment, kept)| named(wires_of(segment), placeholders(kept)))
        .collect()
}

fn placeholders(path: &str) -> Vec<String> {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split_once('}'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The argument that is the whole body, by what it was called before it was made unique.
fn of_root(binding: &Value) -> Option<KeptName> {
    let name = member(binding.pointer("/body/root")?.as_str()?)?;
    let wire = ROOTS.into_iter().find(|wire| name.contains(wire))?;
    Some((Place::Root, wire.to_owned(), name))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_apart_by_their_segment() {
        let names = |path: &str, kept: &str| -> Vec<(String, String)> {
            let found = in_path(path, kept).into_iter();
            found.map(|(_, wire, name)| (wire, name)).collect()
        };
        let pair = |wire: &str, name: &str| (wire.to_owned(), name.to_owned());
        let both = [pair("a", "a"), pair("$b", "b")];
        assert_eq!(names("/v1/:a/{$b}", "/v1/{a}/{b}"), both);
        assert_eq!(names("/:look/{$b}", "/%3Alook/{b}"), [pair("$b", "b")]);
        // With another base, and where nobody can tell.
        assert_eq!(names("/{a}/{$b}", "/v1/{a}/{b}"), both);
        assert_eq!(names("/{a}/x", "/v1/{a}/{b}"), []);
        assert_eq!(names("/{a}-{b}", "/{a}"), []);
    }
}
