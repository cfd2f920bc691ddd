//! What can be known of a definition's examples before one is run. Nothing of them is kept: a hundred thousand tools
//! have many, and nobody who calls needs them.

use super::{Schema, jq::Program, validator::violations};
use http::{HeaderName, HeaderValue};
use mcp_common::{
    bounds::Bounds,
    definition::{
        ToolDefinition,
        tool::{Example, Expectation, Mock, TargetDefinition},
    },
    problem::Problem,
};
use serde_json::Value;

/// Programs that cannot run and answers that cannot be are problems; arguments that the schema refuses may be what an
/// example is about.
pub(super) fn check(
    definition: &ToolDefinition,
    bounds: &Bounds,
    validator: Option<&Schema>,
    problems: &mut Vec<Problem>,
    warnings: &mut Vec<String>,
) {
    for (index, example) in definition.examples.iter().flatten().enumerate() {
        let field = format!("examples[{index}]");
        if let Some(expect) = &example.expect {
            expectation(&field, expect, bounds, problems);
        }
        if let Some(mock) = &example.mock {
            answer(&field, mock, problems);
        }
        if let Ok(TargetDefinition::Static(_)) = definition.target() {
            if example.mock.is_some() {
                warnings.push(format!("{field}.mock: is not used, `static` is the answer"));
            }
            if example
                .expect
                .as_ref()
                .is_some_and(|expect| expect.status.is_some())
            {
                let reason = "cannot be: `static` is the answer, and nobody sends a status";
                problems.push(Problem::at(format!("{field}.expect.status"), reason));
            }
        }
        warnings.extend(unfit(example, validator).map(|reason| format!("{field}.arguments: {reason}")));
    }
}

pub(super) fn expectation(field: &str, expect: &Expectation, bounds: &Bounds, problems: &mut Vec<Problem>) {
    if let Some(status) = expect.status {
        problems.extend(status_problem(&format!("{field}.expect.status"), status));
    }
    if let Some(code) = &expect.jq {
        let found = Program::compile(code, bounds).err();
        problems.extend(found.map(|reason| Problem::at(format!("{field}.expect.jq"), reason)));
    }
}

fn answer(field: &str, mock: &Mock, problems: &mut Vec<Problem>) {
    if let Some(status) = mock.status {
        problems.extend(status_problem(&format!("{field}.mock.status"), status));
    }
    for (name, value) in &mock.headers {
        let at = |reason: &str| Problem::at(format!("{field}.mock.headers.{name}"), reason);
        if name.parse::<HeaderName>().is_err() {
            problems.push(at("is not the name of a header"));
        } else if HeaderValue::from_str(value).is_err() {
            problems.push(at("is not visible ASCII on one line"));
        }
    }
}

fn status_problem(field: &str, status: u16) -> Option<Problem> {
    let is_final = (200..600).contains(&status);
    (!is_final).then(|| Problem::at(field, "must be a status from 200 to 599"))
}

/// Why the arguments would be refused, if that is not what the example expects.
fn unfit(example: &Example, validator: Option<&Schema>) -> Option<String> {
    let arguments: Value = match &example.arguments {
        Some(raw) => serde_json::from_str(raw.get()).ok()?,
        None => Value::Object(serde_json::Map::new()),
    };
    let expects_error = example
        .expect
        .as_ref()
        .is_some_and(|expect| expect.is_error == Some(true));
    if expects_error {
        return None;
    }
    if !arguments.is_object() {
        return Some("must be a JSON object; calls with something else are refused".to_owned());
    }
    // What takes too long to be checked is checked when the example is run.
    let text = arguments.to_string();
    let schema = validator.filter(|schema| schema.is_bounded(&text))?;
    let found = schema.with_room(&text, || violations(schema, &arguments));
    (!found.list.is_empty()).then(|| format!("do not fit `input_schema`: {}", found.in_a_row()))
}
