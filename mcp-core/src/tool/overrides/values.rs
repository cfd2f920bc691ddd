//! Values that an instance gives are checked against what the tool's schema says of the argument.

use super::Said;
use crate::{
    json::{pointer::pointer_of, strict_value},
    tool::{Signature, validator},
};
use serde_json::{Value, json};

/// Where the value stands in the overrides.
pub(super) fn field(said: &Said<'_>) -> String {
    said.field.clone()
}

/// Whether the argument may have the value that the JSON text is.
pub(super) fn check(signature: &Signature, path: &[String], json: &str) -> Result<(), String> {
    let value = strict_value::read(json).map_err(|error| error.to_string())?;
    let arguments = around(path, value);
    match violation(signature, path, &arguments) {
        Some(reason) => Err(format!("does not fit the tool's input_schema: {reason}")),
        None => Ok(()),
    }
}

/// Arguments that have nothing but this value.
fn around(path: &[String], value: Value) -> Value {
    path.iter()
        .rev()
        .fold(value, |inner, name| json!({ name: inner }))
}

/// What the tool's schema finds wrong at the path or below it. That other arguments are missing is no matter here.
pub(super) fn violation(signature: &Signature, path: &[String], arguments: &Value) -> Option<String> {
    let pointer = pointer_of(path);
    // What takes too long to be checked now is checked by each call.
    let text = arguments.to_string();
    let validator = signature
        .validator
        .as_ref()
        .filter(|schema| schema.is_bounded(&text))?;
    validator.with_room(&text, || {
        let mut findings = validator
            .iter_errors(arguments)
            .map(|error| validator::finding(&error));
        findings.find_map(|(found, reason)| {
            let rest = found.strip_prefix(pointer.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{found}: {reason}"))
        })
    })
}
