//! How many schemas apply to one value, their references followed: checking the value takes that many steps, and twice
//! as many for each definition that refers to the next one twice.
//!
//! A schema that contains itself in a member adds nothing here: how often it applies is for the value to say.

use super::names::Names;
use crate::stack;
use mcp_common::bounds::Bound;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Schemas that apply to the same value: lists, members with names of the author's choice, single ones.
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const NAMED: [&str; 2] = ["dependentSchemas", "dependencies"];
const SINGLE: [&str; 4] = ["not", "if", "then", "else"];
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];
/// Schemas of members and items that may be any.
const OF_MEMBERS: [&str; 2] = ["additionalProperties", "unevaluatedProperties"];
const OF_ITEMS: [&str; 4] = ["items", "additionalItems", "unevaluatedItems", "contains"];

/// References and combinations inside each other for one value; checking it recurses as deep for each of its levels.
pub(super) const MAX_CHAIN: usize = 64;
/// Steps of this check for each schema of the bound.
const EFFORT: usize = 100;

/// Refuses a schema with more of them than the bound. Otherwise: how many are inside of each other for one value at most,
/// itself included.
pub(super) fn check(schema: &Value, bound: Bound) -> Result<usize, String> {
    let names = Names::of(schema);
    // One definition after the other may be inside of this.
    stack::with_room_for(names.objects(), || {
        let mut applied = Applied {
            names,
            known: HashMap::new(),
            bound,
            left: bound.most.saturating_mul(EFFORT),
            longest: 1,
        };
        applied.most(schema)?;
        Ok(applied.longest)
    })
}

struct Applied<'a> {
    names: Names<'a>,
    /// What was found of a schema; nothing while it is being looked at.
    known: HashMap<*const Value, Option<usize>>,
    bound: Bound,
    left: usize,
    longest: usize,
}

impl<'a> Applied<'a> {
    /// The most that apply to one value at the schema's place or below.
    fn most(&mut self, schema: &'a Value) -> Result<usize, String> {
        if !schema.is_object() {
            return Ok(1);
        }
        if let Some(known) = self.known.get(&std::ptr::from_ref(schema)) {
            return Ok(known.unwrap_or(1));
        }
        self.known.insert(schema, None);
        let mut parts = Vec::new();
        self.collect(schema, &mut Vec::new(), &mut parts)?;
        let of_members = self.of_members(&parts)?;
        let of_items = self.of_items(&parts)?;
        let of_names = self.sum(parts.iter().filter_map(|part| part.get("propertyNames")))?;
        let most = parts.len().max(of_members).max(of_items).max(of_names);
        self.bound.check(most).map_err(|exceeded| exceeded.to_string())?;
        self.known.insert(schema, Some(most));
        Ok(most)
    }

    fn of_members(&mut self, parts: &[&'a Map<String, Value>]) -> Result<usize, String> {
        let by_pattern = of_objects(parts, "patternProperties").flat_map(Map::values);
        let mut others = self.sum(by_pattern)?;
        for keyword in OF_MEMBERS {
            others += self.sum(parts.iter().filter_map(|part| part.get(keyword)))?;
        }
        let mut by_name: HashMap<&str, Vec<&'a Value>> = HashMap::new();
        for (name, schema) in of_objects(parts, "properties").flatten() {
            by_name.entry(name).or_default().push(schema);
        }
        let mut most = others;
        for schemas in by_name.into_values() {
            most = most.max(others.saturating_add(self.sum(schemas.into_iter())?));
        }
        Ok(most)
    }

    fn of_items(&mut self, parts: &[&'a Map<String, Value>]) -> Result<usize, String> {
        let mut others = 0;
        for keyword in OF_ITEMS {
            let schemas = parts.iter().filter_map(|part| part.get(keyword));
            others += self.sum(schemas.filter(|schema| schema.is_object()))?;
        }
        let mut most = others;
        for keyword in ["prefixItems", "items"] {
            let lists: Vec<_> = (parts.iter())
                .filter_map(|part| part.get(keyword)?.as_array())
                .collect();
            let length = lists.iter().map(|list| list.len()).max().unwrap_or_default();
            for index in 0..length {
                let schemas = lists.iter().filter_map(|list| list.get(index));
                most = most.max(others.saturating_add(self.sum(schemas)?));
            }
        }
        Ok(most)
    }

    /// What schemas come to that apply to one and the same member.
    fn sum(&mut self, schemas: impl Iterator<Item = &'a Value>) -> Result<usize, String> {
        let mut sum = 0_usize;
        for schema in schemas {
            self.spend(1)?;
            sum = sum.saturating_add(self.most(schema)?);
        }
        Ok(sum)
    }

    /// The schema and those that apply to the same value, each as often as it does.
    fn collect(
        &mut self,
        schema: &'a Value,
        chain: &mut Vec<*const Value>,
        out: &mut Vec<&'a Map<String, Value>>,
    ) -> Result<(), String> {
        let Some(members) = schema.as_object() else {
            return Ok(());
        };
        self.spend(1)?;
        let place = std::ptr::from_ref(schema);
        if chain.contains(&place) {
            return Err(
                "has a reference that leads back to itself without a member or item in between".to_owned(),
            );
        }
        if chain.len() >= MAX_CHAIN {
            return Err(format!(
                "has more than {MAX_CHAIN} references and combinations inside each other for one value"
            ));
        }
        out.push(members);
        self.bound
            .check(out.len())
            .map_err(|exceeded| exceeded.to_string())?;
        chain.push(place);
        self.longest = self.longest.max(chain.len());
        for reference in REFERENCES
            .iter()
            .filter_map(|keyword| members.get(*keyword)?.as_str())
        {
            self.spend(self.names.effort())?;
            for target in self.names.targets(reference) {
                self.collect(target, chain, out)?;
            }
        }
        let lists = LISTS
            .iter()
            .filter_map(|keyword| members.get(*keyword)?.as_array())
            .flatten();
        let named = NAMED
            .iter()
            .filter_map(|keyword| members.get(*keyword)?.as_object());
        let single = SINGLE.iter().filter_map(|keyword| members.get(*keyword));
        for part in lists.chain(named.flat_map(Map::values)).chain(single) {
            self.collect(part, chain, out)?;
        }
        chain.pop();
        Ok(())
    }

    fn spend(&mut self, steps: usize) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(steps)
            .ok_or_else(|| self.bound.exceeded().to_string())?;
        Ok(())
    }
}

fn of_objects<'a>(
    parts: &[&'a Map<String, Value>],
    keyword: &str,
) -> impl Iterator<Item = &'a Map<String, Value>> {
    let objects = parts
        .iter()
        .filter_map(move |part| part.get(keyword)?.as_object());
    objects.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::growth;
    use mcp_common::bounds::Bounds;
    use serde_json::json;

    fn found(schema: &Value) -> Result<(), String> {
        check(schema, Bounds::default().schema_expansion).map(drop)
    }

    /// Definitions of which each refers to the next one twice.
    fn doubling(definition: impl Fn(&str) -> Value) -> Value {
        let definitions = (0..26).map(|n| (format!("d{n}"), definition(&format!("#/$defs/d{}", n + 1))));
        let mut definitions: Map<_, _> = definitions.collect();
        definitions.insert("d26".to_owned(), json!({"type": "string"}));
        json!({"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": definitions})
    }

    #[test]
    fn references_that_double_each_other_are_refused_however_they_are_written() {
        let anchored = |next: &str| json!({"$anchor": next.replace("#/$defs/d", "x"), "allOf": []});
        assert_eq!(found(&doubling(anchored)), Ok(()));
        let killers: [(&str, Value); 6] = [
            (
                "allOf",
                doubling(|next| json!({"allOf": [{"$ref": next}, {"$ref": next}]})),
            ),
            (
                "anyOf and not",
                doubling(|next| json!({"anyOf": [{"$ref": next}], "not": {"$ref": next}})),
            ),
            (
                "if",
                doubling(|next| json!({"if": {"$ref": next}, "then": {"$ref": next}})),
            ),
            (
                "a member",
                doubling(
                    |next| json!({"allOf": [{"properties": {"a": {"$ref": next}}}, {"properties": {"a": {"$ref": next}}}]}),
                ),
            ),
            (
                "items",
                doubling(|next| json!({"items": {"$ref": next}, "contains": {"$ref": next}})),
            ),
            (
                "anchors",
                doubling(|next| {
                    let number: usize = next.trim_start_matches("#/$defs/d").parse().unwrap();
                    let next = format!("#n{number}");
                    json!({"$anchor": format!("n{}", number - 1), "allOf": [{"$ref": next}, {"$dynamicRef": next}]})
                }),
            ),
        ];
        for (what, schema) in killers {
            let reason = found(&schema).unwrap_err();
            assert!(reason.contains("bounds.schema_expansion"), "{what}: {reason}");
        }
        let circle = json!({"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"anyOf": [{"$ref": "#/$defs/n"}]}}});
        assert!(found(&circle).unwrap_err().contains("leads back to itself"));
    }

    #[test]
    fn members_that_double_and_schemas_that_contain_themselves_are_fine() {
        let next = |next: &str| json!({"properties": {"a": {"$ref": next}, "b": {"$ref": next}}});
        assert_eq!(found(&doubling(next)), Ok(()));
        let node = json!({"anyOf": [{"type": "string"}, {"items": {"$ref": "#/$defs/node"}},
            {"properties": {"not": {"$ref": "#/$defs/node"}, "and": {"items": {"$ref": "#/$defs/node"}}}}]});
        let tree = json!({"properties": {"filter": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}});
        assert_eq!(found(&tree), Ok(()));
        let choice: Vec<_> = (0..500).map(|n| json!({"const": n, "title": "x"})).collect();
        assert_eq!(found(&json!({"properties": {"a": {"oneOf": choice}}})), Ok(()));
    }

    #[test]
    fn the_check_takes_time_that_grows_with_the_schema() {
        let chain = |bytes: usize| {
            let count = bytes / 64;
            let definition = |n: usize| {
                let next = format!("#/$defs/d{}", (n + 1) % count);
                (
                    format!("d{n}"),
                    json!({"properties": {"a": {"$ref": next}, "b": {"$ref": next}}}),
                )
            };
            let definitions: Map<_, _> = (0..count).map(definition).collect();
            json!({"$ref": "#/$defs/d0", "$defs": definitions})
        };
        growth::is_linear("chain of references", 1 << 20, chain, |schema| {
            let _ = found(schema);
        });
        let wide = |bytes: usize| {
            let properties =
                (0..bytes / 64).map(|n| (format!("p{n}"), json!({"$ref": "#/$defs/d", "type": "string"})));
            json!({"properties": properties.collect::<Map<_, _>>(), "$defs": {"d": {"type": "string"}}})
        };
        growth::is_linear("many members", 1 << 20, wide, |schema| {
            assert_eq!(found(schema), Ok(()))
        });
    }
}
