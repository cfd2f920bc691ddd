//! The arguments that a tool's schema requires.

use super::input_schema::{InputSchema, Layout};
use mcp_common::definition::tool::GROUPS;
use serde_json::Value;

/// Names at the root, and in the groups of a grouped schema.
#[derive(Clone, Debug, Default)]
pub(crate) struct Required(Box<[(Option<&'static str>, Box<str>)]>);

impl Required {
    pub(crate) fn of(input: &InputSchema) -> Self {
        let mut all = names(None, &input.value);
        if input.layout == Layout::Grouped {
            for group in GROUPS {
                let path = [group.to_owned()];
                let schema = input.at(&path).map(|schema| input.resolve(schema));
                all.extend(schema.into_iter().flat_map(|schema| names(Some(group), schema)));
            }
        }
        Self(all.into())
    }

    /// Whether there is no call without it.
    pub(crate) fn has(&self, group: Option<&str>, name: &str) -> bool {
        self.0
            .iter()
            .any(|(of, required)| *of == group && **required == *name)
    }
}

fn names(group: Option<&'static str>, schema: &Value) -> Vec<(Option<&'static str>, Box<str>)> {
    let names = schema.get("required").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(|name| (group, name.into())).collect()
}
