//! An answer that the definition holds, ready to be given.

use super::{Schema, Signature, Verdict};
use crate::json::one_line::compact;
use bytes::Bytes;
use mcp_common::{definition::tool, problem::Problem};
use serde_json::{json, value::RawValue};

/// The `static` member, compiled.
#[derive(Debug)]
pub(crate) struct StaticAnswer {
    /// The `content` array as JSON text.
    pub(crate) content: Bytes,
    /// `structuredContent` on one line.
    pub(crate) structured: Option<Bytes>,
}

impl StaticAnswer {
    pub(super) fn compile(
        answer: &tool::StaticAnswer,
        signature: &Signature,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let structured = answer.structured.as_deref().map(RawValue::get);
        if let Some(output) = &signature.output {
            problems.extend(mismatch(output, structured));
        }
        let content = match (&answer.content, structured) {
            (Some(blocks), _) => serde_json::to_vec(blocks),
            (None, text) => serde_json::to_vec(&json!([{"type": "text", "text": text}])),
        };
        let content = content
            .map_err(|error| problems.push(Problem::at("static.content", error.to_string())))
            .ok()?;
        Some(Self {
            content: content.into(),
            structured: structured.map(|json| compact(json).into()),
        })
    }
}

/// How the answer breaks the promise of `output_schema`.
fn mismatch(output: &Schema, structured: Option<&str>) -> Option<Problem> {
    let at = |reason: String| Some(Problem::at("static.structured", reason));
    let Some(json) = structured else {
        return at("is missing: `output_schema` promises it".to_owned());
    };
    if !output.is_bounded(json) {
        return at("cannot be held to `output_schema`: checking it may take too long".to_owned());
    }
    match output.judge(json.into(), false) {
        Verdict::Fits => None,
        Verdict::Unreadable(reason) => at(format!("cannot be read: {reason}")),
        Verdict::Unfit { findings, .. } => {
            let findings = findings.in_a_row();
            at(format!("is not what `output_schema` promises: {findings}"))
        }
    }
}
