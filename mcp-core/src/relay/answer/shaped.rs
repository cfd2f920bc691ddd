//! Results of tools whose text, and perhaps structured content, is made anew from what the server gave.

use super::{Answer, bounded};
use crate::json::members::Members;
use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::value::RawValue;

/// What takes the place of a result's texts.
pub(crate) struct ShapedText<'a> {
    /// An array of text blocks.
    pub(crate) content: &'a [u8],
    /// The structured content, or that there is none; `None`: what the server gave.
    pub(crate) structured: Option<Option<Bytes>>,
    /// How many bytes of text other blocks may have.
    pub(crate) most: usize,
}

impl Answer {
    /// What shaping works on: the structured content, else the text. Several texts that are JSON are a list. `None` where there is neither.
    pub(crate) fn body(&self) -> Option<String> {
        if let Some(structured) = self.structured() {
            return Some(structured.to_owned());
        }
        let texts: Vec<String> = self.blocks().iter().filter_map(|block| text_of(block)).collect();
        let is_json = |text: &String| serde_json::from_str::<&RawValue>(text).is_ok();
        match &*texts {
            [] => None,
            [one] => Some(one.clone()),
            all if all.iter().all(is_json) => Some(format!("[{}]", all.join(","))),
            all => Some(all.join("\n")),
        }
    }

    /// The same with other texts; blocks that are no text stay, after them.
    pub(crate) fn shaped(mut self, shaped: ShapedText<'_>) -> Self {
        let blocks = self.blocks();
        let others: Vec<&RawValue> = blocks
            .into_iter()
            .filter(|block| text_of(block).is_none())
            .collect();
        let others = match others.is_empty() {
            true => "[]".to_owned(),
            false => bounded::shorter(&others, shaped.most, Vec::new()),
        };
        let content = joined(&String::from_utf8_lossy(shaped.content), &others);
        self.members.insert("content".to_owned(), content);
        match shaped.structured {
            Some(Some(structured)) => {
                let structured = String::from_utf8_lossy(&structured).into_owned();
                self.members.insert("structuredContent".to_owned(), structured);
            }
            Some(None) => drop(self.members.shift_remove("structuredContent")),
            None => {}
        }
        self
    }

    /// An error with this content; nothing else of the result is left.
    pub(crate) fn failed(self, content: &[u8]) -> Self {
        let content = String::from_utf8_lossy(content).into_owned();
        let members = [("content", content), ("isError", "true".to_owned())];
        Self {
            members: members.map(|(name, value)| (name.to_owned(), value)).into(),
            meta: IndexMap::new(),
            ..self
        }
    }

    /// The blocks of its content, as they were written.
    fn blocks(&self) -> Vec<&RawValue> {
        let content = self.members.get("content");
        let blocks = content.and_then(|content| serde_json::from_str(content).ok());
        blocks.unwrap_or_default()
    }
}

/// The text of a text block.
fn text_of(block: &RawValue) -> Option<String> {
    let members = Members::read(block.get()).ok()?;
    let read = |name: &str| serde_json::from_str::<String>(members.get(name)?.get()).ok();
    read("type").filter(|kind| kind == "text")?;
    read("text")
}

/// Two JSON arrays in one.
fn joined(first: &str, second: &str) -> String {
    let inner = |text: &str| text[1..text.len() - 1].to_owned();
    let parts = [inner(first), inner(second)];
    let filled: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    format!("[{}]", filled.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Era;

    fn answer(result: &str) -> Answer {
        let raw: Box<RawValue> = serde_json::from_str(result).unwrap();
        Answer::read(&raw).unwrap()
    }

    #[test]
    fn what_is_worked_on_is_structured_or_text() {
        for (result, body) in [
            (
                r#"{"content":[{"type":"text","text":"a"}],"structuredContent":{"n":1.10}}"#,
                Some(r#"{"n":1.10}"#),
            ),
            (r#"{"content":[{"type":"text","text":"a"}]}"#, Some("a")),
            (
                r#"{"content":[{"type":"text","text":"{\"a\":1.0}"},{"type":"image","data":""},{"type":"text","text":"2"}]}"#,
                Some(r#"[{"a":1.0},2]"#),
            ),
            (
                r#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"2"}]}"#,
                Some("a\n2"),
            ),
            (r#"{"content":[{"type":"image","data":""}]}"#, None),
        ] {
            assert_eq!(answer(result).body().as_deref(), body, "{result}");
        }
    }

    #[test]
    fn texts_are_replaced_and_everything_else_stays() {
        let result = r#"{"content":[{"type":"text","text":"a"},{"type":"image","data":"QQ=="}],"structuredContent":{"n":1},"x":2,"_meta":{"a/b":1}}"#;
        let shaped = |structured| {
            let text = ShapedText {
                content: br#"[{"type":"text","text":"b"}]"#,
                structured,
                most: 10,
            };
            answer(result).shaped(text).render(Era::Legacy, "", "{}")
        };
        let content = r#"{"content":[{"type":"text","text":"b"},{"type":"image","data":"QQ=="}]"#;
        let rest = r#""x":2,"_meta":{"a/b":1}}"#;
        assert_eq!(
            shaped(None),
            format!("{content},\"structuredContent\":{{\"n\":1}},{rest}")
        );
        assert_eq!(shaped(Some(None)), format!("{content},{rest}"));
        assert_eq!(
            shaped(Some(Some(Bytes::from_static(b"{}")))),
            format!("{content},\"structuredContent\":{{}},{rest}")
        );
    }
}
