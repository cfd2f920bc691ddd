//! A schema that values are checked against: compiled, and with what is known of what a check may cost.

mod memory;
mod pattern;
mod weight;

use super::{
    Findings, schema_bounds,
    validator::{self, violated_places, violations},
};
use crate::{json::text::Text, stack};
use jsonschema::Validator;
use mcp_common::bounds::{Bounds, depth};
pub(crate) use pattern::weight as pattern_weight;
use serde_json::Value;
use std::{fmt, ops::Deref};
use weight::Weight;

/// The JSON reader stops there, below each member of an object whose members have been read.
const DEEPEST: usize = 129;

/// A compiled JSON Schema.
pub(crate) struct Schema {
    validator: Validator,
    /// The text for processes, which compile it themselves.
    text: Box<str>,
    weight: Weight,
    /// About the bytes that it takes.
    memory: u64,
    /// Schemas inside of each other for one value.
    chain: usize,
}

/// What a schema says of a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is as it should be.
    Fits,
    /// It is no JSON whose members stand once: why.
    Unreadable(String),
    /// It is not as it should be.
    Unfit {
        /// For the model, with what was found.
        findings: Findings,
        /// Where, in the value and in the schema; nothing of what stands there. Empty where it was not asked for.
        places: String,
    },
}

impl Schema {
    /// `validator` is that of the schema.
    pub(crate) fn new(validator: Validator, schema: &Value) -> Self {
        Self {
            validator,
            text: schema.to_string().into(),
            weight: Weight::of(schema),
            memory: memory::of(schema),
            chain: schema_bounds::chain(schema),
        }
    }

    /// Compiles the schema of that text.
    pub(crate) fn of_text(text: &str) -> Result<Self, String> {
        let schema = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let validator = validator::compile("schema", &schema, &Bounds::widest())
            .map_err(|problem| problem.to_string())?;
        Ok(Self::new(validator, &schema))
    }

    /// The schema as JSON text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// About the bytes that it takes.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    /// Whether checking the JSON text takes a few milliseconds at most.
    pub(crate) fn is_quick(&self, json: &str) -> bool {
        self.weight.is_quick(json)
    }

    /// Whether checking the JSON text takes a fraction of a second at most, and little memory.
    pub(crate) fn is_bounded(&self, json: &str) -> bool {
        self.weight.is_bounded(json)
    }

    /// What it says of the JSON text. `for_logs`: with the places.
    pub(crate) fn judge(&self, text: Text<'_>, for_logs: bool) -> Verdict {
        let value = match text.value() {
            Ok(value) => value,
            Err(reason) => return Verdict::Unreadable(reason),
        };
        self.with_room(text.get(), || self.judge_value(&value, for_logs))
    }

    fn judge_value(&self, value: &Value, for_logs: bool) -> Verdict {
        if self.validator.is_valid(value) {
            return Verdict::Fits;
        }
        let findings = violations(&self.validator, value);
        let places = match for_logs {
            true => violated_places(&self.validator, value),
            false => String::new(),
        };
        Verdict::Unfit { findings, places }
    }
}

impl Schema {
    /// Runs `check`, which checks what the JSON text says: its levels times those of the schema.
    pub(crate) fn with_room<T>(&self, json: &str, check: impl FnOnce() -> T) -> T {
        let most = (json.len() / 2).min(DEEPEST);
        let levels = || (depth(json.as_bytes()) + 1) * self.chain;
        stack::with_room_for_levels((most + 1) * self.chain, levels, check)
    }
}

impl Deref for Schema {
    type Target = Validator;

    fn deref(&self) -> &Validator {
        &self.validator
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("weight", &self.weight)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    /// A list of lists whose items go through as many definitions as one may.
    fn chained(wrap: impl Fn(Value) -> Value) -> Value {
        let next = |n: usize| json!({"$ref": format!("#/$defs/d{}", n + 1)});
        let mut definitions: Map<_, _> = (0..29).map(|n| (format!("d{n}"), wrap(next(n)))).collect();
        definitions.insert(
            "d29".to_owned(),
            json!({"type": "array", "items": {"$ref": "#/$defs/d0"}}),
        );
        json!({"$ref": "#/$defs/d0", "$defs": definitions})
    }

    #[test]
    fn deep_values_are_checked_against_schemas_that_are_deep_at_each_of_their_levels() {
        let wraps: [fn(Value) -> Value; 7] = [
            |next| next,
            |next| json!({ "allOf": [next] }),
            |next| json!({ "anyOf": [next, {"type": "null"}] }),
            |next| json!({ "oneOf": [next, {"type": "null"}] }),
            |next| json!({"not": {"not": next}}),
            |next| json!({"if": next, "then": true, "else": false}),
            |next| json!({"allOf": [true, next], "minItems": 0}),
        ];
        for wrap in wraps {
            let schema = Schema::of_text(&chained(wrap).to_string()).unwrap();
            for middle in ["", "1"] {
                let deep = format!("{}{middle}{}", "[".repeat(120), "]".repeat(120));
                let verdict = schema.judge(deep.as_str().into(), true);
                assert_eq!(verdict == Verdict::Fits, middle.is_empty(), "{verdict:?}");
            }
        }
    }

    #[test]
    fn definitions_in_a_long_row_are_compiled_and_dropped() {
        for keyword in ["properties", "items", "dependentSchemas"] {
            let next = |n: usize| json!({"$ref": format!("#/$defs/d{}", n + 1)});
            let definition = |n: usize| match keyword {
                "items" => json!({"items": next(n)}),
                keyword => json!({keyword: {"a": next(n)}}),
            };
            let mut definitions: Map<_, _> = (0..5_000).map(|n| (format!("d{n}"), definition(n))).collect();
            definitions.insert("d5000".to_owned(), json!({"type": "string"}));
            let schema = json!({"$ref": "#/$defs/d0", "$defs": definitions});
            drop(Schema::of_text(&schema.to_string()).unwrap());
        }
    }
}
