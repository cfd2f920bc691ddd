//! Which members of two documents differ.

mod values;

pub use values::ChangedValue;
pub(super) use values::changed_values;

use crate::authoring::compare;
use indexmap::IndexMap;
use mcp_common::{document::Document, key::Kind};
use serde_json::{Value, value::RawValue};

/// Written by the server, or the key's.
const NOT_COMPARED: [&str; 3] = ["id", "revision", "updated_at"];
/// The member whose own members are compared one by one: what it holds is independent of each other.
const OPENED: &str = "tds_ext_info";

type Members<'a> = IndexMap<String, &'a RawValue>;

/// The members that differ, in the order of `new`, then those that `new` has no more. The order of members inside
/// does not count; numbers are compared as they are written, because a 30-digit one is not the same as its neighbour.
pub fn changed_members(old: &Document, new: &Document) -> Vec<String> {
    let (old, new) = (parts(old.as_json()), parts(new.as_json()));
    let mut changed = Vec::new();
    for (name, value) in &new {
        if !old.get(name).is_some_and(|old| compare::same(old, value)) {
            changed.push(name.clone());
        }
    }
    changed.extend(old.keys().filter(|name| !new.contains_key(*name)).cloned());
    changed
}

fn parts(document: &str) -> Members<'_> {
    let members: Members<'_> = serde_json::from_str(document).unwrap_or_default();
    let mut parts = Members::new();
    for (name, value) in members {
        if NOT_COMPARED.contains(&name.as_str()) || is_word_of_files(&name, value) {
            continue;
        }
        match serde_json::from_str::<Members<'_>>(value.get()) {
            Ok(inner) if name == OPENED => {
                let inner = inner.into_iter();
                parts.extend(inner.map(|(inner, value)| (format!("{OPENED}.{inner}"), value)));
            }
            _ => drop(parts.insert(name, value)),
        }
    }
    parts
}

/// `kind` stands in files, which it is taken out of; a definition that was stored with it is not another one for that.
fn is_word_of_files(name: &str, value: &RawValue) -> bool {
    name == "kind"
        && serde_json::from_str::<&str>(value.get()).is_ok_and(|word| Kind::of_word(word).is_some())
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

    #[test]
    fn what_only_files_say_is_no_difference() {
        assert!(changes(r#"{"kind":"tds","name":"n"}"#, r#"{"name":"n"}"#).is_empty());
        assert_eq!(
            changes(r#"{"kind":"mine","name":"n"}"#, r#"{"name":"n"}"#),
            ["kind"]
        );
    }

    #[test]
    fn values_are_compared_exactly() {
        let big = |last: u8| format!(r#"{{"x":{{"n":12345678901234567890123456789{last}}}}}"#);
        assert_eq!(changes(&big(0), &big(1)), ["x"]);
        assert!(changes(&big(0), &big(0).replace(':', " : ")).is_empty());
        assert_eq!(changes(r#"{"x":1.10}"#, r#"{"x":1.1}"#), ["x"]);
        assert!(changes(r#"{"x":["\u00e9",null]}"#, r#"{"x":["é",null]}"#).is_empty());
        assert_eq!(changes(r#"{"x":{"a":1,"b":2}}"#, r#"{"x":{"a":1}}"#), ["x"]);
        assert_eq!(changes(r#"{"x":[1]}"#, r#"{"x":[1,2]}"#), ["x"]);
    }
}
