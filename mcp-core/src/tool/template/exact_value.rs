//! JSON values as templates see them. Integers keep all of their digits, up to 128 bits, also in the middle of a text.

use crate::{
    encode::item,
    json::reader::{Token, Tokens},
};
use mcp_common::bounds::depth;
use minijinja::Value;
use std::collections::{BTreeMap, btree_map::Entry};

/// The depth to which the JSON reader goes.
const MAX_DEPTH: usize = 128;

/// Reads one JSON value.
pub(crate) fn read(json: &str) -> Result<Value, String> {
    read_with(json, Manner::Strict)
}

/// Reads one JSON value in which members that are `null` are not there.
pub(crate) fn read_given(json: &str) -> Result<Value, String> {
    read_with(json, Manner::WithoutNulls)
}

/// Reads one JSON value that somebody else wrote: of members of one name the last one counts.
pub(crate) fn read_loosely(json: &str) -> Result<Value, String> {
    read_with(json, Manner::Loose)
}

/// Whether JSON text can be read loosely, known without reading it.
pub(crate) fn is_readable(json: &str) -> bool {
    depth(json.as_bytes()) <= MAX_DEPTH
}

/// What becomes of members that are odd.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Nulls are values, and one that stands twice is an error.
    Strict,
    WithoutNulls,
    Loose,
}

fn read_with(json: &str, manner: Manner) -> Result<Value, String> {
    let mut tokens = Tokens::of(json);
    match tokens.next() {
        Some(token) => value(token, &mut tokens, 0, manner),
        None => Ok(Value::from(())),
    }
}

fn value(token: Token<'_>, tokens: &mut Tokens<'_>, depth: usize, manner: Manner) -> Result<Value, String> {
    if depth > MAX_DEPTH {
        return Err(format!("is nested deeper than {MAX_DEPTH} levels"));
    }
    match token {
        Token::Scalar(json) | Token::Name(json) => scalar(json),
        Token::End => Ok(Value::from(())),
        Token::List => {
            let mut items = Vec::new();
            while let Some(token) = tokens.next().filter(|token| *token != Token::End) {
                items.push(value(token, tokens, depth + 1, manner)?);
            }
            Ok(Value::from(items))
        }
        Token::Object => {
            let mut members = BTreeMap::new();
            while let Some(Token::Name(name)) = tokens.next() {
                let name = item(name)?.unwrap_or_default().into_owned();
                let token = tokens.next().unwrap_or(Token::End);
                let member = value(token, tokens, depth + 1, manner)?;
                match members.entry(name) {
                    Entry::Vacant(place) => drop(place.insert(member)),
                    Entry::Occupied(mut place) if manner == Manner::Loose => drop(place.insert(member)),
                    Entry::Occupied(place) => {
                        return Err(format!("the member `{}` appears twice", place.key()));
                    }
                }
            }
            if manner == Manner::WithoutNulls {
                members.retain(|_, member: &mut Value| !member.is_none());
            }
            Ok(Value::from(members))
        }
    }
}

fn scalar(json: &str) -> Result<Value, String> {
    Ok(match json {
        "true" => true.into(),
        "false" => false.into(),
        text if text.starts_with(['"', 'n']) => match item(text)? {
            Some(text) => Value::from(text.into_owned()),
            None => Value::from(()),
        },
        number => {
            let small = number.parse::<i64>().map(Value::from);
            let large = || number.parse::<i128>().map(Value::from);
            let positive = || number.parse::<u128>().map(Value::from);
            let other = || number.parse::<f64>().map(Value::from);
            small
                .or_else(|_| large())
                .or_else(|_| positive())
                .or_else(|_| other())
                .unwrap_or_default()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::growth;

    #[test]
    fn values_are_what_they_are() {
        for json in [
            r#"{"a":[1,-2,1.5,true,null,"x\n",{"b":{}}],"c":123456789012345678901234567890}"#,
            "18446744073709551616",
            "-170141183460469231731687303715884105728",
            "[]",
        ] {
            assert_eq!(serde_json::to_string(&read(json).unwrap()).unwrap(), json);
        }
        assert!(read(&format!("{}{}", "[".repeat(500), "]".repeat(500))).is_err());
        assert!(read(r#"{"a":1,"a":2}"#).is_err());
    }

    #[test]
    fn reading_is_linear_however_deep() {
        let deep = |size: usize| {
            let depth = size.min(120);
            format!(
                "{}\"{}\"{}",
                "[".repeat(depth),
                "x".repeat(size),
                "]".repeat(depth)
            )
        };
        growth::is_linear("deep lists", growth::ARGUMENTS, deep, |json| {
            read(json).unwrap();
        });
        let digits = |size: usize| "7".repeat(size);
        growth::is_linear("a number", growth::ARGUMENTS, digits, |json| {
            read(json).unwrap();
        });
    }
}
