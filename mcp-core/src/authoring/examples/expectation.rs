//! What an example expects, and what came.

use crate::{
    engine::CallResult,
    tool::{Effort, Ended, Program},
};
use mcp_common::{bounds::Bounds, definition::tool::Expectation};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// The most of a result that is repeated beside a difference.
const MAX_SHOWN: usize = 600;
/// The most that the expression may give.
const MAX_JQ_BYTES: usize = 1 << 20;

/// What is not as expected; empty if everything is.
pub(super) fn differences(expect: Option<&Expectation>, result: &CallResult) -> Vec<String> {
    let mut found = Vec::new();
    let expected_status = expect.and_then(|expect| expect.status);
    match (expected_status, result.upstream_status) {
        (Some(expected), Some(actual)) if expected != actual => {
            found.push(format!("status: expected {expected}, got {actual}"));
        }
        (Some(expected), None) => {
            let outcome = result.outcome.as_str();
            found.push(format!("status: expected {expected}, got no answer ({outcome})"));
        }
        _ => {}
    }
    let stated = expect.and_then(|expect| expect.is_error);
    // A status of 400 and more says that an error is expected, but a definition may see success in it.
    let expected_error = match expected_status {
        Some(400..) => stated,
        _ => Some(stated.unwrap_or(false)),
    };
    match expected_error {
        Some(false) if result.is_error => found.push("is_error: expected a success, got an error".to_owned()),
        Some(true) if !result.is_error => found.push("is_error: expected an error, got a success".to_owned()),
        _ => {}
    }
    let text = text(result);
    if let Some(code) = expect.and_then(|expect| expect.jq.as_deref()) {
        found.extend(held(code, &input(result, &text)).err());
    }
    if !found.is_empty() {
        let shown = match &result.structured {
            Some(json) => String::from_utf8_lossy(json).into_owned(),
            None => text,
        };
        found.push(format!("the result was: {}", cut(&shown)));
    }
    found
}

/// Whether the expression gives `true`.
fn held(code: &str, input: &str) -> Result<(), String> {
    let program = Program::compile(code, &Bounds::widest()).map_err(|reason| format!("jq: {reason}"))?;
    match program.run(input, MAX_JQ_BYTES, Effort::Full) {
        Ok(output) if output == "true" => Ok(()),
        Ok(output) => Err(format!("jq: `{code}` gives {}, not true", cut(&output))),
        Err(Ended::Failed(reason)) => Err(format!("jq: `{code}` {reason}")),
        Err(Ended::Long) => Err(format!("jq: `{code}` takes too long")),
    }
}

/// `structuredContent`; without it the text, as JSON if it is some.
fn input(result: &CallResult, text: &str) -> String {
    if let Some(structured) = &result.structured {
        return String::from_utf8_lossy(structured).into_owned();
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(json) => json.get().to_owned(),
        Err(_) => Value::from(text).to_string(),
    }
}

/// The text of all text blocks.
fn text(result: &CallResult) -> String {
    #[derive(Deserialize)]
    struct Block {
        text: Option<String>,
    }
    let blocks: Vec<Block> = serde_json::from_slice(&result.content).unwrap_or_default();
    let texts: Vec<String> = blocks.into_iter().filter_map(|block| block.text).collect();
    texts.join("\n")
}

fn cut(text: &str) -> String {
    if text.len() <= MAX_SHOWN {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(MAX_SHOWN);
    format!("{}… ({} bytes)", &text[..end], text.len())
}
