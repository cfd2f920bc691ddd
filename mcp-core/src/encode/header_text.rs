//! A value as the text of a header, where nothing is percent-encoded.

use super::{Plain, Spelling, item};
use mcp_common::definition::tool::Style;

/// The `simple` style of headers; `None` for null and for what is empty.
pub(crate) fn simple(json: &str, explode: bool) -> Result<Option<String>, String> {
    let mut words = Vec::new();
    match Plain::read(json)? {
        Plain::Null => return Ok(None),
        Plain::Text(text) => return Ok(Some(text.into_owned())),
        Plain::List(items) => {
            for raw in items {
                words.push(item(raw.get())?.unwrap_or_default().into_owned());
            }
        }
        Plain::Object(members) => {
            for (name, raw) in members.iter() {
                let value = item(raw.get())?.unwrap_or_default();
                if explode {
                    words.push(format!("{name}={value}"));
                } else {
                    words.extend([name.to_owned(), value.into_owned()]);
                }
            }
        }
    }
    Ok((!words.is_empty()).then(|| words.join(",")))
}

/// A header's value in its style.
pub(crate) fn header_text(json: &str, spelling: Spelling) -> Result<Option<String>, String> {
    if spelling.style == Style::Json {
        return Ok(Some(ascii_json(json)));
    }
    simple(json, spelling.explode)
}

/// JSON text without a character that is not ASCII, for headers.
fn ascii_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut units = [0; 2];
    for c in json.chars() {
        match c {
            // Line breaks stand only between tokens.
            '\n' | '\r' => out.push(' '),
            c if c.is_ascii() => out.push(c),
            c => {
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_for_headers_is_ascii() {
        assert_eq!(
            ascii_json("{\"ü\":\n\"\u{1F600}\"}"),
            r#"{"\u00fc": "\ud83d\ude00"}"#
        );
    }
}
