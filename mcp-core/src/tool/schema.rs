//! A schema that values are checked against: compiled, and with what is known of what a check may cost.

mod pattern;
mod weight;

use super::validator::{self, violated_places, violations};
use crate::engine::strict_value;
use jsonschema::Validator;
use mcp_common::bounds::Bounds;
use serde_json::Value;
use std::{fmt, ops::Deref};
use weight::Weight;

pub(crate) use pattern::weight as pattern_weight;

/// A compiled JSON Schema.
pub(crate) struct Schema {
    validator: Validator,
    /// For processes, which compile it themselves.
    text: Box<str>,
    weight: Weight,
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
        /// One line per violation, each with a line break before it: for the model, with what was found.
        findings: String,
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
        }
    }

    /// Compiles the schema of that text.
    pub(crate) fn of_text(text: &str) -> Result<Self, String> {
        let schema = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let validator = validator::compile("schema", &schema, &Bounds::widest())
            .map_err(|problem| problem.to_string())?;
        Ok(Self::new(validator, &schema))
    }

    /// As JSON text.
    pub(crate) fn text(&self) -> &str {
        &self.text
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
    pub(crate) fn judge(&self, json: &str, for_logs: bool) -> Verdict {
        let value = match strict_value::read(json) {
            Ok(value) => value,
            Err(error) => return Verdict::Unreadable(error.to_string()),
        };
        if self.validator.is_valid(&value) {
            return Verdict::Fits;
        }
        let mut findings = String::new();
        violations(&self.validator, &value, &mut findings);
        let places = match for_logs {
            true => violated_places(&self.validator, &value),
            false => String::new(),
        };
        Verdict::Unfit { findings, places }
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
