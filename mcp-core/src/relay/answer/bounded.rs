//! Results of tools whose texts, and whose structured content, keep to a bound.

use super::{Answer, string};
use crate::json::{members::Members, one_line::compact, shortened};
use serde_json::value::RawValue;

/// What is made shorter.
const TEXT: &str = "content";
const STRUCTURED: &str = "structuredContent";

/// What cannot be made shorter: its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge(pub(crate) usize);

impl Answer {
    /// Leaves out what is beyond `most` bytes of text blocks, and of structured content; whether the latter lost anything.
    pub(crate) fn keep_within(&mut self, most: usize) -> Result<bool, TooLarge> {
        let mut notes = Vec::new();
        let structured = self.members.get_mut(STRUCTURED);
        let mut is_cut = false;
        if let Some(json) = structured.filter(|json| json.len() > most) {
            let cut = shortened::items(json, most).ok_or(TooLarge(json.len()))?;
            *json = cut.json;
            notes.push(cut.note);
            is_cut = true;
        }
        if let Some(content) = self.members.get_mut(TEXT)
            && (content.len() > most || is_cut)
            && let Ok(blocks) = serde_json::from_str::<Vec<&RawValue>>(content)
        {
            *content = shorter(&blocks, most, notes);
        }
        Ok(is_cut)
    }

    /// The same without structured content.
    pub(crate) fn without_structured(mut self) -> Self {
        self.members.shift_remove(STRUCTURED);
        self
    }

    /// The structured content, as it stands.
    pub(crate) fn structured(&self) -> Option<&str> {
        self.members.get(STRUCTURED).map(String::as_str)
    }
}

/// The blocks with at most so many bytes of text in all. Whatever is no text is there to the end.
fn shorter(blocks: &[&RawValue], most: usize, mut notes: Vec<String>) -> String {
    let (mut left, mut lost) = (most, 0);
    let mut kept = Vec::with_capacity(blocks.len() + 1);
    for block in blocks {
        let Some(text) = text_of(block) else {
            kept.push(block.get().to_owned());
            continue;
        };
        if text.len() <= left {
            left -= text.len();
            kept.push(block.get().to_owned());
            continue;
        }
        let (beginning, _) = shortened::text(&text, left);
        lost += text.len() - beginning.len();
        left = 0;
        if !beginning.is_empty() {
            kept.push(with_text(block, beginning));
        }
    }
    if lost > 0 {
        notes.push(format!(
            "The text is cut: the last {lost} bytes are left out. Ask for less."
        ));
    }
    kept.extend(
        notes
            .iter()
            .map(|note| format!("{{\"type\":\"text\",\"text\":{}}}", string(note))),
    );
    format!("[{}]", kept.join(","))
}

fn text_of(block: &RawValue) -> Option<String> {
    let members = Members::read(block.get()).ok()?;
    let read = |name| serde_json::from_str::<String>(members.get(name)?.get()).ok();
    (read("type")? == "text").then(|| read("text"))?
}

fn with_text(block: &RawValue, text: &str) -> String {
    let members = Members::read(block.get()).unwrap_or_default();
    let members = members.iter().map(|(name, value)| {
        let value = if name == "text" {
            string(text)
        } else {
            compact(value.get())
        };
        format!("{}:{value}", string(name))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Era;

    fn bounded(result: &str, most: usize) -> Result<(String, bool), TooLarge> {
        let raw: Box<RawValue> = serde_json::from_str(result).unwrap();
        let mut answer = Answer::read(&raw).unwrap();
        let is_cut = answer.keep_within(most)?;
        Ok((answer.render(Era::Legacy, "", "{}"), is_cut))
    }

    #[test]
    fn texts_lose_their_end_and_structured_content_its_last_items() {
        let result = r#"{"content":[{"type":"text","text":"aaaa"},{"type":"image","data":"QUFBQQ=="},{"text":"\u00fc\u00fcbb","type":"text","annotations":{"priority":1.0}},{"type":"text","text":"c"}],"structuredContent":{"n":[1,2,3,4,5,6,7]},"isError":false}"#;
        let whole = bounded(result, 1_000).unwrap();
        assert!(!whole.1 && whole.0.ends_with(r#"[1,2,3,4,5,6,7]},"isError":false}"#));
        let (cut, is_cut) = bounded(result, 13).unwrap();
        let cut: serde_json::Value = serde_json::from_str(&cut).unwrap();
        let note = "4 of 7 items of `n` are left out, because the answer is too long. Ask for less.";
        let (first, image) = (
            serde_json::json!({"type": "text", "text": "aaaa"}),
            &cut["content"][1]["data"],
        );
        assert_eq!(
            (&cut["content"][0], image.as_str(), is_cut),
            (&first, Some("QUFBQQ=="), true)
        );
        assert_eq!(
            cut["content"][2],
            serde_json::json!({"text": "üübb", "type": "text", "annotations": {"priority": 1.0}})
        );
        assert_eq!(
            (&cut["structuredContent"], &cut["isError"]),
            (&serde_json::json!({"n": [1, 2, 3]}), &serde_json::json!(false))
        );
        assert_eq!(cut["content"][4]["text"], note);
        let texts = r#"{"content":[{"type":"text","text":"üü"},{"type":"text","text":"bbb"}]}"#;
        let (cut, _) = bounded(texts, 5).unwrap();
        let cut: serde_json::Value = serde_json::from_str(&cut).unwrap();
        assert_eq!(cut["content"][1]["text"], "b");
        assert_eq!(
            cut["content"][2]["text"],
            "The text is cut: the last 2 bytes are left out. Ask for less."
        );
    }

    #[test]
    fn what_has_no_items_to_leave_out_is_told() {
        assert_eq!(
            bounded(r#"{"content":[],"structuredContent":{"a":"aaaaaaaa"}}"#, 10),
            Err(TooLarge(16))
        );
    }
}
