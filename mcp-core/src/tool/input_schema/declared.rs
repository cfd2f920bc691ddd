//! Which member names a schema speaks of.

use serde_json::Value;
use std::collections::BTreeSet;

/// References and combinations are followed this far.
const MAX_DEPTH: usize = 16;

/// Names that a schema declares for an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) names: BTreeSet<String>,
    /// Whether it invites members that it does not name.
    pub(crate) open: bool,
}

impl Declared {
    /// What a schema that is not there declares.
    pub(crate) fn nothing() -> Self {
        Self {
            names: BTreeSet::new(),
            open: false,
        }
    }

    /// What `schema` declares, whose references resolve inside `root`.
    pub(crate) fn of(schema: &Value, root: &Value) -> Self {
        let mut found = Self::nothing();
        let mut speaks = false;
        found.collect(schema, root, &mut speaks, 0);
        found.open |= !speaks;
        found
    }

    /// Whether an argument of that name can be meant.
    pub(crate) fn allows(&self, name: &str) -> bool {
        self.open || self.names.contains(name)
    }

    fn collect(&mut self, schema: &Value, root: &Value, speaks: &mut bool, depth: usize) {
        let Some(members) = schema.as_object() else { return };
        if depth > MAX_DEPTH {
            self.open = true;
            return;
        }
        if let Some(properties) = members.get("properties").and_then(Value::as_object) {
            *speaks = true;
            self.names.extend(properties.keys().cloned());
        }
        self.open |= members.contains_key("patternProperties");
        for keyword in ["additionalProperties", "unevaluatedProperties"] {
            match members.get(keyword) {
                Some(Value::Bool(false)) => *speaks = true,
                Some(_) => self.open = true,
                None => {}
            }
        }
        if members.contains_key("$ref") {
            match resolve(schema, root) {
                Some(target) => self.collect(target, root, speaks, depth + 1),
                None => self.open = true,
            }
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for part in members
                .get(keyword)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                self.collect(part, root, speaks, depth + 1);
            }
        }
        for keyword in ["if", "then", "else"] {
            if let Some(part) = members.get(keyword) {
                self.collect(part, root, speaks, depth + 1);
            }
        }
        for part in members
            .get("dependentSchemas")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            self.collect(part.1, root, speaks, depth + 1);
        }
    }
}

/// The target of a schema's local `$ref`.
pub(crate) fn resolve<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a Value> {
    let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
    root.pointer(pointer)
        .filter(|target| !std::ptr::eq(*target, schema))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_found_through_combinations_and_references() {
        let schema = json!({
            "properties": {"a": {}}, "allOf": [{"properties": {"b": {}}}, {"$ref": "#/$defs/more"}],
            "if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"d": {}}},
            "$defs": {"more": {"properties": {"c": {}}, "anyOf": [{"$ref": "#/$defs/more"}]}}
        });
        let declared = Declared::of(&schema, &schema);
        assert_eq!(
            declared.names.iter().map(String::as_str).collect::<Vec<_>>(),
            ["a", "b", "c", "d"]
        );
    }

    #[test]
    fn a_schema_is_open_where_it_invites_other_members() {
        let open = |schema: Value| Declared::of(&schema, &schema).open;
        assert!(open(json!({})) && open(json!({"type": "object"})));
        assert!(open(
            json!({"properties": {"a": {}}, "additionalProperties": true})
        ));
        assert!(open(
            json!({"properties": {"a": {}}, "patternProperties": {"^x": {}}})
        ));
        assert!(!open(json!({"properties": {"a": {}}})) && !open(json!({"additionalProperties": false})));
    }
}
