//! JSON answers: a text block for every client, `structuredContent` for those that read it.

use super::bad_answer;
use crate::{
    engine::{
        result::{CallResult, Outcome},
        strict_value,
        upstream::Answer,
    },
    tool::{Call, violations},
};
use bytes::Bytes;
use jsonschema::Validator;
use serde_json::value::RawValue;

pub(super) fn shape(call: &Call, answer: &Answer) -> CallResult {
    let raw: &RawValue = match serde_json::from_slice(&answer.body) {
        Ok(raw) => raw,
        Err(error) => {
            return bad_answer(
                answer,
                &format!("The answer says it is JSON, but is not: {error}."),
            );
        }
    };
    let text = raw.get();
    if let Some(Err(findings)) = call.output.as_ref().map(|output| conforms(output, text)) {
        return bad_answer(
            answer,
            &format!("The answer is not what output_schema promises:{findings}"),
        );
    }
    let is_structured = text.starts_with('{') || call.output.is_some();
    let structured = is_structured.then(|| one_line(&answer.body, text));
    let result = CallResult::text(text, false, Outcome::Ok, Some(answer.status.as_u16()));
    CallResult { structured, ..result }
}

fn conforms(output: &Validator, text: &str) -> Result<(), String> {
    let value = strict_value::read(text).map_err(|error| format!("\n(root): {error}"))?;
    if output.is_valid(&value) {
        return Ok(());
    }
    let mut findings = String::new();
    violations(output, &value, &mut findings);
    Err(findings)
}

/// The same JSON without line breaks, where it lies if it has none. In valid JSON they stand between tokens only.
fn one_line(body: &Bytes, text: &str) -> Bytes {
    let is_break = |b: u8| matches!(b, b'\n' | b'\r');
    if !text.bytes().any(is_break) {
        return body.slice_ref(text.as_bytes());
    }
    text.bytes().map(|b| if is_break(b) { b' ' } else { b }).collect()
}
