//! Puts definitions where they are used, if that makes the schema easier to read for a model: those that are used
//! once, and short ones. What contains itself stays under `$defs`.

use crate::authoring::import::cost;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

const PREFIX: &str = "#/$defs/";
/// A definition of this many bytes or less costs no more than the reference to it.
const SHORT: usize = 160;
/// A document may be nested 64 levels deep.
const MAX_DEPTH: usize = 40;

pub(super) fn inline(root: &mut Map<String, Value>, definitions: Map<String, Value>) {
    if definitions.is_empty() {
        return;
    }
    let mut uses = BTreeMap::new();
    root.values()
        .chain(definitions.values())
        .for_each(|value| count(value, &mut uses));
    let mut pinned = BTreeSet::new();
    root.values()
        .chain(definitions.values())
        .for_each(|value| pin(value, &mut pinned));
    let inliner = Inliner {
        uses,
        pinned,
        short: short(&definitions),
        definitions: &definitions,
    };
    for value in root.values_mut() {
        inliner.walk(value, 1);
    }
    let mut kept = Map::new();
    let mut wanted = Vec::new();
    root.values().for_each(|value| references(value, &mut wanted));
    while let Some(name) = wanted.pop() {
        let Some(definition) = definitions.get(&name).filter(|_| !kept.contains_key(&name)) else {
            continue;
        };
        let mut definition = definition.clone();
        inliner.walk(&mut definition, 2);
        references(&definition, &mut wanted);
        kept.insert(name, definition);
    }
    if !kept.is_empty() {
        // In the order in which they were met, whatever the walk was.
        let in_order = definitions
            .keys()
            .filter_map(|name| Some((name.clone(), kept.get(name)?.clone())));
        root.insert("$defs".into(), in_order.collect::<Map<_, _>>().into());
    }
}

struct Inliner<'a> {
    uses: BTreeMap<String, usize>,
    /// Named by a discriminator; they stay where it finds them.
    pinned: BTreeSet<String>,
    /// The schemas so short that a reference costs as much, and without references.
    short: BTreeSet<String>,
    definitions: &'a Map<String, Value>,
}

impl Inliner<'_> {
    fn walk(&self, value: &mut Value, depth: usize) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.walk(item, depth + 1)),
            Value::Object(members) => {
                if let Some(replaced) = self.replacement(members, depth) {
                    *members = replaced;
                }
                members.values_mut().for_each(|value| self.walk(value, depth + 1));
            }
            _ => {}
        }
    }

    fn replacement(&self, members: &Map<String, Value>, depth: usize) -> Option<Map<String, Value>> {
        let name = members.get("$ref")?.as_str()?.strip_prefix(PREFIX)?;
        let is_annotation = |keyword: &str| {
            matches!(
                keyword,
                "$ref" | "description" | "title" | "default" | "deprecated" | "examples"
            )
        };
        if !members.keys().all(|keyword| is_annotation(keyword)) {
            return None;
        }
        if self.pinned.contains(name) {
            return None;
        }
        let definition = self.definitions.get(name)?.as_object()?;
        let uses = self.uses.get(name).copied().unwrap_or_default();
        let is_used_once = uses == 1 && depth + height(definition) <= MAX_DEPTH;
        let is_better_here = is_used_once || (uses > 1 && self.short.contains(name));
        if !is_better_here {
            return None;
        }
        let mut out = definition.clone();
        for (keyword, value) in members.iter().filter(|(keyword, _)| *keyword != "$ref") {
            out.insert(keyword.clone(), value.clone());
        }
        Some(out)
    }
}

fn short(definitions: &Map<String, Value>) -> BTreeSet<String> {
    let is_short = |definition: &Value| {
        cost::of(definition, 2 * SHORT) <= 2 * SHORT && {
            let text = definition.to_string();
            text.len() <= SHORT && !text.contains("\"$ref\"")
        }
    };
    let short = definitions.iter().filter(|(_, definition)| is_short(definition));
    short.map(|(name, _)| name.clone()).collect()
}

fn count(value: &Value, uses: &mut BTreeMap<String, usize>) {
    let mut names = Vec::new();
    references(value, &mut names);
    for name in names {
        *uses.entry(name).or_default() += 1;
    }
}

/// What a mapping refers to, and not a schema.
fn pin(value: &Value, pinned: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| pin(item, pinned)),
        Value::Object(members) => {
            for (keyword, value) in members {
                match value {
                    Value::String(text) if keyword != "$ref" => {
                        pinned.extend(text.strip_prefix(PREFIX).map(str::to_owned));
                    }
                    value => pin(value, pinned),
                }
            }
        }
        _ => {}
    }
}

fn references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::String(text) => out.extend(text.strip_prefix(PREFIX).map(str::to_owned)),
        Value::Array(items) => items.iter().for_each(|item| references(item, out)),
        Value::Object(members) => members.values().for_each(|value| references(value, out)),
        _ => {}
    }
}

fn height(members: &Map<String, Value>) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(of).max().unwrap_or_default(),
            Value::Object(members) => height(members),
            _ => 0,
        }
    }
    1 + members.values().map(of).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn inlined(root: Value, definitions: Value) -> Value {
        let (Value::Object(mut root), Value::Object(definitions)) = (root, definitions) else {
            panic!()
        };
        inline(&mut root, definitions);
        root.into()
    }

    #[test]
    fn what_is_used_once_or_short_stands_where_it_is_used() {
        let long = "x".repeat(SHORT);
        let root = json!({"a": {"$ref": "#/$defs/once", "description": "mine"}, "b": {"$ref": "#/$defs/short"},
            "c": {"$ref": "#/$defs/short"}, "d": {"$ref": "#/$defs/long"}, "e": {"$ref": "#/$defs/long"}});
        let definitions = json!({"once": {"type": "object", "description": "its"}, "short": {"type": "string"},
            "long": {"const": long}, "unused": {}});
        let expected = json!({"a": {"type": "object", "description": "mine"}, "b": {"type": "string"},
            "c": {"type": "string"}, "d": {"$ref": "#/$defs/long"}, "e": {"$ref": "#/$defs/long"},
            "$defs": {"long": {"const": long}}});
        assert_eq!(inlined(root, definitions), expected);
    }

    #[test]
    fn what_contains_itself_stays_a_definition() {
        let root = json!({"a": {"$ref": "#/$defs/node"}});
        let definitions = json!({"node": {"properties": {"leaf": {"$ref": "#/$defs/leaf"}}},
            "leaf": {"items": {"$ref": "#/$defs/node"}}});
        let expected = json!({"a": {"$ref": "#/$defs/node"}, "$defs": {"node": {"properties": {"leaf": {"items": {"$ref": "#/$defs/node"}}}}}});
        assert_eq!(inlined(root, definitions), expected);
    }
}
