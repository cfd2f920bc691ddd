//! What a schema may ask for, looked at before anything follows its references or compiles its patterns.

mod applied;
mod names;
mod patterns;

pub(super) use patterns::{Patterns, each as each_pattern};

use mcp_common::{
    bounds::{Bounds, JsonBounds},
    problem::Problem,
};
use serde_json::Value;

/// Refuses the text of a schema that has more values than one may.
pub(super) fn check_text(field: &str, text: &str, bounds: &Bounds) -> Result<(), Problem> {
    JsonBounds::new(bounds.definition_depth, bounds.schema_nodes)
        .check(text.as_bytes())
        .map_err(|exceeded| Problem::at(field, exceeded.to_string()))
}

/// Refuses a schema of which too many parts apply to one value: whatever follows its references does so for each.
pub(super) fn check(field: &str, schema: &Value, bounds: &Bounds) -> Result<(), Problem> {
    let checked = applied::check(schema, bounds.schema_expansion);
    checked.map(drop).map_err(|reason| Problem::at(field, reason))
}

/// How many schemas are inside of each other for one value, at most: checking it recurses as deep for each of its levels.
pub(super) fn chain(schema: &Value) -> usize {
    applied::check(schema, Bounds::widest().schema_expansion).unwrap_or(applied::MAX_CHAIN)
}
