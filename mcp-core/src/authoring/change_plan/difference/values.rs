//! What stood there, and what is to stand there instead: value by value.

use super::{Members, parts};
use crate::authoring::compare;
use indexmap::IndexMap;
use mcp_common::document::Document;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedValue {
    /// The place, `input_schema.properties.limit.maximum`, `tool_ids[2]`.
    pub place: String,
    /// The JSON text of what is stored; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The JSON text of what is wanted; absent where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// The values that differ in these members, as deep as both sides are objects or lists.
pub(in crate::authoring::change_plan) fn changed_values(
    old: &Document,
    new: &Document,
    members: &[String],
) -> Vec<ChangedValue> {
    let (old, new) = (parts(old.as_json()), parts(new.as_json()));
    let mut changed = Vec::new();
    for name in members {
        compare_at(
            name.clone(),
            old.get(name).copied(),
            new.get(name).copied(),
            &mut changed,
        );
    }
    changed
}

/// Documents have a bounded depth.
fn compare_at(place: String, old: Option<&RawValue>, new: Option<&RawValue>, out: &mut Vec<ChangedValue>) {
    if let (Some(before), Some(after)) = (old, new) {
        if compare::same(before, after) {
            return;
        }
        if let (Ok(before), Ok(after)) = (read::<Members<'_>>(before), read::<Members<'_>>(after)) {
            let names: IndexMap<&String, ()> =
                before.keys().chain(after.keys()).map(|name| (name, ())).collect();
            for name in names.into_keys() {
                let place = format!("{place}.{name}");
                compare_at(place, before.get(name).copied(), after.get(name).copied(), out);
            }
            return;
        }
        if let (Ok(before), Ok(after)) = (read::<Vec<&RawValue>>(before), read::<Vec<&RawValue>>(after)) {
            for index in 0..before.len().max(after.len()) {
                let place = format!("{place}[{index}]");
                compare_at(place, before.get(index).copied(), after.get(index).copied(), out);
            }
            return;
        }
    }
    let text = |value: &RawValue| value.get().to_owned();
    out.push(ChangedValue {
        place,
        old: old.map(text),
        new: new.map(text),
    });
}

fn read<'a, T: Deserialize<'a>>(value: &'a RawValue) -> serde_json::Result<T> {
    serde_json::from_str(value.get())
}

#[cfg(test)]
mod tests {
    use super::{super::changed_members, *};

    #[test]
    fn each_value_is_shown_as_it_was_and_as_it_will_be() {
        let parse = |text: &str| Document::parse(text.as_bytes()).unwrap();
        let old = parse(
            r#"{"name":"a","input_schema":{"properties":{"n":{"maximum":1.10,"x":1},"gone":{}}},"tags":["a","b"],"tds_ext_info":{"path":"/a"}}"#,
        );
        let new = parse(
            r#"{"name":"a","input_schema":{"properties":{"n":{"x":1,"maximum":1.1},"come":{"type":"string"}}},"tags":["a"],"tds_ext_info":{"path":{"a":1}},"title":"T"}"#,
        );
        let changed = changed_values(&old, &new, &changed_members(&old, &new));
        let lines: Vec<String> = changed
            .iter()
            .map(|value| {
                format!(
                    "{} {:?} {:?}",
                    value.place,
                    value.old.as_deref(),
                    value.new.as_deref()
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                r#"input_schema.properties.n.maximum Some("1.10") Some("1.1")"#,
                r#"input_schema.properties.gone Some("{}") None"#,
                r#"input_schema.properties.come None Some("{\"type\":\"string\"}")"#,
                r#"tags[1] Some("\"b\"") None"#,
                r#"tds_ext_info.path Some("\"/a\"") Some("{\"a\":1}")"#,
                r#"title None Some("\"T\"")"#,
            ]
        );
    }
}
