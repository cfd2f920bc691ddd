//! What YAML and TOML have in common with JSON, with the lines where things stand.

use super::{Fault, Piece};
use indexmap::IndexMap;
use mcp_common::{document::MAX_DEPTH, key::Kind};
use std::rc::Rc;

/// Aliases can make a small file a huge document.
const LARGEST: usize = 32 * 1024 * 1024;

pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

pub(super) enum Value {
    /// JSON text: a number, `true`, `false`, `null`.
    Literal(String),
    Text(String),
    List(Vec<Rc<Node>>),
    Map(IndexMap<String, Rc<Node>>),
}

/// One document, the elements of a list, or those of the lists `tds` and `ids`.
pub(super) fn pieces(root: &Rc<Node>) -> Result<Vec<Piece>, Fault> {
    if let Value::List(elements) = &root.value {
        return elements.iter().map(|element| piece(element, None)).collect();
    }
    let Some(lists) = bundle(&root.value) else {
        return Ok(vec![piece(root, None)?]);
    };
    let elements = lists
        .into_iter()
        .flat_map(|(kind, elements)| elements.iter().map(move |element| (kind, element)));
    elements
        .map(|(kind, element)| piece(element, Some(kind)))
        .collect()
}

/// A list that says what is in it.
type Named<'a> = (Kind, &'a Vec<Rc<Node>>);

fn bundle(value: &Value) -> Option<Vec<Named<'_>>> {
    let Value::Map(members) = value else {
        return None;
    };
    let lists = members.iter().map(|(name, node)| {
        let kind = Kind::of_segment(name);
        match &node.value {
            Value::List(elements) => Some((kind?, elements)),
            _ => None,
        }
    });
    lists
        .collect::<Option<Vec<_>>>()
        .filter(|lists| !lists.is_empty())
}

fn piece(node: &Node, kind: Option<Kind>) -> Result<Piece, Fault> {
    let mut json = String::new();
    write(node, &mut json, 0)?;
    Ok(Piece {
        line: node.line,
        json,
        kind,
    })
}

fn write(node: &Node, json: &mut String, depth: usize) -> Result<(), Fault> {
    if depth > MAX_DEPTH {
        return Err(Fault::new(
            node.line,
            format!("nested deeper than {MAX_DEPTH} levels"),
        ));
    }
    if json.len() > LARGEST {
        let reason = format!("the document has more than {LARGEST} bytes with its aliases written out");
        return Err(Fault::new(node.line, reason));
    }
    match &node.value {
        Value::Literal(text) => json.push_str(text),
        Value::Text(text) => quote(text, json),
        Value::List(elements) => {
            json.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write(element, json, depth + 1)?;
            }
            json.push(']');
        }
        Value::Map(members) => {
            json.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                quote(name, json);
                json.push(':');
                write(member, json, depth + 1)?;
            }
            json.push('}');
        }
    }
    Ok(())
}

fn quote(text: &str, json: &mut String) {
    json.push_str(&serde_json::Value::from(text).to_string());
}
