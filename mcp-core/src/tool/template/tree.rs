//! A JSON value whose texts are templates: the structure is the definition's, each leaf a typed value.

use super::{Leaf, Templates};
use crate::{json::one_line::compact, tool::InputSchema};
use indexmap::IndexMap;
use mcp_common::problem::Problem;
use serde_json::{Value, value::RawValue};

/// Compiled; what never changes is kept as JSON text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Template {
    Fixed(String),
    /// The leaf and its field in the document.
    Leaf(Leaf, String),
    Object(Vec<(String, Self)>),
    List(Vec<Self>),
}

impl Template {
    /// Compiles the JSON text that stands in the document's member `field`.
    pub(crate) fn compile(
        templates: &mut Templates,
        field: &str,
        json: &str,
        schema: &InputSchema,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let fixed = || Self::Fixed(compact(json));
        match json.as_bytes().first() {
            Some(b'"') => {
                let text: String = serde_json::from_str(json).unwrap_or_default();
                match templates.compile(field, &Value::String(text), schema) {
                    Ok(Leaf::Fixed(_)) => fixed(),
                    Ok(leaf) => Self::Leaf(leaf, field.to_owned()),
                    Err(problem) => {
                        problems.push(problem);
                        fixed()
                    }
                }
            }
            Some(b'{') => {
                let members: IndexMap<String, &RawValue> = serde_json::from_str(json).unwrap_or_default();
                let members: Vec<_> = members
                    .into_iter()
                    .map(|(name, raw)| {
                        let field = format!("{field}.{name}");
                        if name.contains("{{") {
                            problems.push(Problem::at(&field, "a member's name cannot be a template"));
                        }
                        let inner = Self::compile(templates, &field, raw.get(), schema, problems);
                        (name, inner)
                    })
                    .collect();
                if members.iter().all(|(_, inner)| inner.is_fixed()) {
                    return fixed();
                }
                Self::Object(members)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(json).unwrap_or_default();
                let items: Vec<_> = items
                    .into_iter()
                    .enumerate()
                    .map(|(index, raw)| {
                        let field = format!("{field}[{index}]");
                        Self::compile(templates, &field, raw.get(), schema, problems)
                    })
                    .collect();
                if items.iter().all(Self::is_fixed) {
                    return fixed();
                }
                Self::List(items)
            }
            _ => fixed(),
        }
    }

    /// The value's JSON text, if no call changes it.
    pub(crate) fn fixed(&self) -> Option<&str> {
        match self {
            Self::Fixed(json) => Some(json),
            _ => None,
        }
    }

    fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// The names of its members; `None` where it is not an object in every call.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        match self {
            Self::Object(members) => Some(members.iter().map(|(name, _)| name.clone()).collect()),
            Self::Fixed(json) => serde_json::from_str::<IndexMap<String, &RawValue>>(json)
                .ok()
                .map(|members| members.into_keys().collect()),
            Self::Leaf(..) | Self::List(_) => None,
        }
    }
}
