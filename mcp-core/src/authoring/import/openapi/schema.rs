//! Schemas of any OpenAPI version as JSON Schema 2020-12, each component once under `$defs`, so that a schema that
//! contains itself ends.

mod alternatives;
mod composed;
mod cut;
mod dialect;
mod special;

use super::{
    inline,
    keyword::{Treatment, treatment},
    spec::{Spec, Version},
};
use crate::{
    authoring::import::{
        Unmappable,
        cost::{self, Copies},
        place::At,
    },
    tool::pattern::ecma,
};
use dialect::{bounds, is_nullable, nullable};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

/// Whose schema it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// What the API gets: read-only members are not sent.
    Request,
    /// What it answers. APIs answer more than they describe, so that what would refuse more members is left out.
    Answer,
}

/// What a reference takes beside the name, which is gone where the definition stands in its place.
const REFERENCE: usize = 32;
/// Schemas of members that are looked at for what says that they are read-only, parts of `allOf` included, in one operation.
const MAX_LOOKS: usize = 200_000;
/// How far the cost of a value may be from the bytes of its text.
const LENIENCE: usize = 2;
/// Of a pattern that the report names.
const MAX_PATTERN: usize = 100;

/// What became of a schema.
#[derive(Debug)]
pub(super) struct Finished {
    /// What was left out of it.
    pub(super) details: Vec<String>,
    /// Whether it describes what is nearest to its root, and leaves the rest open.
    pub(super) is_cut: bool,
}

/// Schemas that share their definitions.
pub(super) struct Schemas<'s> {
    pub(super) spec: &'s Spec<'s>,
    direction: Direction,
    definitions: Map<String, Value>,
    /// Reference → name in `$defs`.
    names: BTreeMap<String, String>,
    waiting: VecDeque<(String, String)>,
    /// How often each last word of a reference is in a name.
    taken: BTreeMap<String, usize>,
    /// Schemas that may still be read: a bound on work and size.
    left: usize,
    /// Bytes that the whole may have.
    max_bytes: usize,
    copies: Copies,
    /// Patterns of other dialects, which are left out.
    unreadable: Vec<String>,
    /// Parts of `allOf` inside of each other that are written out.
    written_out: usize,
    /// Schemas that may still be looked at for what hides a member.
    looks: Cell<usize>,
}

impl<'s> Schemas<'s> {
    pub(super) fn new(spec: &'s Spec<'s>, direction: Direction, max_bytes: usize) -> Self {
        let left = match direction {
            Direction::Request => 20_000,
            Direction::Answer => 400,
        };
        Self {
            spec,
            direction,
            definitions: Map::new(),
            names: BTreeMap::new(),
            waiting: VecDeque::new(),
            taken: BTreeMap::new(),
            left,
            max_bytes,
            copies: Copies::new(),
            unreadable: Vec::new(),
            written_out: 0,
            looks: Cell::new(MAX_LOOKS),
        }
    }

    /// One schema; its references point into `$defs`.
    pub(super) fn convert(&mut self, schema: &Value, at: &At<'_>) -> Result<Value, Unmappable> {
        let members = match schema {
            Value::Object(members) => members,
            Value::Bool(_) => return Ok(schema.clone()),
            _ => return Err(Unmappable::at(at, "is not a schema")),
        };
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| Unmappable::at(at, "has more schemas than can be of use"))?;
        let Some(reference) = members.get("$ref").and_then(Value::as_str) else {
            return self.members(members, at);
        };
        let name = self.name(reference, at)?;
        let mut out = Map::new();
        out.insert("$ref".into(), format!("#/$defs/{name}").into());
        let is_sibling = |keyword: &str| match self.spec.version {
            Version::V31 => keyword != "$ref",
            // Before 3.1 nothing may stand beside `$ref`, but many write these and mean them.
            _ => matches!(
                keyword,
                "description" | "nullable" | "x-nullable" | "deprecated" | "default"
            ),
        };
        let beside: Map<String, Value> = members
            .iter()
            .filter(|(keyword, _)| is_sibling(keyword))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        if !beside.is_empty() {
            let is_nullable = is_nullable(&beside);
            let converted = self.members(&beside, at)?;
            if let Value::Object(converted) = converted {
                out.extend(
                    converted
                        .into_iter()
                        .filter(|(keyword, _)| keyword != "anyOf" || !is_nullable),
                );
            }
            if is_nullable {
                return Ok(nullable(out));
            }
        }
        Ok(out.into())
    }

    /// Adds `$defs` to a schema that is complete otherwise, and puts what is used once where it is used.
    pub(super) fn finish(
        mut self,
        root: &mut Map<String, Value>,
        operation: &str,
    ) -> Result<Finished, Unmappable> {
        // Each of them will be in it once at least; what is too large is not made to its end.
        let (mut found, most) = (0, self.max_bytes.saturating_mul(LENIENCE));
        while let Some((name, reference)) = self.waiting.pop_front() {
            let target = self.spec.target(&reference).map_err(Unmappable)?;
            if found > most {
                self.definitions.insert(name.clone(), cut::unread(&name));
                continue;
            }
            let converted = self.convert(target, &At::root(&reference))?;
            found += cost::of(&converted, most).saturating_sub(REFERENCE + name.len());
            self.definitions.insert(name, converted);
            if found > most && self.direction == Direction::Answer {
                return Err(Unmappable(cost::too_large(self.max_bytes)));
            }
        }
        let is_cut = self.direction == Direction::Request && self.is_too_large(root, found);
        if is_cut {
            cut::cut(root, &mut self.definitions, self.max_bytes);
        }
        inline::inline(root, self.definitions);
        self.unreadable.sort();
        self.unreadable.dedup();
        let note = |pattern: &String| {
            let pattern: String = pattern.chars().take(MAX_PATTERN).collect();
            format!(
                "{operation}: the pattern `{pattern}` is left out: other programs than its author's read it differently"
            )
        };
        Ok(Finished {
            details: self.unreadable.iter().map(note).collect(),
            is_cut,
        })
    }

    /// Whether the whole is more than the bound, once it is put together: `found` is what its definitions are worth.
    fn is_too_large(&self, root: &Map<String, Value>, found: usize) -> bool {
        let most = self.max_bytes;
        let own = cost::of_members(root, most);
        if own > most {
            // There is nothing nearer that could be told.
            return false;
        }
        let apart = found.saturating_add(own);
        if apart <= most / LENIENCE || apart > most.saturating_mul(LENIENCE) {
            return apart > most;
        }
        let mut whole = root.clone();
        inline::inline(&mut whole, self.definitions.clone());
        cost::of_members(&whole, most) > most
    }

    fn name(&mut self, reference: &str, at: &At<'_>) -> Result<String, Unmappable> {
        if let Some(name) = self.names.get(reference) {
            return Ok(name.clone());
        }
        self.spec
            .target(reference)
            .map_err(|reason| Unmappable::at(at, reason))?;
        let last = reference.rsplit('/').next().unwrap_or_default();
        let last = percent_decode_str(last).decode_utf8_lossy();
        let clean: String = last
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let base = if clean.is_empty() {
            "schema".to_owned()
        } else {
            clean
        };
        let mut name = base.clone();
        while let Some(number) = self.taken.get_mut(&name) {
            *number += 1;
            name = format!("{base}_{number}");
        }
        self.taken.insert(name.clone(), 1);
        self.names.insert(reference.to_owned(), name.clone());
        self.waiting.push_back((name.clone(), reference.to_owned()));
        Ok(name)
    }

    fn members(&mut self, members: &Map<String, Value>, at: &At<'_>) -> Result<Value, Unmappable> {
        let hidden = self.hidden_members(members);
        self.members_without(members, &hidden, at)
    }

    /// `hidden`: those that only the other direction has, wherever in the composition they stand.
    fn members_without(
        &mut self,
        members: &Map<String, Value>,
        hidden: &BTreeSet<String>,
        at: &At<'_>,
    ) -> Result<Value, Unmappable> {
        for refused in ["$dynamicRef", "$recursiveRef"] {
            if members.contains_key(refused) {
                return Err(Unmappable::at(at, format!("`{refused}` is not supported")));
            }
        }
        let mut is_open = false;
        let mut out = Map::new();
        for (keyword, value) in members {
            let at = at.then(keyword);
            match treatment(keyword) {
                Treatment::Drop => {}
                Treatment::Copy => {
                    self.copies.take(value)?;
                    out.insert(keyword.clone(), value.clone());
                }
                Treatment::Schema => self.one(keyword, value, &at, &mut out)?,
                Treatment::Schemas if keyword == "allOf" && self.is_composed(members, hidden) => {
                    self.all_of(value, hidden, &at, &mut out)?;
                }
                Treatment::Schemas => self.list(keyword, value, &at, &mut out)?,
                Treatment::Named => {
                    let Value::Object(named) = value else {
                        return Err(Unmappable::at(at, "is not an object"));
                    };
                    let mut converted = Map::new();
                    for (name, schema) in named {
                        if keyword == "properties" && hidden.contains(name) {
                            continue;
                        }
                        if keyword == "patternProperties" {
                            match ecma(name) {
                                Some(pattern) => {
                                    let schema = self.convert(schema, &at.then(name))?;
                                    converted.insert(pattern, schema);
                                }
                                None => {
                                    is_open = true;
                                    self.unreadable.push(name.clone());
                                }
                            }
                            continue;
                        }
                        converted.insert(name.clone(), self.convert(schema, &at.then(name))?);
                    }
                    out.insert(keyword.clone(), converted.into());
                }
                Treatment::Special => {
                    self.copies.take(value)?;
                    self.special(keyword, value, hidden, &mut out, &at);
                }
            }
        }
        if is_open {
            // Speaks of the members that have none of the patterns.
            out.shift_remove("additionalProperties");
            out.shift_remove("unevaluatedProperties");
        }
        if out.contains_key("allOf") && out.get("additionalProperties") == Some(&Value::Bool(false)) {
            out.shift_remove("additionalProperties");
            out.insert("unevaluatedProperties".to_owned(), false.into());
        }
        bounds(members, &mut out);
        // The property decides between the alternatives; their schemas alone often fit more than one.
        if out.contains_key("discriminator") && !out.contains_key("anyOf") {
            let lenient = |keyword: String| {
                if keyword == "oneOf" {
                    "anyOf".to_owned()
                } else {
                    keyword
                }
            };
            out = out
                .into_iter()
                .map(|(keyword, value)| (lenient(keyword), value))
                .collect();
        }
        if self.spec.version != Version::V31 && is_nullable(members) {
            return Ok(nullable(out));
        }
        Ok(out.into())
    }

    fn one(
        &mut self,
        keyword: &str,
        value: &Value,
        at: &At<'_>,
        out: &mut Map<String, Value>,
    ) -> Result<(), Unmappable> {
        let closes = matches!(
            keyword,
            "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems"
        );
        if self.direction == Direction::Answer && closes && *value == Value::Bool(false) {
            return Ok(());
        }
        match value {
            // A tuple of drafts before 2020-12.
            Value::Array(_) if keyword == "items" => self.list("prefixItems", value, at, out),
            value => {
                let converted = self.convert(value, at)?;
                out.insert(keyword.to_owned(), converted);
                Ok(())
            }
        }
    }

    fn list(
        &mut self,
        keyword: &str,
        value: &Value,
        at: &At<'_>,
        out: &mut Map<String, Value>,
    ) -> Result<(), Unmappable> {
        let Value::Array(schemas) = value else {
            return Err(Unmappable::at(at, "is not a list"));
        };
        let mut converted = Vec::with_capacity(schemas.len());
        for (index, schema) in schemas.iter().enumerate() {
            converted.push(self.convert(schema, &at.then(&index.to_string()))?);
        }
        if converted.is_empty() {
            return Ok(());
        }
        // Alternatives that no longer refuse unknown members may fit together, and so do those that differ in what nobody checks.
        let is_loose = keyword == "oneOf"
            && !out.contains_key("anyOf")
            && (self.direction == Direction::Answer || alternatives::overlap(&converted));
        out.insert(
            if is_loose { "anyOf" } else { keyword }.to_owned(),
            converted.into(),
        );
        Ok(())
    }
}
