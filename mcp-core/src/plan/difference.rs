//! Which members of two documents differ.

use mcp_common::document::Document;
use serde_json::{Map, Value};

/// Written by the server, or the key's.
const NOT_COMPARED: [&str; 3] = ["id", "revision", "updated_at"];
/// Its members are compared one by one: what it holds is independent of each other.
const OPENED: &str = "tds_ext_info";

/// The members that differ, in the order of `new`, then those that `new` has no more. The order of members inside
/// does not count.
pub fn changed_members(old: &Document, new: &Document) -> Vec<String> {
    let (old, new) = (parts(old), parts(new));
    let mut changed = Vec::new();
    for (name, value) in &new {
        let is_same = old
            .get(name)
            .is_some_and(|old| canonical(old) == canonical(value));
        if !is_same {
            changed.push(name.clone());
        }
    }
    changed.extend(old.keys().filter(|name| !new.contains_key(*name)).cloned());
    changed
}

fn parts(document: &Document) -> Map<String, Value> {
    let value: Value = serde_json::from_str(document.as_json()).unwrap_or_default();
    let mut parts = Map::new();
    let Value::Object(members) = value else {
        return parts;
    };
    for (name, value) in members {
        match value {
            _ if NOT_COMPARED.contains(&name.as_str()) => {}
            Value::Object(inner) if name == OPENED => {
                parts.extend(
                    inner
                        .into_iter()
                        .map(|(inner, value)| (format!("{OPENED}.{inner}"), value)),
                );
            }
            value => drop(parts.insert(name, value)),
        }
    }
    parts
}

/// The same text for the same value: members sorted, no blanks.
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            out.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(old: &str, new: &str) -> Vec<String> {
        let parse = |text: &str| Document::parse(text.as_bytes()).unwrap();
        changed_members(&parse(old), &parse(new))
    }

    #[test]
    fn members_are_named_and_order_does_not_count() {
        let old =
            r#"{"id":"a","name":"n","tds_ext_info":{"path":"/","method":"GET"},"revision":4,"tags":["x"]}"#;
        assert!(
            changes(
                old,
                r#"{"tags":["x"],"tds_ext_info":{"method":"GET","path":"/"},"name":"n"}"#
            )
            .is_empty()
        );
        let new = r#"{"name":"m","tds_ext_info":{"path":"/x","method":"GET","timeout_ms":1}}"#;
        assert_eq!(
            changes(old, new),
            ["name", "tds_ext_info.path", "tds_ext_info.timeout_ms", "tags"]
        );
    }
}
