//! The answer beside the result, for people at a terminal.

use super::{indented, printable};
use crate::authoring::{
    counted::counted,
    explain::{Cost, Sent, ShownAnswer, ShownResult},
};
use serde::Deserialize;
use std::fmt;

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.answer {
            Some(answer) => writeln!(f, "Answer: {answer} in {} ms", self.timings.upstream_ms)?,
            None => writeln!(f, "Answer: none, after {} ms", self.timings.upstream_ms)?,
        }
        if let Some(answer) = &self.answer {
            for header in &answer.headers {
                writeln!(f, "  {}: {}", header.name, printable(&header.value))?;
            }
            if answer.body.bytes > 0 {
                write!(f, "\n{}", answer.body)?;
            }
        }
        write!(f, "\n{}", self.result)
    }
}

impl fmt::Display for ShownAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = |tokens: u64| format!(", about {}", counted(tokens, "token"));
        let tokens = self.body.tokens.map(cost).unwrap_or_default();
        write!(f, "{}, {}{tokens}", self.status, counted(self.body.bytes, "byte"))
    }
}

impl fmt::Display for ShownResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = |cost: Cost| {
            format!(
                "{}, about {}",
                counted(cost.bytes, "byte"),
                counted(cost.tokens, "token")
            )
        };
        let error = if self.is_error { ", isError" } else { "" };
        writeln!(
            f,
            "Result: {}{error}; content {}",
            self.outcome,
            cost(self.content_cost)
        )?;
        if let Some(mismatch) = &self.mismatch {
            writeln!(f, "Not what output_schema promises: {mismatch}")?;
        }
        for block in blocks(self.content.get()) {
            indented(f, &block)?;
        }
        if let (Some(structured), Some(size)) = (&self.structured, self.structured_cost) {
            writeln!(f, "\nstructuredContent: {}", cost(size))?;
            indented(f, structured.get())?;
        }
        Ok(())
    }
}

/// The texts of content blocks; others by their kind.
fn blocks(content: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Block {
        r#type: String,
        text: Option<String>,
        #[serde(rename = "mimeType")]
        mime_type: Option<String>,
    }
    let Ok(blocks) = serde_json::from_str::<Vec<Block>>(content) else {
        return vec![content.to_owned()];
    };
    let shown = |block: Block| match (block.text, block.mime_type) {
        (Some(text), _) => text,
        (None, Some(mime_type)) => format!("({} {mime_type})", block.r#type),
        (None, None) => format!("({})", block.r#type),
    };
    blocks.into_iter().map(shown).collect()
}
