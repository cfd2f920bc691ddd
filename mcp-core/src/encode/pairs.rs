//! A value as pairs of names and words: for queries, cookies, forms and multipart fields.

use super::{Plain, Spelling, Words, item};
use crate::json::reader::{Token, Tokens};
use mcp_common::definition::tool::Style;
use std::{borrow::Cow, collections::HashSet};

/// Objects inside of objects are followed this far.
const MAX_DEPTH: usize = 64;

/// The pairs, one by one. `null` and what is empty make no pair.
pub(crate) fn pairs(
    name: &str,
    json: &str,
    spelling: Spelling,
    emit: &mut dyn FnMut(&str, Words<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let allow_reserved = spelling.allow_reserved;
    let mut pairs = Pairs { emit, allow_reserved };
    let delimiter = match spelling.style {
        Style::Json => return pairs.one(name, json.into()),
        Style::DeepObject => {
            let mut tokens = Tokens::of(json);
            let first = tokens.next().unwrap_or(Token::End);
            return pairs.deep(&mut name.to_owned(), first, &mut tokens, 0);
        }
        Style::SpaceDelimited => b' ',
        Style::PipeDelimited => b'|',
        Style::TabDelimited => b'\t',
        _ => b',',
    };
    let mut words = Vec::new();
    match Plain::read(json)? {
        Plain::Null => return Ok(()),
        Plain::Text(text) => return pairs.one(name, text),
        Plain::List(items) => {
            for raw in items {
                match item(raw.get())? {
                    Some(text) if spelling.explode => pairs.one(name, text)?,
                    Some(text) => words.push(text),
                    None => {}
                }
            }
        }
        Plain::Object(members) => {
            for (member, raw) in members.iter() {
                match item(raw.get())? {
                    Some(text) if spelling.explode => pairs.one(member, text)?,
                    Some(text) => words.extend([Cow::Owned(member.to_owned()), text]),
                    None => {}
                }
            }
        }
    }
    if words.is_empty() {
        return Ok(());
    }
    (pairs.emit)(name, Words::joined(&words, delimiter, allow_reserved))
}

struct Pairs<'e> {
    emit: &'e mut dyn FnMut(&str, Words<'_>) -> Result<(), String>,
    allow_reserved: bool,
}

impl Pairs<'_> {
    fn one(&mut self, name: &str, text: Cow<'_, str>) -> Result<(), String> {
        (self.emit)(name, Words::one(&text, self.allow_reserved))
    }

    /// `name[member]`, and `name[0]` for items, so that the upstream can put together exactly what was taken apart.
    fn deep(
        &mut self,
        name: &mut String,
        token: Token<'_>,
        tokens: &mut Tokens<'_>,
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("is nested deeper than {MAX_DEPTH} levels"));
        }
        let length = name.len();
        let mut inner = |member: &str, token: Token<'_>, tokens: &mut Tokens<'_>| {
            name.push('[');
            name.push_str(member);
            name.push(']');
            let done = self.deep(name, token, tokens, depth + 1);
            name.truncate(length);
            done
        };
        match token {
            Token::End => {}
            Token::Scalar(json) | Token::Name(json) => {
                if let Some(text) = item(json)? {
                    self.one(name, text)?;
                }
            }
            Token::List => {
                let mut index = 0;
                while let Some(token) = tokens.next().filter(|token| *token != Token::End) {
                    inner(&index.to_string(), token, tokens)?;
                    index += 1;
                }
            }
            Token::Object => {
                let mut seen = HashSet::new();
                while let Some(Token::Name(member)) = tokens.next() {
                    let member = item(member)?.unwrap_or_default();
                    inner(&member, tokens.next().unwrap_or(Token::End), tokens)?;
                    if let Some(second) = seen.replace(member) {
                        return Err(format!("the member `{second}` appears twice"));
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str, style: Style, explode: bool) -> Result<String, String> {
        let mut out = Vec::new();
        pairs("a", json, Spelling::new(style, explode), &mut |name, words| {
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
        let twice = shown(r#"{"x":{"y":1,"\u0079":2}}"#, Style::DeepObject, true);
        assert!(twice.unwrap_err().contains("`y` appears twice"));
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
}
