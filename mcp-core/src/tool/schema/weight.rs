//! What checking a value against a schema may cost, known from the schema alone.
//!
//! A unit is one keyword looked at for one node of a value, about 10 ns. A node of a value is looked at by the schemas
//! that apply at its place: those that stand beside each other (`allOf`, `anyOf`, `$ref` …) add up, those of different
//! members do not. Where a schema refers back to itself in more ways than one at the same place, the number of times
//! that a node is looked at is multiplied on every level, so that the cost grows with the depth as an exponent.

use super::pattern;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// A few milliseconds.
const QUICK: u64 = 1_000_000;
/// A fraction of a second.
const BOUNDED: u64 = 20_000_000;
/// A longer text makes a value that is large itself.
const BOUNDED_BYTES: usize = 1 << 20;
/// Deeper schemas than this are not followed.
const MAX_DEPTH: usize = 128;

/// Words that say nothing about values.
const SILENT: [&str; 12] = [
    "title",
    "description",
    "default",
    "examples",
    "example",
    "$comment",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$schema",
    "$id",
    "$anchor",
];

/// What is known of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// A text that is not longer is quick to check, whatever stands in it.
    quick_bytes: usize,
    /// Units for each byte of a text.
    unit: u64,
    /// The factor by which that is multiplied on each level.
    forks: u64,
}

impl Weight {
    pub(super) fn of(schema: &Value) -> Self {
        let mut walk = Walk {
            root: schema,
            known: HashMap::from([("#", None)]),
            depth: 0,
        };
        let cost = walk.cost(schema);
        let (unit, forks) = (cost.most().max(1), cost.forks.max(1));
        let quick_bytes = match forks {
            1 => usize::try_from(QUICK / unit).unwrap_or(usize::MAX),
            _ => 0,
        };
        Self {
            quick_bytes,
            unit,
            forks,
        }
    }

    pub(super) fn is_quick(&self, json: &str) -> bool {
        json.len() <= self.quick_bytes || (self.forks > 1 && self.units(json) <= QUICK)
    }

    pub(super) fn is_bounded(&self, json: &str) -> bool {
        json.len() <= BOUNDED_BYTES && self.units(json) <= BOUNDED
    }

    /// The most units for this text.
    fn units(&self, json: &str) -> u64 {
        let plain = self.unit.saturating_mul(json.len() as u64);
        match self.forks {
            1 => plain,
            forks => (0..depth(json)).fold(plain, |units, _| units.saturating_mul(forks)),
        }
    }
}

/// How deep a JSON text is nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut most, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// What one schema costs where it applies.
#[derive(Clone, Copy, Default)]
struct Cost {
    /// The cost at the place itself.
    here: u64,
    /// The cost at the dearest place below it.
    below: u64,
    /// How often it refers back at one place.
    forks: u64,
}

impl Cost {
    fn most(&self) -> u64 {
        self.here.max(self.below)
    }

    /// The cost where both apply at the same place.
    fn and(self, other: Self) -> Self {
        Self {
            here: self.here.saturating_add(other.here),
            below: self.below.saturating_add(other.below),
            forks: self.forks.saturating_add(other.forks),
        }
    }

    /// The cost where only one of them applies at a place.
    fn or(self, other: Self) -> Self {
        Self {
            here: self.here.max(other.here),
            below: self.below.max(other.below),
            forks: self.forks.max(other.forks),
        }
    }

    /// Seen from one level higher.
    fn lower(self) -> Self {
        Self {
            here: 0,
            below: self.most(),
            forks: self.forks,
        }
    }

    fn times(self, factor: u64) -> Self {
        Self {
            here: self.here.saturating_mul(factor),
            below: self.below.saturating_mul(factor),
            forks: self.forks.saturating_mul(factor),
        }
    }
}

struct Walk<'a> {
    root: &'a Value,
    /// The cost of what `$ref` has led to; `None` while it is being looked at.
    known: HashMap<&'a str, Option<Cost>>,
    depth: usize,
}

impl<'a> Walk<'a> {
    fn cost(&mut self, schema: &'a Value) -> Cost {
        let Value::Object(members) = schema else {
            return Cost {
                here: 1,
                ..Cost::default()
            };
        };
        if self.depth > MAX_DEPTH {
            return unknown();
        }
        self.depth += 1;
        let cost = self.of_object(members);
        self.depth -= 1;
        cost
    }

    fn of_object(&mut self, members: &'a Map<String, Value>) -> Cost {
        let mut cost = Cost {
            here: 1,
            ..Cost::default()
        };
        // The members of a value: each is one of these, or another one.
        let mut member = Cost::default();
        let mut is_looked_at_twice = false;
        for (keyword, value) in members {
            if SILENT.contains(&keyword.as_str()) {
                continue;
            }
            cost.here += 1;
            match keyword.as_str() {
                "$ref" => cost = cost.and(self.reference(value)),
                "$dynamicRef" | "$recursiveRef" => cost = cost.and(unknown()),
                "allOf" | "anyOf" | "oneOf" => cost = cost.and(self.all(value)),
                "not" | "if" | "then" | "else" => cost = cost.and(self.cost(value)),
                "dependentSchemas" | "dependencies" => cost = cost.and(self.all(value)),
                "properties" => member = member.or(self.one(value)),
                "additionalProperties" => member = member.or(self.cost(value)),
                "patternProperties" => {
                    let patterns = value.as_object().into_iter().flat_map(Map::keys);
                    let patterns = patterns
                        .map(|text| pattern::weight(text))
                        .fold(0, u64::saturating_add);
                    cost.here = cost.here.saturating_add(patterns);
                    cost = cost.and(self.all(value).lower());
                }
                "unevaluatedProperties" | "unevaluatedItems" => {
                    is_looked_at_twice = true;
                    cost = cost.and(self.cost(value).lower());
                }
                "prefixItems" => cost = cost.and(self.one(value).lower()),
                "items" if value.is_array() => cost = cost.and(self.one(value).lower()),
                "items" | "additionalItems" | "contains" | "propertyNames" | "contentSchema" => {
                    cost = cost.and(self.cost(value).lower());
                }
                "pattern" => {
                    let weight = value.as_str().map_or(1, pattern::weight);
                    cost.here = cost.here.saturating_add(weight);
                }
                "enum" | "required" | "dependentRequired" => {
                    let count = value.as_array().map_or(1, Vec::len) as u64;
                    cost.here = cost.here.saturating_add(count / 4);
                }
                // Every item is hashed once more.
                "uniqueItems" | "const" | "format" => cost.here += 4,
                _ => {}
            }
        }
        let cost = cost.and(member.lower());
        // The schemas beside it are asked again which members they know, and so on each level below.
        match is_looked_at_twice {
            true => cost.times(2),
            false => cost,
        }
    }

    fn all(&mut self, schemas: &'a Value) -> Cost {
        let costs = children(schemas).map(|schema| self.cost(schema));
        costs.fold(Cost::default(), Cost::and)
    }

    fn one(&mut self, schemas: &'a Value) -> Cost {
        let costs = children(schemas).map(|schema| self.cost(schema));
        costs.fold(Cost::default(), Cost::or)
    }

    fn reference(&mut self, target: &'a Value) -> Cost {
        let Some(target) = target.as_str() else {
            return unknown();
        };
        match self.known.get(target) {
            Some(Some(cost)) => return *cost,
            // Back to where it began: no more at one place, but once more on the next level.
            Some(None) => {
                return Cost {
                    forks: 1,
                    ..Cost::default()
                };
            }
            None => {}
        }
        let found = match target {
            "#" => Some(self.root),
            _ => target
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer)),
        };
        // Names that are no places (anchors, `$id`) are not followed.
        let Some(schema) = found else {
            return unknown();
        };
        self.known.insert(target, None);
        let cost = self.cost(schema);
        self.known.insert(target, Some(cost));
        cost
    }
}

fn children(schemas: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match schemas {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// Where nothing can be said.
fn unknown() -> Cost {
    Cost {
        here: 1_000,
        below: 1_000,
        forks: 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn usual_schemas_are_quick_to_check() {
        let order = json!({"type": "object", "required": ["id"], "additionalProperties": false, "properties": {
            "id": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$"}, "count": {"type": "integer", "minimum": 1},
            "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        }});
        assert!(
            Weight::of(&order).quick_bytes > 32 << 10,
            "{:?}",
            Weight::of(&order)
        );
        // A tree that refers to itself once at each place.
        let tree = json!({"properties": {"child": {"$ref": "#"}, "children": {"items": {"$ref": "#"}}}});
        assert!(
            Weight::of(&tree).quick_bytes > 64 << 10,
            "{:?}",
            Weight::of(&tree)
        );
    }

    #[test]
    fn what_grows_with_the_depth_is_not_quick() {
        let forked = json!({"$ref": "#/$defs/n", "$defs": {"n": {"anyOf": [
            {"properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["x"]},
            {"properties": {"a": {"$ref": "#/$defs/n"}}, "required": ["y"]},
        ]}}});
        let weight = Weight::of(&forked);
        assert_eq!(weight.forks, 2);
        let nested = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(weight.is_quick(&nested(5)));
        assert!(!weight.is_quick(&nested(30)) && !weight.is_bounded(&nested(30)));
    }

    #[test]
    fn patterns_and_many_schemas_at_one_place_add_up() {
        let around = json!({"properties": {"a": {"pattern": "^(?!.*x$)(a|aa)+$"}}});
        assert!(Weight::of(&around).quick_bytes < 100);
        let branches: Vec<Value> = (0..1_000)
            .map(|n| json!({"properties": {"k": {"const": n}}}))
            .collect();
        assert!(Weight::of(&json!({"oneOf": branches})).quick_bytes < 1_000);
        // Doubling references are looked at once each.
        let mut defs = Map::new();
        for n in 0..60 {
            let next = format!("#/$defs/d{}", n + 1);
            defs.insert(
                format!("d{n}"),
                json!({"allOf": [{"$ref": next}, {"$ref": next}]}),
            );
        }
        defs.insert("d60".to_owned(), json!({"type": "string"}));
        let weight = Weight::of(&json!({"$ref": "#/$defs/d0", "$defs": defs}));
        assert!(!weight.is_bounded("\"a\""), "{weight:?}");
    }
}
