//! Results of tools whose texts, and whose structured content, keep to a bound.

use super::{Answer, string};
use crate::json::{members::Members, one_line::compact, shortened};
use serde_json::value::RawValue;

/// What is made shorter.
const TEXT: &str = "content";
const STRUCTURED: &str = "structuredContent";
/// The type of a block with a resource in it, and the member that has it.
const RESOURCE: &str = "resource";

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
            notes.extend(cut.note);
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

    /// The content, as it stands.
    pub(crate) fn content(&self) -> &str {
        self.members.get(TEXT).map_or("[]", String::as_str)
    }

    /// The structured content, as it stands.
    pub(crate) fn structured(&self) -> Option<&str> {
        self.members.get(STRUCTURED).map(String::as_str)
    }
}

/// The blocks with at most so many bytes of text in all: text that is JSON loses items and stays JSON. Whatever is no text is there to
/// the end.
pub(super) fn shorter(blocks: &[&RawValue], most: usize, mut notes: Vec<String>) -> String {
    let (mut left, mut lost, mut is_torn) = (most, 0, false);
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
        if let Some(cut) = shortened::document(&text, left) {
            kept.push(with_text(block, &cut.json));
            // What only lost its spaces is whole.
            left = match cut.note {
                Some(_) => 0,
                None => left.saturating_sub(cut.json.len()),
            };
            // Most servers write their structured content into a text, too.
            notes.extend(cut.note.filter(|note| !notes.contains(note)));
            continue;
        }
        let beginning = &text[..text.floor_char_boundary(left)];
        lost += text.len() - beginning.len();
        left = 0;
        if !beginning.is_empty() {
            is_torn |= shortened::is_document(&text);
            kept.push(with_text(block, beginning));
        }
    }
    if lost > 0 {
        let torn = match is_torn {
            true => ", in the middle of its JSON",
            false => "",
        };
        notes.push(format!(
            "The text is cut{torn}: the last {lost} bytes are left out. Ask for less."
        ));
    }
    kept.extend(
        notes
            .iter()
            .map(|note| format!("{{\"type\":\"text\",\"text\":{}}}", string(note))),
    );
    format!("[{}]", kept.join(","))
}

/// The text of a block: its own, or that of a resource that stands in it.
fn text_of(block: &RawValue) -> Option<String> {
    let members = Members::read(block.get()).ok()?;
    match &*string_of(&members, "type")? {
        "text" => string_of(&members, "text"),
        RESOURCE => string_of(&Members::read(members.get(RESOURCE)?.get()).ok()?, "text"),
        _ => None,
    }
}

fn string_of(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(members.get(name)?.get()).ok()
}

/// The block with another text, where it has one.
fn with_text(block: &RawValue, text: &str) -> String {
    let members = Members::read(block.get()).unwrap_or_default();
    if string_of(&members, "type").as_deref() != Some(RESOURCE) {
        return with_member(&members, "text", &string(text));
    }
    let resource = members.get(RESOURCE).map(|raw| Members::read(raw.get()));
    let resource = resource.and_then(Result::ok).unwrap_or_default();
    with_member(&members, RESOURCE, &with_member(&resource, "text", &string(text)))
}

fn with_member(members: &Members<'_>, changed: &str, to: &str) -> String {
    let members = members.iter().map(|(name, value)| {
        let value = if name == changed {
            to.to_owned()
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
    fn a_text_that_is_json_stays_json_where_it_can() {
        let content = |result: &str, most| {
            let (cut, _) = bounded(result, most).unwrap();
            let cut: serde_json::Value = serde_json::from_str(&cut).unwrap();
            let blocks = cut["content"].as_array().unwrap().iter();
            let text = |block: &serde_json::Value| match &block["resource"]["text"] {
                serde_json::Value::String(text) => text.clone(),
                _ => block["text"].as_str().unwrap().to_owned(),
            };
            blocks.map(text).collect::<Vec<_>>()
        };
        let one_note = "3 of 6 items of `n` are left out, because the answer is too long. Ask for less.";
        assert_eq!(
            content(
                r#"{"content":[{"type":"text","text":"{\"n\": [1, 2, 3, 4, 5, 6]}"}],"structuredContent":{"n":[1,2,3,4,5,6]}}"#,
                14
            ),
            [r#"{"n":[1,2,3]}"#, one_note]
        );
        assert_eq!(
            content(
                r#"{"content":[{"type":"resource","resource":{"uri":"x:a","text":"[1,2,3,4]"}},{"type":"text","text":"more"}]}"#,
                6
            ),
            [
                "[1,2]",
                "2 of 4 items are left out, because the answer is too long. Ask for less.",
                "The text is cut: the last 4 bytes are left out. Ask for less.",
            ]
        );
        assert_eq!(
            content(
                r#"{"content":[{"type":"text","text":"[ 1,  2,  3,  4 ]"},{"type":"text","text":"more"}]}"#,
                13
            ),
            ["[1,2,3,4]", "more"],
            "what only lost its spaces is whole"
        );
        assert_eq!(
            content(
                r#"{"content":[{"type":"text","text":"{\"a\":\"bbbbbbbb\"}"}]}"#,
                8
            ),
            [
                r#"{"a":"bb"#,
                "The text is cut, in the middle of its JSON: the last 8 bytes are left out. Ask for less.",
            ]
        );
    }

    #[test]
    fn the_text_of_a_resource_in_a_result_counts_too() {
        let result = r#"{"content":[{"type":"text","text":"aa"},{"type":"resource","resource":{"uri":"x:a","text":"bbbb","n":1.0}},{"type":"resource","resource":{"uri":"x:b","blob":"QUFB"}}]}"#;
        let (cut, _) = bounded(result, 5).unwrap();
        assert!(
            cut.contains(r#"{"type":"resource","resource":{"uri":"x:a","text":"bbb","n":1.0}}"#),
            "{cut}"
        );
        assert!(
            cut.contains(r#""blob":"QUFB""#) && cut.contains("the last 1 bytes"),
            "{cut}"
        );
        let (none, _) = bounded(result, 2).unwrap();
        assert!(!none.contains("x:a") && none.contains("x:b"), "{none}");
    }

    #[test]
    fn what_has_no_items_to_leave_out_is_told() {
        assert_eq!(
            bounded(r#"{"content":[],"structuredContent":{"a":"aaaaaaaa"}}"#, 10),
            Err(TooLarge(16))
        );
    }
}
