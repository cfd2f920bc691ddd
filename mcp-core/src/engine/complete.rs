//! A call's arguments where the instance says something about them: checked as they are listed, then completed with
//! what the instance gives. From there on the call is like any other.

use super::{arguments::validate, failure::Failure, work::Work};
use crate::{
    json::{members::Members, pointer::pointer_of, text::Text},
    tool::{Group, Overridden},
};
use serde_json::value::RawValue;
use std::collections::{HashMap, hash_map::Entry};

/// The arguments that the tool itself takes.
pub(super) fn complete(
    overridden: &Overridden,
    arguments: Option<&RawValue>,
    work: &dyn Work,
) -> Result<Box<RawValue>, Failure> {
    let json = arguments
        .map(RawValue::get)
        .filter(|json| *json != "null")
        .unwrap_or("{}");
    let unreadable = |reason: String| Failure::argument("(root)", &reason);
    let root = Members::read(json).map_err(unreadable)?;
    if let Some(validator) = &overridden.validator {
        validate(validator, Text::of_object(json, &root), work)?;
    }
    let mut groups_read = HashMap::new();
    for hidden in &overridden.hidden {
        if is_given(&root, hidden, &mut groups_read)? {
            return Err(Failure::argument(
                &pointer_of(hidden),
                "is not an argument of this tool",
            ));
        }
    }
    let mut out = Object::new();
    let groups = &overridden.completion.groups;
    for (name, raw) in root.iter() {
        match groups.iter().find(|(group, _)| group == name) {
            Some((group, values)) if raw.get().starts_with('{') => {
                let given = members(group, raw)?;
                out.add(group, &filled(group, values, &given));
            }
            // No group, as far as the call is concerned.
            Some(_) if raw.get() == "null" => {}
            _ => out.add(name, raw.get()),
        }
    }
    for (group, values) in groups {
        let is_given = root.get(group).is_some_and(|raw| raw.get() != "null");
        if !is_given && values.is_made {
            out.add(group, &filled(group, values, &Members::default()));
        }
    }
    let missing = overridden
        .completion
        .root
        .iter()
        .filter(|(name, _)| root.get(name).is_none());
    for (name, json) in missing {
        out.add(name, json);
    }
    RawValue::from_string(out.end()).map_err(|error| unreadable(error.to_string()))
}

/// What `complete` adds to these arguments, as JSON Pointers.
pub(crate) fn added(overridden: &Overridden, arguments: Option<&RawValue>) -> Vec<String> {
    let json = arguments
        .map(RawValue::get)
        .filter(|json| *json != "null")
        .unwrap_or("{}");
    let Ok(root) = Members::read(json) else {
        return Vec::new();
    };
    let (values, groups) = (&overridden.completion.root, &overridden.completion.groups);
    let missing = values.iter().filter(|(name, _)| root.get(name).is_none());
    let mut added: Vec<String> = missing.map(|(name, _)| pointer_of(&[name])).collect();
    for (group, values) in groups {
        let given = match root.get(group).filter(|raw| raw.get() != "null") {
            Some(raw) => members(group, raw).ok(),
            None => values.is_made.then(Members::default),
        };
        let Some(given) = given else { continue };
        let missing = values.values.iter().filter(|(name, _)| !has(group, &given, name));
        added.extend(missing.map(|(name, _)| pointer_of(&[group, name])));
    }
    added
}

fn members<'a>(group: &str, raw: &'a RawValue) -> Result<Members<'a>, Failure> {
    Members::read(raw.get()).map_err(|reason| Failure::argument(&format!("/{group}"), &reason))
}

fn filled(group: &str, values: &Group, given: &Members<'_>) -> String {
    let mut out = Object::new();
    for (name, raw) in given.iter() {
        out.add(name, raw.get());
    }
    for (name, json) in values.values.iter().filter(|(name, _)| !has(group, given, name)) {
        out.add(name, json);
    }
    out.end()
}

/// Each group is read once, however many arguments of it are hidden.
fn is_given<'a>(
    root: &Members<'a>,
    path: &'a [String],
    read: &mut HashMap<&'a str, Members<'a>>,
) -> Result<bool, Failure> {
    match path {
        [group, name] => {
            let Some(raw) = root.get(group).filter(|raw| raw.get().starts_with('{')) else {
                return Ok(false);
            };
            let given = match read.entry(group) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(members(group, raw)?),
            };
            Ok(has(group, given, name))
        }
        [name] => Ok(root.get(name).is_some()),
        _ => Ok(false),
    }
}

/// Names of headers have no letter case.
fn has(group: &str, members: &Members<'_>, name: &str) -> bool {
    match group {
        "header" => members
            .iter()
            .any(|(header, _)| header.eq_ignore_ascii_case(name)),
        _ => members.get(name).is_some(),
    }
}

/// A JSON object in the making.
pub(super) struct Object(String);

impl Object {
    pub(super) fn new() -> Self {
        Self("{".to_owned())
    }

    pub(super) fn add(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0 += &serde_json::Value::from(name).to_string();
        self.0.push(':');
        self.0 += json;
    }

    pub(super) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}
