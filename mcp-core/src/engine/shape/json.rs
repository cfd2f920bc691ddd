//! JSON answers: a text block for every client, `structuredContent` for those that read it.

use super::{bad_answer, decode};
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
use std::borrow::Cow;

pub(super) fn shape(call: &Call, answer: &Answer) -> CallResult {
    // Most JSON is used where it lies.
    let text: Cow<'_, str> = match serde_json::from_slice::<&RawValue>(&answer.body) {
        Ok(raw) => Cow::Borrowed(raw.get()),
        Err(error) => match decode::json(answer) {
            Ok(decoded) => decoded,
            Err(_) => {
                let text = format!("The answer says it is JSON, but is not: {error}.");
                return bad_answer(answer, &text);
            }
        },
    };
    let is_promised = call.output.as_ref().map(|output| conforms(output, &text));
    if let Some(Err(findings)) = is_promised {
        return bad_answer(
            answer,
            &format!("The answer is not what output_schema promises:{findings}"),
        );
    }
    let is_structured = text.starts_with('{') || call.output.is_some();
    let structured = is_structured.then(|| match &text {
        Cow::Borrowed(text) => one_line(&answer.body, text),
        Cow::Owned(text) => on_one_line(text).into(),
    });
    let result = CallResult::text(&text, false, Outcome::Ok, Some(answer.status.as_u16()));
    CallResult { structured, ..result }
}

pub(super) fn conforms(output: &Validator, text: &str) -> Result<(), String> {
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
    if memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_none() {
        return body.slice_ref(text.as_bytes());
    }
    on_one_line(text).into()
}

pub(super) fn on_one_line(text: &str) -> Vec<u8> {
    text.bytes().map(|b| if is_break(b) { b' ' } else { b }).collect()
}

fn is_break(b: u8) -> bool {
    matches!(b, b'\n' | b'\r')
}
