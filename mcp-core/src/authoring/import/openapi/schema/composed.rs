//! `allOf`: what its parts say together. A member is read-only if one part says so, and required whichever part asks for
//! it; parts that are closed each for themselves, as generators write inheritance, mean the members of all of them.

use super::{Direction, Schemas};
use crate::authoring::import::{Unmappable, place::At};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// `allOf` in `allOf`, references followed.
const MAX_DEPTH: usize = 16;
/// Parts that are looked at.
const MAX_PARTS: usize = 200;

impl Schemas<'_> {
    /// Members that only the other direction has, of the schema and of the parts of its `allOf`.
    pub(super) fn hidden_members(&self, members: &Map<String, Value>) -> BTreeSet<String> {
        let mut hidden = BTreeSet::new();
        let mut parts = MAX_PARTS;
        self.each_part(members, MAX_DEPTH, &mut parts, &mut |part| {
            let properties = part.get("properties").and_then(Value::as_object);
            for (name, schema) in properties.into_iter().flatten() {
                if self.is_hidden(schema, MAX_DEPTH) {
                    hidden.insert(name.clone());
                }
            }
        });
        hidden
    }

    /// The schema's own members and those of the parts of its `allOf`, references followed.
    fn each_part<'v>(
        &'v self,
        members: &'v Map<String, Value>,
        depth: usize,
        left: &mut usize,
        look: &mut impl FnMut(&'v Map<String, Value>),
    ) {
        let Some(rest) = left.checked_sub(1) else { return };
        *left = rest;
        look(members);
        let parts = members
            .get("allOf")
            .and_then(Value::as_array)
            .filter(|_| depth > 0);
        for part in parts.into_iter().flatten() {
            if let Ok(Value::Object(part)) = self.spec.resolve(part) {
                self.each_part(part, depth - 1, left, look);
            }
        }
    }

    fn is_hidden(&self, schema: &Value, depth: usize) -> bool {
        let Some(left) = self.looks.get().checked_sub(1) else {
            return false;
        };
        self.looks.set(left);
        let mark = match self.direction {
            Direction::Request => "readOnly",
            Direction::Answer => "writeOnly",
        };
        let says_so = |schema: &Value| schema.get(mark) == Some(&Value::Bool(true));
        let target = self.spec.resolve(schema).unwrap_or(schema);
        let parts = target
            .get("allOf")
            .and_then(Value::as_array)
            .filter(|_| depth > 0);
        says_so(schema)
            || says_so(target)
            || parts
                .into_iter()
                .flatten()
                .any(|part| self.is_hidden(part, depth - 1))
    }

    /// Whether the parts have to be written out, because what one says is not what is meant.
    pub(super) fn is_composed(&self, members: &Map<String, Value>, hidden: &BTreeSet<String>) -> bool {
        let mut found = false;
        let mut left = MAX_PARTS;
        self.each_part(members, MAX_DEPTH, &mut left, &mut |part| {
            let names = part.get("required").and_then(Value::as_array);
            let mut names = names.into_iter().flatten().filter_map(Value::as_str);
            found |= is_closed(part) || names.any(|name| hidden.contains(name));
        });
        found && self.written_out < MAX_DEPTH
    }

    /// The parts without what would close them, and without what is hidden.
    pub(super) fn all_of(
        &mut self,
        parts: &Value,
        hidden: &BTreeSet<String>,
        at: &At<'_>,
        out: &mut Map<String, Value>,
    ) -> Result<(), Unmappable> {
        let Value::Array(parts) = parts else {
            return Err(Unmappable::at(at, "is not a list"));
        };
        self.written_out += 1;
        let mut converted = Vec::with_capacity(parts.len());
        let mut closes = false;
        for (index, part) in parts.iter().enumerate() {
            let at = at.then("allOf");
            let step = index.to_string();
            let at = at.then(&step);
            let spec = self.spec;
            let target = spec.resolve(part).map_err(|reason| Unmappable::at(at, reason))?;
            let Value::Object(part) = target else {
                converted.push(self.convert(part, &at)?);
                continue;
            };
            self.left = self
                .left
                .checked_sub(1)
                .ok_or_else(|| Unmappable::at(at, "has more schemas than can be of use"))?;
            let mut part = self.members_without(part, hidden, &at)?;
            if let Value::Object(part) = &mut part {
                for keyword in ["additionalProperties", "unevaluatedProperties"] {
                    if part.get(keyword) == Some(&Value::Bool(false)) {
                        closes = true;
                        part.shift_remove(keyword);
                    }
                }
            }
            converted.push(part);
        }
        self.written_out -= 1;
        if !converted.is_empty() {
            out.insert("allOf".to_owned(), converted.into());
        }
        if closes && self.direction == Direction::Request {
            out.insert("unevaluatedProperties".to_owned(), false.into());
        }
        Ok(())
    }
}

fn is_closed(schema: &Map<String, Value>) -> bool {
    ["additionalProperties", "unevaluatedProperties"]
        .iter()
        .any(|keyword| schema.get(*keyword) == Some(&Value::Bool(false)))
}
