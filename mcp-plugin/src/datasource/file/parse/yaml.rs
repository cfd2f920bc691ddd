//! YAML 1.2: any number of documents, each of them one definition, a list of them, or the lists `tds` and `ids`.
//!
//! Read from the parser's events and not through a value type, because a value type has no room for `1.10` or an
//! integer of 30 digits, and none for lines.

use super::{
    Fault, Piece, scalar,
    value::{self, Node, Value},
};
use indexmap::IndexMap;
use mcp_common::document::MAX_DEPTH;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use std::{collections::HashMap, rc::Rc};

pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, Fault> {
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
    };
    let mut pieces = Vec::new();
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(pieces),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => {
                let root = reader.node(event, span, 0)?;
                let is_nothing = matches!(&root.value, Value::Literal(text) if text == "null");
                if !is_nothing {
                    pieces.extend(value::pieces(&root)?);
                }
                reader.anchors.clear();
            }
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Rc<Node>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let (place, what) = (error.marker(), error.info());
                let column = place.col() + 1;
                Err(Fault::new(
                    place.line(),
                    format!("no valid YAML at column {column}: {what}"),
                ))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Rc<Node>, Fault> {
        let line = span.start.line();
        if depth > MAX_DEPTH {
            return Err(Fault::new(line, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                return node.ok_or_else(|| Fault::new(line, "an alias inside of what it stands for"));
            }
            Event::Scalar(text, style, anchor, tag) => (anchor, plain(&text, style, tag.as_deref(), line)?),
            Event::SequenceStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), "seq", line)?;
                (anchor, self.list(depth)?)
            }
            Event::MappingStart(anchor, tag) => {
                refuse_tag(tag.as_deref(), "map", line)?;
                (anchor, self.map(depth)?)
            }
            _ => return Err(Fault::new(line, "the document ends too early")),
        };
        let node = Rc::new(Node { line, value });
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut elements = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(elements)),
                (event, span) => elements.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut members: IndexMap<String, Rc<Node>> = IndexMap::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let line = span.start.line();
            let name = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, anchor, _) => {
                    if anchor > 0 {
                        let value = Value::Text(text.to_string());
                        self.anchors.insert(anchor, Rc::new(Node { line, value }));
                    }
                    if style == ScalarStyle::Plain && text == "<<" {
                        let (event, span) = self.next()?;
                        merged.push(self.node(event, span, depth + 1)?);
                        continue;
                    }
                    text.to_string()
                }
                Event::Alias(anchor) => match self.anchors.get(&anchor).map(|node| &node.value) {
                    Some(Value::Text(text)) => text.clone(),
                    _ => return Err(Fault::new(line, "the name of a member has to be text")),
                },
                _ => return Err(Fault::new(line, "the name of a member has to be text")),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if members.contains_key(&name) {
                return Err(Fault::new(line, format!("the member `{name}` appears twice")));
            }
            members.insert(name, value);
        }
        for node in merged {
            merge(&node, &mut members)?;
        }
        Ok(Value::Map(members))
    }
}

/// `<<: *base`, or a list of them: what is not there yet is added.
fn merge(node: &Rc<Node>, members: &mut IndexMap<String, Rc<Node>>) -> Result<(), Fault> {
    match &node.value {
        Value::Map(base) => {
            for (name, value) in base {
                members.entry(name.clone()).or_insert_with(|| value.clone());
            }
            Ok(())
        }
        Value::List(bases) if bases.iter().all(|base| matches!(base.value, Value::Map(_))) => {
            bases.iter().try_for_each(|base| merge(base, members))
        }
        _ => Err(Fault::new(
            node.line,
            "`<<` takes a mapping or a list of mappings",
        )),
    }
}

fn plain(text: &str, style: ScalarStyle, tag: Option<&Tag>, line: usize) -> Result<Value, Fault> {
    let is_text = match tag {
        None => style != ScalarStyle::Plain,
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => true,
        // `!` alone: not to be interpreted.
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => true,
        Some(tag)
            if tag.is_yaml_core_schema() && matches!(&*tag.suffix, "int" | "float" | "bool" | "null") =>
        {
            false
        }
        Some(tag) => return Err(Fault::new(line, format!("the tag `{tag}` is not supported"))),
    };
    if is_text {
        return Ok(Value::Text(text.to_owned()));
    }
    let literal = match text {
        "" | "~" | "null" | "Null" | "NULL" => Some("null".to_owned()),
        "true" | "True" | "TRUE" => Some("true".to_owned()),
        "false" | "False" | "FALSE" => Some("false".to_owned()),
        _ => number(text, line)?,
    };
    Ok(literal.map_or_else(|| Value::Text(text.to_owned()), Value::Literal))
}

fn number(text: &str, line: usize) -> Result<Option<String>, Fault> {
    let magnitude = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(magnitude, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        let reason = format!("{text} is a number that JSON does not have; put it in quotes");
        return Err(Fault::new(line, reason));
    }
    Ok(match text.get(..2) {
        Some("0x") => scalar::radix(&text[2..], 16),
        Some("0o") => scalar::radix(&text[2..], 8),
        _ => scalar::decimal(text),
    })
}

fn refuse_tag(tag: Option<&Tag>, allowed: &str, line: usize) -> Result<(), Fault> {
    match tag {
        Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == allowed) => {
            Err(Fault::new(line, format!("the tag `{tag}` is not supported")))
        }
        _ => Ok(()),
    }
}
