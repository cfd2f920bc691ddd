//! What is too long is made shorter and stays whole: JSON loses items of its longest list, text its end.

use super::members::Members;
use serde_json::value::RawValue;

/// How deep the longest list is looked for.
const MAX_DEPTH: usize = 8;

/// How much of the list's place the note repeats.
const MAX_PATH: usize = 200;

/// What is left.
#[derive(Debug, PartialEq)]
pub(crate) struct Cut {
    pub(crate) json: String,
    /// What is left out, if it is more than spaces.
    pub(crate) note: Option<String>,
}

/// The beginning of a text that has more than `most` bytes, and what was left out.
pub(crate) fn text(text: &str, most: usize) -> (&str, String) {
    let end = text.floor_char_boundary(most);
    let mut note = format!("The text is cut: the first {end} of {} bytes.", text.len());
    if is_document(text) {
        note += " It was JSON, and is not whole any more.";
    }
    (&text[..end], note)
}

/// Whether the text is an object or a list of JSON, which many servers write into it.
pub(crate) fn is_document(text: &str) -> bool {
    looks_like_document(text) && serde_json::from_str::<&RawValue>(text.trim()).is_ok()
}

/// A text that is an object or a list of JSON, with fewer items; `None` where it is something else, or leaving items out is not enough.
pub(crate) fn document(text: &str, most: usize) -> Option<Cut> {
    looks_like_document(text).then(|| items(text.trim(), most))?
}

fn looks_like_document(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// `None` if leaving items out of the longest list is not enough.
pub(crate) fn items(json: &str, most: usize) -> Option<Cut> {
    let mut path = String::new();
    let (json, kept, all) = cut(json, most, &mut path, 0)?;
    let of = if path.is_empty() {
        String::new()
    } else {
        let path = path.trim_start_matches('.');
        let shown = &path[..path.floor_char_boundary(MAX_PATH)];
        let more = if shown.len() < path.len() { "…" } else { "" };
        format!(" of `{shown}{more}`")
    };
    let left_out = all - kept;
    let note = (left_out > 0).then(|| {
        format!("{left_out} of {all} items{of} are left out, because the answer is too long. Ask for less.")
    });
    Some(Cut { json, note })
}

fn cut(json: &str, most: usize, path: &mut String, depth: usize) -> Option<(String, usize, usize)> {
    if depth > MAX_DEPTH {
        return None;
    }
    match json.as_bytes().first()? {
        b'[' => list(json, most),
        b'{' => {
            let members = Members::read(json).ok()?;
            let (name, longest) = members
                .iter()
                .filter(|(_, value)| value.get().starts_with(['[', '{']))
                .max_by_key(|(_, value)| value.get().len())?;
            let rest: usize = members
                .iter()
                .map(|(name, value)| quoted(name).len() + value.get().len() + 2)
                .sum();
            // The braces, and this member's own text.
            let rest = rest + 1 - longest.get().len();
            path.push('.');
            path.push_str(name);
            let (shorter, kept, all) = cut(longest.get(), most.checked_sub(rest)?, path, depth + 1)?;
            let texts: Vec<String> = members
                .iter()
                .map(|(member, value)| {
                    let value = if member == name { &shorter } else { value.get() };
                    format!("{}:{value}", quoted(member))
                })
                .collect();
            Some((format!("{{{}}}", texts.join(",")), kept, all))
        }
        _ => None,
    }
}

fn list(json: &str, most: usize) -> Option<(String, usize, usize)> {
    let items: Vec<&RawValue> = serde_json::from_str(json).ok()?;
    let mut size = 2;
    let mut kept = 0;
    for item in &items {
        size += item.get().len() + usize::from(kept > 0);
        if size > most {
            break;
        }
        kept += 1;
    }
    // An empty list would say that there is nothing.
    if kept == 0 {
        return None;
    }
    let texts: Vec<&str> = items[..kept].iter().map(|item| item.get()).collect();
    Some((format!("[{}]", texts.join(",")), kept, items.len()))
}

fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use super::{document, items, text};

    #[test]
    fn the_longest_list_loses_its_last_items() {
        let table = [
            ("[1,2,3,4]", 5, "[1,2]", "2 of 4 items are"),
            (
                r#"{"total":4,"items":["a","b","c","d"],"x":[1]}"#,
                40,
                r#"{"total":4,"items":["a","b"],"x":[1]}"#,
                "2 of 4 items of `items`",
            ),
            (
                r#"{"a":{"b":[1.10,2,3]}}"#,
                18,
                r#"{"a":{"b":[1.10]}}"#,
                "2 of 3 items of `a.b`",
            ),
        ];
        for (json, most, expected, note) in table {
            let cut = items(json, most).unwrap();
            assert_eq!(cut.json, expected);
            let said = cut.note.as_deref().unwrap_or_default();
            assert!(cut.json.len() <= most && said.starts_with(note), "{cut:?}");
        }
    }

    #[test]
    fn a_text_that_is_json_loses_items_and_any_other_its_end() {
        let pretty = "{\n  \"a\": [\n    1,\n    22,\n    333\n  ]\n}\n";
        let cut = document(pretty, 14).unwrap();
        let note = "1 of 3 items of `a` are left out, because the answer is too long. Ask for less.";
        assert_eq!((&*cut.json, cut.note.as_deref()), (r#"{"a":[1,22]}"#, Some(note)));
        let cut = document(pretty, 20).unwrap();
        assert_eq!((&*cut.json, cut.note), (r#"{"a":[1,22,333]}"#, None));
        assert_eq!(document("[ 1, 2, 3", 5), None);
        assert_eq!(document("plain text", 5), None);
        assert_eq!(
            text(r#"{"a":"bbbbbbbb"}"#, 8),
            (
                r#"{"a":"bb"#,
                "The text is cut: the first 8 of 16 bytes. It was JSON, and is not whole any more."
                    .to_owned()
            )
        );
        assert_eq!(text("{plain}", 3).1, "The text is cut: the first 3 of 7 bytes.");
    }

    #[test]
    fn what_cannot_be_cut_is_not() {
        for (json, most) in [
            ("\"aaaaaaaaaa\"", 5),
            (r#"["aaaaaaaaaa"]"#, 5),
            (r#"{"a":"aaaaaaaa","b":[]}"#, 8),
            ("[1,2", 3),
        ] {
            assert_eq!(items(json, most), None, "{json}");
        }
    }
}
