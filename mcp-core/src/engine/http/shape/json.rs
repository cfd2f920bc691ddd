//! JSON answers: a text block for every client, `structuredContent` for those that read it.

use super::{Bound, Defaults, Shaping, bad_answer, decode, lost, succeeded, unusable};
use crate::{
    engine::{
        http::client::Answer,
        result::{CallResult, Outcome},
        work::{Stop, Work},
    },
    tool::{Finding, Findings, Schema, Verdict},
};
use bytes::Bytes;
use mcp_common::definition::tool::OnMismatch;
use serde_json::value::RawValue;
use std::borrow::Cow;

pub(super) fn shape(
    shaping: Shaping<'_>,
    answer: &Answer,
    defaults: &Defaults,
    work: &dyn Work,
) -> Result<CallResult, Stop> {
    // Most JSON is used where it lies.
    let text: Cow<'_, str> = match serde_json::from_slice::<&RawValue>(&answer.body) {
        Ok(raw) => Cow::Borrowed(raw.get()),
        Err(error) => match decode::json(answer) {
            Ok(decoded) => decoded,
            Err(_) => {
                let text = format!("The answer says it is JSON, but is not: {error}.");
                return Ok(bad_answer(shaping, answer, &text));
            }
        },
    };
    let (text, note) = match Bound::of(None, defaults).json(text) {
        Ok(fitting) => fitting,
        Err(too_large) => return Ok(lost(shaping, answer.status, &too_large.into())),
    };
    let mismatch = match shaping.output {
        Some(output) => mismatch(output, &text, work)?,
        None => None,
    };
    if let (Some(mismatch), OnMismatch::Error) = (&mismatch, defaults.on_mismatch) {
        let what = shortened(note.as_deref(), "The answer");
        return Ok(mismatch.refused(shaping, answer, what));
    }
    let is_structured = text.starts_with('{') || shaping.output.is_some();
    let structured = is_structured.then(|| match &text {
        Cow::Borrowed(text) => one_line(&answer.body, text),
        Cow::Owned(text) => on_one_line(text).into(),
    });
    let texts: Vec<&str> = std::iter::once(&*text).chain(note.as_deref()).collect();
    let result = CallResult::texts(&texts, Outcome::Ok, Some(answer.status.as_u16()));
    Ok(CallResult {
        structured,
        mismatch: mismatch.map(|mismatch| mismatch.places),
        ..result
    })
}

/// How an answer breaks the promise of `output_schema`.
pub(super) struct Mismatch {
    /// The findings for the model, with what was found.
    findings: Findings,
    /// The places for logs.
    pub(super) places: String,
}

impl Mismatch {
    /// The result that says so; `what` is not as it should be. The call itself was a success: whoever reads this must not
    /// take it for undone.
    pub(super) fn refused(&self, shaping: Shaping<'_>, answer: &Answer, what: &str) -> CallResult {
        let (findings, succeeded) = (&self.findings, succeeded(shaping, answer.status));
        let text = format!("{what} is not what output_schema promises:{findings}\n{succeeded}");
        CallResult {
            mismatch: Some(self.places.clone()),
            ..unusable(answer, text)
        }
    }
}

/// What is checked, in a sentence.
pub(super) fn shortened<'a>(note: Option<&str>, whole: &'a str) -> &'a str {
    match note {
        Some(_) => "After leaving items out the answer",
        None => whole,
    }
}

/// `None` where the JSON text is what the schema promises.
pub(super) fn mismatch(output: &Schema, text: &str, work: &dyn Work) -> Result<Option<Mismatch>, Stop> {
    Ok(match work.check(output, text.into(), true)? {
        Verdict::Fits => None,
        Verdict::Unreadable(reason) => Some(Mismatch {
            findings: vec![Finding::at("(root)", &reason)].into(),
            places: "(root) cannot be read as JSON whose members stand once".to_owned(),
        }),
        Verdict::Unfit { findings, places } => Some(Mismatch { findings, places }),
    })
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
