//! What a value is worth in bytes, before it is copied: a reference of a few bytes may name megabytes, and a thousand
//! of them gigabytes.

use super::{Draft, Unmappable};
use mcp_common::bounds::{OBJECT, VALUE};
use serde_json::{Map, Value};

/// About the bytes of its JSON text; more than `most` where it is more, found without a look at all of it.
pub(super) fn of(value: &Value, most: usize) -> usize {
    let mut left = Some(most);
    spend(value, &mut left);
    left.map_or(most.saturating_add(1), |left| most - left)
}

/// The same of the members of an object.
pub(super) fn of_members(members: &Map<String, Value>, most: usize) -> usize {
    let mut found = 2_usize;
    for (name, value) in members {
        if found > most {
            break;
        }
        found += name.len() + 3 + of(value, most - found.min(most));
    }
    found
}

/// What is said of an input schema that has more.
pub(super) fn too_large(most: usize) -> String {
    format!("input_schema: has more than {most} bytes, which is more than a model can use")
}

/// The value, if it is that small.
pub(super) fn small(value: &Value, most: usize) -> Option<Value> {
    (of(value, most) <= most).then(|| value.clone())
}

fn spend(value: &Value, left: &mut Option<usize>) {
    let own = match value {
        Value::String(text) => text.len() + 3,
        Value::Array(_) | Value::Object(_) => 3,
        Value::Null | Value::Bool(_) | Value::Number(_) => 6,
    };
    *left = left.and_then(|left| left.checked_sub(own));
    match value {
        Value::Array(items) => {
            let mut items = items.iter();
            while let (Some(_), Some(item)) = (*left, items.next()) {
                spend(item, left);
            }
        }
        Value::Object(members) => {
            let mut members = members.iter();
            while let (Some(_), Some((name, value))) = (*left, members.next()) {
                *left = left.and_then(|left| left.checked_sub(name.len() + 3));
                spend(value, left);
            }
        }
        _ => {}
    }
}

/// The cost of a tool's definition.
pub(super) fn of_draft(draft: &Draft, most: usize) -> usize {
    let texts = [&draft.description, &draft.operation, &draft.base_url, &draft.path];
    let tags = draft.tags.iter().map(String::len).sum::<usize>();
    let values = (draft.output_schema.iter())
        .chain(&draft.body)
        .chain(&draft.auth)
        .chain(&draft.params)
        .chain(&draft.examples);
    let mut found = tags + texts.iter().map(|text| text.len()).sum::<usize>();
    for value in values {
        found += of(value, most);
        if found > most {
            return found;
        }
    }
    found + of_members(&draft.input_schema, most) + of_members(&draft.headers, most)
}

/// About the bytes of memory that a tool's definition takes.
pub(super) fn memory_of_draft(draft: &Draft) -> u64 {
    let values = (draft.output_schema.iter())
        .chain(&draft.body)
        .chain(&draft.auth)
        .chain(&draft.params)
        .chain(&draft.examples)
        .chain(draft.input_schema.values())
        .chain(draft.headers.values());
    let texts = [&draft.description, &draft.operation, &draft.base_url, &draft.path];
    texts.iter().map(|text| text.len() as u64).sum::<u64>() + 2 * OBJECT + values.map(memory).sum::<u64>()
}

fn memory(value: &Value) -> u64 {
    VALUE
        + match value {
            Value::String(text) => text.len() as u64,
            Value::Array(items) => items.iter().map(memory).sum(),
            Value::Object(members) => OBJECT + members.values().map(memory).sum::<u64>(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
}

/// What one operation may still copy out of the description.
#[derive(Debug)]
pub(super) struct Copies {
    left: usize,
}

impl Copies {
    /// Much more than the definition of one tool may have.
    const MOST: usize = 2 << 20;

    pub(super) fn new() -> Self {
        Self { left: Self::MOST }
    }

    /// Takes what copying the value costs.
    pub(super) fn take(&mut self, value: &Value) -> Result<(), Unmappable> {
        let cost = of(value, self.left);
        self.left = self.left.checked_sub(cost).ok_or_else(|| {
            let most = Self::MOST >> 20;
            Unmappable(format!(
                "its parameters, schemas and answers come to more than {most} MiB"
            ))
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_too_large_is_found_without_a_look_at_all_of_it() {
        let small_one = json!({"a": [1, "text", null]});
        assert!((10..60).contains(&of(&small_one, 1_000)));
        assert_eq!(of(&json!("x".repeat(100)), 50), 51);
        assert_eq!(small(&small_one, 1_000), Some(small_one.clone()));
        assert_eq!(small(&small_one, 10), None);
    }
}
