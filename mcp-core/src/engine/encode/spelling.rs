//! OpenAPI's styles: how lists and objects become text. The table of the specification (3.1.1, "Style Examples") is
//! the measure; where it says nothing, RFC 6570 and what servers commonly read.

use super::{Plain, component, item};
use mcp_common::definition::tool::Style;
use std::borrow::Cow;

/// Objects inside of objects are followed this far.
const MAX_DEPTH: usize = 64;

/// A style, and whether items and members stand each for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spelling {
    pub(crate) style: Style,
    pub(crate) explode: bool,
}

/// OpenAPI's default for queries and forms.
pub(crate) const FORM: Spelling = Spelling {
    style: Style::Form,
    explode: true,
};
/// The value's JSON text.
pub(crate) const JSON: Spelling = Spelling {
    style: Style::Json,
    explode: false,
};

/// Words of one value and what stands between them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words<'a> {
    pub(crate) list: &'a [Cow<'a, str>],
    delimiter: u8,
}

impl Words<'_> {
    /// Percent-encoded. The comma stays bare, as the specification prints it.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for (index, word) in self.list.iter().enumerate() {
            match self.delimiter {
                _ if index == 0 => {}
                b' ' => out.extend_from_slice(b"%20"),
                b'|' => out.extend_from_slice(b"%7C"),
                other => out.push(other),
            }
            component(out, word);
        }
    }

    /// For places where nothing is encoded.
    pub(crate) fn plain(&self) -> String {
        self.list
            .join(char::from(self.delimiter).encode_utf8(&mut [0; 4]))
    }
}

/// Appends the value as a piece of a path; `word` refuses what cannot stand there.
pub(crate) fn path(
    out: &mut Vec<u8>,
    name: &str,
    json: &str,
    spelling: Spelling,
    word: impl Fn(&mut Vec<u8>, &str) -> Result<(), String>,
) -> Result<(), String> {
    let (style, explode) = (spelling.style, spelling.explode);
    if style == Style::Json {
        return word(out, json);
    }
    let named = |out: &mut Vec<u8>, name: &str, value: &str| {
        word(out, name)?;
        // RFC 6570 section 3.2.7: a name without a value stands alone.
        if !value.is_empty() || style != Style::Matrix {
            out.push(b'=');
        }
        word(out, value)
    };
    let pairs: Vec<(Option<Cow<'_, str>>, Cow<'_, str>)> = match Plain::read(json)? {
        Plain::Null => return Err("is null, but part of the path".into()),
        Plain::Text(text) => match style {
            Style::Matrix => {
                out.push(b';');
                return named(out, name, &text);
            }
            Style::Label => {
                out.push(b'.');
                return word(out, &text);
            }
            _ => return word(out, &text),
        },
        Plain::List(items) => items
            .iter()
            .map(|raw| Ok((None, item(raw.get())?.unwrap_or_default())))
            .collect::<Result<_, String>>()?,
        Plain::Object(members) => members
            .iter()
            .map(|(name, raw)| {
                let value = item(raw.get())?.unwrap_or_default();
                Ok((Some(Cow::Owned(name.to_owned())), value))
            })
            .collect::<Result<_, String>>()?,
    };
    if pairs.is_empty() {
        return Err("is empty, but part of the path".into());
    }
    let between = match (style, explode) {
        (Style::Label, true) => b'.',
        (Style::Matrix, true) => b';',
        _ => b',',
    };
    match style {
        Style::Label => out.push(b'.'),
        Style::Matrix => out.push(b';'),
        _ => {}
    }
    if style == Style::Matrix && !explode {
        word(out, name)?;
        out.push(b'=');
    }
    for (index, (member, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(between);
        }
        match member {
            Some(member) if explode => named(out, member, value)?,
            Some(member) => {
                word(out, member)?;
                out.push(b',');
                word(out, value)?;
            }
            None if explode && style == Style::Matrix => named(out, name, value)?,
            None => word(out, value)?,
        }
    }
    Ok(())
}

/// The value as pairs of names and words: for queries, cookies, forms and multipart fields. `null` and what is empty
/// make no pair.
pub(crate) fn pairs(
    name: &str,
    json: &str,
    spelling: Spelling,
    emit: &mut dyn FnMut(&str, Words<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let delimiter = match spelling.style {
        Style::Json => return one(name, json.into(), emit),
        Style::DeepObject => return deep(&mut name.to_owned(), json, 0, emit),
        Style::SpaceDelimited => b' ',
        Style::PipeDelimited => b'|',
        _ => b',',
    };
    let mut words = Vec::new();
    match Plain::read(json)? {
        Plain::Null => return Ok(()),
        Plain::Text(text) => return one(name, text, emit),
        Plain::List(items) => {
            for raw in items {
                match item(raw.get())? {
                    Some(text) if spelling.explode => one(name, text, emit)?,
                    Some(text) => words.push(text),
                    None => {}
                }
            }
        }
        Plain::Object(members) => {
            for (member, raw) in members.iter() {
                match item(raw.get())? {
                    Some(text) if spelling.explode => one(member, text, emit)?,
                    Some(text) => words.extend([Cow::Owned(member.to_owned()), text]),
                    None => {}
                }
            }
        }
    }
    if words.is_empty() {
        return Ok(());
    }
    let list = &words;
    emit(name, Words { list, delimiter })
}

fn one(
    name: &str,
    text: Cow<'_, str>,
    emit: &mut dyn FnMut(&str, Words<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let words = Words {
        list: &[text],
        delimiter: b',',
    };
    emit(name, words)
}

/// `name[member]`, and `name[0]` for items, so that the upstream can put together exactly what was taken apart.
fn deep(
    name: &mut String,
    json: &str,
    depth: usize,
    emit: &mut dyn FnMut(&str, Words<'_>) -> Result<(), String>,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!("is nested deeper than {MAX_DEPTH} levels"));
    }
    let length = name.len();
    let mut inner = |member: &str, json: &str| {
        name.push('[');
        name.push_str(member);
        name.push(']');
        let done = deep(name, json, depth + 1, emit);
        name.truncate(length);
        done
    };
    match Plain::read(json)? {
        Plain::Null => Ok(()),
        Plain::Text(text) => one(name, text, emit),
        Plain::List(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, raw)| inner(&index.to_string(), raw.get()))
        }
        Plain::Object(members) => members
            .iter()
            .try_for_each(|(member, raw)| inner(member, raw.get())),
    }
}

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

    fn shown(json: &str, style: Style, explode: bool) -> Result<String, String> {
        let mut out = Vec::new();
        pairs("a", json, Spelling { style, explode }, &mut |name, words| {
            if !out.is_empty() {
                out.push(b'&');
            }
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            words.encode(&mut out);
            Ok(())
        })?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn deep_values_are_taken_apart_to_their_leaves() {
        let json = r#"{"x":{"y":[1.10,{"z":null,"w":"ü"}],"e":{}},"t":true}"#;
        let expected = "a[x][y][0]=1.10&a[x][y][1][w]=%C3%BC&a[t]=true";
        assert_eq!(shown(json, Style::DeepObject, true).unwrap(), expected);
        assert_eq!(shown("5", Style::DeepObject, true).unwrap(), "a=5");
        assert_eq!(shown("[]", Style::DeepObject, true).unwrap(), "");
    }

    #[test]
    fn nesting_has_a_bound() {
        let json = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(
            shown(&json, Style::DeepObject, true)
                .unwrap_err()
                .contains("64 levels")
        );
    }

    #[test]
    fn json_for_headers_is_ascii() {
        assert_eq!(
            ascii_json("{\"ü\":\n\"\u{1F600}\"}"),
            r#"{"\u00fc": "\ud83d\ude00"}"#
        );
    }
}
