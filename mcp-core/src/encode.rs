//! Text for its place in a request: nothing in a value can end the place it stands in.

mod header_text;
mod pairs;
mod path_value;
mod path_word;
mod reserved;
mod spelling;
mod words;

use crate::json::members::Members;
pub(crate) use header_text::{header_text, simple};
use http::HeaderValue;
pub(crate) use pairs::pairs;
pub(crate) use path_value::path;
pub(crate) use path_word::path_word;
use percent_encoding::percent_encode_byte;
use reserved::reserved;
use serde_json::value::RawValue;
pub(crate) use spelling::{FORM, JSON, SIMPLE, Spelling};
use std::borrow::Cow;
pub(crate) use words::Words;

/// The longest path and query that a request can have (`http::uri::PathAndQuery`).
const MAX_TARGET: usize = u16::MAX as usize - 1;
/// The longest value of a header; servers take far less.
pub(crate) const MAX_HEADER: usize = 64 << 10;

/// The most headers of a request; servers take fewer, and a map of them has an end.
pub(crate) const MAX_HEADERS: usize = 200;

/// What a value adds to a path and query ends here: a list repeats its name before each item.
pub(crate) fn check_target(out: &[u8]) -> Result<(), String> {
    if out.len() <= MAX_TARGET {
        return Ok(());
    }
    Err(format!(
        "makes a URL of more than {MAX_TARGET} bytes, which cannot be sent"
    ))
}

/// The unreserved characters of RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Appends the text, percent-encoded.
pub(crate) fn component(out: &mut Vec<u8>, text: &str) {
    let is_bare = |byte: &u8| is_unreserved(*byte);
    for chunk in text
        .as_bytes()
        .chunk_by(|one, next| is_bare(one) && is_bare(next))
    {
        match chunk {
            [byte] if !is_bare(byte) => out.extend_from_slice(percent_encode_byte(*byte).as_bytes()),
            bare => out.extend_from_slice(bare),
        }
    }
}

/// Appends `name=value`, both percent-encoded.
pub(crate) fn pair(out: &mut Vec<u8>, name: &str, value: &str) {
    component(out, name);
    out.push(b'=');
    component(out, value);
}

/// A value of a header that is shown nowhere.
pub(crate) fn sensitive(text: &str) -> Result<HeaderValue, String> {
    let mut value = header_value(text.as_bytes())?;
    value.set_sensitive(true);
    Ok(value)
}

/// A header value of visible ASCII, space and tab, of at most [`MAX_HEADER`] bytes.
pub(crate) fn header_value(text: &[u8]) -> Result<HeaderValue, String> {
    if text.len() > MAX_HEADER {
        let length = text.len();
        return Err(format!(
            "makes a header of {length} bytes, at most {MAX_HEADER} are sent"
        ));
    }
    let wrong = text.iter().find(|&&b| b != b'\t' && !(b' '..=b'~').contains(&b));
    if let Some(wrong) = wrong {
        let what = match wrong {
            b'\r' | b'\n' => "a line break".to_owned(),
            0 => "a NUL".to_owned(),
            128.. => "a character that is not ASCII".to_owned(),
            _ => format!("the control character {wrong:#04x}"),
        };
        return Err(format!("has {what}, which cannot stand in a header"));
    }
    HeaderValue::from_bytes(text).map_err(|_| "cannot stand in a header".to_owned())
}

/// A JSON value as requests see it.
#[derive(Debug)]
pub(crate) enum Plain<'a> {
    Null,
    /// A string's text; numbers and booleans as they are written.
    Text(Cow<'a, str>),
    List(Vec<&'a RawValue>),
    Object(Members<'a>),
}

impl<'a> Plain<'a> {
    /// Takes one level apart.
    pub(crate) fn read(json: &'a str) -> Result<Self, String> {
        match json.as_bytes().first() {
            Some(b'"') => text(json).map(Self::Text),
            Some(b'n') => Ok(Self::Null),
            Some(b'[') => serde_json::from_str(json)
                .map(Self::List)
                .map_err(|error| error.to_string()),
            Some(b'{') => Members::read(json).map(Self::Object),
            _ => Ok(Self::Text(Cow::Borrowed(json))),
        }
    }
}

/// A value inside a list or an object: scalars as text, deeper ones as JSON; `None` for null.
pub(crate) fn item(json: &str) -> Result<Option<Cow<'_, str>>, String> {
    Ok(match json.as_bytes().first() {
        Some(b'"') => Some(text(json)?),
        Some(b'n') => None,
        _ => Some(Cow::Borrowed(json)),
    })
}

fn text(json: &str) -> Result<Cow<'_, str>, String> {
    let inner = json.get(1..json.len() - 1).unwrap_or_default();
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inner));
    }
    serde_json::from_str::<String>(json)
        .map(Cow::Owned)
        .map_err(|_| "is not Unicode text (half of a surrogate pair)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay_bare() {
        let mut out = Vec::new();
        component(&mut out, "aZ9-._~ /?#[]@!$&'()*+,;=%\u{0}ü\u{1F600}");
        let expected =
            "aZ9-._~%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%00%C3%BC%F0%9F%98%80";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn scalars_keep_the_text_they_came_in() {
        let table = [
            ("1.10", "1.10"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("true", "true"),
            (r#""a\u00fc\n\"""#, "aü\n\""),
            (r#""""#, ""),
        ];
        for (json, expected) in table {
            let Plain::Text(text) = Plain::read(json).unwrap() else {
                panic!("{json}")
            };
            assert_eq!(text, expected);
        }
        assert!(Plain::read(r#""\ud800""#).is_err());
    }

    #[test]
    fn header_values_are_visible_ascii() {
        assert_eq!(header_value(b"a b\tc~").unwrap(), "a b\tc~");
        for (text, expected) in [
            ("a\r\nb: c", "line break"),
            ("a\0", "NUL"),
            ("ü", "not ASCII"),
            ("\u{7f}", "0x7f"),
        ] {
            assert!(header_value(text.as_bytes()).unwrap_err().contains(expected));
        }
    }
}
