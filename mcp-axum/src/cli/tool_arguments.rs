//! Arguments of a tool, as people write them at a command line.

mod convert;

use super::Failure;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use convert::Target;
use indexmap::IndexMap;
use serde_json::{Value, value::RawValue};
use std::{fs, io::Read};

/// Larger files are no arguments.
const LARGEST: u64 = 64 << 20;

#[derive(Args, Clone)]
pub(super) struct ToolArguments {
    /// NAME=VALUE is read as the input schema says; NAME:=JSON as JSON; NAME=@FILE is the file's content (base64 where
    /// the schema says so). `a.b=1` is a member of `a`; a list's name can be repeated.
    #[arg(value_name = "NAME=VALUE")]
    pairs: Vec<String>,
    /// The arguments as one JSON object, @FILE or @- for standard input; NAME=VALUE come on top.
    #[arg(long, value_name = "JSON")]
    arguments: Option<String>,
}

/// A value on its way to JSON text. Numbers keep the text they came in.
enum Node {
    Json(String),
    Object(IndexMap<String, Self>),
    List(Vec<String>),
}

impl ToolArguments {
    /// NAME=VALUE alone.
    pub(super) fn of(pairs: Vec<String>) -> Self {
        Self {
            pairs,
            arguments: None,
        }
    }

    /// As the text of one JSON object.
    pub(super) fn to_json(&self, schema: &Value) -> Result<String, Failure> {
        let mut root: IndexMap<String, Node> = IndexMap::new();
        if let Some(text) = &self.arguments {
            let text = match text.strip_prefix('@') {
                Some(file) => utf8(file, read(file)?)?,
                None => text.clone(),
            };
            let members: IndexMap<String, &RawValue> = serde_json::from_str(&text).map_err(|error| {
                Failure::configuration(format_args!("--arguments: not a JSON object: {error}"))
            })?;
            let members = members.into_iter();
            root.extend(members.map(|(name, raw)| (name, Node::Json(raw.get().to_owned()))));
        }
        // What stands in --arguments may be replaced, what stands in a pair may not be given again.
        let mut given = Vec::new();
        for pair in &self.pairs {
            let (name, operator, text) = split(pair)?;
            let target = convert::find(schema, name);
            let json = match (operator, text.strip_prefix('@')) {
                (":=", Some(file)) => json(name, &utf8(file, read(file)?)?)?,
                (":=", None) => json(name, text)?,
                (_, Some(file)) if target.is_base64() => {
                    Value::from(STANDARD.encode(read(file)?)).to_string()
                }
                (_, Some(file)) => Value::from(utf8(file, read(file)?)?).to_string(),
                (_, None) => target.convert(text),
            };
            place(&mut root, &target, json, operator, &given)
                .map_err(|reason| Failure::configuration(format_args!("{name}: {reason}")))?;
            given.push(target.path);
        }
        Ok(Node::Object(root).to_json())
    }
}

/// The values that the schema has for an argument, if they are few enough to be written there.
pub(super) fn values(schema: &Value, name: &str) -> impl Iterator<Item = String> {
    convert::find(schema, name).values().into_iter()
}

/// The types of an argument.
pub(super) fn kind(schema: &Value, name: &str) -> String {
    convert::find(schema, name).kind()
}

/// What the schema says that it is.
pub(super) fn description<'a>(schema: &'a Value, name: &str) -> &'a str {
    convert::find(schema, name).description()
}

/// `name`, `=` or `:=`, and the rest.
fn split(pair: &str) -> Result<(&str, &str, &str), Failure> {
    let wrong = || {
        Failure::configuration(format_args!(
            "`{pair}` is not NAME=VALUE, NAME:=JSON or NAME=@FILE"
        ))
    };
    let (name, text) = pair.split_once('=').ok_or_else(wrong)?;
    let (name, operator) = match name.strip_suffix(':') {
        Some(name) => (name, ":="),
        None => (name, "="),
    };
    if name.is_empty() {
        return Err(wrong());
    }
    Ok((name, operator, text))
}

fn place(
    root: &mut IndexMap<String, Node>,
    target: &Target<'_>,
    json: String,
    operator: &str,
    given: &[Vec<String>],
) -> Result<(), String> {
    let Some((last, way)) = target.path.split_last() else {
        return Err("names nothing".to_owned());
    };
    let mut members = root;
    for step in way {
        let node = members
            .entry(step.clone())
            .or_insert_with(|| Node::Object(IndexMap::new()));
        if let Node::Json(text) = node {
            let inner: IndexMap<String, &RawValue> =
                serde_json::from_str(text).map_err(|_| format!("`{step}` is given, but not as an object"))?;
            let inner = inner.into_iter();
            *node = Node::Object(
                inner
                    .map(|(name, raw)| (name, Node::Json(raw.get().to_owned())))
                    .collect(),
            );
        }
        let Node::Object(inner) = node else {
            return Err(format!("`{step}` is given as a list"));
        };
        members = inner;
    }
    let is_again = given.contains(&target.path);
    match members.get_mut(last) {
        Some(Node::List(items)) if is_again && operator == "=" => items.push(json),
        _ if is_again => return Err("is given twice, and is no list".to_owned()),
        _ if target.is_item(&json) => drop(members.insert(last.clone(), Node::List(vec![json]))),
        _ => drop(members.insert(last.clone(), Node::Json(json))),
    }
    Ok(())
}

impl Node {
    fn to_json(&self) -> String {
        match self {
            Self::Json(text) => text.clone(),
            Self::List(items) => format!("[{}]", items.join(",")),
            Self::Object(members) => {
                let members = members.iter();
                let members: Vec<String> = members
                    .map(|(name, node)| format!("{}:{}", Value::from(name.as_str()), node.to_json()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }
}

fn json(name: &str, text: &str) -> Result<String, Failure> {
    let raw: Result<&RawValue, _> = serde_json::from_str(text);
    raw.map(|raw| raw.get().to_owned()).map_err(|error| {
        Failure::configuration(format_args!("{name}: not JSON: {error}; texts need quotes there"))
    })
}

fn read(file: &str) -> Result<Vec<u8>, Failure> {
    let wrong = |error: std::io::Error| Failure::runtime(format_args!("{file}: {error}"));
    let mut bytes = Vec::new();
    let count = match file {
        "-" => std::io::stdin().take(LARGEST + 1).read_to_end(&mut bytes),
        path => fs::File::open(path).and_then(|opened| opened.take(LARGEST + 1).read_to_end(&mut bytes)),
    };
    match count.map_err(wrong)? as u64 {
        count if count > LARGEST => Err(Failure::runtime(format_args!(
            "{file}: has more than {LARGEST} bytes"
        ))),
        _ => Ok(bytes),
    }
}

fn utf8(file: &str, bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|_| {
        let reason = "is not UTF-8 text; bytes go into arguments whose schema has `contentEncoding: base64`";
        Failure::runtime(format_args!("{file}: {reason}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(schema: &Value, pairs: &[&str], arguments: Option<&str>) -> Result<String, String> {
        let arguments = ToolArguments {
            pairs: pairs.iter().map(|pair| (*pair).to_owned()).collect(),
            arguments: arguments.map(str::to_owned),
        };
        arguments.to_json(schema).map_err(|failure| failure.to_string())
    }

    #[test]
    fn values_become_what_the_schema_says() {
        let schema = json!({"type": "object", "properties": {
            "id": {"type": "integer"}, "total": {"type": ["number", "null"]}, "name": {"type": "string"},
            "vip": {"type": "boolean"}, "tags": {"type": "array", "items": {"type": "string"}},
            "numbers": {"type": "array", "items": {"type": "integer"}}, "any": {},
            "who": {"$ref": "#/$defs/who"}, "either": {"anyOf": [{"type": "integer"}, {"type": "null"}]}
        }, "$defs": {"who": {"type": "object", "properties": {"age": {"type": "integer"}}}}});
        let table: &[(&[&str], &str)] = &[
            (
                &["id=7", "total=1.10", "name=7", "vip=true"],
                r#"{"id":7,"total":1.10,"name":"7","vip":true}"#,
            ),
            (
                &["id=seven", "total=null", "any=7", "vip=yes"],
                r#"{"id":"seven","total":null,"any":"7","vip":"yes"}"#,
            ),
            (
                &["id:=\"7\"", "any:={\"a\": [1]}"],
                r#"{"id":"7","any":{"a": [1]}}"#,
            ),
            (&["tags=a", "tags=b,c"], r#"{"tags":["a","b,c"]}"#),
            (&["numbers=1", "numbers=2"], r#"{"numbers":[1,2]}"#),
            (&["tags=[\"a\"]"], r#"{"tags":["a"]}"#),
            (&["who.age=7", "who.name=x"], r#"{"who":{"age":7,"name":"x"}}"#),
            (
                &["either=5", "name=a=b", "new="],
                r#"{"either":5,"name":"a=b","new":""}"#,
            ),
            (
                &["id=12345678901234567890123"],
                r#"{"id":12345678901234567890123}"#,
            ),
            (&["id=007", "total=1e3"], r#"{"id":"007","total":1e3}"#),
            (&[], "{}"),
        ];
        for (pairs, expected) in table {
            assert_eq!(read(&schema, pairs, None).unwrap(), *expected);
        }
    }

    #[test]
    fn grouped_arguments_need_not_say_their_group() {
        let schema = json!({"type": "object", "properties": {
            "path": {"type": "object", "properties": {"id": {"type": "integer"}}},
            "query": {"type": "object", "properties": {"q": {"type": "string"}, "id": {}}},
            "body": {"type": "object", "properties": {"n": {"type": "integer"}}}
        }});
        let json = read(&schema, &["q=1", "n=2", "path.id=7"], None).unwrap();
        assert_eq!(json, r#"{"query":{"q":"1"},"body":{"n":2},"path":{"id":7}}"#);
        assert_eq!(read(&schema, &["id=7"], None).unwrap(), r#"{"id":"7"}"#);
    }

    #[test]
    fn pairs_come_on_top_of_an_object() {
        let read = |pairs: &[&str], text: &str| read(&json!({}), pairs, Some(text));
        assert_eq!(
            read(&["a=1"], r#"{"a": 2, "b": 1.10}"#).unwrap(),
            r#"{"a":"1","b":1.10}"#
        );
        assert_eq!(
            read(&["a.c:=3"], r#"{"a": {"b": 1}}"#).unwrap(),
            r#"{"a":{"b":1,"c":3}}"#
        );
        assert!(
            read(&[], "[1]")
                .unwrap_err()
                .contains("--arguments: not a JSON object")
        );
        assert!(
            read(&["a.b=1"], r#"{"a": 1}"#)
                .unwrap_err()
                .contains("not as an object")
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (pairs, expected) in [
            (&["a"][..], "`a` is not NAME=VALUE"),
            (&["=a"], "`=a` is not NAME=VALUE"),
            (&["a:=b"], "a: not JSON"),
            (&["a=1", "a=2"], "a: is given twice, and is no list"),
            (&["a=@/no/such/file"], "/no/such/file: No such file"),
        ] {
            let reason = read(&json!({}), pairs, None).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
