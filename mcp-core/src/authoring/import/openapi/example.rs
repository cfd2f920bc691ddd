//! Examples of the description as examples of the definition: arguments that fit, and the answer to them.

use super::{
    answer::{self, Answer, MAX_EXAMPLE},
    body::{Body, Mode},
    parameter,
    spec::Spec,
};
use crate::{
    authoring::import::{
        arguments::{Arguments, Place},
        cost,
    },
    tool::accepts,
};
use mcp_common::bounds::Bounds;
use serde_json::{Map, Value, json};

/// Arguments out of examples; `None` where one that is required has none.
pub(super) fn arguments(
    spec: &Spec<'_>,
    parameters: &[Map<String, Value>],
    operation: &Map<String, Value>,
    body: &Body,
    arguments: &Arguments,
) -> Option<Map<String, Value>> {
    let whole = body_example(spec, operation, body);
    let mut out = Map::new();
    for (name, argument) in arguments.iter() {
        let value = match argument.place {
            Place::Root => whole.clone(),
            Place::Part => None,
            Place::Body => whole
                .as_ref()
                .and_then(|whole| whole.get(&argument.wire).cloned()),
            place => {
                let is_it = |p: &&Map<String, Value>| {
                    parameter::place(p).is_ok_and(|found| found == Some((place, argument.wire.as_str())))
                };
                parameters
                    .iter()
                    .find(is_it)
                    .and_then(|parameter| of_parameter(spec, parameter))
            }
        };
        match value {
            Some(value) => drop(out.insert(name.to_owned(), value)),
            None if argument.required => return None,
            None => {}
        }
    }
    (!out.is_empty()).then_some(out)
}

fn of_parameter(spec: &Spec<'_>, parameter: &Map<String, Value>) -> Option<Value> {
    if let Some(example) = answer::example_of(spec, parameter) {
        return Some(example);
    }
    let schema = spec.resolve(parameter.get("schema")?).ok()?;
    let first = schema.get("examples").and_then(|examples| examples.get(0));
    cost::small(schema.get("example").or(first)?, MAX_EXAMPLE)
}

fn body_example(spec: &Spec<'_>, operation: &Map<String, Value>, body: &Body) -> Option<Value> {
    if body.mode != Mode::Json {
        return None;
    }
    let request = spec.resolve(operation.get("requestBody")?).ok()?;
    let media = request.get("content")?.get(&body.media)?;
    if let Some(example) = answer::example(spec, media) {
        return Some(example);
    }
    let schema = spec.resolve(media.get("schema")?).ok()?;
    cost::small(schema.get("example")?, MAX_EXAMPLE)
}

/// Keeps only examples that the schema accepts: many descriptions have others.
pub(super) fn checked(
    arguments: Option<Map<String, Value>>,
    input_schema: &Map<String, Value>,
    answer: &Answer,
    bounds: &Bounds,
) -> Vec<Value> {
    let Some(arguments) = arguments else {
        return Vec::new();
    };
    let arguments = Value::Object(arguments);
    let schema = Value::Object(input_schema.clone());
    if arguments.to_string().len() > MAX_EXAMPLE || !accepts(&schema, &arguments, bounds) {
        return Vec::new();
    }
    let mut example = json!({"arguments": arguments});
    if let Some((status, body)) = &answer.example {
        let is_good = answer
            .schema
            .as_ref()
            .is_none_or(|schema| accepts(schema, body, bounds));
        if is_good && body.to_string().len() <= MAX_EXAMPLE {
            example["mock"] = json!({"status": status, "body": body});
        }
    }
    vec![example]
}
