//! JSON Schema validators: compiled with the definition, without reach to files or the network.

use jsonschema::{Draft, PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use mcp_common::problem::Problem;
use serde_json::Value;
use std::fmt::Write;

/// How many violations one answer names; a model corrects the first ones first.
const MAX_VIOLATIONS: usize = 5;
/// How much of a wrong value is repeated.
const MAX_FOUND: usize = 80;
/// How long one violation's text may be.
const MAX_TEXT: usize = 400;
/// How many places a log line names.
const MAX_PLACES: usize = 3;
/// How much of one of their paths.
const MAX_PLACE: usize = 200;
/// Steps of a backtracking pattern; a pattern that needs more is hostile.
const BACKTRACK_LIMIT: usize = 100_000;

/// Compiles the schema that stands in the document's member `field`.
pub(super) fn compile(field: &str, schema: &Value) -> Result<Validator, Problem> {
    let draft = dialect(field, schema)?;
    jsonschema::options()
        .with_draft(draft)
        .offline()
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(BACKTRACK_LIMIT))
        .build(schema)
        .map_err(|error| {
            let place = error.instance_path().as_str();
            let place = if place.is_empty() {
                String::new()
            } else {
                format!(" at {place}")
            };
            Problem::at(
                field,
                bounded(
                    &format!("is not a schema that can be used{place}: {error}"),
                    MAX_TEXT,
                ),
            )
        })
}

fn dialect(field: &str, schema: &Value) -> Result<Draft, Problem> {
    let Some(dialect) = schema.get("$schema") else {
        return Ok(Draft::Draft202012);
    };
    let name = dialect.as_str().unwrap_or_default().trim_end_matches('#');
    match name.split_once("://").map_or(name, |(_, rest)| rest) {
        "json-schema.org/draft/2020-12/schema" => Ok(Draft::Draft202012),
        "json-schema.org/draft-07/schema" => Ok(Draft::Draft7),
        _ => {
            let reason = format!("the dialect {dialect} is not supported; use draft 2020-12 or draft-07");
            Err(Problem::at(format!("{field}.$schema"), reason))
        }
    }
}

/// What is wrong with the value, one line per violation, each with its JSON pointer; empty if nothing is.
pub(crate) fn violations(validator: &Validator, value: &Value, out: &mut String) {
    let mut errors = validator.iter_errors(value);
    for error in errors.by_ref().take(MAX_VIOLATIONS) {
        out.push('\n');
        describe(&error, out);
    }
    if errors.next().is_some() {
        out.push_str("\n… and more");
    }
}

/// Where the value does not fit, in the value and in the schema, for logs: nothing of what stands there.
pub(crate) fn violated_places(validator: &Validator, value: &Value) -> String {
    let mut errors = validator.iter_errors(value);
    let places = errors.by_ref().take(MAX_PLACES).map(|error| {
        let place = error.instance_path().as_str();
        let place = if place.is_empty() { "(root)" } else { place };
        let rule = error.schema_path().as_str();
        format!(
            "{} breaks {}",
            bounded(place, MAX_PLACE),
            bounded(rule, MAX_PLACE)
        )
    });
    let mut places = places.collect::<Vec<_>>().join(", ");
    if errors.next().is_some() {
        places.push_str(", and more");
    }
    places
}

/// At most `most` of them, each as its JSON pointer and the reason.
pub(crate) fn findings(validator: &Validator, value: &Value, most: usize) -> Vec<(String, String)> {
    let errors = validator.iter_errors(value).take(most);
    errors.map(|error| finding(&error)).collect()
}

fn describe(error: &ValidationError<'_>, out: &mut String) {
    let (pointer, reason) = finding(error);
    let _ = write!(out, "{pointer}: {reason}");
}

/// Its JSON pointer and the reason.
pub(super) fn finding(error: &ValidationError<'_>) -> (String, String) {
    let mut pointer = error.instance_path().as_str().to_owned();
    if let ValidationErrorKind::Required { property } = error.kind() {
        let name = property
            .as_str()
            .unwrap_or_default()
            .replace('~', "~0")
            .replace('/', "~1");
        return (format!("{pointer}/{name}"), "is required, but missing".to_owned());
    }
    if pointer.is_empty() {
        pointer.push_str("(root)");
    }
    let found = match &**error.instance() {
        Value::Object(_) => "this object".to_owned(),
        Value::Array(_) => "this array".to_owned(),
        scalar => bounded(&scalar.to_string(), MAX_FOUND),
    };
    let text = error.masked_with(found).to_string();
    (pointer, bounded(&text, MAX_TEXT))
}

/// The text, cut at a character boundary.
pub(crate) fn bounded(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(limit)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(schema: &Value, value: &Value) -> String {
        let mut out = String::new();
        violations(&compile("input_schema", schema).unwrap(), value, &mut out);
        out
    }

    #[test]
    fn violations_name_the_pointer_what_was_expected_and_what_was_found() {
        let schema = json!({"type": "object", "required": ["id", "a/b"], "additionalProperties": false, "properties": {
            "id": {"type": "integer", "minimum": 1}, "kind": {"enum": ["a", "b"]}, "a/b": {}, "list": {"items": {"type": "string"}}
        }});
        let text = report(
            &schema,
            &json!({"id": "abc", "kind": "c", "list": ["x", 5], "more": 1}),
        );
        for expected in [
            "\n/a~1b: is required, but missing",
            "\n/id: \"abc\" is not of type \"integer\"",
            "\n/kind: \"c\" is not one of \"a\" or \"b\"",
            "\n/list/1: 5 is not of type \"string\"",
            "\n(root): Additional properties are not allowed ('more' was unexpected)",
        ] {
            assert!(text.contains(expected), "{expected} in {text}");
        }
        assert_eq!(report(&schema, &json!({"id": 1, "a/b": null})), "");
    }

    #[test]
    fn long_values_and_long_lists_are_cut() {
        let schema = json!({"items": {"type": "integer"}});
        let text = report(&schema, &json!(vec!["ü".repeat(5_000); 10]));
        assert!(text.len() < 2_000 && text.ends_with("… and more"), "{text}");
    }

    #[test]
    fn a_dialect_that_is_not_supported_is_named() {
        for dialect in [
            "http://json-schema.org/draft-07/schema#",
            "https://json-schema.org/draft/2020-12/schema",
        ] {
            assert!(compile("s", &json!({"$schema": dialect})).is_ok());
        }
        let problem = compile("output_schema", &json!({"$schema": "https://example.com/mine"})).unwrap_err();
        assert!(
            problem
                .to_string()
                .starts_with("output_schema.$schema: the dialect \"https://example.com/mine\"")
        );
    }

    #[test]
    fn nothing_is_fetched_and_nothing_broken_compiles() {
        for schema in [
            json!({"$ref": "http://127.0.0.1:9/schema.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"$ref": "#/$defs/missing"}),
            json!({"type": "no such type"}),
            json!({"pattern": "("}),
            json!({"required": "id"}),
        ] {
            let problem = compile("input_schema", &schema).unwrap_err().to_string();
            assert!(
                problem.starts_with("input_schema: is not a schema that can be used"),
                "{problem}"
            );
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"type": "object", "properties": {"child": {"$ref": "#"}}});
        assert_eq!(report(&schema, &json!({"child": {"child": {}}})), "");
        // Those that say nothing but themselves forbid nothing.
        for circle in [json!({"$ref": "#"}), json!({"allOf": [{"$ref": "#"}]})] {
            assert_eq!(report(&circle, &json!({})), "", "{circle}");
        }
    }
}
