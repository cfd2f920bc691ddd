//! JSON that is changed here and there and stays as it was written everywhere else: numbers keep their text.

use super::reader::{Token, Tokens};
use indexmap::IndexMap;
use serde_json::Value;
use std::fmt;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    /// An object, its members in their order.
    Object(Members),
    /// A list.
    List(Vec<Tree>),
    /// A string, number, boolean or null as it is written.
    Scalar(Box<str>),
}

/// The members of an object.
pub(crate) type Members = IndexMap<String, Tree>;

impl Tree {
    /// Reads a text that has been read as JSON before.
    pub(crate) fn read(json: &str) -> Self {
        let mut open: Vec<(Self, String)> = Vec::new();
        let mut name = String::new();
        for token in Tokens::of(json) {
            let done = match token {
                Token::Name(text) => {
                    name = unquoted(text);
                    continue;
                }
                Token::Object => {
                    open.push((Self::Object(Members::new()), std::mem::take(&mut name)));
                    continue;
                }
                Token::List => {
                    open.push((Self::List(Vec::new()), std::mem::take(&mut name)));
                    continue;
                }
                Token::Scalar(text) => Self::Scalar(text.into()),
                Token::End => match open.pop() {
                    Some((done, of)) => {
                        name = of;
                        done
                    }
                    None => break,
                },
            };
            match open.last_mut() {
                Some((Self::Object(members), _)) => {
                    members.insert(std::mem::take(&mut name), done);
                }
                Some((Self::List(items), _)) => items.push(done),
                Some((Self::Scalar(_), _)) | None => return done,
            }
        }
        Self::Scalar("null".into())
    }

    /// `{}`.
    pub(crate) fn empty() -> Self {
        Self::Object(Members::new())
    }

    pub(crate) fn members(&self) -> Option<&Members> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(crate) fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        match self {
            Self::Scalar(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Scalar(text) if text.starts_with('"') => Some(unquoted(text)),
            _ => None,
        }
    }

    /// The same for all values that are equal in JSON's sense: `1.0` and `1`, members in any order.
    pub(crate) fn canonical(&self) -> String {
        match self {
            Self::Scalar(text) => match serde_json::from_str::<Value>(text) {
                Ok(Value::Number(number)) => match number.as_f64() {
                    Some(value) if value.abs() < 9e15 => value.to_string(),
                    _ => text.to_string(),
                },
                Ok(other) => other.to_string(),
                Err(_) => text.to_string(),
            },
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::canonical).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => {
                let mut members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| format!("{}:{}", quoted(name), value.canonical()))
                    .collect();
                members.sort();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Scalar(quoted(text).into())
    }
}

/// As JSON text, on one line.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(text) => f.write_str(text),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (index, (name, value)) in members.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(f, "{comma}{}:{value}", quoted(name))?;
                }
                f.write_str("}")
            }
        }
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn unquoted(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_and_written_as_it_was() {
        let text = r#"{"a":[1.10,{"b":{}},[],"x\"\u00e9"],"c":{"d":1e2,"":null},"e":true}"#;
        assert_eq!(Tree::read(text).to_string(), text);
        assert_eq!(
            Tree::read(" [ 1 , { \"a\" : 2 } ] ").to_string(),
            r#"[1,{"a":2}]"#
        );
        assert_eq!(Tree::read("7").to_string(), "7");
    }

    #[test]
    fn equal_values_have_one_canonical_text() {
        let same = [
            ("1", "1.0"),
            ("1e2", "100"),
            (r#"{"a":1,"b":[2]}"#, r#"{"b":[2.0],"a":1}"#),
            (r#""\u0061""#, r#""a""#),
        ];
        for (one, other) in same {
            assert_eq!(Tree::read(one).canonical(), Tree::read(other).canonical());
        }
        for (one, other) in [
            ("1", r#""1""#),
            ("12345678901234567890", "12345678901234567891"),
            ("0", "false"),
        ] {
            assert_ne!(Tree::read(one).canonical(), Tree::read(other).canonical());
        }
    }
}
