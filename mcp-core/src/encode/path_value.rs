//! A value as a piece of a path.

use super::{Plain, Spelling, item};
use mcp_common::definition::tool::Style;
use std::borrow::Cow;

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
