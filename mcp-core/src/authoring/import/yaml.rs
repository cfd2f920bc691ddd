//! YAML 1.2 (core schema) as a JSON value, everything bounded: an alias can make a small text a huge value.

use super::{ImportError, Limits, Room};
use mcp_common::bounds::{self, JsonBounds};
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Number, Value};
use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

/// The part of the bound that aliases may take. In memory a short text is several times as long as in the document.
const ALIASES: usize = 4;
/// What any value is worth.
const LEAST: usize = 8;

/// The steps in which memory is taken.
const STEP: u64 = 1 << 20;

/// The first document of the text. The memory of its values is taken from `room` as they are made.
pub(super) fn read(text: &str, limits: &Limits, room: &Room) -> Result<Value, ImportError> {
    let mut reader = Reader {
        room,
        owed: text.len() as u64,
        no_room: None,
        open: Vec::new(),
        anchors: HashMap::new(),
        left: limits.max_bytes.saturating_mul(2),
        left_for_copies: limits.max_bytes / ALIASES,
        values: 0,
        bounds: limits.text,
        root: None,
    };
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            ImportError::Unreadable(format!(
                "not YAML: {} at line {} column {}",
                error.info(),
                marker.line(),
                marker.col() + 1
            ))
        })?;
        if let Err(reason) = reader.event(event) {
            let no_room = reader.no_room.take();
            return Err(no_room.unwrap_or_else(|| ImportError::Unreadable(place(&reason, &span))));
        }
        if reader.root.is_some() && reader.open.is_empty() {
            break;
        }
    }
    reader
        .root
        .ok_or_else(|| ImportError::Unreadable("not YAML: there is no document".to_owned()))
}

fn place(reason: &str, span: &Span) -> String {
    format!(
        "{reason} at line {} column {}",
        span.start.line(),
        span.start.col() + 1
    )
}

struct Reader<'a> {
    room: &'a Room,
    /// Bytes that are not taken yet.
    owed: u64,
    no_room: Option<ImportError>,
    open: Vec<Open>,
    anchors: HashMap<usize, Kept>,
    left: usize,
    /// The part of that for what anchors keep and aliases repeat.
    left_for_copies: usize,
    /// Met so far, those of aliases included.
    values: usize,
    bounds: JsonBounds,
    root: Option<Value>,
}

/// What an anchor names.
struct Kept {
    value: Value,
    /// What it is worth in bytes.
    cost: usize,
    /// Levels: aliases of aliases nest without a bracket in the text.
    height: usize,
}

enum Open {
    Sequence {
        anchor: usize,
        items: Vec<Value>,
        start: usize,
    },
    Mapping {
        anchor: usize,
        members: Map<String, Value>,
        /// Members that `<<` brought; the mapping's own win.
        merged: HashSet<String>,
        key: Option<String>,
        start: usize,
    },
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(text.len() + LEAST)?;
                self.count(1)?;
                let is_key = matches!(self.open.last(), Some(Open::Mapping { key: None, .. }));
                if is_key {
                    return self.key(text.into_owned());
                }
                let cost = text.len() + LEAST;
                let value = scalar(text, style, tag.as_deref())?;
                self.remember(anchor, &value, cost)?;
                self.value(value)
            }
            Event::SequenceStart(anchor, _) => {
                let start = self.left;
                self.open(Open::Sequence {
                    anchor,
                    items: Vec::new(),
                    start,
                })
            }
            Event::MappingStart(anchor, _) => {
                let start = self.left;
                self.owed += bounds::OBJECT;
                self.open(Open::Mapping {
                    anchor,
                    members: Map::new(),
                    merged: HashSet::new(),
                    key: None,
                    start,
                })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let missing = "an alias stands before its anchor ends";
                let kept = self.anchors.get(&anchor).ok_or(missing)?;
                let (cost, height) = (kept.cost, kept.height);
                self.check_depth(self.open.len() + height)?;
                self.spend_for_copy(cost)?;
                let kept = self.anchors.get(&anchor).ok_or(missing)?;
                self.value(kept.value.clone())
            }
            _ => Ok(()),
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or("it holds more than can be imported at once")?;
        Ok(())
    }

    fn spend_for_copy(&mut self, bytes: usize) -> Result<(), String> {
        self.left_for_copies = self
            .left_for_copies
            .checked_sub(bytes)
            .ok_or("its aliases make it larger than the bound")?;
        self.count(bytes / LEAST)?;
        self.spend(bytes)
    }

    fn count(&mut self, values: usize) -> Result<(), String> {
        self.values += values;
        let checked = self.bounds.nodes().check(self.values);
        checked.map_err(|exceeded| exceeded.to_string())?;
        self.owed += values as u64 * bounds::VALUE;
        if self.owed >= STEP {
            let taken = self.room.take(std::mem::take(&mut self.owed));
            taken.map_err(|error| {
                let reason = error.to_string();
                self.no_room = Some(error);
                reason
            })?;
        }
        Ok(())
    }

    fn check_depth(&self, depth: usize) -> Result<(), String> {
        let checked = self.bounds.depth().check(depth);
        checked.map_err(|exceeded| format!("nested deeper: {exceeded}"))
    }

    fn open(&mut self, open: Open) -> Result<(), String> {
        self.check_depth(self.open.len() + 1)?;
        self.spend(16)?;
        self.count(1)?;
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let (anchor, value, start) = match self.open.pop() {
            Some(Open::Sequence { anchor, items, start }) => (anchor, Value::Array(items), start),
            Some(Open::Mapping {
                anchor,
                members,
                start,
                ..
            }) => (anchor, Value::Object(members), start),
            None => return Ok(()),
        };
        let cost = start.saturating_sub(self.left);
        self.remember(anchor, &value, cost)?;
        self.value(value)
    }

    fn remember(&mut self, anchor: usize, value: &Value, cost: usize) -> Result<(), String> {
        if anchor > 0 {
            self.spend_for_copy(cost)?;
            let kept = Kept {
                value: value.clone(),
                cost,
                height: height(value),
            };
            self.anchors.insert(anchor, kept);
        }
        Ok(())
    }

    fn key(&mut self, text: String) -> Result<(), String> {
        if let Some(Open::Mapping {
            key, members, merged, ..
        }) = self.open.last_mut()
        {
            if members.contains_key(&text) && !merged.remove(&text) {
                return Err(format!("the member `{text}` appears twice"));
            }
            *key = Some(text);
        }
        Ok(())
    }

    fn value(&mut self, value: Value) -> Result<(), String> {
        match self.open.last_mut() {
            Some(Open::Sequence { items, .. }) => items.push(value),
            Some(Open::Mapping {
                members, key, merged, ..
            }) => match (key.take(), value) {
                (Some(key), Value::Object(source)) if key == "<<" => merge(source, members, merged),
                (Some(key), Value::Array(sources)) if key == "<<" && sources.iter().all(Value::is_object) => {
                    for source in sources {
                        if let Value::Object(source) = source {
                            merge(source, members, merged);
                        }
                    }
                }
                (Some(key), value) => drop(members.insert(key, value)),
                (None, _) => return Err("a key must be a text".to_owned()),
            },
            None => self.root = Some(value),
        }
        Ok(())
    }
}

/// Adds what is not there yet: the mapping's own members and earlier sources win.
fn merge(source: Map<String, Value>, members: &mut Map<String, Value>, merged: &mut HashSet<String>) {
    for (name, value) in source {
        if !members.contains_key(&name) {
            merged.insert(name.clone());
            members.insert(name, value);
        }
    }
}

/// Levels of a value; it has no more than the bound.
fn height(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(height).max().unwrap_or_default(),
        Value::Object(members) => 1 + members.values().map(height).max().unwrap_or_default(),
        _ => 0,
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if style != ScalarStyle::Plain || is_text {
        return Ok(Value::String(text.into_owned()));
    }
    Ok(match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        plain => number(plain).map_or_else(|| Value::String(plain.to_owned()), Value::Number),
    })
}

/// Numbers as the core schema has them; a date or a version stays a text.
fn number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(Number::from);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u64::from_str_radix(digits, 8).ok().map(Number::from);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let shape = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !unsigned.chars().all(shape) {
        return None;
    }
    let positive = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = positive.parse::<u64>() {
        return Some(whole.into());
    }
    if let Ok(whole) = positive.parse::<i64>() {
        return Some(whole.into());
    }
    Number::from_f64(positive.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Value, String> {
        super::read(text, &Limits::default(), &Room::default()).map_err(|error| match error {
            ImportError::Unreadable(reason) => reason,
            other => other.to_string(),
        })
    }

    #[test]
    fn the_core_schema_is_read() {
        let text = "openapi: 3.0.0\nswagger: 2.0\nyes: no\ndate: 2020-01-02\nn: -1\nf: 1e3\nt: true\nz: ~\nq: '1'\n\
                    responses:\n  200: &ok {a: [1, 0x1F]}\n  default: *ok\nm:\n  <<: *ok\n  b: 2\ntext: |\n  two\n  lines\n";
        let expected = json!({
            "openapi": "3.0.0", "swagger": 2.0, "yes": "no", "date": "2020-01-02", "n": -1, "f": 1000.0, "t": true,
            "z": null, "q": "1", "responses": {"200": {"a": [1, 31]}, "default": {"a": [1, 31]}},
            "m": {"a": [1, 31], "b": 2}, "text": "two\nlines\n",
        });
        assert_eq!(read(text).unwrap(), expected);
    }

    #[test]
    fn a_mapping_s_own_members_win_over_merged_ones_in_any_order() {
        let text = "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nfirst:\n  <<: *one\n  a: 3\nlast:\n  a: 3\n  <<: *one\n\
                    both:\n  <<: [*one, *two]\n  c: 3\n";
        let value = read(text).unwrap();
        assert_eq!(value["first"], json!({"a": 3, "b": 1}));
        assert_eq!(value["last"], json!({"a": 3, "b": 1}));
        assert_eq!(value["both"], json!({"a": 1, "b": 1, "c": 3}));
        let twice = read("one: &one {a: 1}\nfirst:\n  <<: *one\n  a: 3\n  a: 4\n");
        assert!(twice.unwrap_err().contains("`a` appears twice"));
    }

    #[test]
    fn what_is_no_bounded_yaml_is_refused_with_its_place() {
        assert!(read("a: [1\nb: 2").unwrap_err().contains("line"));
        assert!(
            read("a: 1\na: 2")
                .unwrap_err()
                .contains("`a` appears twice at line 2")
        );
        assert!(read("? [a]\n: 1").is_err());
        assert!(read(&"[".repeat(1000)).is_err());
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!(
                "a{level}: &a{level} [{}]\n",
                before.trim_end_matches(", ")
            ));
        }
        assert!(read(&bomb).unwrap_err().contains("aliases"));
        let mut tower = String::from("a0: &a0 [x]\n");
        for level in 1..200 {
            tower.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
        }
        assert!(read(&tower).unwrap_err().contains("bounds.description_depth"));
        let many = format!("a: [{}]", "1,".repeat(4_000_001));
        assert!(read(&many).unwrap_err().contains("bounds.description_nodes"));
    }
}
