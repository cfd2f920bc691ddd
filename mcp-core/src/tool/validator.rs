//! JSON Schema validators: compiled with the definition, without reach to files or the network.

mod excerpt;

use super::{
    Finding, Findings, More, Schema,
    schema_bounds::{self, Patterns},
};
use excerpt::Excerpt;
use jsonschema::{Draft, ValidationError, Validator, error::ValidationErrorKind};
use mcp_common::{bounds::Bounds, problem::Problem};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

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

/// Where no part of a large value shows what is wrong.
const TOO_LARGE_TO_TELL: &str =
    "does not fit the schema as a whole; the value is too large to say where (its first parts fit)";

/// Compiles the schema that stands in the document's member `field`.
pub(crate) fn compile(field: &str, schema: &Value, bounds: &Bounds) -> Result<Validator, Problem> {
    let draft = dialect(field, schema)?;
    let patterns = Patterns::of(schema, bounds);
    let patterns = patterns.map_err(|exceeded| Problem::at(field, exceeded.to_string()))?;
    jsonschema::options()
        .with_draft(draft)
        .offline()
        .with_pattern_options(patterns.options())
        .build(schema)
        .map_err(|error| {
            let place = error.instance_path().as_str();
            let place = if place.is_empty() {
                String::new()
            } else {
                format!(" at {place}")
            };
            let is_of_pattern =
                matches!(error.kind(), ValidationErrorKind::Format { format } if format == "regex");
            let too_large = (is_of_pattern.then(|| patterns.too_large(error.instance()))).flatten();
            let reason = too_large.unwrap_or_else(|| error.to_string());
            let why = format!("is not a schema that can be used{place}: {reason}");
            let why = bounded(&why, MAX_TEXT);
            Problem::at(field, why)
        })
}

/// The patterns of the schema that cannot be used, each with the reason: what they take is what they have as its part there.
pub(crate) fn unusable_patterns(schema: &Value, bounds: &Bounds) -> BTreeMap<String, String> {
    let Ok(patterns) = Patterns::of(schema, bounds) else {
        return BTreeMap::new();
    };
    let mut all = BTreeSet::new();
    schema_bounds::each_pattern(schema, &mut |pattern| {
        all.insert(pattern);
    });
    let reason = |pattern: &str| {
        let alone = json!({"pattern": pattern});
        let options = jsonschema::options().with_pattern_options(patterns.options());
        let error = options.build(&alone).err()?.to_string();
        Some(patterns.too_large(&json!(pattern)).unwrap_or(error))
    };
    let unusable = all
        .into_iter()
        .filter_map(|pattern| Some((pattern.to_owned(), reason(pattern)?)));
    unusable.collect()
}

/// Whether the schema is one that can be used, and the value fits it.
pub(crate) fn accepts(schema: &Value, value: &Value, bounds: &Bounds) -> bool {
    if schema_bounds::check("schema", schema, bounds).is_err() {
        return false;
    }
    compile("schema", schema, bounds).is_ok_and(|validator| {
        let schema = Schema::new(validator, schema);
        let text = value.to_string();
        schema.is_bounded(&text) && schema.with_room(&text, || schema.is_valid(value))
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

/// What is wrong with the value, as much as one answer names; without findings if nothing is.
pub(crate) fn violations(validator: &Validator, value: &Value) -> Findings {
    let (found, more) = found(validator, value, MAX_VIOLATIONS, finding);
    let list = found.into_iter().map(|(pointer, reason)| Finding {
        pointer: Some(bounded(&pointer, MAX_PLACE)),
        reason,
    });
    Findings {
        list: list.collect(),
        more,
    }
}

/// Where the value does not fit, in the value and in the schema, for logs: nothing of what stands there.
pub(crate) fn violated_places(validator: &Validator, value: &Value) -> String {
    let rule_at = |error: &ValidationError<'_>| {
        let place = error.instance_path().as_str();
        let place = if place.is_empty() { "(root)" } else { place };
        (place.to_owned(), error.schema_path().as_str().to_owned())
    };
    let (found, more) = found(validator, value, MAX_PLACES, rule_at);
    let places = found.iter().map(|(place, rule)| {
        let (place, rule) = (bounded(place, MAX_PLACE), bounded(rule, MAX_PLACE));
        format!("{place} breaks {rule}")
    });
    let mut places = places.collect::<Vec<_>>().join(", ");
    if let Some(more) = more.as_str() {
        let _ = write!(places, ", {more}");
    }
    places
}

/// At most `most` violations, each as its JSON pointer and the reason.
pub(crate) fn findings(validator: &Validator, value: &Value, most: usize) -> Vec<(String, String)> {
    found(validator, value, most, finding).0
}

/// At most `most` violations, each as its place and what `read` says of it, and whether there are more. Memory is bounded:
/// of a large value only parts are looked at, until one has violations that are the whole value's too.
fn found(
    validator: &Validator,
    value: &Value,
    most: usize,
    read: impl Fn(&ValidationError<'_>) -> (String, String),
) -> (Vec<(String, String)>, More) {
    let Some(first) = Excerpt::of(value) else {
        let mut errors = validator.iter_errors(value);
        let found = errors.by_ref().take(most).map(|error| read(&error)).collect();
        return (found, errors.next().map_or(More::Nothing, |_| More::Something));
    };
    if validator.is_valid(value) {
        return (Vec::new(), More::Nothing);
    }
    let others = first.others(value);
    let excerpts = std::iter::once(None).chain(others.map(Some));
    for excerpt in excerpts {
        let excerpt = excerpt.as_ref().unwrap_or(&first);
        if validator.is_valid(&excerpt.value) {
            continue;
        }
        let errors = validator.iter_errors(&excerpt.value);
        let errors = errors.filter(|error| {
            let is_complete = excerpt.is_complete_at(error.instance_path().as_str());
            (is_complete || is_about_too_much(error.kind()))
                && !excerpt.is_by_number(error.schema_path().as_str())
        });
        let found: Vec<_> = errors
            .take(most)
            .map(|error| {
                let (place, text) = read(&error);
                (excerpt.place(&place), text)
            })
            .collect();
        if !found.is_empty() {
            return (found, More::Perhaps);
        }
    }
    let place = "(root)".to_owned();
    (vec![(place, TOO_LARGE_TO_TELL.to_owned())], More::Nothing)
}

/// Whether more items or members make it no better.
fn is_about_too_much(kind: &ValidationErrorKind) -> bool {
    matches!(
        kind,
        ValidationErrorKind::AdditionalItems { .. }
            | ValidationErrorKind::AdditionalProperties { .. }
            | ValidationErrorKind::MaxItems { .. }
            | ValidationErrorKind::MaxProperties { .. }
            | ValidationErrorKind::PropertyNames { .. }
            | ValidationErrorKind::Type { .. }
    )
}

/// The violation's JSON pointer and the reason.
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
    use crate::growth;
    use serde_json::json;

    fn report(schema: &Value, value: &Value) -> String {
        let validator = compile("input_schema", schema, &Bounds::default()).unwrap();
        violations(&validator, value).to_string()
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

    /// More than half a gigabyte of them, if they were made.
    #[test]
    fn of_a_large_value_not_all_violations_are_made() {
        let text = json!({"type": "string"});
        for (schema, value, expected) in [
            (
                json!({"items": text}),
                json!(vec![1; 1_000_000]),
                "\n/0: 1 is not of type \"string\"",
            ),
            (
                json!({"items": {"anyOf": [text, text]}}),
                json!(vec![1; 1_000_000]),
                "\n/0: 1 is not valid",
            ),
            (
                json!({"properties": {"a": {"items": text}}, "required": ["z"]}),
                json!({"a": vec![1; 1_000_000]}),
                "\n/a/0: 1 is not of type",
            ),
            (
                json!({"items": {"items": text}}),
                json!(vec![vec![1; 1_000]; 1_000]),
                "\n/0/0: 1 is not",
            ),
            (
                json!({"maxItems": 3}),
                json!(vec![1; 1_000_000]),
                "\n(root): this array has more than 3 items",
            ),
            (
                json!({"maxItems": 3_000}),
                json!(vec![1; 4_000]),
                "\n(root): does not fit the schema as a whole",
            ),
            (
                json!({"minItems": 5_000}),
                json!(vec![1; 4_000]),
                "\n(root): does not fit the schema as a whole",
            ),
        ] {
            let text = report(&schema, &value);
            assert!(
                text.starts_with(expected) && text.len() < 2_000,
                "{schema}: {text}"
            );
            let places = violated_places(&compile("s", &schema, &Bounds::default()).unwrap(), &value);
            assert!(!places.is_empty() && places.len() < 2_000, "{places}");
        }
    }

    #[test]
    fn the_one_that_does_not_fit_is_found_in_a_large_value() {
        let mut items = vec![json!({"a": 1}); 100_000];
        items[77_777] = json!({"a": "x"});
        let schema = json!({"items": {"properties": {"a": {"type": "integer"}}}, "minItems": 5_000});
        let expected = "\n/77777/a: \"x\" is not of type \"integer\"\n… and perhaps more";
        assert_eq!(report(&schema, &json!(items)), expected);
        let named =
            json!({"properties": {"a": {"properties": {"b": {"type": "integer"}}, "required": ["c"]}}});
        let text = report(
            &named,
            &json!({"file": "x".repeat(1_000_000), "a": {"b": "y"}, "list": vec![1; 5_000]}),
        );
        assert!(
            text.contains("\n/a/b: \"y\" is not of type") && text.contains("\n/a/c: is required"),
            "{text}"
        );
        // The schema of the first says nothing of those that stand behind it.
        let mut items = vec![json!(1); 10_000];
        items[7_777] = json!("x");
        let schema = json!({"prefixItems": [{"const": 1}, {"const": 1}], "items": {"type": ["integer", "string"], "maxLength": 0}});
        assert_eq!(
            report(&schema, &json!(items)),
            "\n/7777: \"x\" is longer than 0 characters\n… and perhaps more"
        );
        let mut members: serde_json::Map<_, _> = (0..50_000).map(|n| (format!("m{n}"), json!(n))).collect();
        members.insert("m/~1".into(), json!("x"));
        let schema = json!({"additionalProperties": {"type": "integer"}});
        let schema = json!({"properties": {"a": {"items": schema}}});
        let text = report(&schema, &json!({"a": [members]}));
        assert!(text.starts_with("\n/a/0/m~1~01: \"x\" is not of type"), "{text}");
    }

    #[test]
    fn finding_them_is_linear() {
        let schema = json!({"items": {"type": "string"}, "minItems": 10_000_000});
        let validator = compile("s", &schema, &Bounds::default()).unwrap();
        let make = |size: usize| json!(vec!["x"; size / 4]);
        growth::is_linear("none that is known", growth::ARGUMENTS, make, |value| {
            violations(&validator, value);
        });
    }

    #[test]
    fn a_dialect_that_is_not_supported_is_named() {
        for dialect in [
            "http://json-schema.org/draft-07/schema#",
            "https://json-schema.org/draft/2020-12/schema",
        ] {
            assert!(compile("s", &json!({"$schema": dialect}), &Bounds::default()).is_ok());
        }
        let schema = json!({"$schema": "https://example.com/mine"});
        let problem = compile("output_schema", &schema, &Bounds::default()).unwrap_err();
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
            let problem = compile("input_schema", &schema, &Bounds::default())
                .unwrap_err()
                .to_string();
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
