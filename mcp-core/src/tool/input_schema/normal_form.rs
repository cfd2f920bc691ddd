//! The text under which an input schema is listed: the stored one, except for three things that clients rely on.

use super::Layout;
use crate::json::one_line::compact;
use indexmap::IndexMap;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

type Members = IndexMap<String, Box<RawValue>>;

/// `stored` with a root type, and an object-valued `required` folded into the groups it speaks of.
pub(super) fn text(
    stored: &str,
    members: &Map<String, Value>,
    layout: Layout,
    required: &[(String, String)],
) -> Result<String, serde_json::Error> {
    let has_type = members.contains_key("type");
    let has_grouped_required = members.get("required").is_some_and(Value::is_object);
    if has_type && !has_grouped_required {
        return Ok(compact(stored));
    }
    let mut root: Members = serde_json::from_str(stored)?;
    if has_grouped_required && layout == Layout::Flat {
        let names = required.iter().map(|(_, name)| name.as_str());
        root.insert("required".into(), to_raw_value(&unique(names))?);
    } else if has_grouped_required {
        root.shift_remove("required");
        if let Some(properties) = root.get("properties") {
            let folded = fold(properties.get(), required)?;
            root.insert("properties".into(), folded);
        }
    }
    if !has_type {
        root.shift_insert(0, "type".into(), to_raw_value("object")?);
    }
    serde_json::to_string(&root).map(|text| compact(&text))
}

fn fold(properties: &str, required: &[(String, String)]) -> Result<Box<RawValue>, serde_json::Error> {
    let mut properties: Members = serde_json::from_str(properties)?;
    for (group, schema) in &mut properties {
        let added = required
            .iter()
            .filter(|(of, _)| of == group)
            .map(|(_, name)| name.as_str());
        let mut members: Members = match serde_json::from_str(schema.get()) {
            Ok(members) => members,
            // `true` or `false` as the group's schema: there is no member to fold into.
            Err(_) => continue,
        };
        let own: Vec<String> = members
            .get("required")
            .and_then(|own| serde_json::from_str(own.get()).ok())
            .unwrap_or_default();
        let names = unique(own.iter().map(String::as_str).chain(added));
        if names.len() > own.len() {
            members.insert("required".into(), to_raw_value(&names)?);
            *schema = to_raw_value(&members)?;
        }
    }
    to_raw_value(&properties)
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut out = Vec::new();
    for name in names {
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}
